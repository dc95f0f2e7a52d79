"""`golf calibrate`: which run tried which item, the grading from before it, and what the outcomes say of grades."""

import json
from pathlib import Path

import pytest
from findings import PAPER, a_competitor, a_grading, a_record, a_row, an_item, workspace
from hypothesis import given
from hypothesis import strategies as st

from golfkit.errors import GolfError
from golfkit.research.calibrate import link, outcomes, statistics
from golfkit.research.calibrate.link import Graded, Past
from golfkit.research.grade.rubric import Scores
from golfkit.train.runs import view

RECORDS = Path(__file__).parents[2] / "shared/data/parameter_golf/records"
PULL = "github:openai/parameter-golf#1787"
OTHER_PULL = "github:kellerjordan/modded-nanogpt#42"
SAME_NUMBER = "github:openai/parameter-golf#42"
ODD = "doi:10.1000/a(b)<c>"
TITLE = "Sparse Attention Gates for Tiny Language Models"
NOON = Past("2026-05-01T12:00:00Z", "A", Scores(3, 2, 2, 3, 2))


def names(text: str, *items: str, aliases: dict[str, tuple[str, ...]] | None = None) -> dict[str, str]:
    """What a description names among the items, and by what."""
    graded = {item: Graded(TITLE if item == PULL else "Short title", [NOON]) for item in items or KNOWN}
    found = link.links(view.entries([a_row("local_r_1", 1.5, "keep", text)], {}), graded, aliases or {})
    return {one.item: one.by for one in found}


KNOWN = (PAPER, PULL, OTHER_PULL, SAME_NUMBER, ODD)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bigram hash [arxiv:2403.01234]", {PAPER: "id"}),
        ("bigram hash (arXiv:2403.01234v2), 8192", {PAPER: "id"}),
        ("see https://arxiv.org/pdf/2403.01234v3.", {PAPER: "address"}),
        ("gates [github:OpenAI/parameter-golf#1787]", {PULL: "id"}),
        ("gates openai/parameter-golf#1787", {PULL: "id"}),
        ("gates of https://github.com/openai/parameter-golf/pull/1787/files", {PULL: "address"}),
        ("gates of #1787", {PULL: "number"}),
        ("gates of #42", {}),  # two repositories have one
        ("modded-nanogpt: KellerJordan/modded-nanogpt#42", {OTHER_PULL: "id"}),
        ("attempt #1787", {}),
        ("a#1787", {}),
        ("#17871", {}),
        ("sparse attention gates for tiny language models, again", {PULL: "title"}),
        ("short title", {}),
        ("odd [doi:10.1000/a(b)<c>]", {ODD: "id"}),
        ("odd [doi:10.1000/a%28b%29%3Cc%3E]", {ODD: "id"}),  # as program.md shows it
        ("both [arxiv:2403.01234, github:openai/parameter-golf#1787]", {PAPER: "id", PULL: "id"}),
        ("both [arxiv:2403.01234,github:openai/parameter-golf#1787]", {PAPER: "id", PULL: "id"}),
        ("arxiv:2403.01235", {}),
        ("", {}),
    ],
)
def test_a_description_names_items_by_id_address_number_or_title(text, expected):
    assert names(text) == expected


def test_an_alias_names_its_item():
    assert names("x [doi:10.1/y]", PAPER, aliases={PAPER: ("doi:10.1/y",)}) == {PAPER: "id"}


@given(st.text())
def test_any_description_is_read(text):
    names(text)
    names(f"arxiv:{text} https://{text} #{text}")


def linked(starts: dict[str, str | None], gradings: list[Past], status: str = "keep"):
    rows = [a_row(run, 1.5, status, f"x [{PAPER}]") for run in starts]
    records = {row.commit: a_record(row, starts[row.commit]) for row in rows if starts[row.commit]}
    return outcomes.gathered(link.links(view.entries(rows, records), {PAPER: Graded("t", gradings)}, {}))


def at(hour: int, grade: str = "A") -> Past:
    return NOON._replace(graded=f"2026-05-01T{hour:02}:00:00Z", grade=grade)


def test_the_grading_that_counts_is_the_last_one_before_the_run():
    found = linked({"local_r_1": "2026-05-01T12:30:00Z"}, [at(10, "C"), at(12, "B"), at(13, "A")])
    assert [(one.grade, one.dated) for one in found.outcomes] == [("B", True)]


def test_the_first_of_several_runs_sets_the_time_and_they_are_one_outcome():
    starts = {"local_r_1": "2026-05-01T14:00:00Z", "local_r_2": "2026-05-01T11:00:00Z"}
    (one,) = linked(starts, [at(10, "C"), at(12, "B")]).outcomes
    assert (one.grade, one.runs) == ("C", ("local_r_1", "local_r_2"))


def test_a_run_of_unknown_start_takes_the_earliest_grading_and_says_so():
    (one,) = linked({"local_r_1": None}, [at(10, "C"), at(12, "B")]).outcomes
    assert (one.grade, one.dated) == ("C", False)


def test_an_item_graded_after_its_run_is_no_outcome():
    found = linked({"local_r_1": "2026-05-01T09:00:00Z"}, [at(10)])
    assert (found.outcomes, found.graded_later) == ((), (PAPER,))


