"""`golf roundtrip`: what it certifies, what it does not, and what it writes."""

import contextlib
import dataclasses
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import cheating
import kernel_allows
import pytest

from golfkit.compress import roundtrip, verify
from golfkit.compress.artifact import results
from golfkit.compress.artifact.results import Results
from golfkit.compress.roundtrip import Report
from golfkit.errors import Exit, GolfError

GOLF = [sys.executable, "-c", "from golfkit.cli import main; main()"]
NOW = datetime(2026, 5, 1, 14, 30, tzinfo=UTC)
DEADLINE_S = 30.0
CLAIMS = Results(
    agent_id="agent-01",
    experiment="theirs",
    method="theirs-1",
    archive_bytes=1,
    decompressor_zip_bytes=1,
    total_bytes=2,
    bpc=0.001,
    notes="their notes",
    extra={"their_key": [1, 2]},
)


@pytest.fixture(scope="session")
def cheat() -> bytes:
    return cheating.build()


@pytest.fixture(autouse=True)
def isolation(cheat: bytes, tmp_path: Path) -> None:
    """Skip where the kernel forbids every sandbox."""
    if not kernel_allows.any_isolation():
        pytest.skip("this kernel allows no sandbox")


def original(tmp_path: Path) -> Path:
    path = tmp_path / "original"
    path.write_bytes(cheating.ORIGINAL)
    return path


def certify(folder: Path, file: Path | None, **options: object) -> Report:
    settled = {"root": None, "wall_s": 30.0, "memory_bytes": None, "now": NOW} | options
    return roundtrip.certify(folder, original=file, **settled)


def golf(*args: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*GOLF, *map(str, args)], capture_output=True, text=True, check=False)


def record(folder: Path) -> dict:
    return json.loads((folder / "results.json").read_text())


@pytest.mark.parametrize("name", ["decompress", "decompressor/decompress"])
def test_a_foreign_artifact_is_certified_and_gets_its_results(cheat: bytes, tmp_path: Path, name: str):
    folder = cheating.folder(tmp_path / "foreign", cheat, cheating.archive("copy"), name)
    done = golf("roundtrip", folder, "--original", original(tmp_path))
    assert done.returncode == 0, done.stderr
    said = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert said["verified"] == "true"
    wrote = record(folder)
    archive, bundle = (folder / name for name in ("archive.bin", "decompressor.zip"))
    assert wrote["archive_bytes"] == archive.stat().st_size
    assert wrote["decompressor_zip_bytes"] == bundle.stat().st_size
    assert wrote["total_bytes"] == archive.stat().st_size + bundle.stat().st_size == int(said["total_bytes"])
    assert wrote["bpc"] == round(8 * wrote["total_bytes"] / len(cheating.ORIGINAL), 6)
    assert wrote["archive_sha256"] == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert wrote["original_sha256"] == hashlib.sha256(cheating.ORIGINAL).hexdigest()
    assert (wrote["verified"], wrote["root"], wrote["self_contained"]) == (True, "empty", True)
    assert (wrote["agent_id"], wrote["dataset"]) == ("unknown", None)
    assert wrote["hardware"]
    assert set(results.REQUIRED) <= set(wrote)
    assert verify.check(folder).holds
    assert sorted(os.listdir(folder)) == ["archive.bin", "decompressor.zip", "results.json"]


def test_claims_are_replaced_and_foreign_keys_kept(cheat: bytes, tmp_path: Path):
    folder = cheating.folder(tmp_path / "foreign", cheat, cheating.archive("copy"))
    results.write(folder / "results.json", CLAIMS)
    certify(folder, original(tmp_path))
    wrote = record(folder)
    assert (wrote["agent_id"], wrote["notes"], wrote["their_key"]) == ("agent-01", "their notes", [1, 2])
    assert wrote["total_bytes"] > 2
    assert wrote["verified_at"] == "2026-05-01T14:30:00Z"


