"""A contest record's submission.json, in every form that records have; and whether it fits a log. Pure.

The file is written by hand or by anyone's script, so that its keys, types and values vary. What is not in the form of
the contest is read as far as its meaning is clear, and each such thing is named in a remark.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from golfkit.errors import GolfError
from golfkit.train.logs.parser import TrainingLog

FILE = "submission.json"
SAME_BPB = 1e-4  # submissions round to four decimals or more
MARK = "\ufeff"  # how a file with a byte order mark begins
NEEDED = ("name", "github_id", "val_bpb")  # what the contest asks for by name
FEWEST_BYTES = 2.43593  # bytes per token of the contest's smallest SentencePiece vocabulary
LEAST_BPB = 0.9  # below any score of the contest
MOST = 1e18  # of any number in it; keeps infinity out

# The names of each field in the wild, the contest's own first.
_TEXTS = {
    "author": ("author",),
    "github_id": ("github_id",),
    "name": ("name", "run_name"),
    "blurb": ("blurb",),
    "date": ("date",),
    "track": ("track",),
    "hardware": ("hardware", "gpu"),
    "pytorch_version": ("pytorch_version",),
    "technique_summary": ("technique_summary",),
}
_NUMBERS = {
    "val_loss": ("val_loss", "mean_val_loss", "val_loss_sliding"),
    "val_bpb": ("val_bpb", "mean_val_bpb", "mean_bpb"),
    "val_bpb_std": ("val_bpb_std",),
    "bytes_total": (
        "bytes_total",
        "artifact_bytes",
        "artifact_bytes_max",
        "artifact_bytes_mean",
        "artifact_size_bytes",
    ),
    "bytes_code": ("bytes_code", "code_bytes"),
    "train_seconds": ("train_seconds", "train_time_seconds", "wallclock_seconds", "train_time_s_mean"),
    "eval_seconds": ("eval_seconds", "eval_time_seconds", "eval_time_s_mean"),
}
_SEED_NUMBERS = {
    "val_loss": ("val_loss",),
    "val_bpb": ("val_bpb", "bpb"),
    "artifact_bytes": ("artifact_bytes", "bytes_total"),
    "steps": ("steps",),
    "train_seconds": ("train_seconds", "train_time_s", "train_time_ms"),
    "eval_seconds": ("eval_seconds", "eval_time_s", "ttt_eval_time_s", "eval_time_ms", "ttt_time_ms"),
}


class Remark(NamedTuple):
    """Something about a submission.json that a reader could stumble over, and what was done about it."""

    text: str
    wrong: bool  # not what the contest asks for, rather than another way to write it


class SeedScore(NamedTuple):
    """What a submission says of one seed; None is unknown."""

    seed: int
    val_bpb: float | None = None
    val_loss: float | None = None  # nats per token
    artifact_bytes: float | None = None
    steps: float | None = None
    train_seconds: float | None = None
    eval_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What a submission.json says; None is unknown, never 0."""

    author: str | None = None
    github_id: str | None = None
    name: str | None = None
    blurb: str | None = None
    date: str | None = None
    track: str | None = None
    hardware: str | None = None
    pytorch_version: str | None = None
    technique_summary: str | None = None
    val_loss: float | None = None  # nats per token
    val_bpb: float | None = None
    val_bpb_std: float | None = None
    bytes_total: float | None = None
    bytes_code: float | None = None
    train_seconds: float | None = None
    eval_seconds: float | None = None
    seeds: tuple[SeedScore, ...] = ()
    compliance: Mapping[str, Any] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()


def read(text: str, where: str = FILE) -> Submission:
    """What the text of a submission.json says; GolfError where it is no JSON."""
    marked = text.startswith(MARK)
    try:
        table = json.loads(text.removeprefix(MARK))
    except json.JSONDecodeError as error:
        raise GolfError(f"{where}:{error.lineno}: not JSON ({error.msg}), expected one object; correct it") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits; brackets without end
        raise GolfError(f"{where}: not readable as JSON ({error}), expected one object; correct it") from error
    reading = _Reading()
    if marked:
        reading.note("it begins with a byte order mark: left out", wrong=True)
    if not isinstance(table, dict):
        reading.note(f"it is {_kind(table)}, expected an object: nothing was read", wrong=True)
        return Submission(remarks=tuple(reading.remarks))
    if "\n" not in text.strip():
        reading.note("it is one line: read as JSON all the same")
    return reading.submission(table)


def contradiction(text: str, log: TrainingLog) -> str | None:
    """What a submission.json says about the log's seed that the log does not; None where they can agree.

    A record is sometimes scored by a second evaluation whose log is another one.
    """
    try:
        submission = read(text)
    except GolfError as error:
        return f"{error}; the score cannot be compared with it"
    told = next((score.val_bpb for score in submission.seeds if score.seed == log.seed), None)
    if told is None or log.val_bpb is None or abs(told - log.val_bpb) <= SAME_BPB:
        return None
    return f"{FILE} beside the log gives seed {log.seed} val_bpb {told}, not {log.val_bpb}"


