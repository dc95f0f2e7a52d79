"""The step lines of the contest's scripts, one at a time, for a progress bar. Pure, and never an error."""

import re
from typing import NamedTuple

_STEP = re.compile(
    r"(?:\[[^\]]{1,60}\]:?\s{0,9})?(?:step[: ]\s{0,9})?(\d{1,12})\s?/\s?(\d{1,12})\b(.{0,500})", re.ASCII
)
_VALUE = re.compile(
    r"\b(train_loss|val_bpb|tok_s|loss)\s{0,9}[:=]\s{0,9}([-+]?(?:nan|inf|\d{1,15}(?:\.\d{0,17})?(?:e[-+]?\d{1,3})?))",
    re.ASCII | re.IGNORECASE,
)


class Progress(NamedTuple):
    """Where a run stands; None where the line does not say."""

    step: int
    of: int  # iterations planned; the clock may end the run before
    train_loss: float | None  # nats per token; may be NaN or infinite
    val_bpb: float | None  # of the weights in memory, no final score
    tokens_per_second: float | None


def progress_of(line: str) -> Progress | None:
    """What a line like `step:200/20000 train_loss:2.8 ... tok_s:5000` says; None for a line of another kind."""
    found = _STEP.match(line)
    if found is None:
        return None
    values = {name.lower(): float(value) for name, value in _VALUE.findall(found[3])}
    if not values:
        return None
    loss = values.get("train_loss", values.get("loss"))
    return Progress(int(found[1]), int(found[2]), loss, values.get("val_bpb"), values.get("tok_s"))
