"""The book on disk: budget.jsonl is the truth and is only appended to, budget.json its snapshot; one lock for both.

Every method reads the whole journal under the lock and checks its chain, so that no process ever decides or writes on
a file that is torn, edited or has lost lines: such a one is refused until `golf budget recover` has made it good.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from golfkit import files
from golfkit.budget.book import chain, events, snapshot
from golfkit.budget.book.chain import Damage, Plan, Reading
from golfkit.budget.book.events import BadEvent, Charge, Event, Release, Reserve, Set, Settle
from golfkit.budget.book.money import shown
from golfkit.budget.book.snapshot import Snapshot
from golfkit.budget.book.state import Closed, Limits, State, may_start
from golfkit.errors import Exit, GolfError

JOURNAL = "budget.jsonl"
SNAPSHOT = "budget.json"


class Settled(NamedTuple):
    """What a settlement booked, or had booked before."""

    cents: int
    warning: str | None


class Recovery(NamedTuple):
    """What `recover` found and wrote."""

    problem: str | None  # None: both files are good, nothing was done
    plan: Plan | None
    kept_as: tuple[Path, ...]  # the broken files


class Book:
    """The budget of one workspace. `now` is Unix seconds; amounts are whole cents, negative ones a ValueError."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        """Of the files in `folder`; `limits` are those of the settings (`book.limits.limits`)."""
        self.journal = folder / JOURNAL
        self.snapshot = folder / SNAPSHOT
        self.limits = limits

    def state(self, now: float) -> State:
        """The budget now; rewrites a snapshot that is missing or stale."""
        with self._good() as reading:
            return self._publish(reading.tally.state(self.limits, now), reading.digest)

    def preview(self, now: float, event: Event) -> State:
        """The budget as it would be after one more event; nothing is written of it."""
        with self._good() as reading:
            try:
                reading.tally.add(event)
            except BadEvent as error:
                raise GolfError(f"{self.journal}: {error}; golf budget show lists what is open") from error
            return reading.tally.state(self.limits, now)

    def set(self, now: float, total_cents: int | None = None, reserve_cents: int | None = None) -> State:
        """Write a new total, a new reserve or both into the journal."""
        with self._good() as reading:
            return self._append(reading, Set(at=now, total_cents=total_cents, reserve_cents=reserve_cents), now)

    def reserve(
        self, run: str, worst_cents: int, usd_per_hour: Decimal, now: float, per_hour: int, deadline: float
    ) -> str:
        """Hold a run's worst case, and take its place in the hourly limit; the reservation's id.

        usd_per_hour  of the whole machine
        per_hour      runs that may start within 3600 seconds
        deadline      Unix seconds, when the run is ended at the latest

        Raises GolfError (Exit.NO) with the reason where it may not start; nothing is written then.
        """
        with self._good() as reading:
            verdict = may_start(reading.tally.state(self.limits, now), worst_cents, now, per_hour)
            if not verdict.allowed:
                raise GolfError(f"{self.journal}: {run} may not start: {verdict.reason}", Exit.NO)
            seed = f"{reading.digest} {run} {now!r} {deadline!r}"  # not the number alone: a recovery may give it again
            name = f"r{reading.seq + 1}-{hashlib.sha256(seed.encode('utf-8', 'surrogatepass')).hexdigest()[:6]}"
            event = Reserve(
                at=now, id=name, run=run, worst_cents=worst_cents, usd_per_hour=usd_per_hour, deadline=deadline
            )
            self._append(reading, event, now)
            return name

    def settle(self, reservation: str, cents: int, now: float, note: str = "") -> Settled:
        """Charge what the run cost and close its reservation, in one line.

        A second settlement changes nothing and returns the first one's charge. One after a release is booked: the
        machine was rented after all.
        """
        with self._good() as reading:
            closed, worst_cents = self._find(reading, reservation, now)
            if closed is not None and closed.cents is not None:
                return Settled(closed.cents, None)
            self._append(reading, Settle(at=now, id=reservation, cents=cents, note=note), now)
        if closed is not None:
            return Settled(cents, f"{reservation} was released before; {shown(cents)} are booked all the same")
        over = f"{reservation} cost {shown(cents)}, above its worst case of {shown(worst_cents)}; all of it is booked"
        return Settled(cents, over if cents > worst_cents else None)

    def charge(self, run: str, cents: int, now: float, note: str = "") -> State:
        """Book money that was spent without a reservation."""
        with self._good() as reading:
            return self._append(reading, Charge(at=now, run=run, cents=cents, note=note), now)

    def release(self, reservation: str, now: float, reason: str) -> int:
        """Close a reservation with no charge, as nothing was rented; it leaves the hourly limit, too.

        Changes nothing where it is closed already; the cents that it was settled with, else 0.
        """
        with self._good() as reading:
            closed, _ = self._find(reading, reservation, now)
            if closed is None:
                self._append(reading, Release(at=now, id=reservation, note=reason), now)
            return (closed.cents or 0) if closed else 0

    def recover(self, now: float, *, dry_run: bool = False) -> Recovery:
        """Make damaged files good: keep the broken ones, write the last good state and what is known beyond it.

        Of journal and snapshot the more expensive counts. Good files are left as they are.
        """
        with files.locked(self.snapshot):
            reading = chain.read(self._content())
            text = self._snapshot_text()
            known, damage = _examine(reading, text)
            if damage is None:
                return Recovery(None, None, ())
            problem = f"{self._where(damage)}: {damage.found}"
            plan = chain.mend(reading, known, damage.found, self.limits, now)
            kept = [(path, self._broken(path)) for path in (self.journal, self.snapshot) if path.exists()]
            if not dry_run:
                for path, name in kept:
                    files.atomic_write(name, path.read_bytes())
                files.atomic_write(self.journal, plan.text)
                files.atomic_write(self.snapshot, snapshot.render(plan.state, plan.digest))
                _sync(self.journal.parent)
            return Recovery(problem, plan, tuple(name for _, name in kept))

    @contextlib.contextmanager
    def _good(self) -> Iterator[Reading]:
        """The journal, read and found good, under the lock."""
        with files.locked(self.snapshot):
            reading = chain.read(self._content())
            _, damage = _examine(reading, self._snapshot_text())
            if damage is not None:
                raise GolfError(
                    f"{self._where(damage)}: {damage.found}; the last good state is sequence {reading.seq}: "
                    f"{reading.tally.state(self.limits, 0).figures()}; expected a chain without gaps, so nothing is "
                    f"booked on it: golf budget recover keeps it as {self._broken(self._path(damage)).name} and writes "
                    "a good one"
                )
            yield reading

    def _append(self, reading: Reading, event: Event, now: float) -> State:
        """Write one line, then the snapshot; the line counts, and either is on the disk whole or not at all."""
        line = events.encode(event, reading.seq + 1, reading.digest)
        decoded = events.decode(line, reading.seq + 1, reading.digest)  # times to the millisecond, as others will read
        reading.tally.add(decoded.event)
        size = self.journal.stat().st_size if reading.seq else 0
        try:
            files.append_line(self.journal, line)
        except OSError:
            with contextlib.suppress(FileNotFoundError):
                os.truncate(self.journal, size)  # a full disk tore the line: it was not written, and is not there
            raise
        with contextlib.suppress(OSError):  # the line is booked: failing now would have it booked again
            if not size:
                _sync(self.journal.parent)  # the new file's name
            return self._publish(reading.tally.state(self.limits, now), decoded.digest)
        return reading.tally.state(self.limits, now)

    def _publish(self, state: State, digest: str) -> State:
        """Bring budget.json up to date."""
        text = snapshot.render(state, digest)
        if text != self._snapshot_text() and (state.seq or self.snapshot.exists()):
            files.atomic_write(self.snapshot, text)
        return state

    def _find(self, reading: Reading, reservation: str, now: float) -> tuple[Closed | None, int]:
        """A reservation's end, if it has one, and its worst case."""
        state = reading.tally.state(self.limits, now)
        if reservation in state.closed:
            return state.closed[reservation], state.closed[reservation].reservation.worst_cents
        for found in state.open:
            if found.id == reservation:
                return None, found.worst_cents
        names = ", ".join(found.id for found in state.open) or "none"
        raise GolfError(f"{self.journal}: no reservation {reservation}, expected one of those open ({names}); name it")

    def _content(self) -> bytes:
        return self.journal.read_bytes() if self.journal.exists() else b""

    def _snapshot_text(self) -> str | None:
        return self.snapshot.read_bytes().decode("utf-8", "replace") if self.snapshot.exists() else None

    def _path(self, damage: Damage) -> Path:
        return self.snapshot if damage.of_snapshot else self.journal

    def _where(self, damage: Damage) -> str:
        return f"{self._path(damage)}:{damage.line}"

    def _broken(self, path: Path) -> Path:
        """The first free name for a broken file."""
        n = 1
        while (name := path.with_name(f"{path.name}.broken-{n}")).exists():
            n += 1
        return name


def _examine(reading: Reading, text: str | None) -> tuple[Snapshot | None, Damage | None]:
    """The snapshot, None where there is none to use, and the first damage of journal or snapshot."""
    if text is None:
        return None, reading.damage
    try:
        known = snapshot.parse(text)
    except BadEvent as error:
        line = snapshot.line_of(text, error.key) if error.key else error.line
        return None, reading.damage or Damage(line, str(error), of_snapshot=True)
    if reading.damage is not None:
        return known, reading.damage
    found = chain.compare(reading, known)
    return known, Damage(snapshot.line_of(text, "seq"), found, of_snapshot=True) if found else None


def _sync(folder: Path) -> None:
    """Make names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
