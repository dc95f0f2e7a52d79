"""Do grades predict outcomes? Rank correlations, shares kept by grade, and weights that the outcomes suggest. Pure.

Weights: each dimension's points are divided by its most; dimension d gets

    w_d = (1 - trust) / D + trust * max(0, rho_d) / sum of max(0, rho)      trust = n / (n + SHRINK)

with rho_d its Spearman correlation with the gain and D dimensions, so they sum to 1: equal weights where little is
known, and what predicts nothing loses its share as outcomes come in. It is a shrinkage
estimate, not a regression: a dozen outcomes cannot carry six coefficients.

Source: the interval of a share is Wilson's, Journal of the American Statistical Association 22 (1927); that of
Spearman's correlation is described in golfkit.train.runs.correlation.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from golfkit.research.calibrate.outcomes import Linked, Outcome
from golfkit.research.grade import rubric
from golfkit.train.runs import student
from golfkit.train.runs.correlation import Estimate, shown, spearman

ENOUGH = 12  # outcomes below which no weights are suggested
SHRINK = 24.0  # outcomes at which data and equal weights count the same
_NAMES = ("grade", "gain")


class GradeRow(NamedTuple):
    """What became of the items of one grade."""

    grade: str
    n: int
    kept: int
    share: Estimate  # kept / n, with Wilson's 95% interval
    mean_gain: float | None  # over the items with a score


class Calibration(NamedTuple):
    """What the outcomes say about the grades."""

    linked: Linked
    n_ranked: int  # outcomes with a gain, crashes among them: what the correlations rest on
    total: Estimate  # Spearman of total / most with the gain
    dimensions: Mapping[str, Estimate]
    grades: tuple[GradeRow, ...]
    weights: Mapping[str, float] | None  # None: too little data

    @property
    def n(self) -> int:
        """Items that were tried, with a grading from before."""
        return len(self.linked.outcomes)


def calibrated(linked: Linked) -> Calibration:
    """All of it."""
    ranked = [outcome for outcome in linked.outcomes if outcome.gain is not None]
    gains = [outcome.gain or 0.0 for outcome in ranked]
    names = [name for name in rubric.Scores._fields if any(getattr(o.scores, name) is not None for o in ranked)]
    dimensions = {name: _dimension(name, ranked) for name in names or rubric.MOST}
    return Calibration(
        linked=linked,
        n_ranked=len(ranked),
        total=spearman([o.scores.total / o.scores.most for o in ranked], gains, _NAMES),
        dimensions=dimensions,
        grades=tuple(_grade_row(grade, linked.outcomes) for grade in rubric.GRADES),
        weights=_weights(dimensions, len(ranked)) if len(ranked) >= ENOUGH else None,
    )


def wilson(kept: int, n: int) -> Estimate:
    """A share with Wilson's 95% interval: (p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)."""
    if n == 0:
        return Estimate(None, why="none was tried")
    p, z = kept / n, student.NORMAL_95
    centre, scale = p + z * z / (2 * n), 1 + z * z / n
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Estimate(p, max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale))


def lines(found: Calibration) -> list[str]:
    """The calibration as text, for people and for program.md."""
    if not found.n:
        return ["no graded item was tried yet: name an item's id in the description of a run"]
    said = [
        f"{found.n} graded {'item' if found.n == 1 else 'items'} tried; Spearman of total and gain {shown(found.total)}"
    ]
    for row in found.grades:
        if row.n:
            gain = "" if row.mean_gain is None else f", mean gain {row.mean_gain:+.2%}"
            said.append(f"grade {row.grade}: {row.kept} of {row.n} kept ({_interval(row.share)}){gain}")
    if found.weights is None:
        said.append(f"weights of the dimensions: too little data, {found.n_ranked} of {ENOUGH} outcomes")
    else:
        said.append("weights that the outcomes suggest: " + ", ".join(f"{k} {v:.2f}" for k, v in found.weights.items()))
    return said


def _interval(share: Estimate) -> str:
    if share.low is None or share.high is None:
        return "unknown"
    return f"95% from {share.low:.0%} to {share.high:.0%}"


def _dimension(name: str, ranked: Sequence[Outcome]) -> Estimate:
    pairs = [(points, o.gain or 0.0) for o in ranked if (points := getattr(o.scores, name)) is not None]
    return spearman([points for points, _ in pairs], [gain for _, gain in pairs], _NAMES)


def _grade_row(grade: str, outcomes: Sequence[Outcome]) -> GradeRow:
    own = [outcome for outcome in outcomes if outcome.grade == grade]
    kept = sum(outcome.kept for outcome in own)
    gains = [o.gain for o in own if o.gain is not None and not o.crashed]
    return GradeRow(grade, len(own), kept, wilson(kept, len(own)), statistics.fmean(gains) if gains else None)


def _weights(dimensions: Mapping[str, Estimate], n: int) -> dict[str, float]:
    useful = {name: max(0.0, estimate.value or 0.0) for name, estimate in dimensions.items()}
    total, trust = sum(useful.values()), n / (n + SHRINK)
    if not total:  # nothing predicts: no reason to prefer one
        return {name: 1 / len(useful) for name in useful}
    return {name: (1 - trust) / len(useful) + trust * value / total for name, value in useful.items()}
