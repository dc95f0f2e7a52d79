"""The bundle of a machine without cc: a Python program that does what the native one does."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import kernel_allows
import pytest
import samples

from golfkit.compress import pipeline
from golfkit.compress.codecs.cm import CM_FAST
from golfkit.compress.container import HEADER_BYTES, pack, unpack
from golfkit.compress.runtimes import native, python_bundle

SYSTEM_PYTHON = "/usr/bin/python3"
TEXT = samples.mixed(700)
LONGER = samples.mixed(9000)  # where numba pays


def usable(python: str) -> bool:
    """Whether it is there and new enough."""
    return shutil.which(python) is not None and not subprocess.call(
        [python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What `golf compress --codec cm-fast` makes of TEXT where there is no cc."""
    here = tmp_path_factory.mktemp("no-cc")
    (here / "bin").mkdir()
    (here / "text").write_bytes(TEXT)
    golf = Path(sys.executable).with_name("golf")
    environment = os.environ | {"PATH": str(here / "bin")}
    environment.pop("GOLF_RUNTIME", None)
    command = [golf, "compress", "text", "--codec", "cm-fast", "-o", "made"]
    done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "the bundle is not self-contained" in done.stderr
    return here / "made"


def python(program: Path, *arguments: object, executable: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program of the bundle by another Python in an empty environment."""
    chosen = executable or (SYSTEM_PYTHON if usable(SYSTEM_PYTHON) else sys.executable)
    return subprocess.run(
        [chosen, program, *map(str, arguments)],
        cwd=program.parent,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )


def unzipped(folder: Path, place: Path) -> Path:
    """The decompressor of a folder, out of its zip."""
    shutil.unpack_archive(folder / "decompressor.zip", place)
    program = place / "decompressor" / "decompress"
    program.chmod(0o755)
    return program


def test_the_result_says_that_it_is_not_self_contained_and_why(folder: Path):
    results = json.loads((folder / "results.json").read_text())
    assert (results["runtime"], results["root"]) == ("jit", "system")
    assert "Python program" in results["notes"]
    assert "there is no cc (run: apt-get install gcc)" in results["notes"] or "native code is for" in results["notes"]


def test_the_archive_is_the_native_one(folder: Path, native_programs: native.Built, tmp_path: Path):
    (tmp_path / "text").write_bytes(TEXT)
    subprocess.run([native_programs.compress, "text", "archive"], cwd=tmp_path, env={}, check=True)
    assert (folder / "archive.bin").read_bytes() == (tmp_path / "archive").read_bytes()


def test_the_zipped_program_restores_the_text_alone(folder: Path, tmp_path: Path):
    program = unzipped(folder, tmp_path)
    assert program.read_bytes().startswith(b"#!/usr/bin/env python3\n")
    done = python(program, folder / "archive.bin", tmp_path / "out")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "out").read_bytes() == TEXT
    assert sorted(os.listdir(tmp_path)) == ["decompressor", "out"]
    assert os.listdir(program.parent) == ["decompress"]  # no byte code was left


def test_the_folder_s_programs_make_the_archive_and_the_text(folder: Path, tmp_path: Path):
    (tmp_path / "text").write_bytes(TEXT)
    assert python(folder / "compress", tmp_path / "text", tmp_path / "archive").returncode == 0
    assert (tmp_path / "archive").read_bytes() == (folder / "archive.bin").read_bytes()
    assert (folder / "decompress").read_bytes() == unzipped(folder, tmp_path).read_bytes()


def test_with_numba_at_hand_a_longer_archive_is_jitted(tmp_path: Path):
    archive = io.BytesIO()
    pipeline.compress_file(CM_FAST, io.BytesIO(LONGER), archive, len(LONGER), lambda n_in, n_out: None)
    (tmp_path / "archive").write_bytes(archive.getvalue())
    (tmp_path / "decompress").write_bytes(python_bundle.make(CM_FAST.model, "of this test").programs["decompress"])
    done = python(tmp_path / "decompress", "archive", "out", executable=sys.executable)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "out").read_bytes() == LONGER
    assert sorted(os.listdir(tmp_path)) == ["archive", "decompress", "out"]


def damaged(archive: bytes, kind: str) -> bytes:
    header = unpack(archive[:HEADER_BYTES], len(archive), "archive")
    payload = archive[HEADER_BYTES:]
    return {
        "short": archive[:20],
        "cut": archive[:-1],
        "flipped": archive[:99] + bytes([archive[99] ^ 1]) + archive[100:],
        "another codec's": pack(header._replace(codec_id=101)) + payload,
        "another version's": pack(header._replace(codec_version=99)) + payload,
        "of a parameter that there is not": pack(header._replace(parameter=0)) + payload,
        "too large": pack(header._replace(original_bytes=1 << 60)) + payload,
        "of another length": pack(header._replace(original_bytes=len(TEXT) // 2)) + payload,
    }[kind]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("short", "bytes, expected a golf archive"),
        ("cut", "truncated or extended"),
        ("flipped", "damaged|restored sha256"),
        ("another codec's", "codec 101 version"),
        ("another version's", "version 99, expected"),
        ("of a parameter that there is not", "parameter 0 is none"),
        ("too large", "bytes cannot be in"),
        ("of another length", "of them used"),
    ],
)
def test_a_damaged_archive_is_one_line_exit_1_and_no_output(folder: Path, tmp_path: Path, kind: str, said: str):
    (tmp_path / "archive").write_bytes(damaged((folder / "archive.bin").read_bytes(), kind))
    refused(python(folder / "decompress", tmp_path / "archive", tmp_path / "out"), said)
    assert os.listdir(tmp_path) == ["archive"]


def test_misuse_is_one_line_exit_1_and_touches_nothing(folder: Path, tmp_path: Path):
    archive = folder / "archive.bin"
    (tmp_path / "out.part").write_bytes(b"of somebody")
    for arguments, said in [
        ((), "expected 2: decompress FROM TO"),
        ((archive,), "expected 2: decompress FROM TO"),
        ((tmp_path / "absent", tmp_path / "new"), "No such file"),
        ((archive, tmp_path / "absent" / "out"), "No such file"),
        ((archive, tmp_path / "out"), "out.part"),
        ((tmp_path, tmp_path / "new"), "Is a directory"),
    ]:
        refused(python(folder / "decompress", *arguments), said)
    assert os.listdir(tmp_path) == ["out.part"]
    assert (tmp_path / "out.part").read_bytes() == b"of somebody"


def refused(done: subprocess.CompletedProcess[str], said: str) -> None:
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("decompress: ")
    assert any(part in done.stderr for part in said.split("|")), done.stderr
    assert done.stderr.count("\n") == 1


def test_the_program_is_made_of_the_same_bytes_every_time_and_holds_what_it_imports():
    first, again = (python_bundle.make(CM_FAST.model, "of this test") for _ in range(2))
    assert first.programs == again.programs
    assert hashlib.sha256(first.programs["compress"]).digest() != hashlib.sha256(first.programs["decompress"]).digest()
    assert (first.self_contained, first.root) == (False, "system")
    parts = ("model", "layout", "spec", "parser", "lines", "mixing", "floats", "coder", "jit", "transform_restore")
    names = ("kernels/cm_fast.py", *(f"kernels/{part}.py" for part in parts), "runtimes/engines.py", "container.py")
    for name in names:
        assert f"golfkit/compress/{name}".encode() in first.programs["decompress"]
    for name in (b"settings.py", b"sha256.py", b"native.py", b"output.py"):
        assert name not in first.programs["decompress"]


def test_roundtrip_certifies_it_where_the_sandbox_shows_a_python(folder: Path, tmp_path: Path, golf):
    if not usable(SYSTEM_PYTHON):
        pytest.skip(f"no {SYSTEM_PYTHON} of 3.11 or later, which is all that the sandbox shows")
    made, original = tmp_path / "made", tmp_path / "original"
    shutil.copytree(folder, made)
    original.write_bytes(TEXT)
    done = golf("roundtrip", made, "--original", original, "--root", "system")
    if not kernel_allows.any_isolation():
        pytest.skip("this kernel allows no sandbox")
    assert done.returncode == 0, done.stderr
    results = json.loads((made / "results.json").read_text())
    assert (results["verified"], results["self_contained"], results["root"]) == (True, False, "system")
