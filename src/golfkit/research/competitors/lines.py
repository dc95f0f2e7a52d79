"""Candidates of a README's lines: title, headline, key-values, log lines, sentences. Pure."""

import re
from collections.abc import Iterator, Sequence

from golfkit.research.competitors import vocabulary, words
from golfkit.research.competitors.candidates import BARE_DIGITS, LEAST, PLAIN_MOST, Candidate, promised, refused, weigh
from golfkit.research.competitors.markdown import Line
from golfkit.research.competitors.numbers import Number, decimals, numbers

HEADLINES = 7  # lines of words after the title, before the next heading, that may hold the headline
TITLE_WORDS = 40  # characters before a title's number that speak of it; those before name techniques
NAMED = 3  # finality of words that name a result
NAME = 90  # characters that a name before a colon has at most
SENTENCE = 120  # characters from which on a clause is prose, whatever colon is in it
OF_A_LIST = 20  # points off one of several seeds
_ASSIGNMENT = re.compile(r"^\s*(?:export\s+)?[A-Z][A-Z0-9_]*=|\\\s*$")
_SCORE_LINE = re.compile(r"[^.:=]{0,24}(?:val[_ ]?)?(?:bpb|bpp|bits per byte)\b[^.:=]{0,40}[:=]", re.I)
_STEP = re.compile(r"^\W*(?:\[?step|\d+/\d+|epoch|iter)", re.I)
_RESULT = re.compile(
    r"\b(?:final|achiev\w+|scor\w+|reach\w*|result\w*|submitt\w+|landed|lands|obtain\w*|get(?:s|ting)?|got|measured)\b",
    re.I,
)


def candidates(blocks: Sequence[object]) -> Iterator[Candidate]:
    """Those of every line, in order."""
    headings = content = 0
    code_bpb = False
    for block in blocks:
        if not isinstance(block, Line):
            content += 1
            continue
        if block.kind == "heading":
            headings += 1
            place = "title" if headings == 1 and block.level <= 2 else "heading"
            content = content if headings > 1 else 0
        else:
            content += 1
            place = "headline" if headings <= 1 and content <= HEADLINES and block.kind != "code" else block.kind
        code_bpb = block.kind == "code" and (code_bpb or bool(vocabulary.BPB.search(block.text)))
        yield from _of_line(block, place, code_bpb)


def pending(blocks: Sequence[object]) -> bool:
    """Whether a line says that the score is yet to come: a placeholder, or an estimate in its place at the top."""
    for at, block in enumerate(blocks):
        if not isinstance(block, Line) or block.kind == "code" or not _SCORE_LINE.match(block.text):
            continue
        said = words.judge(block.text[:60])
        if vocabulary.PLACEHOLDER.search(block.text[:90]) or (said.projected and at < 2 * HEADLINES):
            return True
    return False


def _of_line(line: Line, place: str, code_bpb: bool) -> Iterator[Candidate]:
    if line.kind == "code" and (_ASSIGNMENT.search(line.text) or _STEP.match(line.text)):
        return
    about = words.judge(line.caption)
    if about.other or about.bound or promised(line.sections, line.caption):
        return
    label: words.Words | None = None
    lead = ""  # words that lead to a number, or to the list that it is in
    for number in numbers(line.text):
        follows = number.listed and label is not None
        own = words.finality(number.after) or bool(vocabulary.PRE.search(number.after))  # it names its own stage
        if not follows:
            lead = number.before[-TITLE_WORDS:] if place == "title" else number.before
        if label is None or not follows or own:
            label = words.judge(lead, number.after)
            label = label._replace(partial=label.partial or about.partial, pre=label.pre or about.pre)
            listed = number.heads and LEAST <= number.value <= PLAIN_MOST
        else:
            label = label._replace(mean=False, seed=True)
            listed = True
        if refused(number, label) or not _is_score(number, label, line, place, code_bpb):
            continue
        kind = _kind(number, lead if own else number.before, line, place)
        points = weigh(kind, number.text, label, line.sections, approximate=number.approximate)
        seed = label.seed and not label.mean
        points -= OF_A_LIST if seed or listed else 0
        name = number.before.strip(" :=").lower() if kind == "key" else ""
        yield Candidate(number.text, kind, points, line.n, seed, name)


def _is_score(number: Number, label: words.Words, line: Line, place: str, code_bpb: bool) -> bool:
    """Whether it is said to be bits per byte, or stands where nothing else of this form does."""
    if label.bpb:
        return True
    if not LEAST <= number.value <= PLAIN_MOST or decimals(number.text) < BARE_DIGITS:
        return False
    named = label.mean or label.finality >= NAMED or bool(re.search(r"\bscore\b", number.before, re.I))
    if line.kind == "code":
        return code_bpb and named
    if place == "title":
        return True
    return named and (place == "headline" or any(vocabulary.RESULTS.search(name) for name in line.sections[-2:]))


def _kind(number: Number, before: str, line: Line, place: str) -> str:
    """The place, as POINTS names it."""
    if place in ("title", "heading"):
        return place
    keyed = bool(re.search(r"[:=]\s*$", before)) and len(before) <= NAME
    bold = number.text in line.bold
    if place == "headline":
        if not (keyed or bold or _RESULT.search(before)):
            return "prose"
        return "headline" if vocabulary.BPB.search(before + number.after) else "key"
    if line.kind == "code":
        return "log"
    return "key" if keyed and (line.kind == "item" or bold or len(number.clause) < SENTENCE) else "prose"
