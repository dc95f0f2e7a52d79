"""`golf compress` and `golf decompress` from the outside."""

import contextlib
import hashlib
import json
import os
import pty
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from golfkit import cli
from golfkit.compress import codecs
from golfkit.compress.artifact import results

GOLF = [sys.executable, "-c", "from golfkit.cli import main; main()"]
TEXT = b"It was the best of times, it was the worst of times. " * 100
NAMES = ["README.md", "archive.bin", "compress", "decompress", "decompressor.zip", "results.json", "train_log.txt"]
DEADLINE_S = 60.0

Golf = Callable[..., tuple[int, str, str]]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text").write_bytes(TEXT)
    return tmp_path


@pytest.fixture
def golf(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Golf:
    """Run a command in this process: exit code, stdout, stderr."""

    def run(*args: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["golf", *args])
        with pytest.raises(SystemExit) as left:
            cli.main()
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return run


def pipe(data: bytes, *args: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*GOLF, *args], input=data, capture_output=True, check=False)


def pairs(out: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in out.splitlines())


def test_compress_writes_the_whole_artifact_folder(golf: Golf, here: Path):
    code, out, err = golf("compress", "text", "--codec", "gzip")
    folder = here / "artifacts/text_gzip"
    assert (code, sorted(os.listdir(folder))) == (0, NAMES)
    assert sorted(os.listdir(here / "artifacts")) == ["latest", "text_gzip"]
    assert os.readlink("artifacts/latest") == "text_gzip"
    said, scored = pairs(out), results.read(folder / "results.json")
    archive, bundle = ((folder / name).stat().st_size for name in ("archive.bin", "decompressor.zip"))
    assert (scored.archive_bytes, scored.decompressor_zip_bytes) == (archive, bundle)
    assert (scored.total_bytes, scored.bpc) == (archive + bundle, round(8 * (archive + bundle) / len(TEXT), 6))
    assert said["total_bytes"] == str(archive + bundle)
    assert said["path"] == "artifacts/text_gzip"
    assert {"original_bytes", "archive_bytes", "decompressor_zip_bytes", "bpc", "seconds", "us_per_byte"} <= set(said)
    assert "golf roundtrip artifacts/text_gzip" in err
    assert all(os.access(folder / name, os.X_OK) for name in ("compress", "decompress"))


def test_default_codec_is_the_middle_own_one(golf: Golf, here: Path):
    assert golf("compress", "text", "-n", "1000")[0] == 0
    scored = results.read(here / "artifacts/text_cm-mid/results.json")
    assert (scored.codec, scored.notes is not None) == ("cm-mid", True)


