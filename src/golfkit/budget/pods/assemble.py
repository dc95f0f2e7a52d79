"""The parts of an ending, from a workspace's settings: what command, watchdog and reap all begin with."""

import hashlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from golfkit import settings
from golfkit.budget.book.journal import Book
from golfkit.budget.book.limits import limits
from golfkit.budget.pods.end import Clock, Ender
from golfkit.budget.pods.journal import Journal
from golfkit.budget.providers import choose
from golfkit.budget.providers.own import Own
from golfkit.budget.providers.protocol import Address, PodProvider

NOBODY = Own(Address("nowhere", 22))  # a provider without a pod, for when there is none to ask for
REAL = Clock(now=time.time, monotonic=time.monotonic, sleep=time.sleep)


def ender(
    home: Path,
    environ: Mapping[str, str],
    say: Callable[[str], None],
    provider: PodProvider | None = None,
    clock: Clock = REAL,
) -> tuple[Ender, Book]:
    """An Ender and the book of the workspace `home`."""
    values = settings.load(environ, home)
    book = Book(home, limits(environ, home))
    journal = Journal(home, clock.now, say)
    if provider is None:  # no key is needed where nothing is open
        is_open = any(entry.open for entry in journal.entries().values())
        provider = choose.provider(values, "runpod") if is_open else NOBODY
    made = Ender(
        home=home,
        provider=provider,
        account=hashlib.sha256((values.runpod_api_key or "").encode()).hexdigest()[:8],
        journal=journal,
        book=book,
        clock=clock,
        say=say,
    )
    return made, book
