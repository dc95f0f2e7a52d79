"""decompressor.zip: the same files give the same bytes, and any unzip restores them."""

import io
import random
import shutil
import subprocess
import zipfile
import zlib
from pathlib import Path

import pytest

from golfkit.compress.artifact import bundle

FILES = {"decompress": b"#!/bin/sh\nexit 0\n", "data/table": bytes(1000)}
PACKED = b"start " * 200 + random.Random(0).randbytes(10_000)  # as a program that unpacks itself


def entries(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        assert opened.testzip() is None
        for entry in opened.infolist():
            assert entry.date_time == bundle.TIME
            assert entry.external_attr >> 16 & 0o777 == 0o755
        return {entry.filename: opened.read(entry) for entry in opened.infolist() if not entry.is_dir()}


def test_bundle_holds_the_files_below_decompressor():
    assert entries(bundle.zip_bundle(FILES)) == {f"decompressor/{name}": data for name, data in FILES.items()}


def test_bundle_is_deterministic():
    backwards = dict(reversed(FILES.items()))
    assert bundle.zip_bundle(FILES) == bundle.zip_bundle(backwards)


@pytest.mark.parametrize("data", [b"", b"x", PACKED, PACKED * 9, bytes(300_000)], ids=len)
def test_any_content_comes_back(data: bytes):
    assert entries(bundle.zip_bundle({"decompress": data})) == {"decompressor/decompress": data}


def test_what_is_packed_already_is_stored_behind_a_start_that_deflates():
    whole = zlib.compressobj(9, zlib.DEFLATED, -15)
    assert len(bundle.deflated(PACKED)) < min(10_030, len(whole.compress(PACKED) + whole.flush()))


@pytest.mark.skipif(not shutil.which("unzip"), reason="no unzip (apt-get install unzip)")
def test_unzip_makes_the_folder_and_a_program_that_can_run(tmp_path: Path):
    (tmp_path / "decompressor.zip").write_bytes(bundle.zip_bundle(FILES | {"packed": PACKED}))
    subprocess.run(["unzip", "-q", "decompressor.zip"], cwd=tmp_path, check=True)
    assert subprocess.run([tmp_path / "decompressor" / "decompress"], check=False).returncode == 0
    assert (tmp_path / "decompressor" / "packed").read_bytes() == PACKED


@pytest.mark.parametrize("name", ["/etc/passwd", "../up", "a/../../b", ""])
def test_file_outside_the_bundle_is_refused(name: str):
    with pytest.raises(ValueError, match="expected a path below decompressor/"):
        bundle.zip_bundle({name: b""})
