"""What a script's run is worth: the score by its log, the bytes by what lies on disk."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from golfkit.measure.artifact import Weight, file_bytes, is_raw, weigh
from golfkit.train.logs import TrainingLog


class Score(NamedTuple):
    """Score and bytes of a run; None is unknown."""

    val_bpb: float | None
    code_bytes: int | None = None
    payload_bytes: int | None = None
    artifact_bytes: int | None = None
    payload: Path | None = None  # the file that was weighed; None where the log's words count
    estimate: bool = False  # raw weights, compressed here: the exporter's own compressor decides
    notes: tuple[str, ...] = ()  # where disk and log disagree


def score_of(log: TrainingLog, script: Path, payloads: Sequence[Path], limit: int) -> Score:
    """The score of a run by its log, and what `script` and its payload weigh.

    What lies on disk counts before the log's words. Of several payloads the one that the log speaks of is weighed, and
    none where it does not tell; raw weights are weighed (as an estimate) only where the log gives no total.
    """
    payload, doubt = _payload(log, script, payloads)
    if payload is None or (is_raw(payload) and log.artifact_bytes is not None):
        return Score(log.val_bpb, log.code_bytes, log.payload_bytes, log.artifact_bytes, notes=doubt)
    weight = weigh(script, [payload], limit)
    (counted,) = weight.weights
    if counted.estimate:
        notes = (f"{payload.name} is not compressed: {counted.n_bytes} bytes by zstd are an estimate",)
    else:
        notes = _disagreements(log, weight)
    return Score(
        log.val_bpb, weight.code_bytes, counted.n_bytes, weight.artifact_bytes, payload, counted.estimate, notes
    )


def _payload(log: TrainingLog, script: Path, payloads: Sequence[Path]) -> tuple[Path | None, tuple[str, ...]]:
    """The payload that counts, else why there is none."""
    if len(payloads) < 2:
        return (payloads[0] if payloads else None), ()
    sizes = {log.payload_bytes}
    if log.artifact_bytes is not None:
        sizes.add(log.artifact_bytes - (log.code_bytes or file_bytes(script)))
    fitting = [path for path in payloads if file_bytes(path) in sizes]
    if len(fitting) == 1:
        return fitting[0], ()
    names = ", ".join(path.name for path in payloads)
    return None, (f"{len(payloads)} payloads ({names}), and the log does not tell which one counts; its words do",)


def _disagreements(log: TrainingLog, weight: Weight) -> tuple[str, ...]:
    """What the log says of the bytes that neither the disk nor packing the code explains."""
    (counted,) = weight.weights
    disk = f"{counted.path.name} has {counted.n_bytes} bytes"
    if log.payload_bytes is not None and log.payload_bytes != counted.n_bytes:
        return (f"{disk}, the log says {log.payload_bytes}; what lies on disk counts",)
    if log.artifact_bytes is None:
        return ()
    code = log.artifact_bytes - counted.n_bytes
    if not 0 < code <= weight.code_bytes:
        said = f"the log says {log.artifact_bytes} in all"
        return (f"{disk} and the script {weight.code_bytes}, {said}; what lies on disk counts",)
    if not weight.fits and log.artifact_bytes <= weight.limit:
        return (f"it fits only with the code packed, as the log counts it ({code} bytes); the script that ran was not",)
    return ()
