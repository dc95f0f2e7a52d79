"""Which items are graded now, and in which order. Pure.

New items first, for they are what the loop waits for; then those whose grade may be out of date, as what was tried
since is in the graders' context and not in their grade.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from golfkit.research.grade.graded import Graded
from golfkit.research.grade.names import LLM, OFFLINE
from golfkit.research.grade.rubric import UNGRADED
from golfkit.research.items.item import Item

NEW, CHANGED, RETRIED, STALE = "new", "text changed", "ungraded before", "history changed"
RECENT = timedelta(days=14)  # an item first seen within it is graded again whatever its grade was
PAID = timedelta(days=14)  # so long the offline grader leaves a model's grade alone
FORM = "%Y-%m-%dT%H:%M:%SZ"


class Due(NamedTuple):
    """One item to grade, and why."""

    item: Item
    why: str


class Selection(NamedTuple):
    """What to grade, in order, and how many grades of a model the offline grader leaves alone."""

    due: tuple[Due, ...]
    kept: int


def select(
    items: Sequence[Item], in_force: Mapping[str, Graded], grader: str, context: str, now: datetime
) -> Selection:
    """What a grader (llm or offline, with its context) has to grade.

    New items and changed texts, the newest first, then what was left ungraded; then what was graded in another context
    or by another grader: by the offline grader all of it, but for a model's grades of the last 14 days; by a model
    those of grade A, those of grade B, and those that were first seen in the last 14 days (an older C could only lose).
    Within these the grade that is oldest comes first, so that a cap on what is spent starves none.
    """
    fresh: list[Due] = []
    again: list[tuple[int, str, Due]] = []
    kept = 0
    for item in items:
        graded = in_force.get(item.id)
        why = _why(item, graded, context)
        if why is None:
            continue
        if graded is None or why in (NEW, CHANGED):
            fresh.append(Due(item, why))
        elif why == RETRIED:
            again.append((0, graded.graded, Due(item, why)))
        elif grader == OFFLINE and graded.grader == LLM and now - _time(graded.graded) < PAID:
            kept += 1
        elif grader == OFFLINE or graded.grade in ("A", "B") or now - _time(item.fetched) < RECENT:
            again.append(({"A": 1, "B": 2}.get(graded.grade, 3), graded.graded, Due(item, why)))
    fresh.sort(key=lambda one: one.item.fetched, reverse=True)
    again.sort(key=lambda one: one[:2])
    return Selection((*fresh, *(due for _, _, due in again)), kept)


def _why(item: Item, graded: Graded | None, context: str) -> str | None:
    if graded is None:
        return NEW
    if graded.item_digest != item.digest:
        return CHANGED
    if graded.grade == UNGRADED:
        return RETRIED
    return None if graded.context == context else STALE


def _time(text: str) -> datetime:
    """A file's timestamp; what is none counts as long ago."""
    try:
        return datetime.strptime(text + "+0000", FORM + "%z")
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
