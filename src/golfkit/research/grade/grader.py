"""What a grader is to the run, and the offline one in that form."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from golfkit.research.grade.graded import Graded
from golfkit.research.grade.llm.purse import Usage
from golfkit.research.grade.names import OFFLINE
from golfkit.research.items.item import Item

CHUNK = 2000  # items that the offline grader's rows are written after
WORTH_A_PROCESS = 250  # items; fewer are judged before a process has started
MOST_PROCESSES = 4


class Opinion(NamedTuple):
    """A grading with what a reading in full adds."""

    graded: Graded
    brief: str = ""
    red_flags: tuple[str, ...] = ()


class Grader(Protocol):
    """Judges items in batches of at most `at_once`."""

    name: str  # llm or offline
    model: str | None
    context: str
    at_once: int

    def grade(self, items: Sequence[Item], now: str) -> list[Graded]:
        """One grading for each item, in their order."""

    def typical(self, items: Sequence[Item]) -> Usage:
        """About what grading them will use."""


class ByItem(Protocol):
    """The offline grader: it spends nothing and judges each item by itself."""

    context: str

    def grade(self, item: Item, now: str) -> Graded:
        """The item's grading."""


class Offline:
    """A ByItem as a Grader; many items are judged by several processes, as each is judged by itself."""

    name = OFFLINE
    model = None
    at_once = CHUNK

    def __init__(self, grader: ByItem, processes: int = 1) -> None:
        self.context = grader.context
        self._grader = grader
        self._processes = min(processes, MOST_PROCESSES)

    def grade(self, items: Sequence[Item], now: str) -> list[Graded]:
        """See Grader. The same rows in the same order, however many processes there are."""
        processes = min(self._processes, len(items) // WORTH_A_PROCESS)
        if processes < 2:
            return [self._grader.grade(item, now) for item in items]
        import multiprocessing

        fork = multiprocessing.get_context("fork")  # the grader's indexes are inherited, not copied
        with fork.Pool(processes, _Worker.begin, (self._grader, now)) as pool:
            return pool.map(_Worker.grade, items, chunksize=50)

    def typical(self, items: Sequence[Item]) -> Usage:
        """Nothing."""
        return Usage()


class _Worker:
    """What a process of a pool was started with; in the process that starts it there is nothing."""

    grader: ByItem
    now: str

    @classmethod
    def begin(cls, grader: ByItem, now: str) -> None:
        cls.grader, cls.now = grader, now

    @classmethod
    def grade(cls, item: Item) -> Graded:
        return cls.grader.grade(item, cls.now)


def processes(platform: str) -> int:
    """How many are worth starting here; 1 where a process cannot be forked safely.

    platform  sys.platform
    """
    import os

    return len(os.sched_getaffinity(0)) if platform == "linux" else 1
