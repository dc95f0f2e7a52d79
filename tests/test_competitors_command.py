"""`golf competitors` as people call it."""

import json

import pytest

from golfkit.research.competitors import store
from golfkit.research.competitors.competitor import Competitor

README = "# Wide model\n\n**val_bpb: 1.2345** (3-seed mean)\n"


@pytest.fixture
def record(tmp_path):
    folder = tmp_path / "records" / "2026-03-20_Wide"
    folder.mkdir(parents=True)
    (folder / "README.md").write_text(README)
    (folder / "submission.json").write_text(json.dumps({"name": "Wide", "github_id": "ab", "val_bpb": 1.2}))
    return folder


def test_one_json_object_a_line_for_paths_and_titles(golf, record):
    done = golf("competitors", record, record / "README.md", "--title", "A (1.1111 BPB)", "--title", "Fix", "--json")
    assert done.returncode == 0
    both, alone, title, unknown = map(json.loads, done.stdout.splitlines())
    assert (both["path"], both["val_bpb"], both["conflict"]) == (str(record), 1.2, True)
    assert both["readings"] == {"submission.json": 1.2, "README": 1.2345}
    assert (both["author"], both["technique"], both["date"]) == ("ab", "Wide", "2026-03-20")
    assert (alone["path"], alone["val_bpb"], alone["source"]) == (str(record / "README.md"), 1.2345, "README")
    assert (title["path"], title["title"], title["val_bpb"]) == (None, "A (1.1111 BPB)", 1.1111)
    assert (unknown["val_bpb"], unknown["source"], unknown["confidence"], unknown["notes"]) == (None, None, 0.0, [])


def test_a_table_for_people_with_the_doubts_on_stderr(golf, record):
    done = golf("competitors", record.parent)
    assert done.stdout.split()[:4] == ["val_bpb", "source", "sure", "conflict"]
    assert "1.2  submission.json" in done.stdout
    assert "conflict: submission.json says 1.2, README says 1.2345" in done.stderr


def test_a_missing_path_is_exit_3(golf):
    done = golf("competitors", "gone", "--json")
    assert (done.returncode, done.stdout) == (3, "")
    assert "gone: not found" in done.stderr


def test_without_anything_the_workspace_is_shown_best_first_with_the_baselines_split(golf, tmp_path):
    (tmp_path / "golf.toml").write_text("baseline = 1.2\n")
    assert "no competitors yet" in golf("competitors").stderr
    common = {"source": "title", "confidence": 0.6, "conflict": False, "readings": {}}
    found = [Competitor(id="x#1", val_bpb=1.25, **common), Competitor(id="x#2", val_bpb=1.1, **common)]
    found.append(Competitor(id="x#0", val_bpb=None, source=None, confidence=0.0, conflict=False, readings={}))
    store.merge(tmp_path / "competitors.jsonl", found)
    done = golf("competitors")
    assert [line.split()[-1] for line in done.stdout.splitlines()] == ["id", "x#2", "x#1", "x#0"]
    assert "-0.1000" in done.stdout
    assert "launch validation split" in done.stderr
    assert [json.loads(line)["path"] for line in golf("competitors", "--json").stdout.splitlines()] == [
        "x#2",
        "x#1",
        "x#0",
    ]


def test_without_anything_and_without_a_workspace_the_fix_is_named(golf):
    done = golf("competitors")
    assert done.returncode == 3
    assert "golf init" in done.stderr
