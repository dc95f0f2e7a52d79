"""budget.json: the state after the last line of the journal, for people and other programs to read.

golf itself adds up the journal; of the snapshot it uses the number and digest of the last line, which tell when the
journal has lost lines, and in a recovery the figures, where they are the more expensive ones.
"""

import json
from typing import Any, NamedTuple

from golfkit.budget.book import events
from golfkit.budget.book.events import SCHEMA, BadEvent
from golfkit.budget.book.state import Reservation, State


class Snapshot(NamedTuple):
    """What a recovery may need of budget.json."""

    seq: int
    digest: str  # of line `seq` of the journal
    spent_cents: int
    set_total_cents: int | None
    set_reserve_cents: int | None
    open: tuple[Reservation, ...]
    starts: tuple[float, ...]  # Unix seconds


def render(state: State, digest: str) -> str:
    """The text of budget.json; `digest` is that of the journal's last line."""
    record = {
        "schema": SCHEMA,
        "seq": state.seq,
        "digest": digest,
        "total_cents": state.total_cents,
        "reserve_cents": state.reserve_cents,
        "spent_cents": state.spent_cents,
        "open_cents": state.open_cents,
        "remaining_cents": state.remaining_cents,
        "available_cents": state.available_cents,
        "set": {"total_cents": state.set_total_cents, "reserve_cents": state.set_reserve_cents},
        "open": [events.pack(reservation) for reservation in state.open],
        "starts": [events.clock(start) for start in state.starts],
    }
    return json.dumps(record, indent=1) + "\n"


def parse(text: str) -> Snapshot:
    """The snapshot that budget.json holds; BadEvent, with what was found, where it is none."""
    table = events.parse(text)
    if table.get("schema") != SCHEMA:
        raise BadEvent(f"schema is {table.get('schema')!r}, expected {SCHEMA!r}")
    try:
        limits, reservations = table["set"], table["open"]
        return Snapshot(
            **{name: events.take(name, table[name]) for name in ("seq", "digest", "spent_cents", "starts")},
            **{f"set_{name}": events.take(name, limits[name]) for name in ("total_cents", "reserve_cents")},
            open=tuple(events.unpack(Reservation, _object(item)) for item in reservations),
        )
    except KeyError as error:
        raise BadEvent(f"no key {error}") from error
    except TypeError as error:
        raise BadEvent(f"set is {table['set']!r} and open {table['open']!r}, expected an object and a list") from error


def line_of(text: str, key: str) -> int:
    """The line of budget.json on which a key stands; 1 when it cannot be told."""
    return next((n for n, line in enumerate(text.split("\n"), start=1) if line.strip().startswith(f'"{key}"')), 1)


def _object(item: Any) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise BadEvent(f"open holds {item!r}, expected objects")
    return item
