"""The figures around a score: sizes, times, counts, seed. Each by the names that the contest's scripts give it."""

import re
from collections.abc import Callable
from typing import NamedTuple

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "": 0.001}
_STEP = re.compile(r"(?:step[: ]\s*)?(\d{1,12})/(\d{1,12})\b.*?\b((?:train_|val_)?loss)\s*[:=]\s*(\S+)")
_STOPPED = re.compile(r"stopping_early:.*\bstep:\s*(\d{1,12})/")
_TIME = re.compile(r"(?<![\w.])(?:train_time|t)\s*:\s*(\d{1,12}(?:\.\d{1,12})?)(ms|s|m)\b")
_TOTAL = re.compile(r"Total submission size ([^:]{1,60}): (\d{1,15}) bytes\b")  # without a codec it is the raw size
_PAYLOAD = re.compile(r"Serialized model ([^:]{1,60}): (\d{1,15}) bytes\b|serialized_model_\w+:(\d{1,15}) bytes\b")
_CODE = re.compile(r"Code size( \((?:un)?compressed\))?: (\d{1,15}) bytes\b")
_PEAK = re.compile(r"peak memory allocated: (\d{1,12}(?:\.\d{1,6})?) (MiB|GiB)\b")
_ALL_EVAL = re.compile(r"total_eval_time:(\d{1,9}(?:\.\d{1,9})?)s\b")
_NAMED = re.compile(r"(?<![\w.-])([a-zA-Z_]{1,40})\s*[:=]\s*(\d[\d,]{0,20}(?:\.\d{1,12})?)(?![\w.])")


class Named(NamedTuple):
    """What a `name:value` of a log fills."""

    field: str
    convert: Callable[[str], float | int]


def _whole(text: str) -> int:
    return int(text.replace(",", ""))


_NAMES = {
    "val_tokens": Named("tokens", _whole),
    "model_params": Named("n_params", _whole),
    "params": Named("n_params", _whole),
    "num_params_M": Named("n_params", lambda text: round(float(text) * 1e6)),
    "seed": Named("seed", _whole),
    "world_size": Named("world_size", _whole),
    "ws": Named("world_size", _whole),
    "train_batch_tokens": Named("train_batch_tokens", _whole),
    "train_shards": Named("train_shards", _whole),
    "bos": Named("bos", _whole),
    "bos_id": Named("bos", _whole),
    "bos_token_id": Named("bos", _whole),
    "num_steps": Named("steps", _whole),
    "training_seconds": Named("train_seconds", float),
    "eval_seconds": Named("eval_seconds", float),
    "peak_vram_mb": Named("peak_memory_gib", lambda text: float(text) / 1024),
    "artifact_bytes": Named("artifact_bytes", _whole),
    "code_bytes": Named("code_bytes", _whole),
    "payload_bytes": Named("payload_bytes", _whole),
    "budget": Named("artifact_bytes", _whole),  # budget:15993853/16000000
}
AFTER_TRAINING = ("artifact_bytes", "code_bytes", "payload_bytes", "eval_seconds")


class Figures:
    """Collects the figures of a log line by line; where one is said twice, the last one counts."""

    def __init__(self) -> None:
        self.values: dict[str, int | float] = {}
        self.diverged = False  # the last loss that was printed is no number
        self._compressed_code = False

    def read(self, text: str) -> int | None:
        """Take what a line says; the step's number where it is the line of a training step (not of an evaluation)."""
        if (step := _STEP.match(text)) is not None:
            self._step(int(step[1]), text)
            self.diverged = re.match(r"[-+]?(?:nan|inf)", step[4], re.IGNORECASE) is not None
            return None if step[3] == "val_loss" else int(step[1])
        if stopped := _STOPPED.match(text):
            self._step(int(stopped[1]), text)
        elif "bytes" in text and self._size(text):
            pass
        elif peak := _PEAK.match(text):
            self.values["peak_memory_gib"] = float(peak[1]) / (1024 if peak[2] == "MiB" else 1)
        elif whole := _ALL_EVAL.match(text):
            self.values["eval_seconds"] = float(whole[1])
        elif ":" in text or "=" in text:
            self._named(text)
        return None

    def restart(self) -> None:
        """Forget what is said after the training: the log goes on with another run."""
        for name in AFTER_TRAINING:
            self.values.pop(name, None)
        self._compressed_code = False

    def _step(self, step: int, text: str) -> None:
        self.values["steps"] = step
        if time := _TIME.search(text):
            self.values["train_seconds"] = round(float(time[1]) * _SECONDS[time[2]], 3)

    def _size(self, text: str) -> bool:
        if total := _TOTAL.match(text):
            self.values["artifact_bytes"] = int(total[2])
        elif payload := _PAYLOAD.match(text):
            self.values["payload_bytes"] = int(payload[2] or payload[3])
        elif code := _CODE.match(text):
            packed = code[1] == " (compressed)"
            if packed or not self._compressed_code:  # what is shipped is the compressed one
                self.values["code_bytes"] = int(code[2])
            self._compressed_code |= packed
        else:
            return False
        return True

    def _named(self, text: str) -> None:
        val_tokens = text.startswith("val_loader:")
        for found in _NAMED.finditer(text):
            named = _NAMES.get(found[1])
            if named is None and val_tokens and found[1] == "tokens":
                named = _NAMES["val_tokens"]
            if named is not None:
                try:
                    self.values[named.field] = named.convert(found[2])
                except ValueError:  # 1.5 seeds: another script's meaning of the name
                    continue
