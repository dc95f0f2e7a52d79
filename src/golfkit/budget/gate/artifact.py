"""Does a run's artifact fit: its script and its payload, weighed anew from what lies on disk."""

from pathlib import Path

from golfkit.budget.gate.verdict import Verdict
from golfkit.measure import artifact
from golfkit.measure.artifact import Weight
from golfkit.train.runs.record import RunRecord

NAME = "artifact"
SCRIPT = "train_gpt.py"


def check(folder: Path, record: RunRecord, limit: int, code: str | None = None) -> Verdict:
    """The verdict on the files of a run.

    folder  runs/ID, with train_gpt.py and the payload
    record  what run.json says of it: that is compared, and never believed
    limit   bytes that code and payload may have
    code    the script that shall run, where it is not the folder's: the larger of the two counts

    Raises GolfError for a file that is there and cannot be weighed.
    """
    payloads = _payloads(folder, record)
    script = folder / SCRIPT
    if code is None and not script.is_file():
        return Verdict(NAME, None, f"cannot tell: {script} is not there; restore it, or run the try again")
    if not payloads:
        return Verdict(NAME, None, f"cannot tell: no payload in {folder}; restore it, or run the try again")
    sizes = [artifact.file_bytes(script)] if script.is_file() else []
    sizes += [] if code is None else [len(code.encode())]
    weight = Weight(max(sizes), artifact.weigh_files(payloads), limit)
    return Verdict(NAME, weight.fits, _told(weight), tuple(_details(weight, sizes, record)))


def _payloads(folder: Path, record: RunRecord) -> tuple[Path, ...]:
    """The payload that the record names, where it is there; else the folder's weights files, all of them."""
    named = folder / record.artifact.payload if record.artifact.payload else None
    if named is not None and named.is_file():
        return (named,)
    return artifact.candidates(folder).choice if folder.is_dir() else ()


def _told(weight: Weight) -> str:
    payload_bytes = weight.artifact_bytes - weight.code_bytes
    sum_ = f"{weight.code_bytes:,} code + {payload_bytes:,} payload = {weight.artifact_bytes:,} bytes"
    over = f"{-weight.headroom:,} over" if weight.headroom < 0 else f"{weight.headroom:,} under"
    return f"{sum_}, {over} the limit of {weight.limit:,}"


def _details(weight: Weight, sizes: list[int], record: RunRecord) -> list[str]:
    """What is worth knowing: another size in run.json, an estimate, a script that is not the run's."""
    lines = []
    said, found = record.artifact, weight.artifact_bytes - weight.code_bytes
    if said.payload_bytes is not None and said.payload_bytes != found:
        lines.append(f"run.json says {said.payload_bytes:,} payload bytes, the files have {found:,}: they were changed")
    if said.code_bytes is not None and said.code_bytes != sizes[0]:
        lines.append(f"run.json says {said.code_bytes:,} code bytes, train_gpt.py has {sizes[0]:,}")
    if len(sizes) > 1 and sizes[0] != sizes[1]:
        lines.append(f"the run's script has {sizes[0]:,} bytes, the one to be run {sizes[1]:,}; the larger counts")
        lines.append("the payload is the local model's; the one to come is weighed after its run")
    lines += [f"{file.path.name} is raw: its bytes are an estimate" for file in weight.weights if file.estimate]
    return lines
