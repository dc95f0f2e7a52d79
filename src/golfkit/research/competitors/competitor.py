"""One competitor's score and how sure it is. A line of competitors.jsonl."""

from collections.abc import Mapping
from dataclasses import dataclass

FILE = "competitors.jsonl"


@dataclass(frozen=True, kw_only=True)
class Competitor:
    """One record folder or pull request of others. None is unknown, never a guess.

    id          github:OWNER/NAME#12 or the record's path; the file holds each once, newest reading last in its line
    technique   their words, on one line
    val_bpb     the score that counts, in bits per byte
    source      where it was read: submission.json, README, title
    confidence  0 to 1: below 0.5 somebody should look
    conflict    two of the readings differ by more than the seeds of one run do
    readings    every reading by its source
    state       open, merged, closed; None where it came from disk
    date        UTC day, 2026-05-01: of the pull request or the record's folder
    """

    id: str
    val_bpb: float | None
    source: str | None
    confidence: float
    conflict: bool
    readings: Mapping[str, float]
    repository: str | None = None
    pr: int | None = None
    author: str | None = None  # github id where it is known
    technique: str | None = None
    title: str | None = None
    url: str | None = None
    state: str | None = None
    date: str | None = None
    notes: tuple[str, ...] = ()  # what lowered the confidence