def test_a_grading_without_a_time_is_an_error_that_names_the_item():
    with pytest.raises(GolfError, match=r"graded\.jsonl: item 'arxiv:2403\.01234' was graded 'noon'"):
        linked({"local_r_1": "2026-05-01T09:00:00Z"}, [NOON._replace(graded="noon")])


def test_the_expensive_tier_decides_whether_an_item_was_kept():
    rows = [a_row("local_r_1", 1.5, "keep", PAPER), a_row("runpod_r_1", 1.1, "discard", PAPER, tier="runpod")]
    found = outcomes.gathered(link.links(view.entries(rows, {}), {PAPER: Graded("t", [NOON])}, {}))
    assert [one.kept for one in found.outcomes] == [False]


def test_gain_is_over_the_baseline_of_the_record_and_crashes_are_below_every_score():
    row = a_row("local_r_1", 1.5, "keep", PAPER)
    (entry,) = view.entries([row], {row.commit: a_record(row, None, 2.0)})
    assert outcomes.gain_of(entry) == pytest.approx(0.25)
    (one,) = linked({"local_r_1": None}, [NOON], "crash").outcomes
    assert one.crashed


def an_outcome(n: int, points: int, gain: float | None, *, kept: bool = False) -> outcomes.Outcome:
    scores = Scores(points, 2, 1, 2, n % 3)
    return outcomes.Outcome(f"i{n}", "t", scores.grade, scores, (f"r{n}",), kept, gain, True)


def test_a_dimension_that_predicts_gains_weight_and_one_that_does_not_loses_it():
    made = [an_outcome(n, n % 4, n % 4 / 100 + n / 1e6, kept=n % 4 == 3) for n in range(24)]
    found = statistics.calibrated(outcomes.Linked(tuple(made), ()))
    assert found.weights is not None
    assert sum(found.weights.values()) == pytest.approx(1)
    assert found.weights["bpb_impact"] > 0.4 > 0.2 > found.weights["size_compatibility"] > 0.05
    assert found.dimensions["bpb_impact"].value == pytest.approx(0.96, abs=0.03)
    assert found.dimensions["size_compatibility"].why == "the grade scores are all equal"
    assert sum(row.n for row in found.grades) == 24
    assert "weights that the outcomes suggest: bpb_impact 0." in statistics.lines(found)[-1]


def test_too_little_data_says_so():
    found = statistics.calibrated(outcomes.Linked(tuple(an_outcome(n, n % 4, 0.01 * n) for n in range(11)), ()))
    assert found.weights is None
    assert statistics.lines(found)[-1] == "weights of the dimensions: too little data, 11 of 12 outcomes"
    empty = statistics.calibrated(outcomes.Linked((), ()))
    assert (empty.n, empty.total.value) == (0, None)


def test_crashes_rank_last_and_unknown_gains_do_not_rank():
    made = [an_outcome(0, 0, outcomes.WORST), an_outcome(1, 1, 0.0), an_outcome(2, 2, 0.1), an_outcome(3, 3, None)]
    found = statistics.calibrated(outcomes.Linked(tuple(made), ()))
    assert (found.n, found.n_ranked, found.dimensions["bpb_impact"].value) == (4, 3, pytest.approx(1))


@pytest.mark.parametrize(
    ("kept", "n", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (1, 1, 0.2065, 1)],
)
def test_the_interval_of_a_share_is_wilsons(kept, n, low, high):
    """Values of Newcombe, Statistics in Medicine 17 (1998), method 3."""
    found = statistics.wilson(kept, n)
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@given(st.integers(1, 200), st.data())
def test_the_interval_of_a_share_holds_the_share(n, data):
    kept = data.draw(st.integers(0, n))
    found = statistics.wilson(kept, n)
    assert 0 <= found.low <= kept / n + 1e-12
    assert kept / n - 1e-12 <= found.high <= 1


def test_the_command_reads_a_workspace(golf, tmp_path):
    items = [an_item(f"arxiv:2403.{n:05}") for n in range(14)]
    rows = [a_row(f"local_r_{n}", 1.9 - n / 100, "keep", f"x [{item.id}]") for n, item in enumerate(items)]
    workspace(
        tmp_path,
        items=items,
        gradings=[a_grading(item, (n % 4, 2, 2, 3, 2)) for n, item in enumerate(items)],
        rows=rows,
        records=[a_record(row, "2026-05-02T00:00:00Z", 2.0) for row in rows[1:]],
        competitors=[a_competitor(1, 1.1)],
    )
    result = golf("calibrate")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("dimension")
    assert "14 graded items tried" in result.stdout
    assert "1 items have a run of unknown start" in result.stderr
    record = json.loads(golf("calibrate", "--json").stdout)
    assert (record["n"], record["n_ranked"], len(record["outcomes"])) == (14, 13, 14)
    assert set(record["weights"]) == {
        *("bpb_impact", "size_compatibility", "time_compatibility", "implementability", "novelty")
    }


@pytest.mark.skipif(not RECORDS.is_dir(), reason=f"the contest's records are not at {RECORDS}")
def test_the_command_grades_the_contests_records(golf, tmp_path):
    workspace(tmp_path)
    record = json.loads(golf("calibrate", "--records", RECORDS, "--json").stdout)
    assert len(record["records"]) == 31
    assert {outcome["total"]["n"] for outcome in record["outcomes"]} == {31}
