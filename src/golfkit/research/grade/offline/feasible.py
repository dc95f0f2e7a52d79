"""Does an item fit the limits of bytes and of training time: points of two dimensions of the rubric. Pure.

What a reader who knows the contest does:

- An item about the contest (it speaks of bpb, the artifact's limit, the machine ...) means its own model. The smallest
  artifact that it states decides; a text may well say first what did not fit. Where it states none, each number of
  parameters is weighed at each width it names (measure.feasibility, ranges), and the most favourable pair decides:
  0 only where even that is infeasible at the lowest compressibility seen. Without a width nothing is infeasible.
- Any other item (a paper on a 7B model) lends a technique. Its model's size and its months of training say nothing of
  ours; what counts is what the technique adds: parameters that it states as added, at six bits, and kinds of techniques
  that hold more parameters or need more time by their nature.
- Training time of an item about the contest is its own too: 0 where every time it states is over the limit by more than
  half, as some runs last 4 hours on purpose. A slower step costs a point, as steps are lost; so does a stated overhead
  in any item.
"""

from typing import NamedTuple

from golfkit.measure import feasibility
from golfkit.research.grade.offline import constraints
from golfkit.research.grade.offline.constraints import Finding

ADDED_BITS = 6.0  # width of what is added: most records' matrices
SMALL_SHARE = 0.2  # of the limit: what added parameters may take before it hurts
LATE = 1.5  # times the training seconds: less is a matter of rounding and reserved time
SLOW = 0.15  # of the step time: with a seventh of the steps gone most gains are gone
TOO_SLOW = 1.5  # of the step time: of the steps 40% are left


class Verdict(NamedTuple):
    """Points and the reason for them where they are not full."""

    points: int
    reason: str | None = None


def size(found: list[Finding], limit: int, *, contest: bool, grows: bool) -> Verdict:
    """Points of size_compatibility, 0 to 3.

    limit    bytes
    contest  whether the item is about the contest, so that its sizes are those of a model for it
    grows    whether it names a technique that holds more parameters by its nature
    """
    if contest:
        own = _own_size(found, limit)
        if own is not None:
            return own
    added = constraints.values(found, constraints.ADDED)
    if added:
        heavy = feasibility.assess(round(max(added)), ADDED_BITS, 0, limit)
        if heavy.artifact_bytes_low > limit:
            return Verdict(0, f"adds {max(added):,.0f} parameters, {heavy.artifact_bytes_low:,} bytes or more")
        if heavy.artifact_bytes_typical > SMALL_SHARE * limit:
            return Verdict(1, f"adds {max(added):,.0f} parameters, about {heavy.artifact_bytes_typical:,} bytes")
    return Verdict(2, "holds more parameters") if grows else Verdict(3)


def time(found: list[Finding], limit_s: float, *, contest: bool, heavy: bool) -> Verdict:
    """Points of time_compatibility, 0 to 2.

    limit_s  seconds of training
    heavy    whether it names a technique that costs time by its nature
    """
    times = constraints.values(found, constraints.TRAINING)
    if contest and times and min(times) > LATE * limit_s:
        return Verdict(0, f"trains {min(times):,.0f} s or more, the limit is {limit_s:,.0f} s")
    slower = max(constraints.values(found, constraints.SLOWER), default=0.0)
    if slower > TOO_SLOW:
        return Verdict(0, f"{slower:.0%} slower steps")
    if slower > SLOW:
        return Verdict(1, f"{slower:.0%} slower steps")
    return Verdict(1, "costs training time") if heavy else Verdict(2)


def _own_size(found: list[Finding], limit: int) -> Verdict | None:
    """The verdict on a model for the contest; None where its size is not said."""
    stated = constraints.values(found, constraints.ARTIFACT)
    if stated:
        fits = min(stated) <= limit
        return Verdict(3) if fits else Verdict(0, f"artifact of {min(stated):,.0f} bytes, the limit is {limit:,}")
    counts = constraints.values(found, constraints.PARAMETERS)
    widths = constraints.values(found, constraints.BITS)
    if not counts or not widths:
        return None
    weighed = [
        feasibility.assess(round(count), bits, feasibility.BASELINE_CODE_BYTES, limit)
        for count in counts
        for bits in widths
    ]
    best = min(weighed, key=lambda one: one.artifact_bytes_typical)
    said = f"{best.artifact_bytes_low:,} to {best.artifact_bytes_high:,} bytes by arithmetic"
    return {
        "feasible": Verdict(3),
        "depends": Verdict(2, f"{said}: fits if it compresses well"),
        "infeasible": Verdict(0, f"{said}, the limit is {limit:,}"),
    }[best.verdict]
