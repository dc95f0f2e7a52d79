"""The step lines of the contest's scripts, as they come from a machine, and what is shown of them. Pure."""

import re
from decimal import Decimal
from typing import NamedTuple

# The forms that train/logs reads: `step:200/20000 train_loss:2.8 train_time:9ms`, `500/20000 val_loss: 2.8 val_bpb: 1`
_STEP = re.compile(
    r"(?:\[[^\]]{1,60}\]:?\s{0,9})?(?:step[: ]\s{0,9})?(\d{1,12})\s?/\s?(\d{1,12})\b(.{0,500})", re.ASCII
)
_VALUE = re.compile(
    r"(?<![\w.])(train_loss|val_loss|loss|val_bpb)\s{0,9}[:=]\s{0,9}"
    r"([-+]?(?:nan|inf|\d{1,15}(?:\.\d{0,17})?(?:e[-+]?\d{1,3})?))",
    re.ASCII | re.IGNORECASE,
)
_TIME = re.compile(r"(?<![\w.])train_time\s{0,9}:\s{0,9}(\d{1,12}(?:\.\d{1,12})?)(ms|s|m)\b", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0}
CENT = Decimal("0.01")


class Reading(NamedTuple):
    """What one step line says; None where it does not."""

    step: int
    of: int  # steps planned; the clock may end the run before
    train_loss: float | None = None  # nats per token; may be NaN or infinite
    val_loss: float | None = None  # nats per token
    val_bpb: float | None = None  # bits per byte of the weights in memory, no final score
    train_s: float | None = None  # by the script's own clock


class Elapsed(NamedTuple):
    """What has passed, and what it costs."""

    seconds: float  # since the rental began
    usd_per_hour: Decimal | None  # of the whole machine; None: nothing is charged

    @property
    def usd(self) -> Decimal | None:
        """Dollars so far, to a cent."""
        if self.usd_per_hour is None:
            return None
        return (self.usd_per_hour * Decimal(max(0, round(self.seconds))) / 3600).quantize(CENT)


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
    )


class Progress(NamedTuple):
    """The newest of each value that a run has said."""

    step: int | None = None
    of: int | None = None
    train_loss: float | None = None
    val_bpb: float | None = None
    train_s: float | None = None

    def after(self, line: str) -> "Progress":
        """The progress after one more line of the log; the same one where it says nothing."""
        read = reading_of(line)
        if read is None:
            return self
        before = self if self.step is not None and read.step >= self.step else Progress()  # else: another run
        values = (read.train_loss, read.val_bpb, read.train_s)
        newest = (new if new is not None else old for new, old in zip(values, before[2:], strict=True))
        return Progress(read.step, read.of, *newest)

    def text(self, elapsed: Elapsed) -> str:
        """One line to show: step, losses, the script's seconds, the rental's seconds and dollars."""
        words = [] if self.step is None else [f"step {self.step}/{self.of}"]
        words += [] if self.train_loss is None else [f"loss {self.train_loss:.4f}"]
        words += [] if self.val_bpb is None else [f"val_bpb {self.val_bpb:.4f}"]
        words += [] if self.train_s is None else [f"trained {self.train_s:.0f} s"]
        words.append(f"rented {elapsed.seconds:.0f} s" if elapsed.usd is not None else f"after {elapsed.seconds:.0f} s")
        words += [] if elapsed.usd is None else [f"${elapsed.usd} so far"]
        return ", ".join(words)
