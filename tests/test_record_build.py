"""golf record build: the contest's folder of runs, whole or not at all, and of one experiment."""

import dataclasses
import json
import math
from pathlib import Path

import pytest

from golfkit.budget.record import build, folder, render, seed_runs
from golfkit.budget.record.render import Wishes
from golfkit.budget.record.requirements import imported, requirements
from golfkit.errors import Exit, GolfError
from golfkit.train.flatten import pack
from golfkit.train.runs import record
from golfkit.train.runs.record import Artifact, Data, Model, RunRecord, SeedResult

READABLE = (
    "# Made by golf flatten; MIT licence.\nimport os\nimport numpy as np\n\nprint(np.pi, os.name)\n\ndef main():\n"
)
SCRIPT = pack.packed(READABLE + "    import sentencepiece\n    import torch.nn\n    return torch, sentencepiece\n")
BYTES_PER_TOKEN = 151_080_363 / 62_021_632
PAYLOAD = 15_900_000
RUN = RunRecord(
    run="runpod_abc1234_0501",
    tier="runpod",
    source="train-local",
    description="a bigram hash | of 4096 rows",
    status="keep",
    model=Model(file="model.py", sha256="d" * 64, spec={"layers": 9}, n_params=17_000_000),
    device="NVIDIA H100 80GB HBM3",
    data=Data(tokenizer="sp1024", tokenizer_sha256="a" * 64, train_sha256="c" * 64, val_sha256="b" * 64),
    iterations=20_000,
    limit_seconds=600.0,
    batch_tokens=524_288,
    seq_len=1024,
    versions={"python": "3.12.3", "torch": "2.9.1", "numpy": "2.1.0", "golfkit": "0.1.0"},
)
ASKED = Wishes(
    name="Bigram hash",
    track="10min_16mb",
    date="2026-05-01",
    author="A",
    github_id="a",
    limit=16_000_000,
    training_seconds=600,
)


def bpb(loss: float) -> float:
    return round(loss / math.log(2) / BYTES_PER_TOKEN, 8)


def log(seed: int, loss: float, payload: int = PAYLOAD) -> str:
    return (
        f"{SCRIPT}\nval_bpb:enabled tokenizer_path=x\ntrain_loader:dataset:fineweb10B_sp1024 train_shards:80\n"
        f"val_loader:shards pattern=x tokens:62021632\nworld_size:8 grad_accum_steps:1\nseed:{seed}\n"
        "step:200/20000 train_loss:2.1 train_time:9000ms step_avg:45ms\n"
        "stopping_early: wallclock_cap train_time:600010ms step:13400/20000\n"
        f"Serialized model int6: {payload} bytes\n"
        f"final_artifact_roundtrip_exact val_loss:{loss:.8f} val_bpb:{bpb(loss)}\n"
        f"Code size: {len(SCRIPT)} bytes\nTotal submission size int6: {payload + len(SCRIPT)} bytes\n"
    )


