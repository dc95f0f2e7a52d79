"""The fingerprint of a score's byte accounting. Pure.

val_loss / ln 2 * tokens / val_bpb is the number of bytes that a score was divided by. Every honest one on the contest's
validation split is 151.08 million, whatever the tokenizer; the contest's false records all showed here.
"""

import math
from typing import NamedTuple

from golfkit.budget.record.verdict import NO, OK, UNKNOWN
from golfkit.train.logs.choice import OFFICIAL_BYTES

SAME = 0.001  # relative; honest logs agree to 0.0001, and values with four decimals are off by that much
TOKENS = {"SP1024": 62_021_632, "SP4096": 45_508_608, "SP8192": 40_540_160, "SP8192 CaseOps": 47_851_520}
BYTES_TOKENIZER = {"bytes": 151_080_000}


class Mistake(NamedTuple):
    """A way to count bytes that makes a wrong score."""

    n_bytes: float  # of the validation split, counted so
    tokens: tuple[int, ...]  # of that split, by tokenizer
    words: str


_SP = tuple(TOKENS.values())
MISTAKES = (
    Mistake(176_332_748, _SP, "every leading space was counted twice, the true val_bpb is 1.167 times as high"),
    Mistake(OFFICIAL_BYTES * 1.0413, _SP, "each byte token was counted as 3 bytes, the true val_bpb is 4% higher"),
    Mistake(155.77e6, (63_779_840,), "that is the validation split of the launch, scores on it are about 0.003 lower"),
)


def of_score(val_loss: float, val_bpb: float) -> float:
    """Bytes per token that a score implies; val_loss in nats a token."""
    return val_loss / math.log(2) / val_bpb


def judge(bytes_per_token: float, tokens: int | None) -> tuple[str, str]:
    """(verdict, reason) of a score's bytes per token; with the tokens scored, where they are known, it is certain."""
    if tokens is None:
        return _by_ratio(bytes_per_token)
    n_bytes = bytes_per_token * tokens
    found = f"{n_bytes / 1e6:.2f} MB of text, {bytes_per_token:.4f} bytes a token"
    if _same(n_bytes, OFFICIAL_BYTES):
        return OK, found
    for mistake in MISTAKES:
        if _same(n_bytes, mistake.n_bytes):
            return NO, f"{found}: {mistake.words}"
    return NO, f"{found}, expected {OFFICIAL_BYTES / 1e6:.2f} MB, the contest's validation split"


def _by_ratio(ratio: float) -> tuple[str, str]:
    for name, tokens in (TOKENS | BYTES_TOKENIZER).items():
        if _same(ratio, OFFICIAL_BYTES / tokens):
            return OK, f"{ratio:.4f} bytes a token, as {name}"
    for mistake in MISTAKES:
        if any(_same(ratio, mistake.n_bytes / tokens) for tokens in mistake.tokens):
            return NO, f"{ratio:.4f} bytes a token: {mistake.words}"
    if ratio < 1 - SAME:
        return NO, f"{ratio:.4f} bytes a token, expected 1 or more: val_loss or val_bpb is another quantity"
    return UNKNOWN, f"{ratio:.4f} bytes a token is of no tokenizer that golfkit knows, and no log says how many tokens"


def _same(a: float, b: float) -> bool:
    return abs(a / b - 1) <= SAME
