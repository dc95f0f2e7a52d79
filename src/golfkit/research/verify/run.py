"""A run of `golf verify`: what is read, and a line for each as soon as it is judged."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from golfkit.errors import GolfError
from golfkit.files import neutralise
from golfkit.research.grade.graded import Graded
from golfkit.research.grade.grader import Opinion
from golfkit.research.grade.llm.purse import CapReached
from golfkit.research.grade.rubric import UNGRADED
from golfkit.research.items.item import Item
from golfkit.research.verify import verified as verified_file
from golfkit.research.verify.reading import Reading
from golfkit.research.verify.verified import Verified
from golfkit.research.verify.verifier import Verifier

WANTED = "A"


class Chosen(NamedTuple):
    """An item to read in full, and the grade that led here."""

    item: Item
    graded: Graded
    total: int


@dataclass
class Outcome:
    """What a run did; `stopped` says why items are left, `failed` is the endpoint's error."""

    verified: list[Verified] = field(default_factory=list)
    left: int = 0
    stopped: str | None = None
    failed: GolfError | None = None


def choose(items: Sequence[Item], in_force: Mapping[str, Graded], known: Mapping[str, Verified]) -> list[Chosen]:
    """The items of grade A whose text of now was not read in full, best total first. Pure.

    Those that were read without a grade coming of it are read again, after all others, so that they block none.
    """
    fresh: list[Chosen] = []
    again: list[tuple[str, Chosen]] = []
    for item in items:
        graded = in_force.get(item.id)
        if graded is None or graded.grade != WANTED or graded.total is None or graded.item_digest != item.digest:
            continue
        before = known.get(item.id)
        chosen = Chosen(item, graded, graded.total)
        if before is None or before.item_digest != item.digest:
            fresh.append(chosen)
        elif before.grade == UNGRADED:
            again.append((before.verified, chosen))
    fresh.sort(key=lambda one: (-one.total, one.item.id))
    return fresh + [chosen for _, chosen in sorted(again, key=lambda pair: (pair[0], -pair[1].total, pair[1].item.id))]


def run(
    chosen: Sequence[Chosen],
    readings: Mapping[str, Reading],
    verifier: Verifier,
    path: Path,
    now: Callable[[], str],
    on_item: Callable[[int], None] = lambda n: None,
) -> Outcome:
    """Judge each item from its reading and append its line to `path` at once."""
    outcome = Outcome()
    for n, one in enumerate(chosen):
        reading = readings[one.item.id]
        try:
            opinion = verifier.judge(one.item, reading, now())
        except (CapReached, GolfError) as error:
            outcome.left = len(chosen) - n
            outcome.stopped = str(error)
            outcome.failed = error if isinstance(error, GolfError) else None
            break
        line = _line(one, reading, opinion, verifier)
        verified_file.append(path, line)
        outcome.verified.append(line)
        on_item(1)
    return outcome


def _line(one: Chosen, reading: Reading, opinion: Opinion, verifier: Verifier) -> Verified:
    graded, scores = opinion.graded, opinion.graded.scores
    return Verified(
        item=one.item.id,
        item_digest=one.item.digest,
        title=neutralise(one.item.title),
        url=one.item.url,
        verified=graded.graded,
        grader=verifier.name,
        model=verifier.model,
        context=verifier.context,
        total_before=one.total,
        grade_before=one.graded.grade,
        total=graded.total,
        grade=graded.grade,
        dimensions=tuple(points for points in scores if points is not None) if scores else (),
        brief=opinion.brief,
        red_flags=opinion.red_flags,
        evidence=reading.evidence,
        full_text=reading.full_text,
        fallback=reading.fallback,
        reason=graded.reason,
        tokens_in=graded.tokens_in,
        tokens_out=graded.tokens_out,
        cost_usd=graded.cost_usd,
    )