@pytest.mark.parametrize(
    ("mode", "word", "reason"),
    [
        ("link", "/archive.bin", "its output cannot be read (Too many levels of symbolic links)"),
        ("fifo", "-", "the decompressor's output is no plain file"),
        ("crash", "-", "the decompressor ended with SIGSEGV"),
        ("connect", "9", "the decompressor ended with status 3: connect: "),
        ("write", "/stray", "the decompressor ended with status 3: /stray: "),
        ("write", "/out/elsewhere", "ended with 0, but its output cannot be read (No such file or directory)"),
        ("nonsense", "-", "the decompressor ended with status 2"),
    ],
)
def test_a_decompressor_that_does_not_restore_is_not_verified(
    cheat: bytes, tmp_path: Path, mode: str, word: str, reason: str
):
    folder = cheating.folder(tmp_path / "foreign", cheat, cheating.archive(mode, word))
    report = certify(folder, original(tmp_path))
    assert not report.verified
    assert reason in (report.reason or "")
    wrote = record(folder)
    assert (wrote["verified"], wrote["verified_at"], wrote["self_contained"]) == (False, None, None)
    assert reason in wrote["notes"]


def test_the_original_itself_is_out_of_sight(cheat: bytes, tmp_path: Path):
    file = original(tmp_path)
    folder = cheating.folder(tmp_path / "foreign", cheat, cheating.archive("read", file))
    report = certify(folder, file)
    assert "No such file or directory" in (report.reason or "")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (b"x", "restored 1901 bytes, expected 1900"),
        (None, "restored sha256 "),
    ],
)
def test_wrong_bytes_exit_1(cheat: bytes, tmp_path: Path, change: bytes | None, reason: str):
    archive = cheating.archive("copy")
    folder = cheating.folder(tmp_path / "foreign", cheat, archive + change if change else archive[:-1] + b"!")
    done = golf("roundtrip", folder, "--original", original(tmp_path), "--json")
    assert done.returncode == Exit.NO
    assert json.loads(done.stdout)["verified"] is False
    assert reason in json.loads(done.stdout)["reason"]
    assert "not verified" in done.stderr
    assert record(folder)["verified"] is False


def test_a_failure_takes_an_earlier_certificate_back_and_success_clears_its_note(cheat: bytes, tmp_path: Path):
    folder = cheating.folder(tmp_path / "foreign", cheat, cheating.archive("copy"))
    results.write(folder / "results.json", CLAIMS)
    file = original(tmp_path)
    assert certify(folder, file).verified
    sound = (folder / "archive.bin").read_bytes()
    (folder / "archive.bin").write_bytes(sound + b"!")
    assert not certify(folder, file).verified
    assert not certify(folder, file).verified
    assert record(folder)["notes"].count("roundtrip failed") == 1
    (folder / "archive.bin").write_bytes(sound)
    assert certify(folder, file).verified
    assert record(folder)["notes"] == "their notes"


def test_a_bad_bundle_exits_3_and_is_not_verified(cheat: bytes, tmp_path: Path):
    folder = cheating.folder(tmp_path / "foreign", cheat, cheating.archive("copy"))
    cheating.zipped({"../evil": b"x", "decompress": cheat}, folder / "decompressor.zip")
    done = golf("roundtrip", folder, "--original", original(tmp_path))
    assert done.returncode == Exit.BAD_FILE
    assert "'../evil'" in done.stderr
    assert record(folder)["verified"] is False
    assert not (tmp_path / "evil").exists()


def test_a_hang_and_a_memory_hog_are_stopped_by_their_options(cheat: bytes, tmp_path: Path):
    file = original(tmp_path)
    folder = cheating.folder(tmp_path / "hang", cheat, cheating.archive("hang"))
    done = golf("roundtrip", folder, "--original", file, "--timeout", "0.0001")
    assert (done.returncode, "it ran longer than 0.36 s" in done.stdout) == (Exit.NO, True)
    folder = cheating.folder(tmp_path / "hog", cheat, cheating.archive("allocate", 300_000_000))
    done = golf("roundtrip", folder, "--original", file, "--memory", "0.1")
    assert (done.returncode, "malloc: Cannot allocate memory" in done.stdout) == (Exit.NO, True)


def test_a_script_needs_the_system_root_and_is_then_not_self_contained(cheat: bytes, tmp_path: Path):
    script = b'#!/bin/sh\ntail -n +2 "$1" >"$2"\n'
    folder = cheating.folder(tmp_path / "script", script, cheating.archive("copy"))
    file = original(tmp_path)
    alone = certify(folder, file)
    assert "is a script for /bin/sh, which an empty root cannot start: use --root system" in (alone.reason or "")
    assert certify(folder, file, root="system").verified
    wrote = record(folder)
    assert (wrote["root"], wrote["self_contained"]) == ("system", False)
    assert certify(folder, file).verified, "the root that results.json names is the default"


