"""Which candidate is the score: points and agreement; unknown where two contradict each other for no reason. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from golfkit.research.competitors.candidates import LEAST, MOST, Candidate
from golfkit.research.competitors.numbers import agree, decimals

ENOUGH = 24  # points below which a number is a mention, not a result
LEAD = 2  # points by which the best must lead another value
AGREEING = 4  # points for each further place that says the same, up to three
WORTH = 15  # points that a place needs to count as agreeing
SAME_COLUMN = 5  # points by which seeds of one column differ at most: bold is one of them
SHORTER = 20  # points below its place in a table at which the authors' own sentence still gives the digits
SAME_NAME = 10  # points within which two results under one name contradict each other
PLACES_OF_ONE = ("title", "headline", "heading", "prose")
TOP = ("title", "headline")
STATEMENTS = ("title", "headline", "heading", "key", "prose")
MOST_COMPARED = 300  # candidates; a README of a record has some 30


class Choice(NamedTuple):
    """The answer and how sure it is."""

    text: str | None
    confidence: float
    notes: tuple[str, ...]


def choose(candidates: Sequence[Candidate]) -> Choice:
    """The score among the candidates; None where there is none, or where two contradict each other."""
    ranked = sorted(_grouped(candidates), key=lambda group: -group[1])
    if not ranked or ranked[0][1] < ENOUGH:
        return Choice(None, 0.0, ("no number is said to be the score",) if ranked else ())
    best, points = ranked[0]
    notes: list[str] = []
    if best.kind == "seed":
        return _of_seeds([c for c, _ in ranked if c.kind == "seed" and best.points - c.points < SAME_COLUMN])
    if len(ranked) > 1 and points - ranked[1][1] < LEAD:
        rival = ranked[1][0]
        if (variant := _later_variant(best, rival)) and (len(ranked) == 2 or points - ranked[2][1] >= LEAD):
            return Choice(variant.text, 0.55, (f"lines {best.n} and {rival.n} are variants; the later is the better",))
        return Choice(None, 0.0, (f"lines {best.n} and {rival.n} contradict each other: {best.text}, {rival.text}",))
    rivals = [c for c in candidates if _same_label(c, best) and not agree(c.text, best.text)]
    if best.kind not in PLACES_OF_ONE and rivals:
        others = ", ".join(dict.fromkeys(c.text for c in rivals))
        return Choice(None, 0.0, (f"line {best.n}: {best.text}, but others under the same name: {others}",))
    confidence = min(0.95, 0.35 + points / 130)
    if not LEAST <= best.value <= MOST:
        confidence *= 0.5
        notes.append(f"{best.text} is outside of {LEAST} to {MOST} bits per byte")
    return Choice(best.text, round(confidence, 2), tuple(notes))


def _same_label(one: Candidate, best: Candidate) -> bool:
    """Whether both are results under one name, as those of several experiments are."""
    named = one.kind == best.kind and bool(best.label) and one.label == best.label
    return named and not one.seed and best.points - one.points < SAME_NAME


def _later_variant(one: Candidate, other: Candidate) -> Candidate | None:
    """The later of neighbouring rows that only a remark in brackets tells apart, where it is the better one as well."""
    first, last = sorted((one, other), key=lambda c: c.n)
    name = first.label.partition("(")[0]
    variants = first.kind == last.kind == "metric" and last.n == first.n + 1 and bool(name)
    return last if variants and name == last.label.partition("(")[0] and last.value < first.value else None


def _of_seeds(seeds: Sequence[Candidate]) -> Choice:
    """One of several seeds without a mean: the best where it also comes first or alone is bold, else unknown."""
    best = min(seeds, key=lambda c: c.value)
    first = min(seeds, key=lambda c: c.n)
    if best.value == first.value or best.points > max((c.points for c in seeds if c is not best), default=0):
        note = () if len(seeds) == 1 else (f"best of {len(seeds)} seeds, no mean is given",)
        return Choice(best.text, 0.55, note)
    return Choice(None, 0.0, (f"{len(seeds)} seeds and no mean, none is named as the score",))


def _grouped(candidates: Sequence[Candidate]) -> list[tuple[Candidate, float]]:
    """(best candidate, points with those of agreeing ones) of each value."""
    left = sorted(candidates, key=lambda c: (-c.points, c.n))[:MOST_COMPARED]
    groups = []
    while left:
        best = left[0]
        same = [c for c in left if agree(c.text, best.text)]
        left = [c for c in left if not agree(c.text, best.text)]
        # One seed's number that happens to be the mean's vouches for nothing.
        vouch = [c for c in same if not (best.kind == "mean" and c.seed)]
        places = {(c.n, c.kind) for c in vouch if c.points >= WORTH and c.n != best.n}
        stated = next((c for c in same if c.kind in STATEMENTS and best.points - c.points < SHORTER), best)
        if stated.kind in TOP:  # of the title and the headline the one with more digits
            stated = max((c for c in same if c.kind in TOP), key=lambda c: (decimals(c.text), c.points))
        groups.append((stated, best.points + AGREEING * min(3, len(places))))
    return groups
