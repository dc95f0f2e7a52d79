"""`golf train-local`: every try is one row and one folder, judged against what compares, whatever happens to it."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from models import needs_torch
from training import PAYLOAD, TINY, Workspace, make_shards

from golfkit import cli, ledger
from golfkit.ledger import HEADER
from golfkit.train.data.shards import HEADER_BYTES, write_shard
from golfkit.train.engine import choice, session
from golfkit.train.logs import parse

KILL = "import os, signal\nCALLS = []\n"
HARMLESS = 4  # calls of the forward pass: the first step is for the compiler, and this one is in the training


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    needs_torch()
    return make_shards(tmp_path_factory.mktemp("shards"))


@pytest.fixture
def work(tmp_path, shards, monkeypatch, capsys):
    return Workspace(tmp_path, shards, monkeypatch, capsys)


def test_a_run_leaves_a_row_a_record_a_log_and_the_artifact_that_was_scored(work):
    said = work.train("--description", "wider MLP", "--iterations", 20, "--json")
    facts = said.json
    assert said.err.endswith("next: golf results show\n")
    assert (facts["run"], facts["status"], facts["steps"]) == ("local_wider-mlp_1", "keep", 20)
    assert "sets the running local baseline" in facts["reason"]
    folder, made = work.home / "runs" / facts["run"], work.record(facts["run"])
    assert sorted(path.name for path in folder.iterdir()) == [
        PAYLOAD,
        "model.py",
        "run.json",
        "train.log",
        "train_gpt.py",
    ]
    sizes = (folder / "train_gpt.py").stat().st_size, (folder / PAYLOAD).stat().st_size
    assert (facts["code_bytes"], facts["payload_bytes"], facts["artifact_bytes"]) == (*sizes, sum(sizes))
    assert facts["headroom"] == 16_000_000 - sum(sizes)
    (row,) = work.rows()
    assert row[:4] == (facts["run"], "local", facts["val_bpb"], sum(sizes))
    assert row[5:] == ("keep", "no", None, "wider MLP")
    assert row.memory_gb == made["peak_memory_gb"] > 0
    log = parse((folder / "train.log").read_text())
    assert (log.val_bpb, log.artifact_bytes) == (pytest.approx(row.val_bpb, abs=1e-8), row.artifact_bytes)
    assert (log.status, log.steps, log.seed) == ("finished", 20, 1337)
    assert (made["status"], made["val_bpb"], made["tokens_seen"]) == ("keep", row.val_bpb, 1280)
    assert (made["model"]["spec"]["dim"], made["command"][1], made["backend"]) == (16, "train-local", "torch")
    assert (folder / "model.py").read_text() == (work.home / "model.py").read_text()
    assert work.golf("measure", "--json").json["artifact_bytes"] == sum(sizes)  # the spec as the run changed it


def test_runs_with_the_same_tokens_are_judged_against_the_best_and_others_are_not(work):
    work.train()
    worse = work.train("--set", "embed_rate=0.001", "--json").json
    assert (worse["status"], worse["promotable"]) == ("discard", False)
    assert "above the running local baseline local_model_1" in worse["reason"]
    assert "noise not measured" in worse["reason"]
    more = work.train("--iterations", 8, "--json").json
    assert "sets the running local baseline" in more["reason"]
    better = work.train("--iterations", 8, "--set", "embed_rate=1.0", "--json").json
    assert better["status"] == ("keep" if better["promotable"] else "discard")
    assert "baseline local_model_3" in better["reason"]
    assert [row.commit for row in work.rows()] == [f"local_model_{n}" for n in (1, 2, 3, 4)]


def test_the_clock_ends_a_run_and_its_seconds_are_what_compares(work):
    facts = work.train("--iterations", 1_000_000, "--minutes", 0.001, "--json").json
    made = work.record(facts["run"])
    assert 0 < facts["steps"] == made["steps"] < 1_000_000
    assert made["limit_seconds"] == pytest.approx(0.06)
    assert "stopping_early: wallclock_cap" in (work.home / "runs" / facts["run"] / "train.log").read_text()
    assert "baseline local_model_1" in work.train("--minutes", 0.001, "--iterations", 999_999, "--json").json["reason"]


def test_several_seeds_measure_the_noise_and_the_largest_payload_counts(work):
    facts = work.train("--seeds", 2, "--stride", 8, "--ttt", "--json").json
    folder, made = work.home / "runs" / facts["run"], work.record(facts["run"])
    scores = [seed["val_bpb"] for seed in made["seeds"]]
    assert [seed["seed"] for seed in made["seeds"]] == [1337, 1338]
    assert facts["noise_bpb"] == pytest.approx(abs(scores[0] - scores[1]) / 2**0.5)
    assert facts["val_bpb"] == pytest.approx(sum(scores) / 2)
    assert {"sliding_val_bpb", "ttt_val_bpb"} <= facts.keys()
    payloads = [(folder / name).stat().st_size for name in (PAYLOAD, f"seed1338.{PAYLOAD}")]
    assert facts["payload_bytes"] == max(payloads)
    assert parse((folder / "train.1338.log").read_text()).seed == 1338
    again = work.train("--seed", 5, "--json").json
    assert "inside the noise" in again["reason"] or "noise ±" in again["reason"]


def test_an_artifact_over_the_limit_is_discarded(work):
    with (work.home / "golf.toml").open("a") as settings:
        settings.write("artifact_limit = 20000\n")
    facts = work.train("--json").json
    assert (facts["status"], facts["headroom"]) == ("discard", 20_000 - facts["artifact_bytes"])
    assert "over the limit of 20,000" in facts["reason"]
    assert work.rows()[0].status == "discard"


def test_one_iteration_is_a_run(work):
    assert work.train("--iterations", 1, "--json").json["tokens_seen"] == 64


def test_auto_measures_what_is_installed_and_says_so(work, monkeypatch):
    monkeypatch.setattr(choice, "CPU_WAYS", (("torch", "float32"), ("torch", "bfloat16")))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "mlx" else name)
    monkeypatch.setattr(choice, "_cuda", lambda: None)
    assert "the fastest here, tokens/s" in work.train("--backend", "auto").err


def test_a_run_that_diverges_is_a_crash_and_exit_1(work):
    said, folder = work.crashed("--set", "embed_rate=1e39", "--iterations", 20, code=1)  # infinite in float32
    assert "loss nan after 5." in said
    assert "diverged, lower the learning rates" in work.record(folder.name)["reason"]
    assert not (folder / PAYLOAD).exists()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_in_training_leaves_one_crash_row_and_exit_130(work, name):
    work.forward(
        f"CALLS.append(1) or (len(CALLS) == {HARMLESS} and os.kill(os.getpid(), signal.{name}))",
        KILL,
    )
    said, folder = work.crashed(code=130)
    assert said == "error: interrupted"
    assert sorted(path.name for path in folder.iterdir()) == ["model.py", "run.json", "train.log", "train_gpt.py"]
    assert "step:1/3" in (folder / "train.log").read_text()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_while_the_row_is_written_waits_for_it(work, monkeypatch, name):
    append = ledger.append_row

    def interrupted(path, row):
        os.kill(os.getpid(), getattr(signal, name))
        append(path, row)

    monkeypatch.setattr(ledger, "append_row", interrupted)
    work.train(code=130)
    assert [row.status for row in work.rows()] == ["keep"]


def test_a_signal_to_the_real_process_ends_it_in_order(work):
    work.forward(f"CALLS.append(1) or (len(CALLS) == {HARMLESS} and os.kill(os.getpid(), signal.SIGTERM))", KILL)
    golf = Path(sys.executable).with_name("golf")
    command = [golf, "train-local", "--backend", "torch", "--iterations", "3", *TINY]
    done = subprocess.run(command, cwd=work.home, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr.splitlines()[-1]) == (130, "", "error: interrupted")
    work.crash_after([])


def test_a_run_in_the_middle_of_another_has_its_own_folder_and_row(work, monkeypatch):
    stored, inner = session.stored, []

    def interrupted_by_another(*arguments):
        if not inner:
            inner.append(None)
            inner[0] = work.train("--json").json
        return stored(*arguments)

    monkeypatch.setattr(session, "stored", interrupted_by_another)
    outer = work.train("--set", "embed_rate=0.001", "--json").json
    assert (outer["run"], inner[0]["run"]) == ("local_model_1", "local_model_2")
    assert [row.commit for row in work.rows()] == ["local_model_2", "local_model_1"]
    assert "baseline local_model_2" in outer["reason"]
    assert all(work.record(row.commit)["val_bpb"] == row.val_bpb for row in work.rows())


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--set", "widht=3"], 2, "--set widht=3: expected KEY=VALUE with a key of the spec"),
        (["--set", "dim"], 2, "--set dim: expected KEY=VALUE"),
        (["--set", "dim=wide"], 2, "--set dim=wide: expected a int such as"),
        (["--set", "matrix_rate=nan"], 2, "--set matrix_rate=nan: expected a float"),
        (["--set", "n_heads=3"], 2, "3 heads must divide dim 16"),
        (["--set", "n_heads=0"], 2, "change the spec"),
        (["--set", "batch_tokens=100"], 2, "batch_tokens is 100, expected a multiple of seq_len 16"),
        (["--set", "seq_len=0"], 2, "seq_len is 0, expected 1 or more"),
        (["--set", "warmdown=-1"], 2, "warmdown is -1.0, expected 0 or more"),
        (["--set", "ema=1"], 2, "ema is 1.0, expected less than 1"),
        (["--set", "n_layers=-1"], 2, "change the spec"),
        (["--set", "matrix_bits=9"], 3, "2 to 8, 16 or 32 bits"),
        (["--set", "vocab_size=100"], 3, "bytes: 260 tokens, but the model has 100"),
        (["--set", "seq_len=4096", "--set", "batch_tokens=4096"], 3, "300 validation tokens, expected at least 4097"),
        (["--val-tokens", 10], 3, "11 validation tokens, expected at least 17"),
        (["--stride", 17], 2, "a stride of 17 tokens, expected 1 to the sequence length 16"),
        (["--data", "nowhere"], 3, "nowhere: no such folder"),
        (["--tokenizer", "nowhere.model"], 3, "nowhere.model: no such file"),
        (["--model", "nowhere.py"], 3, "nowhere.py: No such file"),
        (["--backend", "jax"], 2, "--backend jax: expected one of auto, mlx, torch"),
        (["--processes", 2], 2, "--processes cannot be given without --script"),
    ],
    ids=lambda value: "-".join(map(str, value)) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_refused_in_one_line_before_anything_is_written(work, words, code, says):
    assert says in work.refused(*words, code=code)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("def forward(:\n", "model.py:1: invalid syntax"),
        ("x = 1\nreturn x\n", "model.py:2: 'return' outside function"),
        ("x = 1\ny = z\n", "model.py:2: NameError: name 'z' is not defined"),
        ("x = 1\n", "model.py: no Spec, FULL, LOCAL, parameters, forward"),
        ("Spec = FULL = LOCAL = parameters = forward = 1\n", "model.py: FULL is no Recipe"),
        ("x = '\0'\n", "model.py: source code string cannot contain null bytes"),
        (b"\xff\xfe", "model.py: byte 0 is not UTF-8"),
    ],
    ids=["syntax", "return", "name", "empty", "no-recipe", "null", "bytes"],
)
def test_a_model_that_cannot_be_loaded_is_one_line_with_its_place(work, source, says):
    (work.home / "model.py").write_bytes(source if isinstance(source, bytes) else source.encode())
    assert says in work.refused(code=3)


def test_a_model_whose_table_fails_is_one_line_with_its_place(work):
    path = work.home / "model.py"
    path.write_text(path.read_text().replace('"normal", 0.005, "embed"', '"normal", 0.005, "embeds"'))
    assert "Parameter(name='embed'" in work.refused(code=3)
    path.write_text(path.read_text().replace("spec.matrix_bits,", "spec.matrix_bit,"))
    assert "AttributeError: 'Spec' object has no attribute 'matrix_bit'" in work.refused(code=3)


def test_a_name_that_the_model_does_not_define_is_found_before_it_runs(work):
    line = work.forward("ids = idz")
    assert f"model.py:{line}: " in (said := work.refused(code=3))
    assert "idz" in said


@pytest.mark.parametrize("ways", [["float32"], ["float32", "bfloat16"]], ids=["in-training", "in-the-choice"])
def test_a_model_that_fails_when_it_runs_is_a_crash_with_its_line(work, monkeypatch, ways):
    monkeypatch.setattr(choice, "CPU_WAYS", [("torch", way) for way in ways])
    line = work.forward("ids = ids.nope")
    said, folder = work.crashed(code=3)
    assert f"model.py:{line}: AttributeError: 'Tensor' object has no attribute 'nope'; correct the model" in said
    assert f"model.py:{line}" in work.record(folder.name)["reason"]


def test_an_edit_within_a_second_is_what_trains(work):
    path = work.home / "model.py"
    first = work.train("--json").json
    path.write_text(path.read_text().replace("qk_gain: float = 1.5", "qk_gain: float = 2.5"))
    second = work.train("--json").json
    assert work.record(second["run"])["model"]["spec"]["qk_gain"] == 2.5
    assert first["val_bpb"] != second["val_bpb"]


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (OSError(28, "No space left on device", "x.ptz"), 3, "x.ptz: No space left on device"),
        (MemoryError(), 3, "out of memory; lower batch_tokens"),
    ],
    ids=["disk", "memory"],
)
def test_a_machine_that_fails_is_a_crash_that_says_why(work, monkeypatch, error, code, says):
    def failing(*arguments, **options):
        raise error

    monkeypatch.setattr(session, "stored", failing)
    said, folder = work.crashed(code=code)
    assert says in said
    assert says in work.record(folder.name)["reason"]


def test_what_nobody_named_is_raised_after_its_crash_row(work, monkeypatch):
    def failing(*arguments, **options):
        raise StopAsyncIteration

    monkeypatch.setattr(session, "stored", failing)
    monkeypatch.setattr(sys, "argv", ["golf", "train-local", "--backend", "torch", "--iterations", "1", *TINY])
    with pytest.raises(StopAsyncIteration):
        cli.main()
    assert "ended before it was scored" in work.record(work.crash_after([]).name)["reason"]


def test_a_damaged_ledger_or_record_ends_it_before_any_training(work):
    work.train()
    kept = work.results.read_text()
    work.results.write_text(kept + "torn\n")
    assert "results.tsv:3: 1 columns, expected 9" in work.refused(code=3)
    work.results.write_text(kept)
    (work.home / "runs/local_model_1/run.json").write_text("{")
    assert "runs/local_model_1/run.json" in work.refused(code=3)


def test_a_ledger_that_is_damaged_meanwhile_costs_the_row_and_not_what_was_found(work, monkeypatch):
    stored = session.stored

    def damaging(*arguments):
        work.results.write_text("torn\n")
        return stored(*arguments)

    monkeypatch.setattr(session, "stored", damaging)
    assert "results.tsv:1: header is 'torn'" in work.train(code=3).err
    assert work.record("local_model_1")["val_bpb"] > 0


def test_debugging_shows_where_the_model_failed(work, monkeypatch):
    monkeypatch.setenv("GOLF_DEBUG", "1")
    line = work.forward("ids = ids.nope")
    assert f'model.py", line {line}, in forward' in work.train(code=3).err


def test_an_empty_ledger_gets_its_first_row(work):
    work.results.write_text(f"{HEADER}\n")
    work.train()
    assert work.results.read_text().startswith(f"{HEADER}\nlocal_model_1\tlocal\t")


@pytest.mark.parametrize("cut", [3, HEADER_BYTES + 7])
@pytest.mark.parametrize("split", ["train", "val"])
def test_a_damaged_shard_is_named_with_its_byte(work, shards, cut, split):
    folder = shutil.copytree(shards, work.home / "cut")
    path = folder / f"text_{split}_000000.bin"
    path.write_bytes(path.read_bytes()[:cut])
    assert f"{path.name}:byte {cut}: the file ends there" in work.refused("--data", folder, code=3)


def test_shards_that_do_not_fit_are_refused(work, shards):
    folder = shutil.copytree(shards, work.home / "other")
    val, train = folder / "text_val_000000.bin", folder / "text_train_000000.bin"
    write_shard(val, np.array([1, 900, 5] * 20))
    assert "token 900, expected less than 260 from bytes; name the tokenizer" in work.refused("--data", folder, code=3)
    write_shard(val, np.array([1]))
    assert "1 validation tokens, expected at least 2" in work.refused("--data", folder, code=3)
    shutil.copy(shards / val.name, val)
    write_shard(train, np.arange(4, 20))
    assert "16 training tokens, expected at least 17" in work.refused("--data", folder, code=3)
    write_shard(train, np.arange(0))
    assert "no tokens, expected some" in work.refused("--data", folder, code=3)
    val.unlink()
    assert "no *_val_*.bin there" in work.refused("--data", folder, code=3)


def test_without_a_workspace_it_says_how_to_make_one(work, monkeypatch, tmp_path_factory):
    monkeypatch.chdir(tmp_path_factory.mktemp("nowhere"))
    assert "no workspace here or above" in work.refused(code=3)


def test_a_backend_that_is_not_installed_is_exit_5_with_its_install_line(work, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "mlx" else name)
    assert "pip install 'golfkit[mlx]'" in work.refused("--backend", "mlx", code=5)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "neither torch nor mlx is installed" in work.refused("--backend", "auto", code=5)
