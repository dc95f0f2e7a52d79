"""Is an artifact folder what its results.json says?"""

import dataclasses
import hashlib
from pathlib import Path

import pytest

from golfkit.compress import verify
from golfkit.compress.artifact import results
from golfkit.compress.artifact.results import Results
from golfkit.errors import GolfError

ARCHIVE, BUNDLE = b"a" * 900, b"z" * 100
SOUND = Results(
    agent_id="a",
    experiment="e",
    method="m",
    archive_bytes=900,
    decompressor_zip_bytes=100,
    total_bytes=1000,
    bpc=2.0,
    original_bytes=4000,
    original_sha256="0" * 64,
    archive_sha256=hashlib.sha256(ARCHIVE).hexdigest(),
    decompressor_zip_sha256=hashlib.sha256(BUNDLE).hexdigest(),
    verified=True,
    verified_at="2026-05-01T14:30:00Z",
    root="empty",
    self_contained=True,
    decompress_wall_s=1.0,
    decompress_ram_peak_gb=0.1,
)


def folder(tmp_path: Path, found: Results) -> Path:
    (tmp_path / "archive.bin").write_bytes(ARCHIVE)
    (tmp_path / "decompressor.zip").write_bytes(BUNDLE)
    results.write(tmp_path / "results.json", found)
    return tmp_path


def test_a_certified_folder_holds_and_is_not_eligible_without_enwik8(tmp_path: Path):
    verdict = verify.check(folder(tmp_path, SOUND))
    assert (verdict.holds, verdict.eligible, verdict.problems) == (True, False, ())


def test_only_enwik8_of_100_000_000_bytes_is_eligible(tmp_path: Path):
    bpc = results.bits_per_character(1000, 100_000_000)
    enwik8 = dataclasses.replace(SOUND, dataset="enwik8", original_bytes=100_000_000, bpc=bpc)
    assert verify.check(folder(tmp_path, enwik8)).eligible
    claimed = dataclasses.replace(SOUND, dataset="enwik8")
    assert verify.check(folder(tmp_path, claimed)).problems == (
        "dataset is enwik8 with 4000 original_bytes, expected 100000000",
    )


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("archive_bytes", 899, "archive_bytes is 899, expected 900"),
        ("decompressor_zip_bytes", 99, "decompressor_zip_bytes is 99, expected 100"),
        ("total_bytes", 900, "total_bytes is 900, expected 1000"),
        ("archive_sha256", "f" * 64, "archive_sha256 is ffff"),
        ("decompressor_zip_sha256", None, "decompressor_zip_sha256 is None"),
        ("bpc", 1.8, "bpc is 1.8, expected 2.0"),
        ("bpc", None, "bpc is None, expected 2.0"),
        ("original_bytes", None, "original_bytes is null"),
        ("original_sha256", None, "original_sha256 is null"),
        ("verified", False, "verified is False, expected True"),
        ("verified", None, "verified is None, expected True"),
        ("verified_at", None, "verified_at is null"),
        ("root", None, "root is None"),
        ("self_contained", False, "self_contained is False, expected True"),
        ("decompress_wall_s", None, "decompress_wall_s is null"),
    ],
)
def test_every_wrong_claim_is_a_problem(tmp_path: Path, key: str, value: object, problem: str):
    verdict = verify.check(folder(tmp_path, dataclasses.replace(SOUND, **{key: value})))
    assert not verdict.holds
    assert any(text.startswith(problem) for text in verdict.problems), verdict.problems


def test_a_bpc_rounded_to_three_places_holds(tmp_path: Path):
    rounded = dataclasses.replace(SOUND, original_bytes=3999, bpc=2.001)
    assert verify.check(folder(tmp_path, rounded)).holds


def test_a_missing_archive_is_an_error(tmp_path: Path):
    (folder(tmp_path, SOUND) / "archive.bin").unlink()
    with pytest.raises(GolfError, match=r"archive\.bin: is missing"):
        verify.check(tmp_path)