def test_results_say_what_is_known_and_null_for_the_rest(golf: Golf, here: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AGENT_ID", "agent-07")
    golf("compress", "text", "--codec", "xz", "-o", "o")
    scored = results.read(here / "o/results.json")
    assert (scored.agent_id, scored.codec, scored.codec_version, scored.runtime) == ("agent-07", "xz", 1, "library")
    assert scored.original_path == str(here.resolve() / "text")
    assert scored.original_sha256 == hashlib.sha256(TEXT).hexdigest()
    assert scored.archive_sha256 == hashlib.sha256((here / "o/archive.bin").read_bytes()).hexdigest()
    assert scored.decompressor_zip_sha256 == hashlib.sha256((here / "o/decompressor.zip").read_bytes()).hexdigest()
    assert scored.verified is False
    assert scored.root == "system"
    unknown = (scored.verified_at, scored.self_contained, scored.decompress_cpu_s, scored.dataset)
    assert unknown == (None,) * 4


def test_agent_is_local_unless_named(golf: Golf, here: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("AGENT_ID", raising=False)
    golf("compress", "text", "--codec", "gzip", "-o", "o")
    assert results.read(here / "o/results.json").agent_id == "local"


def test_json_output_is_one_object_with_the_same_fields(golf: Golf):
    plain = pairs(golf("compress", "text", "--codec", "gzip")[1])
    code, out, _ = golf("compress", "text", "--codec", "gzip", "--json")
    assert code == 0
    assert list(json.loads(out)) == list(plain)


@pytest.mark.parametrize("codec", codecs.names())
@pytest.mark.parametrize("data", [b"", b"x", TEXT, random.Random(0).randbytes(5000)], ids=["0", "1", "text", "random"])
def test_three_step_check_of_the_workspace_document_holds(golf: Golf, here: Path, codec: str, data: bytes):
    (here / "in").write_bytes(data)
    assert golf("compress", "in", "--codec", codec, "-o", "o")[0] == 0
    steps = "set -e; ./compress ../in a2.bin; ./decompress a2.bin out; cmp ../in out; cmp a2.bin archive.bin; ls"
    done = subprocess.run(["sh", "-c", steps], cwd=here / "o", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, sorted([*NAMES, "a2.bin", "out"])), done.stderr


@pytest.mark.parametrize("codec", ["cm-fast", "gzip"])
def test_the_check_in_the_readme_runs_as_it_stands(golf: Golf, here: Path, codec: str):
    golf("compress", "text", "--codec", codec, "-o", "o")
    block = (here / "o/README.md").read_text().split("```bash\n")[1].split("```")[0]
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode:
        block = block.replace("unshare -rn ", "")  # not allowed here
    command = ["bash", "-eu", "-c", block]
    environment = os.environ | {"ORIGINAL": str(here / "text")}
    done = subprocess.run(command, cwd=here / "o", env=environment, capture_output=True, text=True, check=False)
    scored = results.read(here / "o/results.json")
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        f"archive={scored.archive_bytes} decomp={scored.decompressor_zip_bytes} "
        f"total={scored.total_bytes} bpc={round(scored.bpc or 0.0, 3)}\n"
    )


@pytest.mark.parametrize("damage", ["truncated", "flipped", "emptied"])
def test_shell_decompressor_refuses_damage_and_leaves_nothing(golf: Golf, here: Path, damage: str):
    golf("compress", "text", "--codec", "gzip", "-o", "o")
    archive = bytearray((here / "o/archive.bin").read_bytes())
    if damage == "flipped":
        archive[-20] ^= 1
    size = {"truncated": len(archive) - 5, "flipped": len(archive), "emptied": 0}[damage]
    (here / "bad.bin").write_bytes(archive[:size])
    done = subprocess.run(["o/decompress", "bad.bin", "out"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "decompress: " in done.stderr
    assert sorted(os.listdir(here)) == ["artifacts", "bad.bin", "o", "text"]


def test_decompress_restores_the_file(golf: Golf, here: Path):
    golf("compress", "text", "--codec", "zstd", "-o", "o")
    code, out, _ = golf("decompress", "o/archive.bin", "back")
    assert (code, (here / "back").read_bytes()) == (0, TEXT)
    assert pairs(out)["original_bytes"] == str(len(TEXT))


def test_stdin_and_stdout_carry_archives(here: Path):
    packed = pipe(TEXT, "compress", "-", "--codec", "bzip2", "-o", "-")
    assert packed.returncode == 0
    back = pipe(packed.stdout, "decompress", "-", "-")
    assert (back.returncode, back.stdout) == (0, TEXT)
    assert os.listdir(here) == ["text"]


def test_stdin_can_fill_a_folder(here: Path):
    assert pipe(TEXT, "compress", "-", "--codec", "gzip", "-o", "o").returncode == 0
    scored = results.read(here / "o/results.json")
    assert (scored.original_name, scored.original_path, scored.original_bytes) == ("stdin", None, len(TEXT))


def test_stdin_without_a_folder_is_a_usage_error(golf: Golf):
    code, _, err = golf("compress", "-", "--codec", "gzip")
    assert (code, "-o: missing" in err) == (2, True)


def test_prefix_is_taken(golf: Golf, here: Path):
    golf("compress", "text", "--codec", "gzip", "-n", "100", "-o", "o")
    golf("decompress", "o/archive.bin", "back")
    assert (here / "back").read_bytes() == TEXT[:100]
    assert results.read(here / "o/results.json").original_bytes == 100


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["compress", "none", "--codec", "gzip"], 3, "none: No such file"),
        (["compress", "folder", "--codec", "gzip"], 3, "folder: is a directory"),
        (["compress", "text", "--codec", "rar"], 2, "found 'rar', expected one of"),
        (["compress", "text", "--codec", "gzip", "-n", "-1"], 2, "-n"),
        (["compress", "text", "--codec", "gzip", "-o", "text"], 3, "text: is a file"),
        (["compress", "text", "--codec", "gzip", "-o", "folder"], 3, "folder: folder without results.json"),
        (["compress", "/dev/zero", "--codec", "gzip"], 2, "is a device"),
        (["decompress", "none", "o"], 3, "none: No such file"),
        (["decompress", "folder", "o"], 3, "folder: is a directory"),
        (["decompress", "text", "o"], 3, "text: byte 0: magic is"),
        (["decompress", "good.bin", "folder"], 3, "folder: is a directory"),
        (["decompress", "good.bin", "good.bin"], 2, "is the archive itself"),
        (["decompress", "cut.bin", "o"], 3, "truncated or extended"),
        (["decompress", "long.bin", "o"], 3, "truncated or extended"),
        (["decompress", "flipped.bin", "o"], 3, "header check is wrong"),
    ],
)
def test_wrong_input_is_one_line_an_exit_code_and_no_file(
    golf: Golf, here: Path, args: list[str], code: int, said: str
):
    good = pipe(TEXT, "compress", "-", "--codec", "gzip", "-o", "-").stdout
    flipped = good[:9] + bytes([good[9] ^ 1]) + good[10:]
    for name, data in {"good": good, "cut": good[:-1], "long": good + b"x", "flipped": flipped}.items():
        (here / f"{name}.bin").write_bytes(data)
    (here / "folder").mkdir()
    (here / "folder/file").touch()
    before = sorted(here.rglob("*"))
    found, out, err = golf(*args)
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert said in err
    assert sorted(here.rglob("*")) == before
    assert (here / "good.bin").read_bytes() == good


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_file_is_a_bad_file(golf: Golf, here: Path):
    (here / "text").chmod(0)
    code, _, err = golf("compress", "text", "--codec", "gzip")
    assert (code, "text: Permission denied" in err) == (3, True)