def test_results_json_names_the_original(cheat: bytes, tmp_path: Path):
    folder = cheating.folder(tmp_path / "own", cheat, cheating.archive("copy"))
    file = original(tmp_path)
    known = {"original_sha256": hashlib.sha256(cheating.ORIGINAL).hexdigest(), "original_bytes": len(cheating.ORIGINAL)}
    results.write(folder / "results.json", dataclasses.replace(CLAIMS, original_path=str(file), **known))
    assert certify(folder, None).notes == ()
    file.write_bytes(b"something else")
    changed = certify(folder, None)
    assert changed.verified
    assert "no longer the file that was compressed" in changed.notes[0]
    file.unlink()
    gone = certify(folder, None)
    assert gone.verified
    assert "compared with the original_sha256" in gone.notes[0]


def test_without_any_original_it_is_asked_for(cheat: bytes, tmp_path: Path):
    folder = cheating.folder(tmp_path / "foreign", cheat, cheating.archive("copy"))
    done = golf("roundtrip", folder)
    assert done.returncode == Exit.BAD_FILE
    assert "--original FILE" in done.stderr
    results.write(folder / "results.json", CLAIMS)
    assert "--original FILE" in golf("roundtrip", folder).stderr


def test_a_folder_that_is_no_artifact_exits_3(tmp_path: Path):
    done = golf("roundtrip", tmp_path, "--original", original(tmp_path))
    assert done.returncode == Exit.BAD_FILE
    assert "archive.bin: is missing" in done.stderr


def test_without_isolation_nothing_is_certified_and_the_record_stays(cheat: bytes, tmp_path: Path):
    folder = cheating.folder(tmp_path / "foreign", cheat, cheating.archive("copy"))
    results.write(folder / "results.json", CLAIMS)
    before = (folder / "results.json").read_bytes()
    with pytest.raises(GolfError, match="install bubblewrap") as refused:
        certify(folder, original(tmp_path), launchers=())
    assert refused.value.exit_code == Exit.MISSING_PACKAGE
    assert (folder / "results.json").read_bytes() == before


@contextlib.contextmanager
def hanging(folder: Path, file: Path) -> Iterator[tuple[subprocess.Popen[bytes], os.stat_result]]:
    """A `golf roundtrip` whose decompressor has started, and hangs."""
    with subprocess.Popen(
        [*GOLF, "roundtrip", str(folder), "--original", str(file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        deadline = time.monotonic() + DEADLINE_S
        while not (started := list(folder.glob(".roundtrip-*/out/started"))) and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.01)
        yield process, (started[0].parent.parent / "bundle/decompressor/decompress").stat()
        process.kill()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_leaves_nothing_behind(cheat: bytes, tmp_path: Path, number: int, code: int):
    folder = cheating.folder(tmp_path / "hang", cheat, cheating.archive("hang"))
    with hanging(folder, original(tmp_path)) as (process, executable):
        assert len(cheating.running(executable)) == 1
        process.send_signal(number)
        assert process.wait(DEADLINE_S) == code
        assert cheating.running(executable) == []
    assert sorted(os.listdir(folder)) == ["archive.bin", "decompressor.zip"]


def test_a_killed_golf_takes_the_decompressor_along(cheat: bytes, tmp_path: Path):
    folder = cheating.folder(tmp_path / "hang", cheat, cheating.archive("hang"))
    with hanging(folder, original(tmp_path)) as (process, executable):
        process.kill()
        process.wait(DEADLINE_S)
        deadline = time.monotonic() + DEADLINE_S
        while cheating.running(executable) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert cheating.running(executable) == []


def test_a_compressed_file_makes_the_whole_trip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    file = original(tmp_path)
    assert golf("compress", file, "--codec", "gzip").returncode == 0
    done = golf("roundtrip", "--root", "system")
    assert done.returncode == 0, done.stderr
    assert verify.check(tmp_path / "artifacts/latest").holds
