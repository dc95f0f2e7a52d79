"""Records and titles of the contest with known scores: none is read wrong."""

import extractor_table as table
import pytest

from golfkit.research.competitors import folder
from golfkit.research.competitors.score import score

RECORDS = table.cases("readme_cases.json")
TITLES = table.cases("pr_title_cases.json")
needs_cases = pytest.mark.skipif(not RECORDS, reason="the labelled cases are not beside the project")


def name(case: dict) -> str:
    return case["path"].split("/")[-2] if "path" in case else case["title"][:60]


@needs_cases
@pytest.mark.parametrize("case", [case for case in RECORDS if not case["conflict"]], ids=name)
def test_a_readme_alone_is_read_right(case):
    found = score(readme=(table.DATA / case["path"]).read_text("utf-8"))
    assert table.verdict(found.val_bpb, case["accept"]) == table.RIGHT
    assert (found.source, found.conflict) == ("README", False)
    assert found.confidence >= 0.5


@needs_cases
@pytest.mark.parametrize("case", RECORDS, ids=name)
def test_a_record_folder_gives_the_accepted_value_and_names_conflicts(case):
    (found,) = folder.find((table.DATA / case["path"]).parent)
    competitor = found.competitor
    assert table.verdict(competitor.val_bpb, case["accept"]) == table.RIGHT
    assert competitor.conflict == case["conflict"]
    assert set(competitor.readings) == {"submission.json", "README"}
    assert (competitor.confidence < 0.5) == case["conflict"]
    assert competitor.author in (case["github_id"], case["author"])
    assert competitor.date == name(case)[:10]
    assert competitor.technique


@needs_cases
def test_a_file_is_read_alone_whatever_lies_beside_it():
    case = next(case for case in RECORDS if case["conflict"])
    (found,) = folder.find(table.DATA / case["path"])
    assert set(found.competitor.readings) == {"README"}
    assert table.verdict(found.competitor.val_bpb, case["accept"]) == table.WRONG  # its README is out of date


@needs_cases
@pytest.mark.parametrize("case", TITLES, ids=name)
def test_a_title_is_read_right_or_left_unknown(case):
    found = score(title=case["title"])
    assert found.val_bpb == case["true_val_bpb"]
    plausible = found.val_bpb is None or 0.9 <= found.val_bpb <= 3
    assert (found.confidence < 0.5) == (found.val_bpb is None or not plausible)
