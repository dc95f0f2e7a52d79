"""The numbers of a README that may be its score, each with the points that its place and its words give it. Pure.

Points are an order, not a probability: `choice` compares them. 60 is a headline, 40 a named result, 20 a mention.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from golfkit.research.competitors import vocabulary, words
from golfkit.research.competitors.numbers import Number, decimals

LEAST, MOST = 0.9, 3.0  # bits per byte of every plausible score
PLAIN_MOST = 2.0  # bits per byte: a larger number without the label is something else
BARE_DIGITS = 4  # after the point, of a score that nothing names
FEW_DIGITS = 3  # points off for each digit that a rounded score lacks
SMALL = 0.5  # below it a number without the label is a difference

POINTS = {  # by place
    "title": 60,
    "headline": 62,
    "key": 42,
    "mean": 46,
    "metric": 40,
    "ours": 40,
    "heading": 38,
    "log": 38,
    "prose": 20,
    "seed": 22,
    "row": 12,
}
_PROMISE = re.compile(r"\W*(?:expect|project|estimat|target|plan|predict|anticipat|hypothe)", re.I)


class Candidate(NamedTuple):
    """A number that may be the score."""

    text: str
    kind: str  # a key of POINTS
    points: float
    n: int  # line number
    seed: bool  # of one seed, where there are several
    label: str = ""  # the words that name it, in a table or before a colon

    @property
    def value(self) -> float:
        """Bits per byte."""
        return float(self.text)


def weigh(kind: str, text: str, label: words.Words, sections: Sequence[str], *, approximate: bool = False) -> float:
    """Points of a number at a place, with its words and the headings above it."""
    top = kind in ("title", "headline")
    points = POINTS[kind] + label.finality - FEW_DIGITS * max(0, BARE_DIGITS - decimals(text))
    for holds, change in (
        (label.mean, 5),
        (label.pre, -40),
        (label.pre_ttt and not label.pre, -16),
        (label.partial and not top, -15),
        (approximate, -8),
        (label.delta, -3),
        (not LEAST <= float(text) <= MOST, -8),
    ):
        points += change if holds else 0
    above = "" if top else " / ".join(sections[-2:])
    if vocabulary.ASIDE.search(above) and (kind in ("prose", "key") or not label.ours):
        return points - 14
    return points + (4 if vocabulary.RESULTS.search(above) else 0)


def promised(sections: Sequence[str], caption: str) -> bool:
    """Whether what stands under a heading or a caption is announced, not measured."""
    return any(_PROMISE.match(text) for text in (*sections[-1:], caption))


def refused(number: Number, label: words.Words) -> bool:
    """Whether the words say that it is something else than this record's score."""
    value = number.value
    if number.signed or label.spread or label.bound or number.arrow_after or label.other or label.loss:
        return True
    if label.projected or value == 0:
        return True
    return value < SMALL and (label.delta or not label.bpb)


def bounds(found: Iterator[Number]) -> set[str]:
    """Numbers that a test of significance or a comparison names as its bound."""
    return {number.text for number in found if number.before.rstrip().endswith(("<", ">", "≤", "≥", "<=", ">="))}
