"""What all sources need to make Items of strangers' answers: text without tricks, times, tolerant look-ups. Pure.

Answers are hostile: any type may stand anywhere, text may be 10 MB of control characters. Nothing here raises.
"""

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

from golfkit import files
from golfkit.research.fetch.protocol import Yield
from golfkit.research.items.item import TEXT_CHARACTERS

TITLE_CHARACTERS = 300
AUTHORS = 50  # of a paper that are kept; large collaborations have thousands
_READ = 10 * TEXT_CHARACTERS  # characters of a text that are looked at; the rest could not be kept anyway
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BLANK_LINES = re.compile(r"\n\s*\n\s*")
_BLOCKS = {"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote"}
_BLOCK_TAG = re.compile(rf"</?(?:{'|'.join(sorted(_BLOCKS))})>")  # as nh3 writes them, without attributes


def pick(value: Any, *path: str) -> Any:
    """What lies under the keys of nested JSON objects; None where one of them is missing or no object."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def rows(value: Any) -> list[Any]:
    """`value` where it is a list, else none."""
    return value if isinstance(value, list) else []


def line(value: Any, limit: int = TITLE_CHARACTERS) -> str:
    """Text on one line without control characters; empty where `value` is no text."""
    return files.neutralise(value[: 10 * limit])[:limit].rstrip() if isinstance(value, str) else ""


def prose(value: Any, limit: int = TEXT_CHARACTERS) -> str:
    """Text on its lines without other control characters or runs of blank lines; empty where `value` is no text."""
    if not isinstance(value, str):
        return ""
    text = value[:_READ].replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(c if c.isprintable() or c in "\n\t" else " " for c in text)
    return _BLANK_LINES.sub("\n\n", text).strip()[:limit].rstrip()


def names(values: Any) -> tuple[str, ...]:
    """People's names from a list of text."""
    return tuple(name for name in (line(value) for value in rows(values)[:AUTHORS]) if name)


def stamp(time: datetime) -> str:
    """UTC as 2026-05-01T14:30:00Z."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def number(value: Any) -> float | None:
    """A finite number; None where `value` is none, or one beyond all floats."""
    if type(value) not in (int, float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def iso(value: Any) -> str | None:
    """A time or day in ISO 8601 as `stamp` gives it; without a zone it is UTC. None where it is no such time."""
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value.strip())
        return _believed(time if time.tzinfo else time.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def unix(value: Any, per_second: int = 1) -> str | None:
    """Seconds since 1970, or `per_second`ths of them, as `stamp` gives it; None where it is no such number."""
    seconds = number(value)
    if seconds is None:
        return None
    try:
        return _believed(_EPOCH + timedelta(seconds=seconds / per_second))
    except OverflowError:
        return None


def html_text(html: str) -> str:
    """The text of HTML: blocks on lines of their own, scripts and styles left out, entities resolved."""
    import nh3

    source = html[:_READ].encode("utf-8", "replace").decode("utf-8")  # a lone surrogate has no UTF-8
    return unescape(_BLOCK_TAG.sub("\n", nh3.clean(source, tags=_BLOCKS, attributes={})))


def left_out(found: Yield, where: str, reasons: Sequence[str]) -> None:
    """Say in one line how many entries of an answer could not be used; nothing where all could."""
    if reasons:
        found.remarks.append(f"{where}: {len(reasons)} entries left out, the first because {reasons[0]}")


def _believed(time: datetime) -> str | None:
    """A time as text; None where it lies before 1900, when there was nothing of this."""
    return stamp(time) if time.year >= 1900 else None
