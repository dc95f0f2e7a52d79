"""golf results import: one log, one row, one folder; or nothing at all."""

import hashlib
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from golfkit import ledger
from golfkit.errors import Exit, GolfError
from golfkit.train import imports
from golfkit.train.imports import Wishes
from golfkit.train.runs import record

LOG = """seed:42
world_size:8 grad_accum_steps:1
train_batch_tokens:1000
step:100/100 train_loss:2.1 train_time:5000ms step_avg:50ms
peak memory allocated: 1024 MiB reserved: 2000 MiB
Code size: 4000 bytes
Serialized model int8+zlib: 96000 bytes (payload:1 raw_torch:1 payload_ratio:1x)
Total submission size int8+zlib: 100000 bytes
final_int8_zlib_roundtrip_exact val_loss:2.06729815 val_bpb:1.22436570
"""
CRASHED = "seed:1\nstep:1/9 train_loss:2.1 train_time:5ms\nTraceback (most recent call last):\nRuntimeError: no\n"
DISCARD = Wishes("local", "discard", None, None)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "golf.toml").touch()
    return workspace


def logged(folder: Path, text: str = LOG, name: str = "Train 1.log") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_an_import_adds_a_row_the_log_and_its_record(golf, home):
    log = logged(home)
    result = golf("results", "import", log, "--tier", "runpod", "--json", cwd=home)
    assert result.returncode == 0, result.stderr
    said = json.loads(result.stdout)
    digest = hashlib.sha256(LOG.encode()).hexdigest()
    assert said["run"] == f"import_train-1_{digest[:7]}"
    assert (said["val_bpb"], said["label"], said["line"]) == (1.2243657, "final_int8_zlib_roundtrip_exact", 9)
    (row,) = ledger.read_rows(home / "results.tsv")
    assert row == (said["run"], "runpod", 1.2243657, 100000, 1.07, "discard", "no", None, "imported Train 1.log")
    assert (home / "runs" / row.commit / "train.log").read_text() == LOG
    kept = record.read(home / "runs" / row.commit / "run.json")
    assert (kept.source, kept.log_sha256, kept.tokens_seen, kept.seeds[0].seed) == ("import", digest, 100_000, 42)
    assert kept.parsed["label"] == said["label"]


def test_a_log_is_imported_once_whatever_it_is_called(golf, home):
    golf("results", "import", logged(home), "--run", "mine", cwd=home)
    again = golf("results", "import", logged(home, name="b.log"), cwd=home)
    assert again.returncode == 3
    assert "results.tsv:2: mine is this log" in again.stderr
    other = golf("results", "import", logged(home, LOG + "\n", "c.log"), "--run", "mine", cwd=home)
    assert other.returncode == 3
    assert "choose one with --run" in other.stderr
    assert len(ledger.read_rows(home / "results.tsv")) == 1


def test_a_dry_run_needs_no_workspace_and_writes_nothing(golf, tmp_path):
    result = golf("results", "import", "-", "--dry-run", stdin=LOG)
    assert result.returncode == 0
    assert "val_bpb: 1.2243657\n" in result.stdout
    unknown = golf("results", "import", "-", "--dry-run", "--json", stdin="nothing\n")
    assert unknown.returncode == 0
    assert json.loads(unknown.stdout)["val_bpb"] is None
    assert "no line states a val_bpb" in unknown.stderr
    assert list(tmp_path.iterdir()) == []
    assert golf("results", "import", "-", stdin=LOG).returncode == 3  # no workspace


def test_an_empty_or_missing_log_is_named(golf, tmp_path):
    logged(tmp_path, "\n", "empty.log")
    for name, words in (("empty.log", "is empty"), ("none.log", "cannot be read"), (".", "cannot be read")):
        result = golf("results", "import", name, "--dry-run")
        assert result.returncode == 3
        assert f"{name}: {words}" in result.stderr
        assert "Traceback" not in result.stderr


def test_a_terminal_is_not_waited_for(tmp_path):
    ours, theirs = pty.openpty()
    command = [str(Path(sys.executable).with_name("golf")), "results", "import", "-", "--dry-run"]
    result = subprocess.run(
        command, cwd=tmp_path, stdin=theirs, capture_output=True, text=True, timeout=60, check=False
    )
    os.close(ours)
    os.close(theirs)
    assert result.returncode == 2
    assert "stdin is a terminal" in result.stderr


def test_a_crash_is_a_crash_and_no_score_is_kept(home):
    row = imports.install(home, imports.read(str(logged(home, CRASHED))), DISCARD)
    assert (row.status, row.val_bpb, row.artifact_bytes) == ("crash", None, None)
    unknown = imports.read(str(logged(home, "seed:1\n")))
    with pytest.raises(GolfError, match="gives no score") as refused:
        imports.install(home, unknown, DISCARD._replace(status="keep"))
    assert refused.value.exit_code == Exit.NO
    assert imports.install(home, unknown, DISCARD).status == "discard"
    assert imports.install(home, imports.read(str(logged(home))), DISCARD._replace(status="keep")).status == "keep"


@pytest.mark.parametrize("run", ["../up", ".hidden", "", "a/b", "a\n", "-x"])
def test_an_id_that_is_no_folder_name_is_refused(home, run):
    with pytest.raises(GolfError, match="choose another") as refused:
        imports.install(home, imports.read(str(logged(home))), DISCARD._replace(run=run))
    assert refused.value.exit_code == Exit.USAGE


def test_nothing_is_left_where_the_row_cannot_be_written(home, monkeypatch):
    def full(path, row):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(ledger, "append_row", full)
    with pytest.raises(OSError, match="No space"):
        imports.install(home, imports.read(str(logged(home))), DISCARD)
    assert [path.name for path in (home / "runs").iterdir()] == [".import.lock"]
    (home / "results.tsv").write_text("no ledger\n")
    with pytest.raises(GolfError, match="header"):
        imports.install(home, imports.read(str(logged(home))), DISCARD)
    assert [path.name for path in (home / "runs").iterdir()] == [".import.lock"]


def test_the_name_of_the_file_decides_nothing(tmp_path):
    for name in ("final val_bpb:0.7.log", "step:1", "-x"):
        assert imports.read(str(logged(tmp_path, name=name))).log == imports.read(str(logged(tmp_path))).log


@pytest.mark.parametrize(
    ("submission", "val_bpb"),
    [
        ('{"seed_results": {"42": {"val_bpb": 1.2238}}}', None),
        ('{"seed_results": {"42": {"val_bpb": 1.22437}}}', 1.2243657),
        ('{"seed_results": {"7": {"val_bpb": 1.1}}}', 1.2243657),
        ('{"val_bpb": 1.1, "seeds": [42]}', 1.2243657),
        ('[{"seed_results": 3}]', 1.2243657),
        ("{", None),
    ],
)
def test_a_submission_that_contradicts_the_log_makes_the_score_unknown(tmp_path, submission, val_bpb):
    (tmp_path / "submission.json").write_text(submission)
    log = imports.read(str(logged(tmp_path))).log
    assert log.val_bpb == val_bpb
    assert (val_bpb is None) == ("submission.json" in log.why)
