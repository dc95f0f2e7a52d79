"""What was tried here and what came of it: the half of the closed loop that the graders read. Pure.

A promoted success becomes a proven technique, a failure is remembered with its score, the best expensive keep is the
bar. All of it is worked out afresh from results.tsv each time, so that it cannot go stale.
"""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from golfkit.ledger import Row
from golfkit.research.techniques import Taxonomy

FAILED = 10  # failures that a grader is shown, the last ones
EXPENSIVE = ("runpod", "ssh")


class Proven(NamedTuple):
    """A technique that is the entrance fee: having it is not novel."""

    name: str  # of techniques.toml; the row's description where that names no technique
    text: str  # what similarity is measured against: name and keywords, or the description
    why: str  # techniques.toml, or the id of the run that proved it


class History(NamedTuple):
    """What the graders know of the past."""

    best: Row | None  # the best kept row of the expensive tiers
    sota: float  # its score where it beats the published one, else that
    baseline: float
    proven: tuple[Proven, ...]
    failed: tuple[Row, ...]  # the last FAILED discards and crashes, oldest first
    tried: tuple[Row, ...]  # every row, oldest first

    @property
    def digest(self) -> str:
        """16 hex digits of sha256: another digest is another history."""
        parts = (self.sota, self.baseline, self.proven, self.failed)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def from_rows(rows: Sequence[Row], taxonomy: Taxonomy, *, sota: float, baseline: float) -> History:
    """The history of a ledger.

    sota, baseline  of the settings, in bits per byte
    """
    kept = [row for row in rows if row.tier in EXPENSIVE and row.status == "keep"]
    scored = [row for row in kept if row.val_bpb is not None]
    best = min(scored, key=lambda row: row.val_bpb or 0.0, default=None)
    proven = {
        technique.name: Proven(technique.name, _text(technique.name, technique.keywords), "techniques.toml")
        for technique in taxonomy.techniques
        if technique.proven
    }
    for row in kept:
        found = taxonomy.found(row.description)
        for technique in found:
            text = _text(technique.name, technique.keywords)
            proven.setdefault(technique.name, Proven(technique.name, text, row.commit))
        if not found and row.description:
            proven.setdefault(row.description, Proven(row.description, row.description, row.commit))
    failures = [row for row in rows if row.status in ("discard", "crash") and row.description]
    return History(
        best=best,
        sota=min(sota, best.val_bpb) if best is not None and best.val_bpb is not None else sota,
        baseline=baseline,
        proven=tuple(proven.values()),
        failed=tuple(failures[-FAILED:]),
        tried=tuple(rows),
    )


def _text(name: str, keywords: Sequence[str]) -> str:
    return ", ".join((name, *keywords))
