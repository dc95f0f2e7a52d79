"""What is shown of a run on a machine: the newest of each value that its step lines said, and what it costs. Pure."""

from decimal import Decimal
from typing import NamedTuple

from golfkit.train.logs.steps import reading_of

CENT = Decimal("0.01")


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
