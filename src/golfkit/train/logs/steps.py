"""The step lines of the contest's scripts, one at a time: for progress and for curves. Pure, and never an error."""

import re
from typing import NamedTuple

# `step:200/20000 train_loss:2.8 train_time:9ms`, `500/20000 val_loss: 2.8 val_bpb: 1`
_STEP = re.compile(
    r"(?:\[[^\]]{1,60}\]:?\s{0,9})?(?:step[: ]\s{0,9})?(\d{1,12})\s?/\s?(\d{1,12})\b(.{0,500})", re.ASCII
)
_VALUE = re.compile(
    r"(?<![\w.])(train_loss|val_loss|loss|val_bpb|tok_s)\s{0,9}[:=]\s{0,9}"
    r"([-+]?(?:nan|inf|\d{1,15}(?:\.\d{0,17})?(?:e[-+]?\d{1,3})?))",
    re.ASCII | re.IGNORECASE,
)
_TIME = re.compile(r"(?<![\w.])train_time\s{0,9}:\s{0,9}(\d{1,12}(?:\.\d{1,12})?)(ms|s|m)\b", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0}


class Reading(NamedTuple):
    """What one step line says; None where it does not."""

    step: int
    of: int  # steps planned; the clock may end the run before
    train_loss: float | None = None  # nats per token; may be NaN or infinite
    val_loss: float | None = None  # nats per token
    val_bpb: float | None = None  # bits per byte of the weights in memory, no final score
    train_s: float | None = None  # by the script's own clock
    tokens_per_second: float | None = None


def reading_of(line: str) -> Reading | None:
    """What a step line says; None for a line of any other kind."""
    found = _STEP.match(line)
    if found is None:
        return None
    values = {name.lower(): float(value) for name, value in _VALUE.findall(found[3])}
    if not values:
        return None
    time = _TIME.search(found[3])
    return Reading(
        int(found[1]),
        int(found[2]),
        values.get("train_loss", values.get("loss")),
        values.get("val_loss"),
        values.get("val_bpb"),
        float(time[1]) * _SECONDS[time[2]] if time else None,
        values.get("tok_s"),
    )
