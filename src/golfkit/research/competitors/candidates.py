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
    mean: bool
    label: str = ""  # the words that name it, in a table or before a colon

    @property
    def value(self) -> float:
        """Bits per byte."""
        return float(self.text)


def weigh(kind: str, text: str, label: words.Words, sections: Sequence[str], *, approximate: bool = False) -> float:
    """Points of a number at a place, with its words and the headings above it."""
    points = POINTS[kind] + label.finality
    points += 5 if label.mean else 0
    points -= 40 if label.pre else 0
    points -= 16 if label.pre_ttt and not label.pre else 0
    points -= 15 if label.partial and kind not in ("headline", "title") else 0
    points -= 8 if approximate else 0
    points -= 3 * max(0, 4 - decimals(text))
    points -= 3 if label.delta else 0
    points -= 0 if LEAST <= float(text) <= MOST else 8
    if kind not in ("title", "headline"):
        inner = " / ".join(sections[-2:])
        if vocabulary.ASIDE.search(inner) and (kind in ("prose", "key") or not label.ours):
            points -= 14
        elif vocabulary.RESULTS.search(inner):
            points += 4
    return points


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
