"""What the words around a number say of it: which quantity it is, whose, and how final. Pure."""

import re
from typing import NamedTuple

from golfkit.research.competitors import vocabulary


class Words(NamedTuple):
    """What is said of one number."""

    bpb: bool  # it is said to be bits per byte
    loss: bool
    spread: bool  # a standard deviation, a p-value
    delta: bool
    bound: bool
    projected: bool
    other: bool  # somebody else's, or the one before
    ours: bool
    pre: bool  # before quantisation
    pre_ttt: bool  # before the last stage of the evaluation
    partial: bool
    mean: bool
    seed: bool
    finality: int  # 0 to 25: after quantisation, sliding window, test-time training; exact, final; named as the score


def judge(before: str, after: str = "") -> Words:
    """What the words before and after a number, up to its neighbours, say of it."""
    both = f"{before} \x00 {after}"
    ours = bool(vocabulary.OURS.search(both))
    submitted = ours or bool(vocabulary.SUBMITTED.search(both))
    close = before[-60:]
    other = bool(vocabulary.OTHER.search(before) or vocabulary.OTHER_AFTER.match(after)) and not submitted
    return Words(
        bpb=bool(vocabulary.BPB.search(both)),
        loss=_is_loss(before, after),
        spread=bool(vocabulary.SPREAD.search(close)) or close.rstrip().endswith("±"),
        delta=bool(vocabulary.DELTA.search(both)) or bool(re.search(r"\bby\W*$", before, re.I)),
        bound=bool(vocabulary.BOUND.search(close)),
        projected=bool(vocabulary.PROJECTED.search(both)),
        other=bool(vocabulary.AGAINST.search(close)) or (bool(vocabulary.PR.search(before)) and not ours) or other,
        ours=submitted,
        pre=bool(vocabulary.PRE.search(both)) and not vocabulary.POST.search(before[-24:]),
        pre_ttt=bool(vocabulary.PRE_TTT.search(both)),
        partial=bool(vocabulary.PARTIAL.search(both)),
        mean=bool(vocabulary.MEAN.search(both)),
        seed=bool(vocabulary.SEED.search(before)),
        finality=finality(both),
    )


def _is_loss(before: str, after: str) -> bool:
    """Whether the nearest name of a quantity is another one than bits per byte."""
    if re.match(r"\W{0,3}nats?\b", after, re.I):
        return True
    if re.match(r"\W{0,2}(?:val[_ ])?(?:bp[bp]|bits)\b", after, re.I):
        return False
    losses = list(vocabulary.LOSS.finditer(before))
    scores = list(vocabulary.BPB.finditer(before))
    return bool(losses) and (not scores or scores[-1].end() < losses[-1].end())


def finality(text: str) -> int:
    """How near to the last word on the artifact the label is, 0 to 25: stage of the evaluation, exactness, choice."""
    stage = 12 if vocabulary.TTT.search(text) and not vocabulary.PRE_TTT.search(text) else 0
    stage = stage or (8 if vocabulary.SLIDING.search(text) else 4 if vocabulary.POST.search(text) else 0)
    exact = (1 if vocabulary.EXACT.search(text) else 0) + (2 if vocabulary.FINAL.search(text) else 0)
    return stage + exact + (10 if vocabulary.CHOSEN.search(text) else 0)
