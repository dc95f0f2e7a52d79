"""verified.jsonl: items that were read in full and graded again; append-only, the last line of an item counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from golfkit import files, jsonl

FILE = "verified.jsonl"
BRIEF_CHARACTERS = 1200  # of a brief; more is a paper, not a brief


@dataclass(frozen=True, kw_only=True)
class Verified:
    """One reading in full.

    item, item_digest  as in graded.jsonl
    total_before, grade_before  the grading that led here
    total, grade       after it; None and "ungraded" where the second grading failed
    brief              how to build it here, in a few sentences
    red_flags          what speaks against it
    evidence           links that were read
    full_text          whether the whole text was had; where not, `fallback` says what was read instead
    """

    item: str
    item_digest: str
    title: str
    url: str
    verified: str  # UTC
    grader: str
    model: str | None = None
    context: str
    total_before: int
    grade_before: str
    total: int | None = None
    grade: str
    dimensions: tuple[int, ...] = ()  # in the order of rubric.Scores, competitor_validated where it was asked for
    brief: str = ""
    red_flags: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    full_text: bool = False
    fallback: str | None = None
    reason: str | None = None  # why it is ungraded
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost_usd: float | None = None


def read(path: Path) -> list[Verified]:
    """Every reading, oldest first; none where the file is not there yet."""
    return jsonl.read(path, Verified, missing_ok=True)


def latest(readings: Sequence[Verified]) -> dict[str, Verified]:
    """The last reading of each item."""
    return {verified.item: verified for verified in readings}


def append(path: Path, verified: Verified) -> None:
    """Add one line under the lock."""
    files.append_line(path, jsonl.render(verified))
