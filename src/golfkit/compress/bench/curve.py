"""What a part of a model is worth as the input goes on: its payload with and without that part, a row a million bytes.

A net learns slowly and a table of contexts fills up, so what either is worth in the first million bytes says little
about the last.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from golfkit.compress.bench import cost
from golfkit.compress.bench.cost import Cost
from golfkit.compress.bench.trials import Trials

STEPS = 2  # of cost.STEP a row


class Row(NamedTuple):
    """One stretch of the input, and all of it up to there."""

    input_bytes: int  # where the stretch ends
    payload_bytes: int
    against_bytes: int  # of the other variant
    gain_percent: float  # how much smaller, in percent of the other
    payload_so_far: int
    against_so_far: int
    gain_so_far_percent: float


class Curve(NamedTuple):
    """A model beside a variant of it."""

    model: str
    edits: tuple[str, ...]
    against: tuple[str, ...]  # further edits that make the other
    base: Cost
    other: Cost
    rows: tuple[Row, ...]


def run(
    trials: Trials, model: str, edits: Sequence[str], against: Sequence[str], done: Callable[[Cost], None]
) -> Curve:
    """Measure the model with `edits`, and once more with those of `against` as well."""
    base, other = trials.measure([tuple(edits), (*edits, *against)], done)
    return Curve(model, tuple(edits), tuple(against), base, other, rows(base, other))


def rows(base: Cost, other: Cost) -> tuple[Row, ...]:
    """The table of two curves of the same input."""
    found = []
    for at in range(0, len(base.curve), STEPS):
        end = at + STEPS
        here, there = sum(base.curve[at:end]), sum(other.curve[at:end])
        so_far, other_so_far = sum(base.curve[:end]), sum(other.curve[:end])
        input_bytes = min(end * cost.STEP, base.n_bytes)
        gains = _percent(here, there), _percent(so_far, other_so_far)
        found.append(Row(input_bytes, here, there, gains[0], so_far, other_so_far, gains[1]))
    return tuple(found)


def _percent(ours: int, theirs: int) -> float:
    return round(100 * (theirs - ours) / max(theirs, 1), 3)
