"""How a page writes what a stranger wrote: text without tricks, anchors, times, byte counts. Pure."""

import hashlib
import re
from datetime import UTC, datetime, timedelta

from golfkit import files

_ANCHOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")
_BIDI = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C])  # they reorder a line
_CONTROLS = dict.fromkeys([*(n for n in range(32) if n not in (9, 10)), *range(127, 160), 0xFEFF, 0xFFFE, 0xFFFF])
_SPANS = ((86_400 * 365, "year"), (86_400 * 30, "month"), (86_400, "day"), (3_600, "hour"), (60, "minute"))
EARLIEST = datetime(2006, 1, 1, tzinfo=UTC)  # enwik8 is of that year: an older stamp is no time of a result
AHEAD = timedelta(days=1)  # clocks differ by less


def line(text: str | None, most: int = 400) -> str:
    """A field on one line: control and bidirectional characters are gone, the rest is left as it is."""
    short = files.neutralise((text or "")[: 4 * most]).encode("utf-8", "replace").decode()
    return short if len(short) <= most else f"{short[:most]}…"


def lines(text: str) -> str:
    """A body: line ends and tabs stay, other control characters and those that reorder a line do not."""
    return text.translate(_CONTROLS | _BIDI).encode("utf-8", "replace").decode()


def excerpt(text: str, most: int = 280) -> str:
    """The start of a body on one line, as it was written."""
    return line(lines(text[: 4 * most]), most)


def anchor(kind: str, name: str) -> str:
    """An id that no name can break: the name itself where it is plain, else a digest of it."""
    stem = name.removesuffix(".md")
    plain = _ANCHOR.fullmatch(stem)
    return f"{kind}-{stem if plain else hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def plausible(when: datetime | None, now: datetime) -> bool:
    """Whether something can have been posted then."""
    return when is not None and EARLIEST <= when <= now + AHEAD


def moment(when: datetime | None) -> str:
    """2026-05-01 14:30 UTC; empty where nobody knows."""
    return "" if when is None else f"{when:%Y-%m-%d %H:%M} UTC" if when.year >= 1000 else ""


def ago(when: datetime | None, now: datetime) -> str:
    """3 hours ago."""
    if when is None or not plausible(when, now):
        return ""
    seconds = int((now - when).total_seconds())
    for span, name in _SPANS:
        if seconds >= span:
            n = seconds // span
            return f"{n} {name}{'s' if n > 1 else ''} ago"
    return "just now"


def delta(n_bytes: int, against: int) -> str:
    """The signed difference, with a real minus."""
    n = n_bytes - against
    return "±0" if n == 0 else f"{'+' if n > 0 else '−'}{abs(n):,}"  # noqa: RUF001


def share(n_bytes: int, against: int) -> str:
    """The difference in percent."""
    percent = 100 * (n_bytes - against) / against
    return f"{'−' if percent < 0 else '+'}{abs(percent):.2f} %"  # noqa: RUF001


def size(n_bytes: int) -> str:
    """A file's size for people: 912 B, 14.6 MB."""
    for unit, name in ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")):
        if n_bytes >= unit:
            return f"{n_bytes / unit:.1f} {name}"
    return f"{n_bytes} B"
