"""Bring a pod to its end: find it, terminate it, see that it is gone, book its cost. The one way, for all who do it.

Every step is journaled and may be repeated, so it can be cut anywhere and begun again by someone else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from golfkit.budget.book.journal import Settled
from golfkit.budget.book.money import cost_cents
from golfkit.budget.pods import owner
from golfkit.budget.pods.journal import Entry, Journal
from golfkit.budget.providers.protocol import Pod, PodProvider, ProviderError

FIRST_WAIT, LONGEST_WAIT = 1.0, 15.0  # seconds between two looks
PATIENCE = 300.0  # seconds of terminating before it is left to the next reap


class Booking(Protocol):
    """The budget, as far as an ending needs it."""

    def settle(self, reservation: str, cents: int, now: float, note: str = "") -> Settled:
        """Charge and close; what was booked before, where it was closed."""

    def release(self, reservation: str, now: float, reason: str) -> int:
        """Close with no charge, and give the hourly slot back; what was booked before, where it was closed."""


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Time, as it is passed in."""

    now: Callable[[], float]  # Unix seconds, may jump
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]


@dataclass(frozen=True, kw_only=True)
class Ender:
    """What an ending works with."""

    home: Path
    provider: PodProvider
    account: str  # digest of the provider's key
    journal: Journal
    book: Booking
    clock: Clock
    say: Callable[[str], None]

    def end(self, name: str, elapsed: Callable[[], float] | None = None) -> Entry:
        """Leave nothing of this pod: no machine, no open reservation. Does nothing where nothing is open.

        elapsed  seconds that it has been rented for, by the owner's monotonic clock; None: from the journal's times
        Raises ProviderError when the provider does not let go within PATIENCE; all stays open, to be ended later.
        """
        with owner.ending(self.home, name):
            entry = self.journal.entry(name)
            if not entry.open:
                return entry
            if entry.account != self.account:
                raise ProviderError(
                    f"pod {name} was rented with another RUNPOD_API_KEY than this one, which cannot see whether it "
                    "lives; set the key that it was rented with"
                )
            if entry.living:
                self.say(f"ending pod {', '.join(entry.living)}")
            for pod in entry.living:  # before the list, which may fail
                self._terminate(name, pod)
            self.find(name)
            for pod in self.journal.entry(name).living:
                self._terminate(name, pod)
            return self._settle(self.journal.entry(name), elapsed)

    def created(self, name: str, pod: Pod) -> None:
        """Journal that the provider made this machine."""
        self.journal.write("created", name, id=pod.id, usd_per_hour=_text(pod.usd_per_hour))

    def find(self, name: str) -> None:
        """Journal the machines of this name that the provider lists and the journal lacks.

        Where there is none yet, the grace of a create call without an answer is waited for.
        """
        entry = self.journal.entry(name)
        if entry.absent:
            return
        began = self.clock.monotonic()
        while True:
            found = [pod for pod in self.provider.list() if pod.name == entry.name and pod.exists]
            new = [pod for pod in found if pod.id not in entry.ids]
            for pod in new:
                self.created(name, pod)
            # The create call may be on its way still; a clock that was set back does not make this wait longer.
            left = min(entry.intended - self.clock.now(), began - self.clock.monotonic()) + entry.grace
            if new or entry.ids or left <= 0:
                break
            self.say(f"pod {entry.name}: not there; its create call has no answer, so it may come: looking again")
            self.clock.sleep(min(left, LONGEST_WAIT / 3))
        if not new and not entry.ids:
            self.journal.write("absent", entry.name)

    def _terminate(self, name: str, pod: str) -> None:
        """Terminate one machine and see that it is gone."""
        began, wait, last = self.clock.monotonic(), FIRST_WAIT, "it is still there"
        while True:
            try:
                seen = self.provider.get(pod)
                if seen is None or not seen.exists:
                    self.journal.write("gone", name, id=pod)
                    return
                self.journal.write("terminating", name, id=pod)
                self.provider.terminate(pod)
            except ProviderError as error:
                last = str(error)
            if self.clock.monotonic() - began > PATIENCE:
                raise ProviderError(
                    f"pod {pod} ({name}) could not be terminated: {last}; it costs money: run golf pods reap, "
                    "or terminate it in the provider's console"
                )
            self.clock.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    def _settle(self, entry: Entry, elapsed: Callable[[], float] | None) -> Entry:
        now, n_pods = self.clock.now(), len(entry.ids)
        if not n_pods:
            note = "no pod was made"
            cents = self.book.release(entry.reservation, now, f"{entry.run}: {note}")
        else:
            lasted = elapsed() if elapsed else rented_seconds(entry)
            note = f"{lasted:.0f} s x {n_pods} at ${entry.usd_per_hour}/h"
            cost = cost_cents(lasted * n_pods, entry.usd_per_hour)
            cents, warning = self.book.settle(entry.reservation, cost, now, f"{entry.run}: {note}")
            if warning:
                self.say(f"warning: {warning}")
        self.journal.write("settled", entry.name, cents=cents, note=note)
        return self.journal.entry(entry.name)


def rented_seconds(entry: Entry) -> float:
    """How long a pod is charged for: from just before its create call until it was seen to be gone. Pure.

    One that was found gone long after it was last seen ended at a time that nobody knows: it is charged to the end of
    its reservation, or until it was last seen. Where the clock went backwards, the whole reservation is charged.
    """
    longest = max(0.0, entry.deadline - entry.intended)
    lasted = (entry.deadline if entry.ended is None else entry.ended) - entry.intended
    if lasted < 0:
        return longest
    seen = 0.0 if entry.seen is None else entry.seen - entry.intended
    if entry.seen is not None and lasted - seen <= 2 * LONGEST_WAIT:
        return lasted
    return min(lasted, max(longest, seen))


def _text(price: object) -> str | None:
    return None if price is None else str(price)
