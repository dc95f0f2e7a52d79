"""Finish what the journal says is open and nobody works on: after a kill, a power cut, a lost answer."""

from collections.abc import Iterator
from typing import NamedTuple

from golfkit.budget.book.journal import Book
from golfkit.budget.book.limits import END_SECONDS
from golfkit.budget.pods import owner
from golfkit.budget.pods.end import Ender
from golfkit.budget.pods.journal import Entry
from golfkit.errors import GolfError


class Reaped(NamedTuple):
    """What became of one open pod or reservation."""

    name: str
    what: str  # ended, released, owned, failed
    cents: int | None
    error: str | None = None


def reap(ender: Ender, book: Book, *, dry_run: bool = False) -> Iterator[Reaped]:
    """End every open pod of this journal that nobody owns, and release reservations that never came to a pod.

    One that cannot be ended now does not keep the others from it.
    """
    entries = ender.journal.entries()
    for entry in entries.values():
        if not entry.open:
            continue
        if owner.is_owned(ender.home, entry.name) and ender.clock.now() < entry.deadline + END_SECONDS:
            yield Reaped(entry.name, "owned", None)
        elif dry_run:
            yield Reaped(entry.name, "would be ended", None)
        else:
            yield _ended(ender, entry)
    for reservation in book.state(ender.clock.now()).open:
        # A reservation is for a pod name, and its owner is locked before it is made.
        if reservation.run in entries or not reservation.run.startswith(owner.PREFIX):
            continue
        if owner.is_owned(ender.home, reservation.run):
            yield Reaped(reservation.run, "owned", None)
        elif dry_run:
            yield Reaped(reservation.run, "would be released", None)
        else:
            if reservation.run in ender.journal.entries():  # its owner got further since, and died
                continue
            book.release(reservation.id, ender.clock.now(), "its run ended before any pod was asked for")
            yield Reaped(reservation.run, "released", 0)


def _ended(ender: Ender, entry: Entry) -> Reaped:
    try:
        done = ender.end(entry.name)
    except GolfError as error:
        return Reaped(entry.name, "failed", None, str(error))
    return Reaped(entry.name, "ended", done.settled_cents)
