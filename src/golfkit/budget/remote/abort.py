"""When to give up a run: clearly worse than the best run's own curve at the same step. Pure.

The best run's final score says nothing about step 1000, and neither does the end of its curve: there its learning rate
falls, and the loss with it, at a step where a faster model is still in the middle of its schedule.
"""

import itertools
import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from golfkit.train.logs.lines import lines
from golfkit.train.logs.steps import Reading, reading_of

MARGIN = 0.03  # relative; one seed of a record exceeds another by more in 0.3% of readings, see tests/test_abort.py
PATIENCE = 3  # readings in a row
LEAST_STEP = 500  # before it the learning rate and Muon's momentum warm up
WINDOW = 500  # steps over which a training loss is averaged
BEFORE_WARMDOWN = 0.5  # of the best run's steps; what falls after that is the learning rate's doing
GAP = 1000  # steps between two evaluations of the best run, at most, to interpolate between them


class Point(NamedTuple):
    """One value of a curve."""

    step: int
    value: float  # nats per token, or bits per byte


class Curve(NamedTuple):
    """How the losses of one run fell; steps rise strictly."""

    train: tuple[Point, ...] = ()  # training loss, nats per token
    val: tuple[Point, ...] = ()  # validation, bits per byte
    bytes_per_token: float | None = None  # of the validation text, where val_loss and val_bpb were both said

    @staticmethod
    def of(readings: Iterable[Reading]) -> "Curve":
        """The curve of the step lines of one run, in order; of several runs in one log, the last one's."""
        train: dict[int, float] = {}
        val: dict[int, float] = {}
        ratio, last = None, 0
        for read in readings:
            if read.step < last:
                train, val = {}, {}
            last = read.step
            if read.train_loss is not None:
                train[read.step] = read.train_loss
            if read.val_bpb is not None:
                val[read.step] = read.val_bpb
                if read.val_loss is not None and read.val_loss > 0 and read.val_bpb > 0:
                    ratio = read.val_loss / math.log(2) / read.val_bpb
        return Curve(tuple(map(Point._make, train.items())), tuple(map(Point._make, val.items())), ratio)

    @staticmethod
    def parse(log_text: str) -> "Curve":
        """The curve that a training log holds; the source code that it may begin with is left out."""
        return Curve.of(read for line in lines(log_text) if (read := reading_of(line.text)) is not None)

    @property
    def last_step(self) -> int:
        """The last step of which something is known; 0 for an empty curve."""
        return max((points[-1].step for points in (self.train, self.val) if points), default=0)


class Excess(NamedTuple):
    """One comparison."""

    step: int
    run: float
    best: float

    def worse(self, margin: float) -> bool:
        """Whether the run is worse by more than the margin."""
        return self.run > self.best * (1 + margin)


def verdict(
    curve: Curve,
    best: Curve,
    *,
    margin: float = MARGIN,
    patience: int = PATIENCE,
    least_step: int = LEAST_STEP,
    same_tokens: bool = False,
) -> str | None:
    """Why the run should end now, or None.

    curve        of the run, so far
    best         of the best finished run; they are compared by step, and only while both exist
    margin       how much worse, relative, is too much
    patience     so many comparisons in a row must be worse; one by val_bpb that is not speaks for the run
    least_step   nothing is compared before it
    same_tokens  whether both train on the same tokens: then training losses can be compared as they are, else only as
                 bits per byte, where both logs say how many bytes a token has
    """
    bad = next((p for p in (*curve.train, *curve.val) if not math.isfinite(p.value)), None)
    if bad is not None:
        return f"step {bad.step}: the loss is {bad.value}"
    by_val = validation(curve, best, least_step)[-patience:]
    if by_val and not by_val[-1].worse(margin):
        return None
    by_train = training(curve, best, least_step, patience, same_tokens=same_tokens)
    for name, last in (("val_bpb", by_val), ("training loss", by_train)):
        if len(last) == patience and all(excess.worse(margin) for excess in last):
            now = last[-1]
            return (
                f"step {now.step}: {name} {now.run:.4f}, the best run had {now.best:.4f} there; "
                f"more than {margin:.1%} worse {patience} times in a row"
            )
    return None


def validation(curve: Curve, best: Curve, least_step: int) -> list[Excess]:
    """The comparisons by val_bpb, in order: at the run's evaluations that the best run has, or has close around."""
    steps = [point.step for point in best.val]
    found = []
    for point in curve.val:
        at = bisect_right(steps, point.step)
        if not least_step <= point.step <= BEFORE_WARMDOWN * best.last_step or at == 0:
            continue
        if steps[at - 1] == point.step or (at < len(steps) and steps[at] - steps[at - 1] <= GAP):
            found.append(Excess(point.step, point.value, _at(best.val, point.step)))
    return found


def training(curve: Curve, best: Curve, least_step: int, newest: int, *, same_tokens: bool = False) -> list[Excess]:
    """The `newest` last comparisons by training loss averaged over WINDOW steps, in order, at the run's own steps.

    A loss falls steeply at first and is noisy, so straight lines tell nothing before `least_step` and over wide gaps.
    """
    own, other = _unit(curve, best, same_tokens), _unit(best, curve, same_tokens)
    if own is None or other is None:
        return []
    run, reference = _dense(curve.train, least_step), _dense(best.train, least_step)
    if not run or not reference:
        return []
    first = max(run[0].step, reference[0].step)
    most = min(BEFORE_WARMDOWN * best.last_step, reference[-1].step)
    found = []
    for step in [point.step for point in run if first < point.step <= most][-newest:]:
        start = max(first, step - WINDOW)
        found.append(Excess(step, own * _mean(run, start, step), other * _mean(reference, start, step)))
    return found


def _dense(points: Sequence[Point], least_step: int) -> list[Point]:
    """The points from `least_step` up to the first gap that is wider than WINDOW."""
    late = [point for point in points if point.step >= least_step]
    gap = next((i for i, (a, b) in enumerate(itertools.pairwise(late)) if b.step - a.step > WINDOW), len(late))
    return late[: gap + 1]


def _unit(curve: Curve, other: Curve, same_tokens: bool) -> float | None:
    """What turns a curve's training loss into what can be compared with the other's; None where nothing does."""
    if same_tokens:
        return 1.0
    if curve.bytes_per_token is None or other.bytes_per_token is None:
        return None
    return 1 / (math.log(2) * curve.bytes_per_token)


def _at(points: Sequence[Point], step: int) -> float:
    """The value at a step, on straight lines between the points; before and after them, the first and the last."""
    at = bisect_right(points, step, key=lambda point: point.step)
    if at in (0, len(points)):
        return points[0].value if at == 0 else points[-1].value
    left, right = points[at - 1], points[at]
    return left.value + (right.value - left.value) * (step - left.step) / (right.step - left.step)


def _mean(points: Sequence[Point], start: int, end: int) -> float:
    """The mean of a curve's straight lines from a step to a later one: how often the run spoke counts for nothing."""
    left, right = (bisect_right(points, step, key=lambda point: point.step) for step in (start, end - 1))
    corners = [Point(start, _at(points, start)), *points[left:right], Point(end, _at(points, end))]
    areas = ((b.step - a.step) * (a.value + b.value) / 2 for a, b in itertools.pairwise(corners))
    return math.fsum(areas) / (end - start)
