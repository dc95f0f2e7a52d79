"""What happens to the budget, one event a line of budget.jsonl, chained so that no line can change unnoticed.

A line is a JSON object: `seq` (1, 2, 3, ...), `kind`, the event's fields, and last `digest`: the first 16 hex digits of
the sha256 of the digest before (of SCHEMA for the first line) followed by the line without its digest.
"""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

SCHEMA = "golfkit.budget.v1"
YEAR_9999 = 253_370_764_800  # Unix seconds; what lies beyond cannot be written as a date everywhere
_SEALED = re.compile(r'(\{.*), "digest": "([0-9a-f]{16})"\}')


class BadEvent(ValueError):
    """What no golf wrote, or an event that cannot follow those before it; says what was found.

    line, key  where it stands in a text of several lines, as far as that is known
    """

    def __init__(self, found: str, *, line: int = 1, key: str = "") -> None:
        super().__init__(found)
        self.line = line
        self.key = key


@dataclass(frozen=True, kw_only=True)
class Event:
    """Anything that happens. `at` is Unix seconds, kept to the millisecond."""

    at: float


@dataclass(frozen=True, kw_only=True)
class Set(Event):
    """`golf budget set`: a new total, a new reserve, or both; None leaves one as it is."""

    total_cents: int | None
    reserve_cents: int | None


@dataclass(frozen=True, kw_only=True)
class Reserve(Event):
    """A run starts at `at`, and may cost `worst_cents`."""

    id: str
    run: str
    worst_cents: int
    usd_per_hour: Decimal  # of the whole machine
    deadline: float  # Unix seconds, when it is ended at the latest


@dataclass(frozen=True, kw_only=True)
class Settle(Event):
    """The run of a reservation cost `cents`; closes it."""

    id: str
    cents: int
    note: str


@dataclass(frozen=True, kw_only=True)
class Charge(Event):
    """Money spent without a reservation."""

    run: str
    cents: int
    note: str


@dataclass(frozen=True, kw_only=True)
class Release(Event):
    """A reservation closed with no charge: nothing was rented."""

    id: str
    note: str


@dataclass(frozen=True, kw_only=True)
class Recover(Event):
    """`golf budget recover`: lines 1 to `kept` are as they were; the others before this were read from a broken file.

    starts  starts that only budget.json still knew, Unix seconds
    """

    kept: int
    note: str
    starts: tuple[float, ...]


KINDS: dict[str, type[Event]] = {
    kind.__name__.lower(): kind for kind in (Set, Reserve, Settle, Charge, Release, Recover)
}


class Line(NamedTuple):
    """One line of the journal, without its newline."""

    seq: int
    digest: str
    event: Event


def encode(event: Event, seq: int, before: str) -> str:
    """The line of an event; `before` is the digest of the line before it, or SCHEMA."""
    table = {"seq": seq, "kind": type(event).__name__.lower()} | pack(event)
    content = json.dumps(table)
    return f'{content[:-1]}, "digest": "{_digest(before, content)}"}}'


def decode(line: str, seq: int, before: str) -> Line:
    """The event of a line that must be number `seq` and follow the digest `before`."""
    match = _SEALED.fullmatch(line)
    if match is None:
        raise BadEvent(f"{_short(line)} does not end in a digest, so it is no whole line of this journal")
    content, digest = match[1] + "}", match[2]
    if digest != _digest(before, content):
        found = _sequence(content)
        if found != seq:
            raise BadEvent(f"sequence {found}, expected {seq}: lines before it are missing, or their order was changed")
        raise BadEvent(f"digest {digest}, expected {_digest(before, content)}: this line or one before it was edited")
    return Line(seq, digest, read(content, seq))


