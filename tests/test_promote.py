"""golf promote from end to end: a real ssh server as the pod, a stand-in of RunPod, a script in the contest's words."""

import json

import pytest
from promoting import GOOD, KEY, Stage


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
