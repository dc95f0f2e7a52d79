"""graded.jsonl: one grading of one item a line; append-only, so that what was thought before an outcome is kept.

The last line of an item is its grade in force. Earlier ones are what `golf calibrate` compares with outcomes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from golfkit import files, jsonl
from golfkit.research.grade.rubric import UNGRADED, Scores

FILE = "graded.jsonl"


@dataclass(frozen=True, kw_only=True)
class Graded:
    """One grading.

    item         the item's id
    item_digest  Item.digest of what was graded
    grader       llm or offline
    context      16 hex digits of sha256: for llm of the prompt without the items, for offline of the history and rules
    graded       UTC, 2026-05-01T14:30:00Z
    grade        A, B, C or ungraded; ungraded has no dimensions, and `reason` says why
    """

    item: str
    item_digest: str
    title: str
    grader: str
    model: str | None = None
    context: str
    graded: str
    grade: str
    total: int | None = None
    bpb_impact: int | None = None
    size_compatibility: int | None = None
    time_compatibility: int | None = None
    implementability: int | None = None
    novelty: int | None = None
    competitor_validated: int | None = None
    summary: str = ""  # what an experimenter should know, in one or two sentences
    reason: str | None = None
    flags: tuple[str, ...] = ()  # constraints found, similar failures, doubts
    techniques: tuple[str, ...] = ()  # of techniques.toml, by name
    tokens_in: int | None = None  # this item's share
    tokens_out: int | None = None
    cost_usd: float | None = None

    @property
    def scores(self) -> Scores | None:
        """The dimensions; None where it is ungraded."""
        if self.grade == UNGRADED:
            return None
        return Scores(*(getattr(self, name) for name in Scores._fields))


def read(path: Path) -> list[Graded]:
    """Every grading, oldest first; none where the file is not there yet."""
    return jsonl.read(path, Graded, missing_ok=True)


def latest(gradings: Iterable[Graded]) -> dict[str, Graded]:
    """The grading in force of each item."""
    return {graded.item: graded for graded in gradings}


def in_force(path: Path) -> dict[str, Graded]:
    """`latest` of the file; the gradings before it are not held in memory."""
    return latest(jsonl.stream(path, Graded, missing_ok=True))


def append(path: Path, gradings: Sequence[Graded]) -> None:
    """Add gradings in one write under the lock."""
    with files.locked(path):
        files.append_locked(path, [jsonl.render(graded) for graded in gradings])