def test_digest_mismatch_is_exit_1_and_an_old_output_survives(golf: Golf, here: Path):
    from golfkit.compress.container import HEADER_BYTES, pack, unpack

    good = pipe(TEXT, "compress", "-", "--codec", "gzip", "-o", "-").stdout
    header = unpack(good[:HEADER_BYTES], len(good), "good")
    (here / "other.bin").write_bytes(pack(header._replace(sha256=bytes(32))) + good[HEADER_BYTES:])
    (here / "out").write_text("old")
    code, _, err = golf("decompress", "other.bin", "out")
    assert (code, "expected 0000" in err) == (1, True)
    assert (here / "out").read_text() == "old"
    assert pipe((here / "other.bin").read_bytes(), "decompress", "-", "-").stdout == b""
    assert sorted(os.listdir(here)) == ["other.bin", "out", "text"]


def test_output_that_is_a_device_is_written_not_replaced(golf: Golf):
    golf("compress", "text", "--codec", "gzip", "-o", "o")
    assert golf("decompress", "o/archive.bin", "/dev/null")[0] == 0
    assert Path("/dev/null").is_char_device()


def test_file_that_changes_while_it_is_read_is_refused(golf: Golf, here: Path, monkeypatch: pytest.MonkeyPatch):
    from golfkit.compress import pipeline

    coder = pipeline.compress_file

    def slow(*args: object) -> object:
        coded = coder(*args)
        with (here / "text").open("ab") as grown:
            grown.write(b"more")
        os.utime(here / "text", ns=(1, 1))
        return coded

    monkeypatch.setattr(pipeline, "compress_file", slow)
    code, _, err = golf("compress", "text", "--codec", "gzip")
    assert (code, "text: changed while it was read" in err) == (3, True)
    assert os.listdir("artifacts") == []


def test_file_names_of_any_bytes_pass(golf: Golf, here: Path):
    name = os.fsdecode(b"na\xffme \n*")
    (here / name).write_bytes(TEXT)
    code, out, _ = golf("compress", name, "--codec", "gzip", "-o", "o")
    assert (code, pairs(out)["path"]) == (0, "o")
    assert results.read(here / "o/results.json").original_path == str(here.resolve() / name)


def test_progress_on_a_terminal_shows_size_speed_and_ratio_of_any_file_name(here: Path):
    (here / "[red]x").write_bytes(random.Random(0).randbytes(3_000_000))
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "200"}
    command = [*GOLF, "compress", "[red]x", "--codec", "bzip2", "-o", "o"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs, env=environment) as running:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # how a terminal says that its other end has closed
            while chunk := os.read(ours, 65536):
                shown += chunk
        os.close(ours)
    assert running.returncode == 0
    assert all(part in shown for part in (b"bzip2 [red]x", b"3.0/3.0 MB", b"MB/s", b"ratio 1.0"))


def test_disk_that_fills_leaves_nothing(here: Path):
    (here / "random").write_bytes(random.Random(0).randbytes(3_000_000))

    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    command = [*GOLF, "compress", "random", "--codec", "gzip", "-o", "o"]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=small_disk, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert sorted(os.listdir(here)) == ["random", "text"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_compress_leaves_the_old_folder_and_nothing_else(
    golf: Golf, here: Path, number: signal.Signals, code: int
):
    golf("compress", "text", "--codec", "gzip", "-o", "o")
    old = (here / "o/results.json").read_bytes()
    (here / "random").write_bytes(random.Random(0).randbytes(40_000_000))  # many seconds of xz
    command = [*GOLF, "compress", "random", "--codec", "xz", "-o", "o"]
    assert interrupted(command, here, ".o.*.part/archive.bin", number) == code
    assert sorted(os.listdir(here)) == ["artifacts", "o", "random", "text"]
    assert sorted(os.listdir(here / "o")) == NAMES
    assert (here / "o/results.json").read_bytes() == old


def test_interrupted_decompress_leaves_nothing(golf: Golf, here: Path):
    (here / "random").write_bytes(random.Random(0).randbytes(24_000_000))  # a second of bunzip2
    golf("compress", "random", "--codec", "bzip2", "-o", "o")
    command = [*GOLF, "decompress", "o/archive.bin", "out"]
    assert interrupted(command, here, ".out.*.part", signal.SIGINT) == 130
    assert sorted(os.listdir(here)) == ["artifacts", "o", "random", "text"]


def interrupted(command: list[str], here: Path, started: str, number: signal.Signals) -> int:
    """The exit code of a command that gets a signal as soon as a file matches `started`."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        until = time.monotonic() + DEADLINE_S
        while not list(here.glob(started)):
            assert running.poll() is None, "the command ended before it could be interrupted"
            assert time.monotonic() < until
            time.sleep(0.01)
        running.send_signal(number)
        return running.wait(DEADLINE_S)
