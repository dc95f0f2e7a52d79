"""What a record's training log says beyond its score: the source in front, the settings, the GPUs. Pure."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from golfkit.train.logs import TrainingLog, parse, results
from golfkit.train.logs.lines import Line, lines

_STEP = re.compile(r"(?:step[: ]\s*)?\d+/\d+\b")  # where the training begins
_WARMUP = re.compile(r"\w*warmup(?:_step)?:\s*\d")
_BLOCK = re.compile(r"  ([a-z]\w*): (.*)")  # one a line under "Hyperparameters:"
_INLINE = re.compile(r"(?<![\w./:-])([A-Za-z_]\w*)[:=]([^\s:=]\S*)")
_GPU = re.compile(r"^\|\s{1,5}(\d{1,3})\s{1,5}(NVIDIA [\w -]{1,60}?)\s{1,40}(?:On|Off)\s", re.MULTILINE)  # nvidia-smi
_OURS = re.compile(r"^PyTorch \S{1,40} on (\d{1,3}) x (NVIDIA [\w -]{1,60})$", re.MULTILINE)  # golf's own scripts
_TORCH = re.compile(r"^(?:Running )?PyTorch (\d[\w.+]{0,40})", re.MULTILINE)
_SEED = re.compile(r"seed[_-]?(\d{1,9})")  # in a file's name
_OWN = frozenset(  # of one run, so that they differ without meaning anything
    (
        *("seed", "s", "run_id", "logfile", "rank", "local_rank", "is_main_process"),
        *("pid", "time", "date", "timestamp", "host", "hostname", "port", "master_port", "uuid"),
    )
)


class RecordLog(NamedTuple):
    """One training log of a record folder."""

    name: str  # in the folder
    log: TrainingLog
    bytes_per_token: float | None  # by the score, or by the last final result where no score is believed
    source: str  # the script's text in front of the log, without blank ends; empty where there is none
    settings: Mapping[str, str]  # that the log names before the first step
    gpus: tuple[str, ...]  # as nvidia-smi or PyTorch calls them
    torch: str | None  # PyTorch's version

    @property
    def useful(self) -> bool:
        """Whether it is a training log at all."""
        return self.log.val_bpb is not None or self.log.steps is not None

    @property
    def payload_bytes(self) -> int | None:
        """Bytes of the payload; by difference where only the total and the code are said."""
        told = self.log
        if told.payload_bytes is None and told.artifact_bytes and told.code_bytes:
            return told.artifact_bytes - told.code_bytes
        return told.payload_bytes


def read(name: str, text: str) -> RecordLog:
    """What a log says; any text will do. The seed is that of the file's name where the text names none."""
    log = parse(text)
    if log.seed is None and (named := _SEED.search(name)):
        log = dataclasses.replace(log, seed=int(named[1]))
    own = list(lines(text))
    ours = _OURS.search(text)
    gpus = (ours[2],) * int(ours[1]) if ours else tuple(dict(_GPU.findall(text)).values())
    torch = _TORCH.search(text)
    return RecordLog(name, log, _ratio(log, own), _source(text, own), _settings(own), gpus, torch[1] if torch else None)


def differences(logs: Sequence[RecordLog]) -> list[str]:
    """The settings in which logs differ, as `name: value, value`; a setting that one of them lacks differs."""
    with_settings = [log.settings for log in logs if log.settings]
    names = dict.fromkeys(name for settings in with_settings for name in settings)
    found = {name: list(dict.fromkeys(s.get(name, "not set") for s in with_settings)) for name in names}
    return [f"{name}: {', '.join(values)}" for name, values in found.items() if len(values) > 1]


def _ratio(log: TrainingLog, own: Sequence[Line]) -> float | None:
    if log.bytes_per_token is not None:
        return log.bytes_per_token
    stated = (results.read(*line) for line in own if "bpb" in line.text.lower())
    ratios = [found.bytes_per_token for found in stated if found is not None and found.stage is not None]
    return ratios[-1] if ratios else None


def _source(text: str, own: Sequence[Line]) -> str:
    n_lines = own[0].number - 1 if own else 0
    return "\n".join(text.split("\n", n_lines)[:n_lines]).strip()


def _settings(own: Sequence[Line]) -> dict[str, str]:
    """What stands under "Hyperparameters:", one a line; else every `name:value` before the first step."""
    block: dict[str, str] = {}
    inline: dict[str, str] = {}
    for line in own:
        if _STEP.match(line.text):
            break
        if found := _BLOCK.fullmatch(line.text):
            block[found[1]] = found[2]
        elif not _WARMUP.match(line.text):
            inline.update(_INLINE.findall(line.text))
    told = block if len(block) > 1 else inline
    return {name: value for name, value in told.items() if name not in _OWN and "/" not in value}  # paths differ
