"""A rental as a `with` block: reserved and journaled before the pod exists, ended and booked however the block ends."""

import contextlib
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from golfkit.budget.book.journal import Book
from golfkit.budget.book.limits import END_SECONDS
from golfkit.budget.book.money import cost_cents, dollars
from golfkit.budget.pods import owner, watchdog
from golfkit.budget.pods.end import Ender
from golfkit.budget.pods.journal import Entry
from golfkit.budget.providers.protocol import CreateUnknown, Pod, PodRequest, ProviderError
from golfkit.errors import GolfError
from golfkit.interrupts import held_back

POLL = 3.0  # seconds between two looks at a pod that boots


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a rental may take at most."""

    name: str  # of the pod, unique
    run: str
    usd_per_hour: Decimal  # of the whole machine
    seconds: float  # from the create call to the last second
    per_hour: int  # rentals that may start within an hour
    boot_seconds: float
    grace: float  # seconds in which a create without an answer may still bring a pod

    @property
    def worst_cents(self) -> int:
        """What it costs if it takes all of its time."""
        return cost_cents(self.seconds + END_SECONDS, self.usd_per_hour)


class Rental(NamedTuple):
    """A pod that answers."""

    pod: Pod
    elapsed: Callable[[], float]  # seconds since its create call
    left: Callable[[], float]  # seconds until it is ended


@contextlib.contextmanager
def rented(ender: Ender, book: Book, terms: Terms, request: PodRequest) -> Iterator[Rental]:
    """Rent a pod for the block; the caller owns its name. However the block is left, the pod is ended and booked.

    Raises GolfError (Exit.NO) when the budget or the hourly limit says no: nothing was written then. What kills this
    process outright, the watchdog or the next `golf pods reap` makes good.
    """
    clock, name = ender.clock, terms.name
    now = clock.now()
    deadline = now + terms.seconds
    reservation = book.reserve(name, terms.worst_cents, terms.usd_per_hour, now, terms.per_hour, deadline)
    began = clock.monotonic()

    def elapsed() -> float:
        return clock.monotonic() - began

    entry = Entry(
        name=name,
        run=terms.run,
        provider=ender.provider.name,
        account=ender.account,
        reservation=reservation,
        worst_cents=terms.worst_cents,
        usd_per_hour=terms.usd_per_hour,
        intended=now,
        deadline=deadline,
        grace=terms.grace,
    )
    try:
        ender.journal.intend(entry)
    except OSError:
        book.release(reservation, clock.now(), "the pods journal could not be written, so nothing was rented")
        raise
    try:
        try:
            watchdog.start(ender.home, name)
        except OSError:
            ender.journal.write("absent", name)
            raise
        pod = _created(ender, terms, request)
        yield Rental(_booted(ender, terms, pod, elapsed), elapsed, lambda: terms.seconds - elapsed())
    finally:
        with held_back():  # a second ^C must not leave a pod behind
            ender.end(name, elapsed)


def _created(ender: Ender, terms: Terms, request: PodRequest) -> Pod:
    try:
        pod = ender.provider.create(request)
    except CreateUnknown:
        pod = _recovered(ender, terms)
    except ProviderError:
        ender.journal.write("absent", terms.name)
        raise
    else:
        ender.created(terms.name, pod)
    return pod


def _affordable(terms: Terms, pod: Pod) -> None:
    """Refuse a machine that costs more than what was reserved for it."""
    if pod.usd_per_hour is not None and pod.usd_per_hour > terms.usd_per_hour:
        raise ProviderError(
            f"pod {pod.id} costs ${pod.usd_per_hour} an hour, more than the ${terms.usd_per_hour} that "
            f"${dollars(terms.worst_cents)} were reserved for; it is ended. Set gpu_rate_usd to what it costs"
        )


def _recovered(ender: Ender, terms: Terms) -> Pod:
    """The pod whose create call had no answer."""
    ender.find(terms.name)
    for found in ender.journal.entry(terms.name).living:
        pod = ender.provider.get(found)
        if pod is not None:
            ender.say(f"the create call had no answer; pod {found} was found by its name")
            return pod
    raise ProviderError(f"the create call had no answer, and no pod named {terms.name} came; try again")


def _booted(ender: Ender, terms: Terms, pod: Pod, elapsed: Callable[[], float]) -> Pod:
    """The pod, once it runs and has an address; its price is journaled as soon as the provider names it."""
    seen: Pod | None = pod
    price = pod.usd_per_hour
    while seen is not None and seen.exists:
        if seen.usd_per_hour != price and seen.usd_per_hour is not None:
            price = seen.usd_per_hour
            ender.created(terms.name, seen)
        _affordable(terms, seen)
        if seen.status == "running" and seen.address is not None:
            return seen
        if elapsed() > terms.boot_seconds:
            raise ProviderError(
                f"pod {pod.id} is {seen.status} and has no ssh address after {elapsed():.0f} s; it is ended, try again"
            )
        ender.say(f"pod {pod.id}: {seen.status}, {elapsed():.0f} s")
        ender.clock.sleep(POLL)
        with contextlib.suppress(ProviderError):  # one bad answer is no reason to give up a pod that boots
            seen = ender.provider.get(pod.id)
    raise ProviderError(f"pod {pod.id} ended while it booted; try again")


def new_key(folder: Path, name: str) -> Path:
    """A private ssh key for one pod alone, beside its .pub; whoever reads this pod reaches no other machine with it."""
    path = owner.path_of(folder, name, "key")
    try:
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)],
            check=True,
            capture_output=True,
        )
    except FileNotFoundError as error:
        raise GolfError("ssh-keygen is not installed, expected OpenSSH's client; install it") from error
    return path
