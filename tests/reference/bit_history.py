"""Bit histories as their description has them: a table of the allowed pairs, and one step at a time."""

from typing import NamedTuple

MOST_BESIDE = {0: 41, 1: 40, 2: 12, 3: 5, 4: 4}  # smaller count -> the larger is at most this
KEPT_BELOW = 16  # sum of the counts up to which the last bit is known
AFTER_OPPOSITE = [*range(3), 2, 2, 3, 3, 3, *[4] * 6, *[5] * 12, *[6] * 16]  # count -> what is left of it


class History(NamedTuple):
    """Counts of zeros and ones, and the last bit where it is known (else 0)."""

    n0: int
    n1: int
    last: int


def allowed(n0: int, n1: int) -> bool:
    """Whether a pair of counts can be represented."""
    return max(n0, n1) <= MOST_BESIDE.get(min(n0, n1), -1)


def every() -> set[History]:
    """All histories."""
    pairs = [(a, b) for a in range(42) for b in range(42) if allowed(a, b)]
    both = [(a, b) for a, b in pairs if a and b and a + b < KEPT_BELOW]
    return {History(a, b, 0) for a, b in pairs} | {History(a, b, 1) for a, b in both}


def after(history: History, bit: int) -> History:
    """The history one bit later."""
    same, other = (history.n1, history.n0) if bit else (history.n0, history.n1)
    same, other = same + 1, AFTER_OPPOSITE[other]
    while not allowed(same, other):
        same, other = shrunk(same, other)
    known = bool(same and other) and same + other < KEPT_BELOW
    n0, n1 = (other, same) if bit else (same, other)
    return History(n0, n1, bit if known else 0)


def shrunk(same: int, other: int) -> tuple[int, int]:
    """One step towards a pair that is allowed: the smaller count goes down by one and the larger keeps its ratio to it
    (rounded); with a smaller count of 0 or 1 it is the larger that goes down by one."""
    if same > other:
        smaller, larger = shrunk_pair(other, same)
        return larger, smaller
    return shrunk_pair(same, other)


def shrunk_pair(smaller: int, larger: int) -> tuple[int, int]:
    """The same for an ordered pair."""
    if smaller < 2:
        return smaller, larger - 1
    exact = larger * (smaller - 1) / smaller
    return smaller - 1, int(exact + 0.5)
