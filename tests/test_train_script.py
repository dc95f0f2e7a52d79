"""`golf train-local --script`: another's train_gpt.py runs by its environment names, and its try is recorded."""

import os

import pytest
from training import Workspace

from golfkit.train.foreign import running

SCRIPT = """
import os
from pathlib import Path
steps = int(os.environ["ITERATIONS"])
names = "DATA_PATH TOKENIZER_PATH SEED RUN_ID MAX_WALLCLOCK_SECONDS OUT_DIR NUM_LAYERS HF_TOKEN".split()
Path("names.txt").write_text("\\n".join(f"{name}={os.environ.get(name)}" for name in names))
print("train_batch_tokens:1024 train_seq_len:64 iterations:3 seed:7")
for step in range(1, steps + 1):
    print(f"step:{step}/{steps} train_loss:2.5000 train_time:{step * 10}ms step_avg:10.00ms")
Path("final_model.int8.ptz").write_bytes(b"x" * 700)
print("Serialized model int8+zlib: 700 bytes")
"""
SCORE = 'print("final_int8_zlib_roundtrip_exact val_loss:2.41000000 val_bpb:1.42591234")\n'


@pytest.fixture
def work(tmp_path, monkeypatch, capsys):
    return Workspace(tmp_path, tmp_path / "data", monkeypatch, capsys)


@pytest.fixture
def script(tmp_path):
    """Write a script; the words that run it."""

    def write(source):
        (tmp_path / "mine.py").write_text(source)
        return ["--script", "mine.py"]

    return write


def run(work, *words, code=0):
    return work.golf("train-local", "--iterations", 3, *words, code=code)


def crashed(work, *words, code):
    said = run(work, *words, code=code)
    return said.err.splitlines()[-1], work.crash_after([])


def test_its_score_its_bytes_and_its_row(work, script):
    facts = run(work, *script(SCRIPT + SCORE), "--description", "theirs", "--json").json
    folder, made = work.home / "runs" / "local_theirs_1", work.record("local_theirs_1")
    code = (folder / "train_gpt.py").stat().st_size
    assert (facts["status"], facts["val_bpb"], facts["artifact_bytes"]) == ("keep", 1.42591234, code + 700)
    assert "it compares with no other run: sequence length, training data" in facts["reason"]
    assert (facts["steps"], facts["headroom"]) == (3, 16_000_000 - code - 700)
    assert (made["source"], made["model"]["file"], made["seeds"][0]["seed"]) == ("script", "mine.py", 7)
    (row,) = work.rows()
    assert row[:4] == ("local_theirs_1", "local", 1.42591234, code + 700)
    assert row.description == "theirs"


def test_the_flags_and_the_users_own_names_reach_it_and_secrets_do_not(work, script, monkeypatch):
    monkeypatch.setenv("NUM_LAYERS", "4")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    run(work, *script(SCRIPT + SCORE), "--seed", 9)
    folder = work.home / "runs/local_mine_1"
    assert (folder / "names.txt").read_text().splitlines() == [
        f"DATA_PATH={work.home / 'data'}",
        "TOKENIZER_PATH=bytes",
        "SEED=9",
        "RUN_ID=local_mine_1",
        "MAX_WALLCLOCK_SECONDS=0",
        f"OUT_DIR={folder}",
        "NUM_LAYERS=4",
        "HF_TOKEN=None",
    ]


def test_one_that_crashes_is_a_crash_row_with_its_last_words(work, script):
    said, folder = crashed(work, *script(SCRIPT + "{}['dim']\n"), code=3)
    assert "KeyError: 'dim'" in said
    assert "KeyError: 'dim'" in work.record(folder.name)["reason"]
    assert "step:3/3" in (folder / "train.log").read_text()


def test_one_that_needs_cuda_is_exit_5_with_the_reason_and_a_crash_row(work, script):
    said, _ = crashed(work, *script("raise RuntimeError('CUDA is required')\n"), code=5)
    assert "the script needs CUDA, there is none here" in said


@pytest.mark.parametrize("last", ["", "print('final_int8_zlib_roundtrip_exact val_loss:0.0 val_bpb:0.00000000')\n"])
def test_one_without_a_score_is_discarded_and_its_cell_is_empty(work, script, last):
    facts = run(work, *script(SCRIPT + last), "--json").json
    assert (facts["status"], facts["val_bpb"], facts["payload_bytes"]) == ("discard", None, 700)
    assert "val_bpb" in facts["reason"]
    (row,) = work.rows()
    assert (row.status, row.val_bpb) == ("discard", None)


def test_one_that_leaves_nothing_to_weigh_has_no_headroom(work, script):
    facts = run(work, *script("print('hello')\n"), "--json").json
    assert (facts["status"], facts["artifact_bytes"], facts["headroom"]) == ("discard", None, None)
    assert work.rows()[0].artifact_bytes is None


@pytest.mark.parametrize("loss", ["nan", "0.00000000", "inf"])
def test_numbers_that_no_run_can_have_leave_empty_cells_and_a_row(work, script, loss):
    lines = ["Total submission size int8+zlib: 0 bytes", SCORE[7:-3].replace("2.41000000", loss)]
    facts = run(work, *script(f"print(*{lines}, sep=chr(10))\n"), "--json").json
    assert (facts["status"], facts["val_bpb"]) == ("keep", 1.42591234)
    assert work.record("local_mine_1")["seeds"][0]["val_loss"] is None
    assert work.rows()[0].artifact_bytes is None


def test_a_full_disk_is_a_crash_row_that_says_so(work, script, monkeypatch):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device", "train_gpt.py")

    monkeypatch.setattr(running, "run", full)
    said, folder = crashed(work, *script(SCRIPT + SCORE), code=3)
    assert "train_gpt.py: No space left on device; the run was stopped" in said
    assert "No space left" in work.record(folder.name)["reason"]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_ends_it_and_leaves_one_crash_row_and_exit_130(work, script, monkeypatch, name):
    monkeypatch.setattr(running, "GRACE_S", 1.0)
    words = script(f"import os, signal, time\nos.kill({os.getpid()}, signal.{name})\nwhile True: time.sleep(60)\n")
    said, folder = crashed(work, *words, code=130)
    assert said == "error: interrupted"
    assert sorted(path.name for path in folder.iterdir()) == ["run.json", "train.log", "train_gpt.py"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--script", "nowhere.py"], 3, "nowhere.py: no such file"),
        (["--script", "mine.py", "--set", "dim=8"], 2, "--set cannot be given with --script"),
        (["--script", "mine.py", "--seeds", 2], 2, "--seeds cannot be given with --script"),
        (["--script", "mine.py", "--ttt"], 2, "--ttt cannot be given with --script"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(work, script, words, code, says):
    script(SCRIPT)
    before = work.files()
    assert says in run(work, *words, code=code).err
    assert work.files() == before


def test_a_damaged_ledger_ends_it_before_the_script_runs(work, script):
    work.results.write_text("torn\n")
    words, before = script(SCRIPT + SCORE), work.files()
    assert "results.tsv:1: header is 'torn'" in run(work, *words, code=3).err
    assert work.files() == before
