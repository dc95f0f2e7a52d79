"""Scores out of submission.json, README and title: their order, conflicts, doubt; what a record is about."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfkit.errors import GolfError
from golfkit.research.competitors import folder, technique
from golfkit.research.competitors.score import score

README = "# Wide model\n\n**val_bpb: 1.2345** (3-seed mean)\n"
TITLE = "Record: Wide model (val_bpb 1.2345)"


def submission(val_bpb: float | None = 1.2345, **keys) -> str:
    return json.dumps({"name": "Wide", "author": "A B", "github_id": "ab", "val_bpb": val_bpb} | keys)


def test_submission_counts_before_readme_before_title():
    found = score(submission=submission(1.23451234), readme=README, title=TITLE)
    assert (found.val_bpb, found.source, found.conflict) == (1.23451234, "submission.json", False)
    assert found.readings == {"submission.json": 1.23451234, "README": 1.2345, "title": 1.2345}
    assert (score(readme=README, title=TITLE).source, score(title=TITLE).source) == ("README", "title")


def test_readings_that_agree_make_it_surer():
    assert score(readme=README, title=TITLE).confidence > score(readme=README).confidence
    assert score(submission=submission(), readme=README).confidence > score(submission=submission()).confidence


def test_nothing_and_no_score_are_unknown_not_zero():
    for found in (score(), score(readme="# A\n\nwords"), score(submission=submission(None)), score(title="Fix a typo")):
        assert (found.val_bpb, found.source, found.confidence, found.readings) == (None, None, 0.0, {})


def test_readings_that_differ_by_more_than_seeds_are_a_conflict_of_low_confidence():
    found = score(submission=submission(1.1574), readme="**val_bpb = 1.2154**")
    assert (found.val_bpb, found.conflict) == (1.1574, True)
    assert found.confidence < 0.5
    assert "1.2154" in found.notes[-1]


def test_mean_and_best_seed_are_no_conflict():
    found = score(submission=submission(1.1228), readme="**val_bpb: 1.1233** (3-seed mean)")
    assert not found.conflict
    assert "mean or best seed" in found.notes[-1]


def test_json_that_is_none_is_noted_and_the_readme_read():
    found = score(submission="{", readme=README)
    assert (found.val_bpb, found.source) == (1.2345, "README")
    assert "not JSON" in found.notes[0]


@pytest.mark.parametrize(("val_bpb", "bytes_per_token"), [(1.2, 2.43593), (1.2, 3.72663), (1.2, 1.0)])
def test_loss_and_score_in_the_ratio_of_a_known_tokenizer_are_not_doubted(val_bpb, bytes_per_token):
    loss = val_bpb * bytes_per_token * math.log(2)
    sure = score(submission=submission(val_bpb, val_loss=loss))
    doubted = score(submission=submission(val_bpb, val_loss=loss * 1.1671))  # a space counted twice
    assert sure.confidence > doubted.confidence
    assert "bytes a token" in doubted.notes[0]


def test_an_implausible_submission_is_kept_and_doubted():
    found = score(submission=submission(0.0942))
    assert found.val_bpb == 0.0942
    assert found.confidence < 0.5


@given(st.text(), st.text(), st.text())
def test_any_texts_are_scored(one, two, three):
    found = score(submission=one, readme=two, title=three)
    assert (found.val_bpb is None) == (found.source is None) == (not found.readings)


@pytest.mark.parametrize(
    ("title", "short"),
    [
        ("Record: 11L EMA + GPTQ-lite (val_bpb=1.1233, 3-seed mean)", "11L EMA + GPTQ-lite"),
        ("Record: CaseOps + Tapered WD - val_bpb 1.0678 (3-seed mean)", "CaseOps + Tapered WD"),
        ("Non-record: Mamba-3 Hybrid SSM + TTT \u2014 1.1473 bpb", "Mamba-3 Hybrid SSM + TTT"),
        ("Record Submission: 1.1570 BPB - 73.7M Ternary U-Net (#640)", "73.7M Ternary U-Net"),
        ("[Non-Record Submission] CompressedUT (1.4457 BPB)", "CompressedUT"),
        ("Recorder of **things**", "Recorder of things"),
        ("Record: val_bpb 1.0678", None),
    ],
)
def test_a_technique_is_the_title_without_scores(title, short):
    assert technique.about(title=title).technique == short


def test_technique_and_author_come_from_the_first_that_tells():
    about = technique.about(submission=submission(), readme="# Other\n\n**Author:** C D ([@cd](https://x))", folder="f")
    assert about == ("Wide", "ab")
    assert technique.about(readme="# Other\n\n**Author:** C D ([@cd](https://x))") == ("Other", "cd")
    assert technique.about(readme="**Author:** C D | more") == (None, "C D")
    assert technique.about(folder="2026-03-20_Int6_MLP3x") == ("Int6 MLP3x", None)
    assert technique.about(submission="{", readme="words") == (None, None)


@pytest.mark.parametrize(
    ("name", "day"), [("2026-03-20_A", "2026-03-20"), ("2026-13-20_A", None), ("A_2026-03-20", None)]
)
def test_a_folders_day_is_what_its_name_begins_with(name, day):
    assert technique.date_of(name) == day


def test_a_tree_holds_its_record_folders_and_no_readme_between(tmp_path):
    track = tmp_path / "records" / "track"
    for name in ("2026-03-20_B", "2026-03-19_A", "odd name"):
        (track / name).mkdir(parents=True)
    (track / "2026-03-19_A" / "README.md").write_text(README)
    (track / "2026-03-20_B" / "submission_ternary.json").write_text(submission(1.1565))
    (track / "odd name" / "submission.json").write_text(submission(1.3))
    (track / "odd name" / "readme.MD").write_text(README)
    (tmp_path / "README.md").write_text("# The project\n\nBaseline: 1.2244 val_bpb")
    found = folder.find(tmp_path)
    assert [one.competitor.id for one in found] == [
        f"records/track/{name}" for name in ("2026-03-19_A", "2026-03-20_B", "odd name")
    ]
    assert [one.competitor.val_bpb for one in found] == [1.2345, 1.1565, 1.3]
    assert [one.competitor.date for one in found] == ["2026-03-19", "2026-03-20", None]


def test_a_folder_reads_both_its_files_and_a_file_itself_alone(tmp_path):
    (tmp_path / "README.md").write_bytes(README.encode() + b"\xff\x00")
    (tmp_path / "submission.json").write_text(submission(1.5))
    (both,) = folder.find(tmp_path)
    assert (both.competitor.val_bpb, both.competitor.conflict) == (1.5, True)
    (alone,) = folder.find(tmp_path / "README.md")
    assert (alone.competitor.val_bpb, dict(alone.competitor.readings)) == (1.2345, {"README": 1.2345})
    (other,) = folder.find(tmp_path / "submission.json")
    assert other.competitor.source == "submission.json"


def test_a_folder_without_records_and_a_missing_path_say_so(tmp_path):
    with pytest.raises(GolfError, match="no README"):
        folder.find(tmp_path)
    with pytest.raises(GolfError, match="not found"):
        folder.find(tmp_path / "gone")
