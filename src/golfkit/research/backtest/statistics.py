"""Rank correlation with its uncertainty: Fisher's interval, a bootstrap and a permutation baseline. Pure, seeded."""

import random
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from golfkit.train.runs.correlation import Estimate, ranks, spearman

PERMUTATIONS = 1000  # of the random baseline; its interval's ends move by about 0.02 from seed to seed
RESAMPLES = 1000  # of the bootstrap
SEED = 20260501


class Association(NamedTuple):
    """How one predictor goes with the outcome."""

    name: str
    n: int
    spearman: Estimate  # with the interval of Bonett and Wright; None where a side is constant
    bootstrap: tuple[float, float] | None  # 95%, percentiles over resampled items


class Chance(NamedTuple):
    """What no knowledge gives: the predictor in random order."""

    mean: float
    low: float
    high: float  # 95% of the permutations
    share: float  # of the permutations that reach the value that was found


def associate(name: str, predicted: Sequence[float], outcome: Sequence[float]) -> Association:
    """Spearman's rank correlation, ties with mid-ranks."""
    found = spearman(predicted, outcome, (name, "outcome"))
    if found.value is None:
        return Association(name, len(predicted), found, None)
    rng = random.Random(SEED)
    n = len(predicted)
    values = []
    for _ in range(RESAMPLES):
        picked = [rng.randrange(n) for _ in range(n)]
        value = rho([predicted[i] for i in picked], [outcome[i] for i in picked])
        if value is not None:  # a sample of equal values has none
            values.append(value)
    return Association(name, n, found, _middle(values))


def chance(predicted: Sequence[float], outcome: Sequence[float]) -> Chance:
    """The same predictor in random orders."""
    rng = random.Random(SEED)
    shuffled = list(predicted)
    found = rho(predicted, outcome) or 0.0
    values = []
    for _ in range(PERMUTATIONS):
        rng.shuffle(shuffled)
        values.append(rho(shuffled, outcome) or 0.0)
    low, high = _middle(values)
    return Chance(statistics.fmean(values), low, high, sum(value >= found for value in values) / len(values))


def rho(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Spearman's value alone; None where a side is constant."""
    if len(set(x)) < 2 or len(set(y)) < 2:
        return None
    return statistics.correlation(ranks(x), ranks(y))


def _middle(values: Sequence[float]) -> tuple[float, float]:
    """The 2.5th and the 97.5th percentile."""
    order = sorted(values)
    return order[round(0.025 * (len(order) - 1))], order[round(0.975 * (len(order) - 1))]
