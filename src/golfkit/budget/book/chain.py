"""Reading a whole journal: its good lines, and where and why it stops being one. Pure, from bytes."""

from typing import NamedTuple

from golfkit.budget.book import events
from golfkit.budget.book.events import SCHEMA, BadEvent, Charge, Event, Recover, Release, Reserve, Set, Settle
from golfkit.budget.book.snapshot import Snapshot
from golfkit.budget.book.state import Limits, Reservation, State, Tally


class Damage(NamedTuple):
    """What is wrong with the journal or with budget.json, and on which line."""

    line: int
    found: str
    of_snapshot: bool = False


class Reading(NamedTuple):
    """A journal up to its first bad line."""

    lines: tuple[str, ...]  # the good ones, without newlines
    digests: tuple[str, ...]  # of each
    tally: Tally  # of their events
    rest: tuple[bytes, ...]  # lines from the bad one on
    damage: Damage | None

    @property
    def seq(self) -> int:
        """Number of the last good line, 0 for none."""
        return len(self.lines)

    @property
    def digest(self) -> str:
        """Digest of the last good line; the first line's predecessor is SCHEMA."""
        return self.digests[-1] if self.digests else SCHEMA


class Plan(NamedTuple):
    """A journal made good again."""

    text: str
    state: State
    digest: str  # of its last line
    n_kept: int  # lines as they were
    n_read: int  # lines behind the damage that still say what happened
    n_lost: int  # lines that do not
    added_cents: int  # that budget.json knew to be spent beyond those
    reopened: tuple[str, ...]  # reservations that only budget.json knew


def read(content: bytes) -> Reading:
    """The good lines of a journal's content, and its damage if it has some."""
    *whole, torn = content.split(b"\n")
    lines: list[str] = []
    digests: list[str] = []
    tally = Tally()
    for n, raw in enumerate(whole, start=1):
        try:
            line = events.decode(_text(raw), n, digests[-1] if digests else SCHEMA)
            tally.add(line.event)
        except BadEvent as error:
            rest = (*whole[n - 1 :], *([torn] if torn else []))
            return Reading(tuple(lines), tuple(digests), tally, rest, Damage(n, str(error)))
        lines.append(_text(raw))
        digests.append(line.digest)
    found = f"a torn line of {len(torn)} bytes, without its newline"
    damage = Damage(len(whole) + 1, found) if torn else None
    return Reading(tuple(lines), tuple(digests), tally, (torn,) if torn else (), damage)


def compare(reading: Reading, snapshot: Snapshot) -> str | None:
    """Why a snapshot cannot belong to a whole journal, None where it can: it may be older, never newer."""
    if snapshot.seq > reading.seq:
        return f"seq is {snapshot.seq}, but budget.jsonl ends at {reading.seq}: the journal lost lines"
    if snapshot.seq and snapshot.digest != reading.digests[snapshot.seq - 1]:
        digest = reading.digests[snapshot.seq - 1]
        return f"digest is {snapshot.digest}, but line {snapshot.seq} of budget.jsonl has {digest}: it was replaced"
    return None


def mend(reading: Reading, snapshot: Snapshot | None, found: str, limits: Limits, now: float) -> Plan:
    """A good journal: the good lines, what the lines behind still say, and what only the snapshot knows.

    Of journal and snapshot the more expensive counts: the larger sum spent, and every reservation that either has open.
    It adds to the reading's tally, so that the reading is used up.
    found  what was wrong, for the journal
    """
    lines, digest, tally = list(reading.lines), reading.digest, reading.tally

    def write(event: Event) -> None:
        nonlocal digest
        tally.add(event)
        lines.append(events.encode(event, len(lines) + 1, digest))
        digest = events.decode(lines[-1], len(lines), digest).digest

    n_lost = 0
    for n, raw in enumerate(reading.rest, start=reading.seq + 1):
        try:
            write(_believed(events.read(_text(raw)), n, snapshot))
        except BadEvent:
            n_lost += 1  # told; the broken file is kept
    n_read = len(lines) - reading.seq
    before = tally.state(limits, now)
    more = _only_in(snapshot, before, now) if snapshot else _More((), 0, ())
    write(Recover(at=now, kept=reading.seq, note=found, starts=more.starts))
    for event in more.events:
        write(event)
    reopened = tuple(event.id for event in more.events if isinstance(event, Reserve))
    text = "".join(f"{line}\n" for line in lines)
    return Plan(text, tally.state(limits, now), digest, reading.seq, n_read, n_lost, more.cents, reopened)


class _More(NamedTuple):
    events: tuple[Event, ...]
    cents: int
    starts: tuple[float, ...]


def _believed(event: Event, n: int, snapshot: Snapshot | None) -> Event:
    """What line `n` behind the damage counts as: of reservations that the snapshot has open, the snapshot is believed.

    A settlement of one is money spent all the same, and the reservation stays open: a person decides.
    """
    held = {reservation.id: reservation for reservation in snapshot.open} if snapshot and n <= snapshot.seq else {}
    match event:
        case Reserve(id=name) if name in held:
            return _reserve(held[name])
        case Settle(id=name) if name in held:
            return Charge(at=event.at, run=held[name].run, cents=event.cents, note=f"a settlement of {name}, doubtful")
        case Release(id=name) if name in held:
            raise BadEvent(f"releases {name}, which budget.json has open later")
    return event


def _reserve(held: Reservation) -> Reserve:
    return Reserve(
        at=held.started,
        id=held.id,
        run=held.run,
        worst_cents=held.worst_cents,
        usd_per_hour=held.usd_per_hour,
        deadline=held.deadline,
    )


def _only_in(snapshot: Snapshot, state: State, now: float) -> _More:
    """What a snapshot has beyond the state that is left of the journal."""
    known = {reservation.id for reservation in state.open} | set(state.closed)
    unknown = [reservation for reservation in snapshot.open if reservation.id not in known]
    found: list[Event] = [_reserve(reservation) for reservation in unknown]
    limits = (snapshot.set_total_cents, snapshot.set_reserve_cents)
    if snapshot.seq >= state.seq and limits != (state.set_total_cents, state.set_reserve_cents):
        found.append(Set(at=now, total_cents=snapshot.set_total_cents, reserve_cents=snapshot.set_reserve_cents))
    cents = max(snapshot.spent_cents - state.spent_cents, 0)
    if cents:
        found.append(Charge(at=now, run="recovered", cents=cents, note="known to budget.json alone"))
    held = [*state.starts, *(reservation.started for reservation in unknown)]
    starts = tuple(start for start in snapshot.starts if start not in held)
    return _More(tuple(found), cents, starts)


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadEvent(f"byte {error.start} of the line is not UTF-8") from error
