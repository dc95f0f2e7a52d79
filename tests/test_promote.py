"""golf promote from end to end: a real ssh server as the pod, a stand-in of RunPod, a script in the contest's words."""

import json
import textwrap

import pytest
from promoting import GOOD, KEY, SCRIPT, Stage, local_run


def test_a_promotion_trains_books_and_leaves_nothing(stage: Stage):
    done = stage.golf("promote", "--seeds", 2, "--json", "--force", "a test of the flow")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["status"], answer["seeds"], answer["pair"]) == ("keep", [1337, 1338], GOOD)
    assert answer["val_bpb"] == pytest.approx(1.2 + 1337.5 / 1e6)
    stage.check_nothing_left()
    (row,) = stage.rows()
    assert (row.description, row.promoted, row.status) == (f"idea {GOOD}", "yes", "keep")
    folder = stage.home / "runs" / row.commit
    assert {path.name for path in folder.iterdir()} >= {"run.json", "train_gpt.py", "train.log", "train.1338.log"}
    assert KEY not in done.stdout + done.stderr


def config(stage: Stage, **settings: object) -> None:
    """Change settings of golf.toml."""
    path = stage.home / "golf.toml"
    kept = [line for line in path.read_text().splitlines() if line.split(" = ")[0] not in settings]
    path.write_text("".join(f"{line}\n" for line in [*kept, *(f"{k} = {json.dumps(v)}" for k, v in settings.items())]))


def refused(stage: Stage, *args: object) -> str:
    """What a promotion says that a gate refuses: exit 1, nothing rented, nothing written."""
    before = stage.rows()
    done = stage.golf("promote", *args)
    assert done.returncode == 1, done.stderr
    assert stage.remote.cloud().creates == 0
    assert stage.rows() == before
    return done.stdout


def test_a_dry_run_shows_plan_and_worst_case_and_touches_nothing(stage: Stage):
    done = stage.golf("promote", "--dry-run", "--seeds", 3, "--json")
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    minutes = 0.5 + 10 + 3 * 1 + 5
    assert (plan["local_run"], plan["seeds"], plan["worst_case_minutes"]) == (GOOD, [1337, 1338, 1339], minutes)
    assert plan["worst_case"] == f"${9600 * (minutes + 1) / 60:.2f}"
    assert stage.remote.cloud().creates == 0
    assert not (stage.home / "budget.jsonl").exists()
    assert [path.name for path in (stage.home / "runs").glob("runpod_*")] == []


def test_a_dry_run_needs_no_key(stage: Stage):
    done = stage.golf("promote", "--dry-run", RUNPOD_API_KEY="")
    assert done.returncode == 0, done.stderr
    assert "no RUNPOD_API_KEY" in done.stderr


def test_without_a_key_nothing_is_promoted(stage: Stage):
    done = stage.golf("promote", RUNPOD_API_KEY="")
    assert (done.returncode, stage.remote.cloud().creates) == (3, 0)
    assert "RUNPOD_API_KEY" in done.stderr


def test_a_gain_below_the_threshold_is_refused_and_force_skips_that_gate_alone(stage: Stage):
    local_run(stage.home, "local_small_1", 1.79, "no")
    assert "gain: no" in refused(stage, "local_small_1")
    done = stage.golf("promote", "local_small_1", "--force", "to see whether it scales")
    assert done.returncode == 0, done.stderr
    (row,) = stage.rows()
    kept = json.loads((stage.home / "runs" / row.commit / "run.json").read_text())
    assert (kept["force"], kept["pair"]) == ("to see whether it scales", "local_small_1")


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"artifact_limit": 1000}, "artifact: no"),
        ({"total_compute_credits": 51.0}, "budget: no"),
        ({"runpod_min_reserve": 999_999_999.0}, "budget: no"),
    ],
)
def test_force_never_opens_another_gate(stage: Stage, settings: dict[str, object], word: str):
    config(stage, **settings)
    assert word in refused(stage, "--force", "please")


def test_the_second_promotion_within_the_hour_is_refused_even_by_force(stage: Stage):
    config(stage, promotions_per_hour=1)
    assert stage.golf("promote").returncode == 0
    done = stage.golf("promote", GOOD, "--force", "again")
    assert done.returncode == 1
    assert "hour" in done.stdout
    assert stage.remote.cloud().creates == 1


def test_training_on_validation_data_is_refused_even_by_force(stage: Stage):
    cheat = SCRIPT + textwrap.dedent(
        """
        def cheat(model, optimizer, glob, load):
            for path in glob.glob("data/fineweb_val_*.bin"):
                loss = model(load(path))
                loss.backward()
                optimizer.step()
        import glob, torch
        cheat(torch.nn.Linear(1, 1), torch.optim.SGD([], 0.1), glob, torch.load)
        """
    )
    local_run(stage.home, "local_cheat_1", 1.5, "pending", cheat)
    assert "legality: no" in refused(stage, "local_cheat_1", "--force", "please")


def test_a_promoted_run_is_not_offered_again_and_pairs_with_its_local_row(stage: Stage):
    assert stage.golf("promote").returncode == 0
    again = stage.golf("promote")
    assert again.returncode != 0
    found = json.loads(stage.golf("results", "correlation", "--json").stdout)
    assert found["pairs"] == 1


def test_three_seeds_of_one_rental_make_a_record(stage: Stage):
    assert stage.golf("promote", "--seeds", 3).returncode == 0
    (row,) = stage.rows()
    done = stage.golf("record", "build", row.commit, "--name", "Better", "--author", "A", "--github-id", "a")
    assert done.returncode == 0, done.stderr
    (folder,) = (stage.home / "records").glob("*/*")
    assert sorted(path.name for path in folder.glob("*.log")) == [
        f"train_seed{seed}.log" for seed in (1337, 1338, 1339)
    ]
    assert json.loads((folder / "submission.json").read_text())["val_bpb"] == pytest.approx(1.201338)


def test_the_machine_fetches_its_data_by_itself_in_pod_folder(stage: Stage):
    config(stage, pod_data_command="pwd > data/fetched && echo fetching from $DATA_PATH")
    done = stage.golf("promote")
    assert done.returncode == 0, done.stderr
    assert (stage.data / "fetched").read_text().strip() == str(stage.disk)
    assert f"fetching from {stage.data}" in done.stderr


def test_a_data_command_that_fails_ends_the_rental_before_any_training(stage: Stage):
    config(stage, pod_data_command="echo no such bucket; exit 7")
    done = stage.golf("promote")
    assert done.returncode == 1
    assert "pod_data_command ended with 7" in done.stderr
    stage.check_nothing_left()


def test_a_pod_without_runpodctl_is_said_to_have_no_timer(stage: Stage):
    config(stage, pod_timer=True)
    done = stage.golf("promote")
    assert done.returncode == 0, done.stderr
    assert "no runpodctl" in done.stderr