def add(home: Path, run: str, seeds: dict[int, float], *, payload: int = PAYLOAD, **changes: object) -> Path:
    """A run of the workspace with a log for each seed."""
    place = home / "runs" / run
    place.mkdir(parents=True)
    results = tuple(
        SeedResult(seed=seed, val_bpb=bpb(loss), val_loss=loss, payload_bytes=payload) for seed, loss in seeds.items()
    )
    weight = Artifact(code_bytes=len(SCRIPT), payload_bytes=payload, artifact_bytes=len(SCRIPT) + payload)
    made = dataclasses.replace(record.scored(RUN, results), run=run, artifact=weight, **changes)  # type: ignore[arg-type]
    record.write(place / "run.json", made)
    (place / "train_gpt.py").write_text(SCRIPT)
    for i, (seed, loss) in enumerate(seeds.items()):
        (place / (f"train.{seed}.log" if i else "train.log")).write_text(log(seed, loss, payload))
    return place


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A workspace with a run of two seeds and one of a third."""
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "golf.toml").touch()
    add(workspace, "runpod_a", {1337: 1.9, 42: 1.901})
    add(workspace, "runpod_b", {7: 1.9004})
    return workspace


def left_over(home: Path) -> list[Path]:
    return list((home / "records").rglob("*")) if (home / "records").exists() else []


def test_a_built_record_is_whole_and_passes_the_check(golf, home):
    words = ["runpod_a", "runpod_b", "--name", "Bigram hash!", "--author", "A", "--github-id", "a"]
    result = golf("record", "build", *words, "--json", cwd=home)
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    path = home / told["record"]
    assert path.parent == home / "records" / "track_10min_16mb"
    assert path.name.endswith("_Bigram_hash")
    logs = ["train_seed1337.log", "train_seed42.log", "train_seed7.log"]
    assert sorted(p.name for p in path.iterdir()) == [
        *("README.md", "requirements.txt", "submission.json", "train_gpt.py"),
        *logs,
    ]
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    assert (path / "train_gpt.py").read_text() == SCRIPT
    assert (path / "train_seed42.log").read_text() == log(42, 1.901)
    assert (path / "requirements.txt").read_text() == "numpy==2.1.0\nsentencepiece\ntorch==2.9.1\n"
    checked = golf("record", "check", path, "--sota-val-loss", "1.92,1.921,1.9215", "--json", cwd=home)
    verdicts = {key: one["verdict"] for key, one in json.loads(checked.stdout)["checks"].items()}
    assert checked.returncode == 0, checked.stdout
    assert {key for key, verdict in verdicts.items() if verdict != "ok"} == {"evaluation", "hardware"}


def test_the_submission_says_what_was_measured_and_null_for_the_rest(home):
    made = seed_runs.read(home, ["runpod_a", "runpod_b"], any_tier=False)
    path = build.place(home / "records", ASKED)
    build.build(made, ASKED, path, any_size=False)
    table = json.loads((path / "submission.json").read_text())
    assert (table["author"], table["github_id"], table["name"], table["date"]) == (
        "A",
        "a",
        "Bigram hash",
        "2026-05-01",
    )
    assert table["val_loss"] == pytest.approx((1.9 + 1.901 + 1.9004) / 3, abs=1e-9)
    assert table["val_bpb"] == pytest.approx(bpb(1.900466667), abs=1e-7)
    assert table["seed_results"]["42"] == {
        "val_bpb": bpb(1.901),
        "val_loss": 1.901,
        "artifact_bytes": PAYLOAD + len(SCRIPT),
        "steps": 13_400,
        "train_seconds": 600.01,
        "eval_seconds": None,
    }
    assert (table["bytes_total"], table["bytes_code"]) == (PAYLOAD + len(SCRIPT), len(SCRIPT))
    assert (table["hardware"], table["pytorch_version"]) == ("8x NVIDIA H100 80GB HBM3", "2.9.1")
    known = {"train_under_600s": True, "artifact_under_16mb": True, "eval_under_600s": None, "three_seeds": True}
    assert {key: value for key, value in table["compliance"].items() if key in known} == known
    assert {value for key, value in table["compliance"].items() if key not in known} == {None}
    text = (path / "README.md").read_text()
    assert f"| 42 | {bpb(1.901):.8f} | 1.90100000 | 13,400 | 600.01 | - | 15,900,000 |" in text
    assert "a bigram hash | of 4096 rows" in text
    assert "SEED=$seed ITERATIONS=20000 MAX_WALLCLOCK_SECONDS=600 torchrun --standalone --nproc_per_node=8" in text
    assert "for seed in 1337 42 7; do" in text
    assert '"layers": 9' in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"iterations": 100}, "iterations is 100, that of runpod_a 20000"),
        ({"seq_len": 2048}, "seq_len is 2048"),
        ({"model": Model(sha256="e" * 64, spec={"layers": 9})}, "the model is"),
        ({"model": Model(sha256="d" * 64, spec={"layers": 8})}, "the spec is"),
        ({"data": dataclasses.replace(RUN.data, val_sha256="f" * 64)}, "the data is"),
        ({"data": dataclasses.replace(RUN.data, tokenizer="sp8192")}, "the tokenizer is"),
        ({"status": "crash"}, "status is crash"),
        ({"tier": "local"}, "tier is local"),
    ],
)
def test_seeds_of_another_experiment_are_refused(home, changes, words):
    add(home, "runpod_c", {99: 1.9}, **changes)
    with pytest.raises(GolfError, match=words) as refused:
        seed_runs.read(home, ["runpod_a", "runpod_c"], any_tier=False)
    assert refused.value.exit_code == Exit.NO


def test_seeds_of_other_code_are_refused(golf, home):
    (home / "runs" / "runpod_b" / "train_gpt.py").write_text(SCRIPT + "# another\n")
    result = golf("record", "build", "runpod_a", "runpod_b", "--name", "x", cwd=home)
    assert (result.returncode, "seeds need one code" in result.stderr) == (1, True)
    assert left_over(home) == []


def test_seeds_whose_logs_name_other_settings_are_refused(home):
    path = home / "runs" / "runpod_b" / "train.log"
    path.write_text(path.read_text().replace("train_shards:80", "train_shards:40"))
    with pytest.raises(GolfError, match="by their logs the seeds differ in train_shards: 80, 40"):
        seed_runs.read(home, ["runpod_a", "runpod_b"], any_tier=False)


def test_what_the_log_says_of_the_machine_is_believed_and_a_place_is_no_machine(home):
    add(home, "runpod_c", {9: 1.9}, device="runpod machine", versions=None)
    path = home / "runs" / "runpod_c" / "train.log"
    made = seed_runs.read(home, ["runpod_c"], any_tier=False)
    assert (render.hardware(made), render.versions(made)) == (None, {})
    gpus = "|   0  NVIDIA H200    Off |\n|   1  NVIDIA H200    Off |\n"
    path.write_text(f"Running PyTorch 2.8.0+cu128\n{gpus}{path.read_text()}")
    made = seed_runs.read(home, ["runpod_c"], any_tier=False)
    assert (render.hardware(made), render.versions(made)) == ("2x NVIDIA H200", {"torch": "2.8.0+cu128"})


def test_a_seed_that_is_there_twice_is_refused(home):
    add(home, "runpod_c", {42: 1.9})
    with pytest.raises(GolfError, match="runpod_a and runpod_c both have seed 42"):
        seed_runs.read(home, ["runpod_a", "runpod_c"], any_tier=False)


def test_a_log_that_says_another_score_than_the_run_is_refused(home):
    (home / "runs" / "runpod_b" / "train.log").write_text(log(7, 1.8))
    with pytest.raises(GolfError, match=rf"seed 7 has {bpb(1.9004)}, its log says {bpb(1.8)}"):
        seed_runs.read(home, ["runpod_b"], any_tier=False)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda place: (place / "train.log").unlink(), "0 logs of it"),
        (
            lambda place: (place / "train.log").write_text(log(7, 1.9004, 5)),
            "payload_bytes is 15,900,000, its log says 5",
        ),
        (lambda place: (place / "train.log").write_text(log(8, 1.9004)), "0 logs of it"),
        (lambda place: (place / "train_seed7.log").write_text(log(7, 1.9004)), "2 logs of it"),
        (lambda place: (place / "train_gpt.py").unlink(), "expected the run's counted script"),
        (lambda place: (place / "run.json").unlink(), "no run with a run.json"),
        (lambda place: (place / "train.log").write_text("seed:7\nstep:1/9 train_loss:2\n"), "no score"),
    ],
)
def test_a_run_that_is_not_whole_is_refused(home, damage, words):
    damage(home / "runs" / "runpod_b")
    with pytest.raises(GolfError, match=words):
        seed_runs.read(home, ["runpod_b"], any_tier=False)


def test_an_artifact_over_the_limit_is_for_the_non_record_track_alone(golf, home):
    add(home, "runpod_c", {9: 1.9}, payload=16_000_000)
    result = golf("record", "build", "runpod_c", "--name", "Large", cwd=home)
    assert (result.returncode, "the limit is 16,000,000; --non-record takes it" in result.stderr) == (1, True)
    assert left_over(home) == []
    result = golf("record", "build", "runpod_c", "--name", "Large", "--non-record", cwd=home)
    assert result.returncode == 0, result.stderr
    assert "fill it into submission.json" in result.stderr
    (path,) = (home / "records" / "track_non_record_16mb").iterdir()
    table = json.loads((path / "submission.json").read_text())
    assert (table["compliance"]["artifact_under_16mb"], table["author"]) == (False, None)


def test_the_limit_itself_fits(home):
    add(home, "runpod_c", {9: 1.9}, payload=16_000_000 - len(SCRIPT))
    made = seed_runs.read(home, ["runpod_c"], any_tier=False)
    build.build(made, ASKED, home / "records" / "x", any_size=False)
    assert folder.read(home / "records" / "x").n_code_bytes == len(SCRIPT)


def test_an_existing_folder_stays_as_it_is(home):
    made = seed_runs.read(home, ["runpod_a"], any_tier=False)
    path = build.place(home / "records", ASKED)
    path.mkdir(parents=True)
    (path / "mine").write_text("mine")
    with pytest.raises(GolfError, match="exists already"):
        build.build(made, ASKED, path, any_size=False)
    assert [item.name for item in path.iterdir()] == ["mine"]


def test_a_build_that_fails_leaves_nothing(home, monkeypatch):
    made = seed_runs.read(home, ["runpod_a"], any_tier=False)
    written = []

    def full(path: Path, content: bytes) -> None:
        written.append(path)
        if len(written) == 3:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    path = build.place(home / "records", ASKED)
    with pytest.raises(OSError, match="No space"):
        build.build(made, ASKED, path, any_size=False)
    assert list(path.parent.iterdir()) == []


def test_a_name_becomes_a_folder_and_stays_inside():
    name = build.place(Path("r"), dataclasses.replace(ASKED, name="../../etc/ a b")).as_posix()
    assert name == "r/track_10min_16mb/2026-05-01_etc_a_b"
    with pytest.raises(GolfError, match="expected letters or digits"):
        build.place(Path("r"), dataclasses.replace(ASKED, name="../.."))


def test_requirements_are_what_the_script_imports_packed_or_not():
    assert imported(READABLE + "    import torch.nn\n") == {"os", "numpy", "torch"}
    assert requirements(SCRIPT, {"torch": "2.9.1", "scipy": "1"}) == ["numpy", "sentencepiece", "torch==2.9.1"]
    assert imported("this is no python") == set()


def test_non_record_and_the_record_track_exclude_each_other(golf, home):
    words = ["runpod_a", "--name", "x", "--non-record", "--track", "10min_16mb"]
    assert golf("record", "build", *words, cwd=home).returncode == 2
