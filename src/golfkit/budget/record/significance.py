"""Does a record beat the best one by a margin? One-sided tests on the validation losses of the seeds. Pure.

Source of the rule: Parameter Golf, "beat SOTA by at least 0.005 nats, at p < 0.01". Less was accepted in practice, so
that two values are given: p of such a gain were the true one no more than the margin, and were there none at all.
"""

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from golfkit.train.runs import student

MARGIN = 0.005  # nats a token; the contest's
ALPHA = 0.01  # the contest's


class Test(NamedTuple):
    """A test's outcome."""

    gain: float  # nats a token: the best one's mean loss minus the record's
    p_margin: float  # of a gain as large as this, were the true one the margin or less
    p_zero: float  # the same, were there none
    dof: float
    name: str


def compare(losses: Sequence[float], sota: Sequence[float], margin: float = MARGIN) -> Test | None:
    """The test of `losses` against those of the best record; None where two losses or more that differ are needed.

    losses, sota  nats a token, one a seed; a single one of the best record is taken as exact (one-sample t)
    Source: Welch (1947); with one value on the other side, Student's t.
    """
    if len(losses) < 2 or not sota:
        return None
    known = len(sota) == 1
    ours = statistics.variance(losses) / len(losses)
    theirs = 0.0 if known else statistics.variance(sota) / len(sota)
    error = math.sqrt(ours + theirs)
    if error == 0:
        return None
    dof = (ours + theirs) ** 2 / (ours**2 / (len(losses) - 1) + (0.0 if known else theirs**2 / (len(sota) - 1)))
    gain = statistics.fmean(sota) - statistics.fmean(losses)
    name = "one-sample t" if known else "Welch's t"
    return Test(gain, student.tail((gain - margin) / error, dof), student.tail(gain / error, dof), dof, name)