def read(content: str, seq: int | None = None) -> Event:
    """The event that an object of the journal holds, whatever its digest; `seq` is its number, None for any."""
    table = parse(content)
    found = table.pop("seq", None)
    if seq is not None and found != seq:
        raise BadEvent(f"sequence {found!r}, expected {seq}")
    table.pop("digest", None)
    kind = table.pop("kind", None)
    if kind not in KINDS:
        raise BadEvent(f"kind is {kind!r}, expected one of {', '.join(KINDS)}")
    return unpack(KINDS[kind], table)


def parse(text: str) -> dict[str, Any]:
    """One JSON object."""
    try:
        table = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadEvent(f"not JSON ({error})", line=error.lineno) from error
    except (ValueError, RecursionError) as error:
        raise BadEvent(f"not JSON ({error})") from error
    if not isinstance(table, dict):
        raise BadEvent(f"{_short(text)}, expected one JSON object")
    return table


def pack(record: Any) -> dict[str, Any]:
    """The fields of an event or reservation, as JSON holds them."""
    return {name: _FORMS[name].pack(getattr(record, name)) for name in _names(type(record))}


def unpack(kind: type, table: dict[str, Any]) -> Any:
    """The event or reservation of `pack`'s table; keys and types must be its own."""
    names = _names(kind)
    if set(table) != set(names):
        raise BadEvent(f"{kind.__name__.lower()} has the keys {', '.join(table)}; expected {', '.join(names)}")
    return kind(**{name: take(name, table[name]) for name in names})


def take(name: str, value: Any) -> Any:
    """The value of a field from JSON."""
    try:
        return _FORMS[name].unpack(value)
    except (ValueError, TypeError, InvalidOperation) as error:
        raise BadEvent(f"{name} is {value!r}, expected {_FORMS[name].expected}", key=name) from error


def clock(at: float) -> str:
    """Unix seconds as 2026-05-01T14:30:00.000Z."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _Form(NamedTuple):
    pack: Callable[[Any], Any]
    unpack: Callable[[Any], Any]
    expected: str


def _cents(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is no whole number of cents, 0 or more")
    return value


def _text(value: Any) -> str:
    if type(value) is not str:
        raise ValueError(f"{value!r} is no text")
    return value


def _rate(value: Any) -> Decimal:
    rate = Decimal(_text(value))
    if not (rate.is_finite() and rate >= 0):
        raise ValueError(f"{value} is no price")
    return rate


def _time(value: Any) -> float:
    at = datetime.fromisoformat(_text(value))
    if at.tzinfo is None or not 0 <= at.timestamp() < YEAR_9999:
        raise ValueError(f"{value} is no time with its zone")
    return at.timestamp()


_CENTS = _Form(_cents, _cents, "a whole number, 0 or more")
_LIMIT = _Form(lambda v: v, lambda v: None if v is None else _cents(v), "a whole number, 0 or more, or null")
_TEXT = _Form(_text, _text, "text")
_TIME = _Form(clock, _time, "a time such as 2026-05-01T14:30:00.000Z")
_FORMS = {
    **dict.fromkeys(("cents", "worst_cents", "kept", "spent_cents", "seq"), _CENTS),
    **dict.fromkeys(("total_cents", "reserve_cents"), _LIMIT),
    **dict.fromkeys(("id", "run", "note", "digest"), _TEXT),
    **dict.fromkeys(("at", "started", "deadline"), _TIME),
    "usd_per_hour": _Form(str, _rate, 'dollars in quotes, such as "21.52"'),
    "starts": _Form(lambda v: [clock(at) for at in v], lambda v: tuple(map(_time, v)), "a list of times"),
}


def _names(kind: type) -> list[str]:
    """Field names of a dataclass or NamedTuple, `at` first."""
    return list(getattr(kind, "_fields", None) or [field.name for field in fields(kind)])


def _digest(before: str, content: str) -> str:
    return hashlib.sha256(f"{before}{content}".encode()).hexdigest()[:16]


def _sequence(content: str) -> Any:
    """The number that a line with a wrong digest gives itself; None where it cannot be read."""
    match = re.match(r'\{"seq": ([0-9]{1,18}),', content)
    return int(match[1]) if match else None


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}...")
