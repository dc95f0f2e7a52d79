"""The score that a pull request's title states. Pure."""

import re

from golfkit.research.competitors import markdown, words
from golfkit.research.competitors.candidates import BARE_DIGITS, LEAST, MOST, PLAIN_MOST, SMALL
from golfkit.research.competitors.choice import Choice
from golfkit.research.competitors.numbers import decimals, numbers

TITLE_CHARACTERS = 500  # that are read; GitHub allows 256


def read(text: str) -> Choice:
    """The score: what is named bits per byte, else a mean, else the one bare number of a score's form."""
    named, means, bare = [], [], []
    for number in numbers(markdown.plain(text[:TITLE_CHARACTERS])):
        label = words.judge(number.before, number.after)
        if number.signed or label.spread or label.bound or label.other or label.loss or number.arrow_after:
            continue
        if label.pre and not label.finality:
            continue
        if label.bpb and not (label.delta and number.value < SMALL):
            named.append(number)
        elif LEAST <= number.value <= PLAIN_MOST and decimals(number.text) >= BARE_DIGITS:
            close = re.search(r"(?:mean|avg|average|score|sliding\S*)\W{0,3}$", number.before, re.I)
            (means if close or label.mean else bare).append(number)
    for group, sure in ((named, 0.9), (means, 0.7), (bare, 0.6)):
        values = {number.text: number for number in group}
        if len(values) > 1 and group is not named:
            return Choice(None, 0.0, (f"several numbers could be the score: {', '.join(values)}",))
        if values:
            number = next(iter(values.values()))
            notes = [f"several scores: {', '.join(values)}"] if len(values) > 1 else []
            if not LEAST <= number.value <= MOST:
                notes.append(f"{number.text} is outside of {LEAST} to {MOST} bits per byte")
            confidence = (sure - 0.1 * number.approximate) * (0.5 if notes else 1)
            return Choice(number.text, round(confidence, 2), tuple(notes))
    return Choice(None, 0.0, ())
