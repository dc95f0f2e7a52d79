"""The flattened script at work: it runs alone, computes what the package computes, and its log can be read."""

import os
import random
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from golfkit.errors import GolfError
from golfkit.train import flatten
from golfkit.train.data.shards import write_shard
from golfkit.train.engine import contest
from golfkit.train.logs import parse
from golfkit.train.model import default
from golfkit.train.payload.container import weights

DEFAULT = Path(default.__file__).read_text()
TINY = ["vocab_size=260", "seq_len=32", "n_layers=3", "dim=32", "n_heads=4", "n_kv_heads=2", "batch_tokens=512"]
TINY += ["bigram_buckets=32", "trigram_buckets=32", "bigram_dim=8", "rope_dims=4"]
# At the rates of real runs so small a model amplifies rounding tenfold a step from its twelfth on.
TINY += ["matrix_rate=0.01", "embed_rate=0.1", "scalar_rate=0.01"]
SITE = sysconfig.get_path("purelib")  # as a plain folder it has torch, and no golfkit: -S leaves out its .pth files
STEPS = 30


class Run(NamedTuple):
    """What one training gave."""

    stdout: str
    log: str
    payload: bytes
    script: Path


@pytest.fixture(scope="module")
def tiny():
    return flatten.flatten(DEFAULT, TINY, base="LOCAL")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tiny):
    pytest.importorskip("torch", reason="PyTorch is not installed: scripts/setup test")
    home = tmp_path_factory.mktemp("alone")
    words = ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "under", "nine", "green", "trees"]
    text = " ".join(random.Random(0).choices(words, k=5000)).encode()
    tokens = np.array([1, *(4 + byte for byte in text)])
    for name, part in {
        "train_000000": tokens[:9000],
        "train_000001": tokens[9000:17000],
        "val_000000": tokens[17000:18500],
    }.items():
        write_shard(home / f"text_{name}.bin", part)
    (home / "readable.py").write_text(tiny.readable)
    (home / "packed.py").write_text(tiny.packed)
    return home


