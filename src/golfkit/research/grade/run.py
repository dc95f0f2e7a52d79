"""A run of a grader over what is due: batch by batch, each written before the next is asked for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from golfkit.errors import GolfError
from golfkit.research.grade import graded as graded_file
from golfkit.research.grade.graded import Graded
from golfkit.research.grade.grader import Grader
from golfkit.research.grade.llm.purse import CapReached
from golfkit.research.grade.names import OFFLINE
from golfkit.research.grade.rubric import UNGRADED
from golfkit.research.items.item import Item


@dataclass
class Outcome:
    """What a run did; filled in as it goes.

    graded    items that got a grade
    changed   of them, those whose grade or total is another than before
    ungraded  items without one: their last answer could not be used
    left      items not asked about; `stopped` says why
    failed    the endpoint's error, where that stopped the run
    """

    graded: int = 0
    changed: int = 0
    ungraded: int = 0
    left: int = 0
    stopped: str | None = None
    failed: GolfError | None = None


def run(
    items: Sequence[Item],
    grader: Grader,
    path: Path,
    in_force: Mapping[str, Graded],
    now: Callable[[], str],
    on_batch: Callable[[int], None] = lambda n: None,
) -> Outcome:
    """Grade `items` and append the rows to `path`, a batch at a time, so that a kill keeps what was paid for.

    The offline grader's rows are written where they say something new; a model's all, as their context is new. A grade
    in force stays where grading the same text again came to nothing: the next run tries again.
    """
    outcome = Outcome()
    for start in range(0, len(items), grader.at_once):
        batch = items[start : start + grader.at_once]
        try:
            rows = grader.grade(batch, now())
        except (CapReached, GolfError) as error:
            outcome.left = len(items) - start
            outcome.stopped = str(error)
            outcome.failed = error if isinstance(error, GolfError) else None
            return outcome
        kept = [row for row in rows if _says_something(row, in_force.get(row.item), grader.name)]
        if kept:
            graded_file.append(path, kept)
        for row in rows:
            before = in_force.get(row.item)
            outcome.ungraded += row.grade == UNGRADED
            outcome.graded += row.grade != UNGRADED
            outcome.changed += before is not None and row.grade != UNGRADED and _verdict(row) != _verdict(before)
        on_batch(len(batch))
    return outcome


def _says_something(row: Graded, before: Graded | None, grader: str) -> bool:
    if before is None:
        return True
    same_text = row.item_digest == before.item_digest
    if row.grade == UNGRADED and before.grade != UNGRADED and same_text:
        return False
    return not (grader == OFFLINE and same_text and before.grader == OFFLINE and _content(row) == _content(before))


def _verdict(row: Graded) -> tuple[object, ...]:
    return row.grade, row.total


def _content(row: Graded) -> tuple[object, ...]:
    return row.grade, row.scores, row.flags, row.techniques
