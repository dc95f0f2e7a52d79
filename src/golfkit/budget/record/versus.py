"""A record against the best one so far. Pure."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from golfkit.budget.record import seeds
from golfkit.budget.record.folder import Record
from golfkit.budget.record.significance import ALPHA, MARGIN, Test, compare
from golfkit.budget.record.verdict import NO, OK, UNKNOWN, Check, count

KEY = "significance"
SAME_LOSS = 0.05  # relative; losses further apart are not of one tokenizer
SAME_TOKENIZER = 0.001  # relative, of bytes per token


@dataclass(frozen=True, kw_only=True)
class Rival:
    """The best record so far, and what beating it means."""

    losses: Sequence[float]  # nats a token, one a seed; or a single one
    bytes_per_token: float | None = None  # of its tokenizer, where known
    margin: float = MARGIN  # nats a token
    alpha: float = ALPHA


def judge(record: Record, rival: Rival | None) -> tuple[Check, Test | None]:
    """The check of significance, and the test behind it; None where it could not be made."""
    if rival is None:
        if not record.for_record:
            return Check(KEY, OK, "the non-record track asks for none"), None
        return Check(KEY, UNKNOWN, "no best record given: name one with --sota or --sota-val-loss"), None
    ours, ratio = seeds.losses(record), seeds.bytes_per_token(record)
    theirs, converted = rival.losses, ""
    if ratio and rival.bytes_per_token and abs(ratio / rival.bytes_per_token - 1) > SAME_TOKENIZER:
        theirs = [loss * ratio / rival.bytes_per_token for loss in theirs]  # the same bits per byte
        converted = f"; its losses are converted from {rival.bytes_per_token:.4f} to {ratio:.4f} bytes a token"
    if ours and theirs and abs(statistics.fmean(ours) / statistics.fmean(theirs) - 1) > SAME_LOSS:
        means = f"{statistics.fmean(ours):.4f} and {statistics.fmean(theirs):.4f} nats a token"
        return Check(KEY, UNKNOWN, f"{means} are not of one tokenizer; name the best record's folder with --sota"), None
    test = compare(ours, theirs, rival.margin)
    if test is None:
        known = f"{count(len(ours), 'validation loss')} against {len(theirs)}"
        return Check(KEY, UNKNOWN, f"{known}: two or more that differ are needed for a test"), None
    said = (
        f"{test.gain:+.5f} nats, p(> {rival.margin:g}) = {test.p_margin:.3g}, p(> 0) = {test.p_zero:.3g}"
        f" ({test.name}, {len(ours)} against {len(theirs)}), asked for < {rival.alpha:g}{converted}"
    )
    return Check(KEY, OK if test.p_margin < rival.alpha or not record.for_record else NO, said), test
