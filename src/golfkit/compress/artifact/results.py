"""results.json: the score of one artifact folder, in the collaboration workspace's schema plus golfkit's own keys.

The workspace requires agent_id, experiment, method, archive_bytes, decompressor_zip_bytes, total_bytes and bpc, and
recommends timestamp, hardware, ram_peak_gb, runtime_seconds, key_hparams and notes. The rest is golfkit's. A value
that is not known is null, never 0. Keys that golfkit does not know are kept and written back.

    total_bytes      archive_bytes + decompressor_zip_bytes: the score
    bpc              8 * total_bytes / original_bytes, 6 places; null for an empty original
    ram_peak_gb      the larger of both directions, 10^9 bytes
    runtime_seconds  wall seconds of both directions together (of compress alone until the roundtrip)
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from golfkit import files, strict
from golfkit.errors import GolfError

ENWIK8_BYTES = 100_000_000
ENWIK8_MD5 = "a1fa5ffddb56f4953e226637dabbb36a"
BPC_PLACES = 6
SECONDS_PLACES = 3
GB_PLACES = 3
GB = 1_000_000_000  # bytes
REQUIRED = ("agent_id", "experiment", "method", "archive_bytes", "decompressor_zip_bytes", "total_bytes", "bpc")


@dataclass(frozen=True, kw_only=True)
class Results:
    """One results.json; fields in the order in which they are written, null where nothing is known."""

    agent_id: str
    timestamp: str | None = None  # when compressed, UTC: 2026-05-01T14:30:00Z
    experiment: str
    method: str
    archive_bytes: int
    decompressor_zip_bytes: int
    total_bytes: int
    bpc: float | None
    hardware: str | None = None
    ram_peak_gb: float | None = None
    runtime_seconds: float | None = None
    key_hparams: Mapping[str, Any] | None = None
    notes: str | None = None
    original_name: str | None = None
    original_path: str | None = None  # absolute, where compress found it; null when it came through a pipe
    original_bytes: int | None = None
    original_sha256: str | None = None
    dataset: str | None = None  # "enwik8" only for those 100,000,000 bytes
    codec: str | None = None
    codec_version: int | None = None
    archive_sha256: str | None = None
    decompressor_zip_sha256: str | None = None
    runtime: str | None = None  # what ran the coder: native, jit, interpreted, library
    build_s: float | None = None  # kernel compilation and bundling in this call; 0 when both were cached
    compress_cpu_s: float | None = None  # the coder alone: no start-up, no build
    compress_wall_s: float | None = None
    compress_ram_peak_gb: float | None = None
    verified: bool | None = None  # true only after a certified roundtrip of the bytes on disk
    verified_at: str | None = None
    root: str | None = None  # what the decompressor needs to see, and at the roundtrip saw: empty, system
    self_contained: bool | None = None  # certified in the empty root
    decompress_cpu_s: float | None = None
    decompress_wall_s: float | None = None
    decompress_ram_peak_gb: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)  # keys that golfkit does not know


def bits_per_character(total_bytes: int, original_bytes: int | None) -> float | None:
    """The contest's bpc; None for an empty or unknown original."""
    return round(8 * total_bytes / original_bytes, BPC_PLACES) if original_bytes else None


def dataset_of(original_bytes: int, md5: str | None) -> str | None:
    """ "enwik8" for exactly those bytes, else None."""
    return "enwik8" if original_bytes == ENWIK8_BYTES and md5 == ENWIK8_MD5 else None


def seconds(value: float) -> float:
    """Seconds as they are written: to the millisecond."""
    return round(value, SECONDS_PLACES)


def gigabytes(n_bytes: int) -> float:
    """Bytes in 10^9, as they are written: to the megabyte."""
    return round(n_bytes / GB, GB_PLACES)


def with_roundtrip(
    results: Results,
    *,
    verified_at: str,
    archive_bytes: int,
    archive_sha256: str,
    decompressor_zip_bytes: int,
    decompressor_zip_sha256: str,
    original_bytes: int,
    original_sha256: str,
    dataset: str | None,
    root: str,
    cpu_s: float,
    wall_s: float,
    ram_peak_bytes: int,
    hardware: str,
) -> Results:
    """`results` after a certified roundtrip: every figure is the one measured, whatever the file said before.

    verified_at     UTC, 2026-05-01T14:30:00Z
    dataset         what `dataset_of` says of the original
    root            "empty" or "system": what the decompressor could see
    cpu_s, wall_s   of the decompressor
    ram_peak_bytes  its peak resident set
    """
    total = archive_bytes + decompressor_zip_bytes
    ram_gb = gigabytes(ram_peak_bytes)
    return dataclasses.replace(
        results,
        archive_bytes=archive_bytes,
        archive_sha256=archive_sha256,
        decompressor_zip_bytes=decompressor_zip_bytes,
        decompressor_zip_sha256=decompressor_zip_sha256,
        total_bytes=total,
        bpc=bits_per_character(total, original_bytes),
        original_bytes=original_bytes,
        original_sha256=original_sha256,
        dataset=dataset,
        hardware=hardware,
        ram_peak_gb=max(ram_gb, results.compress_ram_peak_gb or 0.0),
        runtime_seconds=seconds(wall_s + (results.compress_wall_s or 0.0)),
        verified=True,
        verified_at=verified_at,
        root=root,
        self_contained=root == "empty",
        decompress_cpu_s=seconds(cpu_s),
        decompress_wall_s=seconds(wall_s),
        decompress_ram_peak_gb=ram_gb,
    )


def render(results: Results) -> str:
    """The text of results.json."""
    record = {f.name: getattr(results, f.name) for f in dataclasses.fields(results) if f.name != "extra"}
    return json.dumps(record | dict(results.extra), indent=2, allow_nan=False) + "\n"


def write(path: Path, results: Results) -> None:
    """Replace `path` by `results` in one step."""
    files.atomic_write(path, render(results))


def read(path: Path) -> Results:
    """The results.json at `path`; the seven required keys must be there, anything of the wrong type is an error."""
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise GolfError(f"{path}: cannot be read ({error.strerror}), expected a results.json") from error
    except UnicodeDecodeError as error:
        raise GolfError(f"{path}: byte {error.start} is not UTF-8, expected a JSON object") from error
    return parse(text, where=str(path))


def parse(text: str, where: str) -> Results:
    """`read` of a text; `where` names it in errors."""
    record = strict.parse(text, where)
    missing = [key for key in REQUIRED if key not in record]
    if missing:
        raise GolfError(f"{where}: key {missing[0]!r} is missing; required are {', '.join(REQUIRED)}")
    return strict.decode(Results, record, where, extra="extra")
