"""The rules on the order of scoring and learning, applied to what happens in a script. Pure.

Conditions C1 to C4 are those that the contest's organisers used: strict causal dependence, a full distribution, score
before update, a single left-to-right pass.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from golfkit.budget.gate.calls import CALIBRATION
from golfkit.budget.gate.events import Event, Story

_TESTING = re.compile(r"ttt|adapt|eval|test_time|valid|score", re.IGNORECASE)
_SCORING = re.compile(r"eval|score|valid|test|roundtrip", re.IGNORECASE)


class Finding(NamedTuple):
    """Something that is not allowed, or that may not be."""

    line: int
    sure: bool
    what: str
    why: str  # which rule
    fix: str


TRAINING = "no validation data in training (contest rules: a paid prefix is forbidden)"
BEFORE = "test-time training may use only tokens already scored (contest rules; C3, score before update)"
ONCE = "every token is scored once, left to right (C4): a pass over tokens that were learnt from is a second one"
CALIBRATED = "the artifact may not depend on validation data (C1), and calibration is part of making it"


def findings(story: Story) -> Iterator[Finding]:
    """What is wrong, or may be."""
    scores = [story.forwards[key] for key in story.counted if key in story.forwards]
    trained = {update.line for update in story.updates.values() if _kind(update, "train")}
    for update in story.updates.values():
        if _kind(update, "val"):
            yield from _judged(update, scores, story.restores, update.line in trained)
        elif _kind(update, "may"):
            named = _named(update, "may")
            what = f"{named} may reach the gradient here: golf lost track of which data it is"
            yield Finding(update.line, False, what, TRAINING, "run with --dynamic")
    yield from _calibrations(story)


def _calibrations(story: Story) -> Iterator[Finding]:
    """Forward passes over validation tokens for the sake of quantisation."""
    for key, passed in story.forwards.items():
        inner = passed.functions[-1] if passed.functions else ""
        near = [name for name in passed.functions if CALIBRATION.search(name) and not _SCORING.search(name)]
        if key in story.counted or not near or _SCORING.search(inner):
            continue
        sure = _kind(passed, "val")
        what = f"{_named(passed, 'val' if sure else 'may')} calibrate the quantisation in {near[0]}"
        yield Finding(passed.line, sure, what, CALIBRATED, "calibrate on training tokens, within the training time")


def _judged(update: Event, scores: list[Event], restores: list[Event], trains: bool) -> Iterator[Finding]:
    """An update from validation tokens."""
    first = next((score for score in scores if _scored_before(update, score)), None)
    named = _named(update, "val")
    if first is not None:
        yield from _score_first(update, first, scores, named)
        return
    mates = [score for score in scores if _shared(update, score) and not update.excludes(score)]
    after = [s for s in scores if s.seq > update.seq and not update.excludes(s) and not _undone(update, s, restores)]
    testing = any(_TESTING.search(name) for name in update.functions[1:] or update.functions)
    before = testing or (not trains and any(_same(update, score) for score in mates))
    if not before or not (after or mates):
        undone = bool(scores) and not after and not mates
        if undone and any(_undone(update, score, restores) for score in scores):
            what = f"{named} reach the gradient here, then older weights are loaded: golf cannot tell that all are"
            yield Finding(update.line, False, what, TRAINING, "run with --dynamic, or warm up on random tokens")
            return
        yield Finding(
            update.line, True, f"{named} reach the gradient here", TRAINING, "train on fineweb_train shards alone"
        )
        return
    yield _too_early(update, mates or after, named)


def _too_early(update: Event, scores: list[Event], named: str) -> Finding:
    """An update that comes before the score of the same tokens, or may."""
    same = any(_same(update, score) for score in scores)
    earlier = any(tag[0] in ("carried", "shift") for tag in update.tags)
    where = sorted({score.line for score in scores})[0]
    what = f"weights learn from {named} here, before line {where} scores them"
    fix = "score a chunk under no_grad, add up its loss, and only then adapt on it"
    if earlier and not same:
        what = f"weights learn from {named} here, before line {where} scores; perhaps from an earlier chunk"
        return Finding(update.line, False, what, BEFORE, f"{fix}; or run with --dynamic")
    return Finding(update.line, True, what, BEFORE, fix)


def _score_first(update: Event, first: Event, scores: list[Event], named: str) -> Iterator[Finding]:
    """An update after the score of its chunk: the rounds of the loops around must not come back to the chunk."""
    for loop in _shared(update, first):
        if not update.loops[loop].again or not first.loops[loop].again or first.varies("loop", loop):
            continue
        line = update.loops[loop].line
        if first.varies("state", loop):
            if update.loops[loop].counted:
                what = f"{named} come from a loader that keeps its own place in the loop of line {line}"
                yield Finding(update.line, False, f"{what}: one pass, or several?", ONCE, "run with --dynamic")
            continue
        what = f"the loop of line {line} goes over the same {named} again, and scores them after learning from them"
        yield Finding(update.line, True, what, ONCE, "report the first pass: score each chunk once, then adapt on it")
    later = [s for s in scores if s.seq > update.seq and not _shared(update, s) and not update.excludes(s)]
    if later:
        what = f"line {later[0].line} scores validation tokens after test-time training was done"
        yield Finding(later[0].line, False, what, ONCE, "make test-time training the last evaluation, or use --dynamic")


def _scored_before(update: Event, score: Event) -> bool:
    """Whether a score comes before an update in each round of a loop that both go through the data with."""
    if score.seq > update.seq or update.excludes(score):
        return False
    return any(_moves(update, loop) and _moves(score, loop) for loop in _shared(update, score))


def _moves(event: Event, loop: int) -> bool:
    return any(event.varies(kind, loop) for kind in ("loop", "state"))


def _shared(one: Event, other: Event) -> list[int]:
    """The loops around both."""
    return [loop for loop in one.loops if loop in other.loops]


def _same(update: Event, score: Event) -> bool:
    """Whether both take the very same tokens: cut from the stream by one expression in one round of their loop."""
    shared = _shared(update, score)
    cuts = update.tags & score.tags
    return any(tag[0] == "slice" and (not shared or shared[-1] in tag[2]) for tag in cuts)


def _undone(update: Event, score: Event, restores: list[Event]) -> bool:
    """Whether weights from before an update are loaded between it and a score."""
    between = [restore for restore in restores if update.seq < restore.seq < score.seq]
    return any(max(tag[1] for tag in restore.tags if tag[0] == "kept") < update.seq for restore in between)


def _kind(event: Event, kind: str) -> bool:
    return any(tag[0] == kind for tag in event.tags)


def _named(event: Event, kind: str) -> str:
    lines = event.lines(kind)
    return f"validation tokens (named in line {lines[0]})" if lines else "validation tokens"
