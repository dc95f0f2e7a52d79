"""What the events of the budget add up to, and whether another run may start. Pure: `now` is an argument.

    remaining = total - spent
    available = remaining - open reservations - reserve

A run may start when its worst case is at most `available`, and when fewer than `per_hour` runs started within the last
3600 seconds. What was really spent is booked whole even where that overdraws the budget.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from golfkit.budget.book import events
from golfkit.budget.book.events import BadEvent, Charge, Event, Recover, Release, Reserve, Set, Settle, clock
from golfkit.budget.book.money import SECONDS_PER_HOUR, shown


class Limit(NamedTuple):
    """An amount of cents from the settings."""

    cents: int
    source: str  # environment, .env, golf.toml, default
    wins: bool  # over what `golf budget set` wrote


class Limits(NamedTuple):
    """What may be spent, as the settings have it."""

    total: Limit
    reserve: Limit


class Reservation(NamedTuple):
    """Money held for a run that is under way."""

    id: str
    run: str
    worst_cents: int
    usd_per_hour: Decimal  # of the whole machine
    started: float  # Unix seconds
    deadline: float  # Unix seconds


class Closed(NamedTuple):
    """A reservation that is no longer open."""

    reservation: Reservation
    cents: int | None  # None: released, nothing was rented
    ended: float  # Unix seconds

    @property
    def started(self) -> float | None:
        """When its run counts as started: not after it ended, whatever the clock said; None where none did."""
        return None if self.cents is None else min(self.reservation.started, self.ended)


class Booked(NamedTuple):
    """One charge."""

    at: float  # Unix seconds
    run: str
    cents: int
    reservation: str | None  # None: by hand
    note: str


@dataclass(frozen=True, kw_only=True)
class State:
    """The budget after `seq` events."""

    seq: int
    total_cents: int
    total_source: str  # budget set, or where the setting stands
    reserve_cents: int
    reserve_source: str
    set_total_cents: int | None  # by `golf budget set`, whether or not a setting wins over it
    set_reserve_cents: int | None
    spent_cents: int
    open: tuple[Reservation, ...]
    closed: Mapping[str, Closed]  # by id
    starts: tuple[float, ...]  # Unix seconds, oldest first; those that count for the hourly limit
    charges: tuple[Booked, ...]

    @property
    def open_cents(self) -> int:
        """Worst cases of the runs under way."""
        return sum(reservation.worst_cents for reservation in self.open)

    @property
    def remaining_cents(self) -> int:
        """What is not spent; negative when it was overdrawn."""
        return self.total_cents - self.spent_cents

    @property
    def available_cents(self) -> int:
        """What the worst case of another run may be; negative when the reserve is touched."""
        return self.remaining_cents - self.open_cents - self.reserve_cents

    @property
    def warning(self) -> str | None:
        """What to say when less than twice the reserve remains."""
        if self.remaining_cents >= 2 * self.reserve_cents:
            return None
        return f"{shown(self.remaining_cents)} remain, less than twice the reserve of {shown(self.reserve_cents)}"

    def figures(self) -> str:
        """The state in half a line."""
        return (
            f"total {shown(self.total_cents)}, spent {shown(self.spent_cents)}, open {shown(self.open_cents)} "
            f"in {len(self.open)}, reserve {shown(self.reserve_cents)}"
        )


class Verdict(NamedTuple):
    """Whether a run may start, and why."""

    allowed: bool
    reason: str
    warning: str | None


class Tally:
    """Adds up events one after the other; `state` may be asked for in between."""

    def __init__(self) -> None:
        """Of no event."""
        self.seq = 0
        self._set: dict[str, int | None] = {"total": None, "reserve": None}
        self._spent_cents = 0
        self._open: dict[str, Reservation] = {}
        self._closed: dict[str, Closed] = {}
        self._charges: list[Booked] = []
        self._recovered_starts: list[float] = []

    def add(self, event: Event) -> None:
        """Count one more event; BadEvent, and no change, where it cannot follow those before."""
        match event:
            case Set():
                self._set["total"] = self._set["total"] if event.total_cents is None else event.total_cents
                self._set["reserve"] = self._set["reserve"] if event.reserve_cents is None else event.reserve_cents
            case Reserve():
                self._reserve(event)
            case Settle():
                reservation = self._close(event, cents=event.cents)
                self._book(Booked(event.at, reservation.run, event.cents, event.id, event.note))
            case Release():
                self._close(event, cents=None)
            case Charge():
                self._book(Booked(event.at, event.run, event.cents, None, event.note))
            case Recover():
                self._recovered_starts += event.starts
        self.seq += 1

    def state(self, limits: Limits, now: float) -> State:
        """What they add up to at `now` (Unix seconds)."""
        total, total_source = _in_force(limits.total, self._set["total"])
        reserve, reserve_source = _in_force(limits.reserve, self._set["reserve"])
        starts = [
            *(reservation.started for reservation in self._open.values()),
            *(ended.started for ended in self._closed.values() if ended.started is not None),
            *self._recovered_starts,
        ]
        return State(
            seq=self.seq,
            total_cents=total,
            total_source=total_source,
            reserve_cents=reserve,
            reserve_source=reserve_source,
            set_total_cents=self._set["total"],
            set_reserve_cents=self._set["reserve"],
            spent_cents=self._spent_cents,
            open=tuple(self._open.values()),
            closed=dict(self._closed),
            starts=tuple(sorted(start for start in starts if counts(start, now))),
            charges=tuple(self._charges),
        )

    def _reserve(self, event: Reserve) -> None:
        if event.id in self._open or event.id in self._closed:
            raise BadEvent(f"reservation {event.id} is there already, expected a new id")
        self._open[event.id] = Reservation(
            event.id, event.run, event.worst_cents, event.usd_per_hour, event.at, event.deadline
        )

    def _close(self, event: Settle | Release, cents: int | None) -> Reservation:
        """Close a reservation; one that was released may still be settled, as the bill decides."""
        before = self._closed.get(event.id)
        if event.id in self._open:
            reservation = self._open.pop(event.id)
        elif before is not None and before.cents is None and cents is not None:
            reservation = before.reservation
        else:
            raise BadEvent(f"no reservation {event.id} is open, so it cannot be closed")
        self._closed[event.id] = Closed(reservation, cents, event.at)
        return reservation

    def _book(self, charge: Booked) -> None:
        self._spent_cents += charge.cents
        self._charges.append(charge)


def fold(happened: Iterable[events.Event], limits: Limits, now: float) -> State:
    """The state after some events; BadEvent where one cannot follow those before it."""
    tally = Tally()
    for event in happened:
        tally.add(event)
    return tally.state(limits, now)


def may_start(state: State, worst_cents: int, now: float, per_hour: int) -> Verdict:
    """Whether a run that may cost `worst_cents` may start at `now`: the money first, then the hourly limit."""
    if worst_cents > state.available_cents:
        reason = (
            f"its worst case of {shown(worst_cents)} is more than the {shown(state.available_cents)} available "
            f"({state.figures()}); wait for open runs to settle, or raise the total with golf budget set"
        )
        return Verdict(False, reason, state.warning)
    at = next_start(state, now, per_hour)
    if at is None:
        return Verdict(
            True, f"its worst case of {shown(worst_cents)} is within {shown(state.available_cents)}", state.warning
        )
    counted = sum(counts(start, now) for start in state.starts)
    reason = (
        f"{counted} {'run' if counted == 1 else 'runs'} started within the last hour, and promotions_per_hour is "
        f"{per_hour}; the next may start at {clock(at)}, in {math.ceil((at - now) / 60)} minutes"
    )
    if max(state.starts) > now:
        reason += f" (the last start, {clock(max(state.starts))}, is ahead of this clock; is the clock right?)"
    return Verdict(False, reason, state.warning)


def next_start(state: State, now: float, per_hour: int) -> float | None:
    """When the hourly limit lets the next run start, Unix seconds; None for at once."""
    counted = sorted(start for start in state.starts if counts(start, now))
    return counted[-per_hour] + SECONDS_PER_HOUR if len(counted) >= per_hour else None


def counts(start: float, now: float) -> bool:
    """Whether a start is within the last hour; one in the future, after the clock went back, counts as just now."""
    return now - start < SECONDS_PER_HOUR


def _in_force(limit: Limit, written: int | None) -> tuple[int, str]:
    return (limit.cents, limit.source) if written is None or limit.wins else (written, "budget set")
