"""What became of the items that were tried: one outcome an item, beside the grading that came before it. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from golfkit.research.calibrate.link import Link, Past
from golfkit.research.grade.rubric import Scores
from golfkit.train.runs.view import Entry

WORST = float("-inf")  # gain of an item that only crashed: below every score


class Outcome(NamedTuple):
    """One item's grading and what came of trying it. Several runs of it are no independent tries, so they are one."""

    item: str
    title: str
    grade: str
    scores: Scores
    runs: tuple[str, ...]
    kept: bool  # by the expensive tier where it ran there, else here
    gain: float | None  # largest (baseline - val_bpb) / baseline; WORST for crashes alone; None where none is known
    dated: bool  # whether the grading is known to be older than the first run

    @property
    def crashed(self) -> bool:
        """Whether no run of it came to a score."""
        return self.gain == WORST


class Linked(NamedTuple):
    """The outcomes, and what could not be one."""

    outcomes: tuple[Outcome, ...]
    graded_later: tuple[str, ...]  # items whose first grading came after their first run: the outcome may be in it


def gathered(links: Sequence[Link]) -> Linked:
    """The links as outcomes, in the order of first trial; a grading counts that was made before the first run."""
    by_item: dict[str, list[Link]] = {}
    for link in links:
        by_item.setdefault(link.item, []).append(link)
    outcomes, later = [], []
    for item, own in by_item.items():
        grading = _earliest([link.grading for link in own])
        if grading is None:
            later.append(item)
        else:
            outcomes.append(_outcome(grading, own))
    return Linked(tuple(outcomes), tuple(later))


def _earliest(gradings: Sequence[Past | None]) -> Past | None:
    """The grading before the first of the runs; None where one of them had none."""
    known = [grading for grading in gradings if grading is not None]
    return min(known, key=lambda grading: grading.graded) if len(known) == len(gradings) else None


def _outcome(grading: Past, links: Sequence[Link]) -> Outcome:
    entries = [link.entry for link in links]
    deciding = [entry for entry in entries if entry.row.tier != "local"] or entries
    gains = [gain for entry in entries if (gain := gain_of(entry)) is not None]
    return Outcome(
        item=links[0].item,
        title=links[0].title,
        grade=grading.grade,
        scores=grading.scores,
        runs=tuple(entry.row.commit for entry in entries),
        kept=any(entry.row.status == "keep" for entry in deciding),
        gain=max(gains, default=WORST if all(entry.row.status == "crash" for entry in entries) else None),
        dated=all(link.dated for link in links),
    )


def gain_of(entry: Entry) -> float | None:
    """(baseline - val_bpb) / baseline against the baseline that the run was judged by; None where one is not known."""
    score, baseline = entry.row.val_bpb, None
    if entry.record is not None and entry.record.baseline is not None:
        baseline = entry.record.baseline.val_bpb
    elif entry.baseline is not None:
        baseline = entry.baseline.val_bpb
    return (baseline - score) / baseline if score is not None and baseline else None
