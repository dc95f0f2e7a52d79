"""The score that a record's README states. Pure."""

import itertools
from collections.abc import Sequence

from golfkit.research.competitors import candidates, choice, lines, markdown, tables
from golfkit.research.competitors.candidates import Candidate
from golfkit.research.competitors.choice import Choice
from golfkit.research.competitors.markdown import Line, Table
from golfkit.research.competitors.numbers import agree, numbers


def read(text: str) -> Choice:
    """The score, as it is written there, and how sure it is."""
    blocks = markdown.read(text)
    every = _found(blocks)
    if lines.pending(blocks) and not any(c.kind in ("title", "headline") for c in every):
        return Choice(None, 0.0, ("the score is said to be yet to come",))
    return choice.choose(every)


def found(text: str) -> list[Candidate]:
    """Every number that may be the score, in order of lines."""
    return _found(markdown.read(text))


def _found(blocks: Sequence[Line | Table]) -> list[Candidate]:
    told = itertools.chain.from_iterable(numbers(block.text) for block in blocks if isinstance(block, Line))
    bounds = candidates.bounds(told)
    every = list(lines.candidates(blocks))
    for block in blocks:
        if isinstance(block, Table):
            every += tables.candidates(block)
    return sorted((c for c in every if not any(agree(c.text, bound) for bound in bounds)), key=lambda c: c.n)