class _Reading:
    """One table being read; what was odd about it collects in `remarks`."""

    def __init__(self) -> None:
        self.remarks: list[Remark] = []

    def note(self, text: str, *, wrong: bool = False) -> None:
        """Remember what was odd."""
        self.remarks.append(Remark(text, wrong))

    def submission(self, table: Mapping[str, Any]) -> Submission:
        """All of it."""
        texts = {name: self._text(table, name, keys) for name, keys in _TEXTS.items()}
        numbers = {name: self._number(table, keys) for name, keys in _NUMBERS.items()}
        seeds = self._seeds(table)
        self._scores(table, numbers)
        compliance = table.get("compliance")
        found = Submission(
            **texts,  # type: ignore[arg-type]
            **numbers,  # type: ignore[arg-type]
            seeds=seeds,
            compliance=compliance if isinstance(compliance, Mapping) else {},
        )
        for name in ("author", *NEEDED):
            if getattr(found, name) is None:
                self.note(f"{name} is missing", wrong=name in NEEDED)
        return Submission(**vars(found) | {"remarks": tuple(self.remarks)})

    def _scores(self, table: Mapping[str, Any], numbers: dict[str, float | None]) -> None:
        """Put the two scores into their places where they are in each other's, and say so."""
        loss, bpb = numbers["val_loss"], numbers["val_bpb"]
        if bpb is not None and table.get("val_bpb") is None:
            key = next(key for key in _NUMBERS["val_bpb"] if table.get(key) is not None)
            self.note(f"val_bpb is missing: {key} is read in its place", wrong=True)
        if bpb is None and loss is not None and 1 <= loss < LEAST_BPB * math.log(2) * FEWEST_BYTES:
            self.note(
                f"val_bpb is missing, and val_loss {loss} is too small for nats a token: read as val_bpb", wrong=True
            )
            numbers.update(val_loss=None, val_bpb=loss)
        elif bpb is not None and bpb == loss:
            self.note(f"val_loss and val_bpb are both {bpb}: val_loss is taken as unknown", wrong=True)
            numbers["val_loss"] = None

    def _seeds(self, table: Mapping[str, Any]) -> tuple[SeedScore, ...]:
        """The seeds, wherever they are: seed_results or seeds, each an object or a list; or seed."""
        found: dict[int, SeedScore] = {}
        for key in ("seed_results", "seeds", "seed"):
            value = table.get(key)
            if key == "seeds" and isinstance(value, Mapping):
                self.note("seeds is an object by seed: read as seed_results")
            for seed, scores in _by_seed(value):
                if seed is None:
                    self.note(f"{key} holds {scores!r:.40}, expected seeds: left out", wrong=True)
                elif seed not in found:
                    told = {name: self._number(scores, keys, f"{key}[{seed}].") for name, keys in _SEED_NUMBERS.items()}
                    found[seed] = SeedScore(seed, **told)  # type: ignore[arg-type]
        return tuple(found.values())

    def _text(self, table: Mapping[str, Any], name: str, keys: tuple[str, ...]) -> str | None:
        for key in keys:
            value = table.get(key)
            if isinstance(value, str) and value.strip():
                if key != name and name in NEEDED:
                    self.note(f"{name} is missing: {key} is read in its place")
                return value
            if value is not None and not isinstance(value, str):
                self.note(f"{key} is {_kind(value)}, expected text: left out", wrong=name in NEEDED)
        return None

    def _number(self, table: Mapping[str, Any], keys: tuple[str, ...], where: str = "") -> float | None:
        """The first of `keys` that holds a number above 0; times in ms become seconds."""
        for key in keys:
            value = table.get(key)
            if isinstance(value, str) and re.fullmatch(r"\s*\d{1,15}(\.\d{1,17})?\s*", value):
                self.note(f"{where}{key} is text: read as a number", wrong=True)
                value = float(value)
            if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < MOST:
                return value / 1000 if key.endswith("_ms") else value
            if value is not None or key in table:
                self.note(f"{where}{key} is {_kind(value)}: taken as unknown", wrong=value is not None)
        return None


def _by_seed(value: Any) -> Iterator[tuple[int | None, Any]]:
    """(seed, its table) of an object by seed, a list of seeds or of tables that name theirs, or a single seed."""
    if isinstance(value, Mapping):
        for key, scores in value.items():
            digits = re.fullmatch(r"(?:seed[_ ]?|s)?(\d{1,9})", key)
            table = scores if isinstance(scores, Mapping) else {"val_bpb": scores}
            yield (int(digits[1]), table) if digits else (None, {key: scores})
    elif value is not None:
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Mapping):
                seed = item.get("seed")
                yield (seed, item) if type(seed) is int else (None, item)
            else:
                yield (item, {}) if type(item) is int and item >= 0 else (None, item)


def _kind(value: Any) -> str:
    """What a JSON value is, in words."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return f"text ({value!r:.40})" if value.strip() else "empty text"
    names = {bool: "true or false", dict: "an object", list: "a list"}
    return names.get(type(value), f"{value!r:.40}")
