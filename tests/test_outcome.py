"""What a promotion's score means: kept or discarded, as predicted or worse."""

import dataclasses

import pytest

from golfkit.budget.promote import outcome
from golfkit.budget.promote.outcome import Prediction
from golfkit.ledger import Row
from golfkit.train.runs.record import Artifact, RunRecord

MADE = RunRecord(run="runpod_a", tier="runpod", source="promote", val_bpb=1.20, pair="local_a")


def row(name: str, val_bpb: float | None, status: str = "keep", tier: str = "runpod") -> Row:
    return Row(name, tier, val_bpb, 1000, None, status, "yes", None, name)


@pytest.mark.parametrize(
    ("rows", "status", "reason"),
    [
        ([], "keep", "the first score of tier runpod"),
        ([row("ssh_x", 1.1, tier="ssh")], "keep", "the first score of tier runpod"),
        ([row("runpod_x", 1.21), row("runpod_y", 1.15, "discard")], "keep", "0.0100 bpb below runpod_x (1.2100)"),
        ([row("runpod_x", 1.19)], "discard", "0.0100 bpb above runpod_x (1.1900)"),
    ],
)
def test_a_score_is_kept_when_it_beats_every_kept_one_of_its_tier(rows, status, reason):
    judged = outcome.judged(MADE, rows)
    assert (judged.status, judged.reason) == (status, reason)


def test_an_artifact_over_the_limit_is_never_kept():
    heavy = dataclasses.replace(MADE, artifact=Artifact(artifact_bytes=101, limit=100))
    assert outcome.judged(heavy, []).status == "discard"


def test_a_worse_result_than_predicted_names_the_parity_check_to_run():
    worse = outcome.remarks(MADE, Prediction(1.15, 1.14, 1.16, 6))
    assert "1.2000 is worse than predicted 1.1500 (1.1400 to 1.1600, 6 pairs)" in worse[0]
    assert any(line.startswith("parity: golf train-local --script runs/runpod_a/train_gpt.py") for line in worse)


def test_a_result_inside_of_its_prediction_needs_no_check():
    assert outcome.remarks(MADE, Prediction(1.20, 1.18, 1.22, 6)) == [
        "1.2000, predicted 1.2000 (1.1800 to 1.2200, 6 pairs)"
    ]
    assert outcome.remarks(MADE, None) == []


def local(name: str, val_bpb: float) -> tuple[Row, Row, RunRecord]:
    """A pair: a local row, its expensive one 0.4 lower, and that one's record."""
    twin = f"runpod_{name}"
    record = RunRecord(run=twin, tier="runpod", source="promote", pair=f"local_{name}")
    return row(f"local_{name}", val_bpb, tier="local"), row(twin, val_bpb - 0.4), record


def test_the_prediction_is_the_local_score_and_the_pairs_mean_delta():
    pairs = [local(name, 1.8 + i / 100) for i, name in enumerate("abc")]
    rows = [row for one in pairs for row in one[:2]]
    found = outcome.predicted(1.7, rows, {record.run: record for *_, record in pairs}, "runpod")
    assert (round(found.val_bpb, 9), found.n_pairs) == (1.3, 3)
    assert outcome.predicted(1.7, [], {}, "runpod") is None
