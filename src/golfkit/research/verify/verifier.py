"""Judging an item from its full text: by a model, or by the offline rules with an extract for a brief."""

import dataclasses
from typing import Protocol

from golfkit.research.grade.grader import ByItem, Opinion
from golfkit.research.grade.llm.grader import LlmGrader
from golfkit.research.grade.llm.purse import Usage
from golfkit.research.grade.names import LLM, OFFLINE
from golfkit.research.items.item import Item
from golfkit.research.techniques import Taxonomy
from golfkit.research.verify import brief
from golfkit.research.verify.reading import CHARACTERS, Reading


class Verifier(Protocol):
    """Judges one item with what was read of it."""

    name: str  # llm or offline
    model: str | None
    context: str

    def judge(self, item: Item, reading: Reading, now: str) -> Opinion:
        """The second grading, with brief and red flags. CapReached, GolfError as LlmGrader.grade."""

    def typical(self, item: Item) -> Usage:
        """About what judging it will use, whatever its text turns out to be."""


class ByModel:
    """A model with the prompt for full texts."""

    name = LLM

    def __init__(self, grader: LlmGrader) -> None:
        self.model, self.context = grader.model, grader.context
        self._grader = grader

    def judge(self, item: Item, reading: Reading, now: str) -> Opinion:
        """See Verifier."""
        (opinion,) = self._grader.judge([dataclasses.replace(item, text=reading.text)], now)
        return opinion

    def typical(self, item: Item) -> Usage:
        """See Verifier; of as long a text as is kept."""
        return self._grader.typical([dataclasses.replace(item, text="word " * (CHARACTERS // 5))])


class ByRules:
    """The offline grader on the full text. Its flags are the red flags."""

    name = OFFLINE
    model = None

    def __init__(self, grader: ByItem, taxonomy: Taxonomy) -> None:
        self.context = grader.context
        self._grader, self._taxonomy = grader, taxonomy

    def judge(self, item: Item, reading: Reading, now: str) -> Opinion:
        """See Verifier."""
        graded = self._grader.grade(dataclasses.replace(item, text=reading.text), now)
        return Opinion(graded, brief.extract(reading.text, self._taxonomy), graded.flags)

    def typical(self, item: Item) -> Usage:
        """Nothing."""
        return Usage()
