"""What a grader is to the run, and the offline one in that form."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from golfkit.research.grade.graded import Graded
from golfkit.research.grade.llm.purse import Usage
from golfkit.research.grade.names import OFFLINE
from golfkit.research.items.item import Item

CHUNK = 500  # items that the offline grader's rows are written after


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
    """A ByItem as a Grader."""

    name = OFFLINE
    model = None
    at_once = CHUNK

    def __init__(self, grader: ByItem) -> None:
        self.context = grader.context
        self._grader = grader

    def grade(self, items: Sequence[Item], now: str) -> list[Graded]:
        """See Grader."""
        return [self._grader.grade(item, now) for item in items]

    def typical(self, items: Sequence[Item]) -> Usage:
        """Nothing."""
        return Usage()
