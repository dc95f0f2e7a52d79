"""What one compress scored: its results.json and its log."""

import hashlib
import platform
from datetime import datetime
from typing import NamedTuple

from golfkit import files
from golfkit.compress.artifact import bundle, machine, results
from golfkit.compress.artifact.intake import Intake
from golfkit.compress.artifact.machine import Spent
from golfkit.compress.artifact.results import Results
from golfkit.compress.codecs import Bundle, Codec
from golfkit.compress.pipeline import Coded


class Prepared(NamedTuple):
    """A codec that is ready, and its bundle."""

    runtime: str  # native, jit, interpreted, library
    bundle: Bundle
    bundle_zip: bytes
    build_s: float  # wall; kernel compilation, bundling and zipping


def prepare(codec: Codec) -> Prepared:
    """Make `codec` ready and build its bundle."""
    before = machine.spent()
    runtime = codec.prepare()
    bundled = codec.bundle()
    bundle_zip = bundle.zip_bundle(bundled.decompressor)
    return Prepared(runtime, bundled, bundle_zip, machine.spent().since(before).wall_s)


def of_compress(
    codec: Codec,
    prepared: Prepared,
    taken: Intake,
    coded: Coded,
    spent: Spent,
    archive_sha256: str,
    *,
    agent_id: str,
    now: datetime,
) -> Results:
    """The results of one compress, not yet verified.

    spent  by the coder alone
    now    UTC
    """
    total = coded.archive_bytes + len(prepared.bundle_zip)
    ram_gb = results.gigabytes(machine.peak_bytes())
    return Results(
        agent_id=agent_id,
        timestamp=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        experiment=f"golf compress --codec {codec.name}",
        method=codec.name,
        archive_bytes=coded.archive_bytes,
        decompressor_zip_bytes=len(prepared.bundle_zip),
        total_bytes=total,
        bpc=results.bits_per_character(total, taken.n_bytes),
        hardware=machine.describe(),
        ram_peak_gb=ram_gb,
        runtime_seconds=results.seconds(spent.wall_s),
        key_hparams={"codec_parameter": coded.header.parameter},
        notes=prepared.bundle.note,
        original_name=files.neutralise(taken.name),
        original_path=str(taken.path) if taken.path else None,
        original_bytes=taken.n_bytes,
        original_sha256=coded.header.sha256.hex(),
        dataset=results.dataset_of(taken.n_bytes, coded.md5),
        codec=codec.name,
        codec_version=codec.version,
        archive_sha256=archive_sha256,
        decompressor_zip_sha256=hashlib.sha256(prepared.bundle_zip).hexdigest(),
        runtime=prepared.runtime,
        build_s=results.seconds(prepared.build_s),
        compress_cpu_s=results.seconds(spent.cpu_s),
        compress_wall_s=results.seconds(spent.wall_s),
        compress_ram_peak_gb=ram_gb,
        verified=False,
        root=prepared.bundle.root,
    )


def log(scored: Results) -> dict[str, str]:
    """The lines of train_log.txt: what ran where, and what came of it."""
    from importlib.metadata import version

    known = {name: value for name, value in vars(scored).items() if value is not None and name != "extra"}
    versions = {"golf": version("golfkit"), "python": platform.python_version()}
    return versions | {name: files.neutralise(str(value)) for name, value in known.items()}
