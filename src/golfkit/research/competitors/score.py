"""One competitor's score out of submission.json, README and title, in that order. Pure."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from golfkit.errors import GolfError
from golfkit.research.competitors import readme as readmes
from golfkit.research.competitors import title as titles
from golfkit.research.competitors.candidates import LEAST, MOST
from golfkit.research.competitors.choice import Choice
from golfkit.research.competitors.numbers import agree
from golfkit.train.logs import submission as submissions

SUBMISSION, README, TITLE = "submission.json", "README", "title"
SEEDS_DIFFER = 0.0015  # bits per byte: one reading may be the mean of the seeds, the other the best of them
SUBMISSION_CONFIDENCE = 0.9
# Bytes per token of the contest's tokenizers: SP1024 of today's and of the launch split, SP4096, SP8192, SP8192 with
# CaseOps, bytes. Source: val_loss / ln 2 / val_bpb of the records' logs, the same to 0.01%.
BYTES_PER_TOKEN = (2.43593, 2.44230, 3.31968, 3.72663, 3.15715, 1.0)
RATIO_OFF = 0.01  # relative, that a ratio may be off by: sliding windows leave some tokens out


class Score(NamedTuple):
    """The answer; None is unknown, never a guess."""

    val_bpb: float | None  # bits per byte
    source: str | None  # submission.json, README, title
    confidence: float  # 0 to 1
    conflict: bool  # two readings differ by more than seeds do
    readings: Mapping[str, float]
    notes: tuple[str, ...]


def score(*, submission: str | None = None, readme: str | None = None, title: str | None = None) -> Score:
    """The score that the given texts state: submission.json's, else the README's, else the title's."""
    notes: list[str] = []
    found: dict[str, Choice] = {}
    if submission is not None:
        found[SUBMISSION] = _submission(submission, notes)
    if readme is not None:
        found[README] = readmes.read(readme)
    if title is not None:
        found[TITLE] = titles.read(title)
    notes += [f"{name}: {note}" for name, choice in found.items() for note in choice.notes]
    told = {name: choice for name, choice in found.items() if choice.text is not None}
    if not told:
        return Score(None, None, 0.0, False, {}, tuple(notes))
    source, best = next(iter(told.items()))
    readings = {name: float(choice.text or "nan") for name, choice in told.items()}
    texts = {name: choice.text or "" for name, choice in told.items()}
    conflict = max(readings.values()) - min(readings.values()) > SEEDS_DIFFER
    confidence = best.confidence
    others = [name for name in told if name != source]
    if conflict:
        confidence = min(confidence, 0.5) - 0.1
        notes.append("conflict: " + ", ".join(f"{name} says {text}" for name, text in texts.items()))
    elif others and all(agree(texts[name], texts[source]) for name in others):
        confidence = min(0.99, confidence + 0.05 * len(others))
    elif others:
        notes.append("mean or best seed: " + ", ".join(f"{name} says {text}" for name, text in texts.items()))
    return Score(readings[source], source, round(max(0.05, confidence), 2), conflict, readings, tuple(notes))


def _submission(text: str, notes: list[str]) -> Choice:
    """What submission.json says; unreadable JSON is a note, as the README may still tell."""
    try:
        read = submissions.read(text)
    except GolfError as error:
        notes.append(str(error))
        return Choice(None, 0.0, ())
    if read.val_bpb is None:
        return Choice(None, 0.0, ("it has no val_bpb",))
    remarks = [remark.text for remark in read.remarks if remark.wrong and "val_bpb" in remark.text]
    confidence = SUBMISSION_CONFIDENCE - 0.1 * bool(remarks)
    if not LEAST <= read.val_bpb <= MOST:
        confidence *= 0.5
        remarks.append(f"{read.val_bpb} is outside of {LEAST} to {MOST} bits per byte")
    if read.val_loss is not None:
        ratio = read.val_loss / math.log(2) / read.val_bpb
        if all(abs(ratio / known - 1) > RATIO_OFF for known in BYTES_PER_TOKEN):
            confidence *= 0.8
            remarks.append(f"val_loss and val_bpb make {ratio:.3f} bytes a token, as no known tokenizer has")
    return Choice(repr(float(read.val_bpb)), round(confidence, 2), tuple(remarks))
