"""Learning rate and momentum of every step, from the recipe.

Progress is the share of the run that is done: of the iterations, or of the seconds where the clock ends the run.
"""

from typing import Any, NamedTuple


class Pace(NamedTuple):
    """What the schedule decides for one step."""

    rate: float  # multiplies every learning rate, 0 to 1
    momentum: float  # Muon's
    correct1: float  # 1 - beta1^t and 1 - beta2^t: Adam's bias corrections, t from 1
    correct2: float
    decay: float  # of the averaged weights: 0 takes the new ones


def pace(spec: Any, step: int, progress: float, iterations: int) -> Pace:
    """The pace of a step.

    spec        its recipe
    step        steps done before this one
    progress    share of the run that is done before this one, 0 to 1
    iterations  planned steps, in which warm-up is counted
    """
    rate = 1.0
    if spec.warmup:
        rate = min(rate, max((step + 1) / iterations, progress) / spec.warmup)
    if spec.warmdown:
        rate = min(rate, max(0.0, 1.0 - progress) / spec.warmdown)
    rise = min(1.0, step / spec.momentum_steps) if spec.momentum_steps else 1.0
    momentum = spec.momentum_start + rise * (spec.momentum - spec.momentum_start)
    decay = min(spec.ema, (step + 1) / (step + 10))  # young averages forget sooner
    return Pace(rate, momentum, 1 - spec.beta1 ** (step + 1), 1 - spec.beta2 ** (step + 1), decay)
