"""The cheating decompressor of cheat.c: built once, run in boxes and bundles."""

import os
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("cheat.c")
ORIGINAL = b"what was compressed, once upon a time\n" * 50


def build() -> bytes:
    """The static program; skips the test where there is no compiler for it."""
    if not shutil.which("cc"):
        pytest.skip("no cc: the cheating decompressor cannot be built")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "cheat")
        done = subprocess.run(["cc", "-static", "-O1", "-w", "-o", target, SOURCE], capture_output=True, check=False)
        if done.returncode:
            pytest.skip(f"cc cannot link statically: {done.stderr.decode(errors='replace')[-200:]}")
        return target.read_bytes()


def archive(mode: str, word: object = "-") -> bytes:
    """What makes the program act: a mode, its word, and the bytes that it restores."""
    return f"{mode} {word}\n".encode() + ORIGINAL


def zipped(members: dict[str, bytes], target: Path) -> None:
    """A bundle of executable members."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o100755 << 16
            bundle.writestr(entry, content)


def folder(target: Path, program: bytes, archive: bytes, name: str = "decompressor/decompress") -> Path:
    """A foreign artifact folder: archive.bin and decompressor.zip, no results.json."""
    target.mkdir(parents=True)
    (target / "archive.bin").write_bytes(archive)
    zipped({name: program}, target / "decompressor.zip")
    return target


def running(executable: os.stat_result) -> list[int]:
    """The processes that run this very file."""
    found = []
    for name in filter(str.isdecimal, os.listdir("/proc")):
        try:
            seen = os.stat(f"/proc/{name}/exe")
        except OSError:
            continue  # ended, or another user's
        if (seen.st_dev, seen.st_ino) == (executable.st_dev, executable.st_ino):
            found.append(int(name))
    return found
