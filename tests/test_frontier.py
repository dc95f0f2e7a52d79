"""`golf frontier`: what was tried, what came of it, and a ranking that moves away from what is tried in vain."""

import json

import pytest
from findings import a_competitor, a_grading, a_record, a_row, an_item, workspace
from hypothesis import given
from hypothesis import strategies as st

from golfkit.research.frontier import counts, reports
from golfkit.research.inject import inputs
from golfkit.research.items.index import Indexed
from golfkit.research.techniques import Taxonomy, Technique
from golfkit.train.runs import view

TAXONOMY = Taxonomy(
    families={"architecture": "", "optimiser": "", "data": ""},
    techniques=tuple(
        Technique(name=name, family=family, keywords=(), proven=proven, source="")
        for name, family, proven in (
            ("smear gate", "architecture", True),
            ("mamba", "architecture", False),
            ("muon", "optimiser", True),
            ("shampoo", "optimiser", False),
            ("soap", "optimiser", False),
            ("curriculum", "data", True),
        )
    ),
)
words = st.lists(st.sampled_from(["smear gate", "mamba", "muon", "shampoo", "curriculum", "else"]), max_size=3)
tries = st.lists(st.tuples(words, st.sampled_from(["keep", "discard", "crash"])), max_size=12)


def entries(*tried: tuple[str, str]):
    return view.entries(
        [
            a_row(f"local_r_{n}", None if status == "crash" else 1.5, status, text)
            for n, (text, status) in enumerate(tried)
        ],
        {},
    )


def by_name(families):
    return {family.count.name: family for family in families}


def test_rows_count_once_for_a_family_and_once_for_each_technique_they_name():
    found = by_name(
        counts.ranked(
            TAXONOMY,
            entries(("muon and shampoo", "keep"), ("muon", "discard"), ("Smear-Gate", "crash"), ("nothing", "keep")),
            {"a": ["muon", "soap"], "b": ["muon", "unheard of"], "c": []},
        )
    )
    numbers = {name: family.count[3:7] for name, family in found.items()}
    assert numbers == {"optimiser": (2, 1, 1, 2), "architecture": (1, 0, 1, 0), "data": (0, 0, 0, 0)}
    optimiser = {count.name: count[3:7] for count in found["optimiser"].techniques}
    assert optimiser == {"muon": (2, 1, 1, 2), "shampoo": (1, 1, 0, 0), "soap": (0, 0, 0, 1)}


def test_what_nobody_tried_comes_first_and_what_failed_often_last():
    tried = [("muon", "discard")] * 6 + [("smear gate", "keep")] * 2
    assert [f.count.name for f in counts.ranked(TAXONOMY, entries(*tried), {})] == ["data", "architecture", "optimiser"]


def test_the_next_technique_is_untried_and_one_that_is_not_common_yet():
    found = by_name(counts.ranked(TAXONOMY, entries(("shampoo", "keep"), ("curriculum", "discard")), {"a": ["soap"]}))
    assert found["optimiser"].described == "soap"
    assert found["architecture"].described == "mamba"
    assert found["data"].described == "all tried"
    found = by_name(counts.ranked(TAXONOMY, entries(("mamba", "keep")), {}))
    assert found["architecture"].described == "smear gate (proven elsewhere)"


@given(tries, st.sampled_from(["muon", "mamba", "curriculum"]))
def test_a_failure_never_raises_a_family_and_a_report_never_lowers_it(tried, name):
    made = [(" ".join(names), status) for names, status in tried]
    technique = TAXONOMY.named(name)
    assert technique is not None

    def score(more, seen):
        return by_name(counts.ranked(TAXONOMY, entries(*made, *more), seen))[technique.family].count.score

    assert (
        score([(name, "discard")], {})
        < score([], {})
        <= score([], {"a": [name]})
        <= score([], {"a": [name], "b": [name]})
    )
    assert score([(name, "discard")], {}) < score([(name, "keep")], {})


@given(tries)
def test_the_other_families_gain_on_one_that_is_tried_in_vain(tried):
    made = [(" ".join(names), status) for names, status in tried]
    in_vain = counts.ranked(TAXONOMY, entries(*made, *[("muon", "discard")] * 100), {})
    assert in_vain[-1].count.name == "optimiser"


def test_the_best_gain_is_that_over_the_running_local_baseline():
    rows = [a_row(f"local_r_{n}", bpb, "keep", "muon") for n, bpb in enumerate((2.0, 1.8, 1.7))]
    records = {row.commit: a_record(row, None) for row in rows}
    found = by_name(counts.ranked(TAXONOMY, view.entries(rows, records), {}))
    assert found["optimiser"].count.best_gain == pytest.approx(0.1)
    assert found["data"].count.best_gain is None


def test_a_pull_request_that_is_item_and_competitor_is_one_report():
    item = Indexed("github", "", (), None, ("smear gate",))
    competitor = a_competitor(12, 1.1, technique="Smear Gate with Muon")
    found = reports.elsewhere({"github:OpenAI/parameter-golf#12": item}, [competitor], TAXONOMY)
    assert found == {"github:openai/parameter-golf#12": {"smear gate", "muon"}}


def test_an_item_reports_what_its_grading_names_and_an_ungraded_one_what_its_text_names(tmp_path):
    items = [an_item("arxiv:1", text="Muon"), an_item("arxiv:2", title="On muon"), an_item("arxiv:3", text="muon")]
    gradings = [a_grading(items[0], techniques=("gptq",)), a_grading(items[1], grade="ungraded", total=None)]
    found = inputs.read(workspace(tmp_path, items=items, gradings=gradings))
    assert {name: item.techniques for name, item in found.items.items()} == {
        "arxiv:1": ("gptq",),
        "arxiv:2": ("muon",),
        "arxiv:3": ("muon",),
    }


def test_the_command_prints_families_and_techniques_and_explains_the_score(golf, tmp_path):
    workspace(tmp_path, rows=[a_row("local_r_1", 1.5, "keep", "bigram hash")], competitors=[a_competitor(1, 1.1)])
    result = golf("frontier")
    assert result.stdout.startswith("family ")
    assert "UCB1" in result.stderr
    assert "bigram hash" in golf("frontier", "--techniques").stdout
    record = json.loads(golf("frontier", "--json").stdout)
    found = {family["name"]: family for family in record["families"]}
    assert (found["architecture"]["tried"], found["architecture"]["elsewhere"]) == (1, 1)
    assert found["architecture"]["next"] not in ("bigram hash", None)
    scores = [family["score"] for family in record["families"]]
    assert scores == sorted(scores, reverse=True)
    assert counts.lines(inputs.read(tmp_path).frontier)[0].startswith(record["families"][0]["name"])
