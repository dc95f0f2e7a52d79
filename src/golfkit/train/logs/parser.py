"""One pass over a log: its results, its figures, how it ended."""

import codecs
import math
import re
from dataclasses import dataclass

from golfkit.train.logs import choice, results
from golfkit.train.logs.choice import Trust
from golfkit.train.logs.figures import Figures
from golfkit.train.logs.lines import lines
from golfkit.train.logs.results import Result, Stage

_CRASH = re.compile(
    r"Traceback \(most recent call last\)|Killed\b|Aborted\b|Segmentation fault|Bus error|Floating point exception"
    r"|KeyboardInterrupt|Terminated\b|slurmstepd: error|(?:[\w.]+\.)?\w+Error(?::|$)"
)
_PREFIX = re.compile(r"\[[^\]]{1,60}\]:?\s*")


@dataclass(frozen=True, kw_only=True)
class TrainingLog:
    """What a log says; None is unknown, never 0."""

    val_bpb: float | None = None  # bits per byte of the finished artifact
    label: str | None = None  # the words of the line that decided
    line: int | None = None  # its number, from 1
    status: str = "unknown"  # finished, crash, or unknown: no final result and no sign of a crash
    why: str = ""  # how the score was chosen, or why there is none
    val_loss: float | None = None  # nats per token
    bytes_per_token: float | None = None  # implied by val_loss and val_bpb
    artifact_bytes: int | None = None  # code and payload; what the script counted
    code_bytes: int | None = None
    payload_bytes: int | None = None
    steps: int | None = None
    train_seconds: float | None = None
    eval_seconds: float | None = None
    tokens: int | None = None  # of the validation split
    n_params: int | None = None
    seed: int | None = None
    world_size: int | None = None
    train_batch_tokens: int | None = None
    peak_memory_gib: float | None = None  # one device's
    train_shards: int | None = None
    bos: int | None = None  # token id


def parse(text: str) -> TrainingLog:
    """What the log says, and of several runs in one log what the last one says. Any text will do; linear time."""
    reading = _Reading()
    for line in lines(text):
        step = reading.figures.read(line.text)
        if step is not None:
            reading.step(step)
        elif reading.crash is None and _CRASH.match(line.text, _end_of_prefix(line.text)):
            reading.crash = line.number
        if "bpb" in line.text or "BPB" in line.text:
            result = results.read(line.number, line.text, line.whole)
            if result is not None:
                reading.results.append(result)
    return reading.log()


def decode(data: bytes) -> str:
    """A log's text: UTF-8, or UTF-16 with its mark (as PowerShell writes it); what is neither becomes U+FFFD."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    return data.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace")


class _Reading:
    """What has been read of the run so far."""

    def __init__(self) -> None:
        self.figures = Figures()
        self.results: list[Result] = []
        self.n_settled = 0  # results that stand before a training step
        self.last_step = 0
        self.crash: int | None = None  # line of the first error after which no step came

    def step(self, step: int) -> None:
        """A training step: errors before it were survived, and a plain val_bpb before it is a periodic one."""
        if step < self.last_step:  # another run in the same log
            self.results, self.n_settled = [], 0
            self.figures.restart()
        for i in range(self.n_settled, len(self.results)):
            if self.results[i].stage == Stage.SUMMARY:
                self.results[i] = self.results[i]._replace(stage=None)
        self.n_settled = len(self.results)
        self.last_step, self.crash = step, None

    def log(self) -> TrainingLog:
        """The answer, at the end of the text."""
        figures = self.figures.values
        tokens = figures.get("tokens")
        chosen, why = choice.choose(self.results, Trust(self._ratios(), int(tokens) if tokens else None))
        if chosen is None:
            nan = self.figures.diverged or any(not math.isfinite(result.val_bpb) for result in self.results)
            if self.crash is not None:
                why = f"the log ends in an error (line {self.crash}); {why}"
            elif nan:
                why = f"the loss was NaN or infinite; {why}"
            status = "crash" if nan or self.crash is not None else "unknown"
            return TrainingLog(status=status, why=f"{why}.", **figures)  # type: ignore[arg-type]
        if self.crash is not None and self.crash > chosen.line:
            why += f"; what came after it failed (line {self.crash})"
        twin = [chosen, *(result for result in self.results if result.stage is not None and result.same(chosen))]
        with_loss = max((r for r in twin if r.val_loss is not None), key=lambda r: r.loss_decimals, default=chosen)
        figures.setdefault("eval_seconds", next((r.eval_seconds for r in twin if r.eval_seconds), None))  # type: ignore[arg-type]
        return TrainingLog(
            val_bpb=chosen.val_bpb,
            label=chosen.label,
            line=chosen.line,
            status="finished",
            why=f"{why}.",
            val_loss=with_loss.val_loss,
            bytes_per_token=with_loss.bytes_per_token,
            **figures,  # type: ignore[arg-type]
        )

    def _ratios(self) -> list[float]:
        """Bytes per token by the lines that give both values with enough decimals; the choice itself is among them."""
        return [r.bytes_per_token for r in self.results if r.bytes_per_token is not None and r.rounding < 1e-3]


def _end_of_prefix(text: str) -> int:
    found = _PREFIX.match(text)
    return found.end() if found else 0
