"""The rubric: five dimensions of at most 15 points together, a sixth where competitors are known. Pure.

Totals and grades are computed here and nowhere else; a grader gives dimensions alone.
"""

from collections.abc import Mapping
from typing import NamedTuple

MOST = {
    "bpb_impact": 3,
    "size_compatibility": 3,
    "time_compatibility": 2,
    "implementability": 4,
    "novelty": 3,
}
VALIDATED = ("competitor_validated", 2)
HARD = ("size_compatibility", "time_compatibility", "implementability")  # a 0 here breaks a rule of the contest
GRADES = ("A", "B", "C")
UNGRADED = "ungraded"


class Scores(NamedTuple):
    """One item's dimensions, whole points within MOST; competitor_validated is None where no competitor is known."""

    bpb_impact: int
    size_compatibility: int
    time_compatibility: int
    implementability: int
    novelty: int
    competitor_validated: int | None = None

    @property
    def total(self) -> int:
        """The sum of the dimensions."""
        return sum(points or 0 for points in self)

    @property
    def most(self) -> int:
        """The highest total: 15, or 17 with competitor_validated."""
        return sum(MOST.values()) + (VALIDATED[1] if self.competitor_validated is not None else 0)

    @property
    def grade(self) -> str:
        """A at 10, B at 7; with competitor_validated A at 12, B at 9. C too where a hard constraint is broken."""
        a, b = (10, 7) if self.competitor_validated is None else (12, 9)
        if any(getattr(self, name) == 0 for name in HARD):
            return "C"
        return "A" if self.total >= a else "B" if self.total >= b else "C"


def most(*, competitors: bool) -> dict[str, int]:
    """The most points of each dimension that is asked for; competitor_validated where competitors are known."""
    return MOST | (dict([VALIDATED]) if competitors else {})


def checked(points: Mapping[str, int], *, competitors: bool) -> Scores:
    """Scores from a grader's dimensions; ValueError names what is missing, too much or out of range.

    competitors  whether competitor_validated is asked for
    """
    highest = most(competitors=competitors)
    if set(points) != set(highest):
        raise ValueError(f"dimensions are {sorted(points)}, expected {sorted(highest)}")
    for name, value in points.items():
        if type(value) is not int or not 0 <= value <= highest[name]:
            raise ValueError(f"{name} is {value!r:.40}, expected a whole number from 0 to {highest[name]}")
    return Scores(**points)
