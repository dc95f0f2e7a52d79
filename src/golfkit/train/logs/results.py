"""Which lines state a result of the finished artifact, and at which stage of the pipeline; strict about both."""

import math
import re
from enum import IntEnum
from typing import NamedTuple

LEAST_BPB, MOST_BPB = 0.5, 4.0  # a text's bits per byte; what lies outside is another quantity, or no language model
LONGEST_RESULT = 1000  # characters
_ASIDE = (" ", "\t", "|")  # indented: a detail of something else; or a row of a table

_NUMBER = r"(?:\d{1,4}\.\d{1,17}|[-+]?nan|[-+]?inf)"
_SCORE = re.compile(rf"(?<![\w.])((?:\w{{1,60}}_)?val[_ ]bpb)\s*[:=]\s*({_NUMBER})(?=[\s,;|)]|$)", re.IGNORECASE)
_LOSS = re.compile(rf"(?<![\w.])val_loss\s*[:=]\s*({_NUMBER})(?=[\s,;|)]|$)", re.IGNORECASE)
_TIME = re.compile(r"(?<![\w.])(?:eval_time|elapsed|time)\s*[:=]\s*(\d{1,12}(?:\.\d{1,12})?)(ms|s)\b")
_PREFIX = re.compile(  # [rank0]:, a time, a level
    r"(?:\[[^\]]{1,60}\]:? ?|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[\d.,]{0,12}Z? ?(?:[-|:] ?)?|INFO\b ?(?:[-|:] ?)?)*"
)
_VALUE = re.compile(r"(?<!\w)\w{1,60}\s*[:=]\s*[-+\d.]")  # where the label ends and the values begin
_LABEL = re.compile(r"(?:[a-zA-Z][\w:./+() -]{0,80})?")
_WORD = re.compile(r"[a-z]+")
_COUNTER = re.compile(r"(?:^|[\s|,(\[])(?:step|iter|iteration|epoch|chunk|batch|update)s? ?[:=#]? {0,9}\[?\d", re.I)
_PROGRESS = re.compile(r"(?:step[: ]\s*)?\d+\s*/\s*\d+\b", re.IGNORECASE)
_BEFORE_QUANTISATION = re.compile(r"pre[-_ ]?quant|un[-_ ]?quant|(?:before|no|without)[-_ ]quant", re.I)
_BEFORE_TTT = re.compile(r"(?:pre|before|no|without)[-_ ]?ttt", re.IGNORECASE)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words of a label that is not about the run's own, whole, final result.
_NOT_A_RESULT = _words(
    "diagnostic debug baseline best previous prev prior target sota record goal reference ref expected delta diff gain "
    "improvement running partial probe chunk batch mean avg average std min max progress subset sample proxy quick "
    "estimate estimated approx smoke warmup train oracle illegal invalid ablation intermediate interim"
)
_IN_MEMORY = _words("raw ema swa float fp bf full precision averaged weights")  # unless a word says quantised
_QUANTISED = _words(
    "roundtrip quantized quantised quant dequantized dequantised int ternary binary xnor gptq zlib zstd lzma brotli"
)
_SLIDING = _words("sliding stride window windowed")
_EMPTY = _words("val bpb exact eval evaluation validation done")  # tell no stage
_SUMMARY = _words("final summary score result results submission legal overall model metric metrics test")
_FINAL = re.compile(r"final_\w+")  # the contest's way to name an evaluation after the training


class Stage(IntEnum):
    """What was evaluated; later stages of the pipeline rank higher, the script's own summary highest."""

    ROUNDTRIP = 1
    SLIDING = 2
    TTT = 3
    SUMMARY = 4


class Result(NamedTuple):
    """One line that pairs a label with a val_bpb."""

    line: int
    label: str
    stage: Stage | None  # None: not a result of the finished artifact (periodic, before quantisation, a diagnostic)
    val_bpb: float  # NaN and infinity included
    decimals: int  # of val_bpb as printed
    val_loss: float | None  # nats per token
    loss_decimals: int
    eval_seconds: float | None

    @property
    def plausible(self) -> bool:
        """Whether a text can have that many bits per byte."""
        return LEAST_BPB < self.val_bpb < MOST_BPB

    @property
    def bytes_per_token(self) -> float | None:
        """What the two values imply."""
        if self.val_loss is None or not (math.isfinite(self.val_loss) and self.val_loss > 0 and self.val_bpb > 0):
            return None
        return self.val_loss / math.log(2) / self.val_bpb

    @property
    def rounding(self) -> float:
        """How far bytes_per_token may be off because both values are rounded; relative."""
        loss = 0.5 * 10.0**-self.loss_decimals / self.val_loss if self.val_loss else 0.0
        return loss + 0.5 * 10.0**-self.decimals / self.val_bpb

    def same(self, other: "Result") -> bool:
        """Whether both are one value, printed with more and with fewer decimals."""
        return abs(self.val_bpb - other.val_bpb) <= 0.5000001 * 10.0 ** -min(self.decimals, other.decimals)


def read(number: int, text: str, whole: bool) -> Result | None:
    """The result that a line states; None for a line that states none, or several.

    whole  whether the line is complete: the last number of one that was cut is believed only with as many decimals as
           its val_loss has
    """
    if text.startswith(_ASIDE) or len(text) > LONGEST_RESULT:
        return None
    start = _PREFIX.match(text).end()  # type: ignore[union-attr]  # it matches the empty string
    found = list(_SCORE.finditer(text, start))
    if len(found) != 1 or text.startswith(_ASIDE, start):
        return None
    score, loss = found[0], _LOSS.search(text, start)
    value = _VALUE.search(text, start)
    words = text[start : min(value.start() if value else score.start(), score.start())].strip(" :-|")
    label = words or score[1]
    decimals, loss_decimals = _decimals(score[2]), _decimals(loss[1]) if loss else 0
    if not _LABEL.fullmatch(words) or (not whole and score.end() == len(text) and decimals < loss_decimals):
        return None
    time = _TIME.search(text, score.end())
    return Result(
        number,
        label,
        _stage(f"{words} {score[1]}".strip(), text[start:]),
        float(score[2]),
        decimals,
        float(loss[1]) if loss else None,
        loss_decimals,
        round(float(time[1]) * (0.001 if time[2] == "ms" else 1), 3) if time else None,
    )


def _stage(label: str, text: str) -> Stage | None:
    """The stage that a label names, by the meaning of its words; None where it names no result."""
    words = set(_WORD.findall(label.lower())) - _EMPTY
    if _PROGRESS.match(text) or _COUNTER.search(text) or words & _NOT_A_RESULT or _BEFORE_QUANTISATION.search(label):
        return None
    if words & _IN_MEMORY and not words & _QUANTISED:
        return None
    if "ttt" in words and not _BEFORE_TTT.search(label):
        return Stage.TTT
    if words & _SLIDING:
        return Stage.SLIDING
    if words & _QUANTISED:
        return Stage.ROUNDTRIP
    if words <= _SUMMARY:
        return Stage.SUMMARY
    return Stage.ROUNDTRIP if _FINAL.match(label) else None


def _decimals(number: str) -> int:
    return len(number.partition(".")[2])
