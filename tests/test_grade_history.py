"""What the graders know of the past, and the rubric that they fill in."""

from decimal import Decimal
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfkit.ledger import Row
from golfkit.research import techniques
from golfkit.research.grade import graded, history, rubric
from golfkit.research.grade.graded import Graded
from golfkit.research.grade.rubric import Scores


@pytest.fixture
def taxonomy(tmp_path):
    path = tmp_path / "techniques.toml"
    text = resources.files("golfkit.train").joinpath("workspace", "files", "techniques.toml").read_text("utf-8")
    path.write_text(text)
    return techniques.read(path)


def row(commit="r", tier="local", val_bpb=1.2, status="keep", description="an idea"):
    return Row(commit, tier, val_bpb, 15_000_000, None, status, "no", Decimal(0), description)


def looked_at(rows, taxonomy):
    return history.from_rows(rows, taxonomy, sota=1.1194, baseline=1.2244)


def test_without_runs_the_published_best_is_the_bar_and_the_list_alone_is_proven(taxonomy):
    found = looked_at([], taxonomy)
    assert (found.best, found.sota, found.failed) == (None, 1.1194, ())
    assert {proven.why for proven in found.proven} == {"techniques.toml"}


def test_the_bar_is_the_best_kept_expensive_row_where_it_beats_the_published_one(taxonomy):
    local = row("l", val_bpb=1.01)
    worse = row("w", "runpod", 1.13)
    assert looked_at([local, worse], taxonomy).sota == 1.1194
    better = looked_at([local, worse, row("b", "ssh", 1.10), row("d", "runpod", 1.05, "discard")], taxonomy)
    assert (better.best.commit, better.sota) == ("b", 1.10)


def test_a_promoted_success_becomes_proven_by_its_technique_or_by_its_words(taxonomy):
    rows = [
        row("p1", "runpod", 1.11, description="vector quantization of the MLP"),
        row("p2", "runpod", 1.11, description="eat more fibre"),
        row("l1", "local", 1.11, description="low rank weights"),
    ]
    why = {proven.name: proven.why for proven in looked_at(rows, taxonomy).proven}
    assert why["vector quantisation"] == "p1"
    assert why["eat more fibre"] == "p2"
    assert "low-rank weights" not in why


def test_failures_are_the_last_ten_of_every_tier(taxonomy):
    rows = [row(f"r{i}", status=("discard", "crash")[i % 2], description=f"try {i}") for i in range(13)]
    assert [failed.commit for failed in looked_at([*rows, row()], taxonomy).failed] == [f"r{i}" for i in range(3, 13)]


def test_another_history_has_another_digest(taxonomy):
    bare = looked_at([], taxonomy).digest
    assert looked_at([row("l")], taxonomy).digest == bare  # a local keep changes nothing that a grader weighs
    assert looked_at([row("f", status="discard")], taxonomy).digest != bare
    assert looked_at([row("b", "runpod", 1.1)], taxonomy).digest != bare


points = st.tuples(*(st.integers(0, most) for most in rubric.MOST.values()))


@given(points, st.none() | st.integers(0, 2))
def test_grades_follow_the_total_unless_a_hard_constraint_is_broken(given_points, validated):
    scores = Scores(*given_points, validated)
    a, b = (10, 7) if validated is None else (12, 9)
    assert scores.total == sum(given_points) + (validated or 0)
    if 0 in given_points[1:4]:
        assert scores.grade == "C"
    else:
        assert scores.grade == ("A" if scores.total >= a else "B" if scores.total >= b else "C")


@pytest.mark.parametrize(
    "change",
    [{"bpb_impact": 999}, {"novelty": -1}, {"novelty": "3"}, {"novelty": True}, {"novelty": 2.0}, {"extra": 1}],
)
def test_points_out_of_range_are_refused(change):
    good = dict.fromkeys(rubric.MOST, 1)
    assert rubric.checked(good, competitors=False) == Scores(1, 1, 1, 1, 1)
    with pytest.raises(ValueError, match="expected"):
        rubric.checked(good | change, competitors=False)
    with pytest.raises(ValueError, match="competitor_validated"):
        rubric.checked(good, competitors=True)


def test_the_last_grading_of_an_item_is_in_force_and_the_earlier_ones_stay(tmp_path):
    path = tmp_path / "graded.jsonl"
    common = {"item": "arxiv:1", "item_digest": "d", "title": "t", "grader": "offline", "context": "c"}
    first = Graded(**common, graded="2026-01-01T00:00:00Z", grade="ungraded", reason="no answer")
    second = Graded(
        **common, graded="2026-01-02T00:00:00Z", grade="B", total=8,
        bpb_impact=2, size_compatibility=2, time_compatibility=1, implementability=2, novelty=1,
    )  # fmt: skip
    assert graded.read(path) == []
    graded.append(path, [first])
    graded.append(path, [second])
    assert graded.read(path) == [first, second]
    assert graded.latest(graded.read(path)) == {"arxiv:1": second}
    assert (first.scores, second.scores) == (None, Scores(2, 2, 1, 2, 1))