def execute(folder, name, *launcher, code=0, **environ):
    """Run a script of the folder where golfkit is not to be found."""
    known = {key: os.environ[key] for key in ("PATH", "HOME", "TMPDIR") if key in os.environ}
    known |= {"DATA_PATH": ".", "TOKENIZER_PATH": "bytes", "ITERATIONS": str(STEPS), "RUN_ID": "run", "OUT_DIR": name}
    known |= {"PYTHONPATH": SITE, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", "VAL_BATCH_SIZE": "512"}
    command = [sys.executable, "-S", *launcher, f"{name}.py"]
    done = subprocess.run(
        command, cwd=folder, env=known | environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == code, done.stderr
    return done


def train(folder, name, *launcher, out, **environ):
    done = execute(folder, name, *launcher, OUT_DIR=out, **environ)
    log = (folder / out / "logs/run.txt").read_text()
    return Run(done.stdout, log, (folder / out / "final_model.int6.ptz").read_bytes(), folder / f"{name}.py")


@pytest.fixture(scope="module")
def readable(folder):
    return train(folder, "readable", out="1", EVAL_STRIDE="8")


@pytest.fixture(scope="module")
def packed(folder):
    return train(folder, "packed", out="2", EVAL_STRIDE="8")


def figure(run, name, line):
    return float(re.search(rf"^{line}.*\b{name}:([\d.]+)", run.stdout, re.MULTILINE)[1])


FORWARD = """
import sys
import numpy as np, torch
{imports}
torch.manual_seed(0)
rng = np.random.default_rng(1)
table = MODEL.parameters(SPEC)
weights = {{row.name: torch.tensor(rng.normal(0, 0.2, row.shape), dtype=torch.float32) for row in table}}
ids = torch.tensor(rng.integers(0, 260, (2, 32)))
np.save({out!r}, MODEL.forward(TorchOps(torch.float32), SPEC, weights, ids).numpy())
"""
OF_PACKAGE = """
from dataclasses import replace
import golfkit.train.model.default as MODEL
from golfkit.train.model.ops_torch import TorchOps
SPEC = replace(MODEL.LOCAL, {changes})
"""


def test_the_forward_pass_is_the_packages_bit_for_bit(folder):
    changes = OF_PACKAGE.format(changes=", ".join(TINY))
    alone = "from readable import MODEL, SPEC, TorchOps\nassert not [n for n in sys.modules if n.startswith('golfkit')]"
    (folder / "alone.py").write_text(FORWARD.format(imports=alone, out="alone.npy"))
    execute(folder, "alone")
    (folder / "package.py").write_text(FORWARD.format(imports=changes, out="package.npy"))
    source = Path(default.__file__).parents[3]
    execute(folder, "package", PYTHONPATH=f"{SITE}{os.pathsep}{source}")
    ours, theirs = np.load(folder / "alone.npy"), np.load(folder / "package.npy")
    assert ours.shape == (2, 32, 260)
    np.testing.assert_array_equal(ours, theirs)


def test_both_forms_train_alone_to_the_same_artifact(readable, packed):
    assert readable.payload == packed.payload
    score = figure(readable, "val_bpb", "final_artifact_roundtrip_exact")
    assert 0.5 < score < 4
    assert score == figure(packed, "val_bpb", "final_artifact_roundtrip_exact")
    assert weights(readable.payload)["embed"].shape == (260, 32)


def test_the_parser_reads_the_log_of_either_form(readable, packed):
    for run in (readable, packed):
        found, code_bytes = parse(run.log), run.script.stat().st_size
        assert run.log.startswith(run.script.read_text())
        assert found.status == "finished"
        assert found.val_bpb == figure(run, "val_bpb", "final_sliding_window_exact")
        assert (found.steps, found.seed, found.world_size, found.train_shards) == (STEPS, 1337, 1, 2)
        assert (found.code_bytes, found.payload_bytes) == (code_bytes, len(run.payload))
        assert found.artifact_bytes == code_bytes + len(run.payload)
        assert found.train_seconds == pytest.approx(figure(run, "train_time", f"step:{STEPS}/") / 1000)
        assert (found.tokens, found.train_batch_tokens) == (1472, 512)
        assert found.n_params == sum(array.size for array in weights(run.payload).values())


def test_two_processes_give_the_losses_of_one(folder, readable):
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    both = train(folder, "readable", *launcher, out="3")
    assert "world_size:2" in both.stdout
    for name, line in (("train_loss", f"step:{STEPS}/"), ("val_loss", "final_artifact_roundtrip_exact")):
        assert figure(both, name, line) == pytest.approx(figure(readable, name, line), abs=1e-4)


def test_the_clock_ends_a_run_and_the_log_says_so(folder):
    run = train(folder, "packed", out="4", ITERATIONS="100000", MAX_WALLCLOCK_SECONDS="0.5")
    assert "stopping_early: wallclock_cap" in run.stdout
    assert 0 < parse(run.log).steps < 100_000


def test_a_run_that_diverges_ends_with_one_line_and_exit_1(folder):
    (folder / "wild.py").write_text(flatten.flatten(DEFAULT, [*TINY, "embed_rate=1e39"], base="LOCAL").readable)
    done = execute(folder, "wild", code=1)
    assert re.fullmatch(r"error: step \d+: loss .*diverged, lower the learning rates\n", done.stderr)
    assert parse((folder / "wild/logs/run.txt").read_text()).status == "crash"
    assert not (folder / "wild/final_model.int6.ptz").exists()


@pytest.mark.parametrize(
    ("environ", "code", "says"),
    [
        ({"VOCAB_SIZE": "1024"}, 2, "VOCAB_SIZE is 1024, expected the model's 260"),
        ({"DATA_PATH": "nowhere"}, 3, "no nowhere there, expected train shards"),
        ({"ITERATIONS": "many"}, 2, "ITERATIONS is 'many', expected a whole number"),
    ],
)
def test_what_the_environment_has_wrong_is_one_line(monkeypatch, tmp_path, capsys, environ, code, says):
    pytest.importorskip("torch", reason="PyTorch is not installed: scripts/setup test")
    from dataclasses import replace

    monkeypatch.setattr(sys, "argv", [__file__])
    spec = replace(default.LOCAL, vocab_size=260)
    assert contest.main(default, spec, {"OUT_DIR": str(tmp_path)} | environ) == code
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("text", ["x", "-1", "nan", "inf", "1e99"])
def test_a_number_of_the_environment_is_a_number_in_its_bounds(text):
    with pytest.raises(GolfError, match=r"N is .* expected a number"):
        contest.number({"N": text}, "N", 2.5)
    assert contest.number({"N": "1e3"}, "N", 2.5) == 1000
    assert contest.number({"N": ""}, "N", 2.5) == contest.number({}, "N", 2.5) == 2.5
