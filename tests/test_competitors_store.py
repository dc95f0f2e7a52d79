"""competitors.jsonl: one line an id, newest reading, no score lost, no writer lost."""

import multiprocessing
from pathlib import Path

import pytest

from golfkit.errors import GolfError
from golfkit.research.competitors import store
from golfkit.research.competitors.competitor import Competitor


def one(name: str = "a", val_bpb: float | None = 1.1, **changes) -> Competitor:
    known = {"source": "README", "confidence": 0.8, "readings": {"README": val_bpb}} if val_bpb else {}
    fields = {"source": None, "confidence": 0.0, "readings": {}} | known | changes
    return Competitor(id=name, val_bpb=val_bpb, conflict=False, **fields)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "competitors.jsonl"


def test_new_and_changed_lines_are_counted_and_the_order_is_kept(path):
    assert store.merge(path, [one("a"), one("b")]) == (2, 0)
    assert store.merge(path, [one("c"), one("a", 1.05)]) == (1, 1)
    assert [(c.id, c.val_bpb) for c in store.read(path)] == [("a", 1.05), ("b", 1.1), ("c", 1.1)]


def test_what_is_known_leaves_the_file_untouched(path):
    store.merge(path, [one("a", title="T")])
    before = path.stat()
    assert store.merge(path, [one("a", title="T")]) == (0, 0)
    assert store.merge(path, []) == (0, 0)
    assert path.stat() == before


def test_a_reading_without_a_score_keeps_the_known_one_and_says_so(path):
    store.merge(path, [one("a", 1.1, notes=("first",))])
    assert store.merge(path, [one("a", None, state="closed")]) == (0, 1)
    (kept,) = store.read(path)
    assert (kept.val_bpb, kept.source, kept.confidence, dict(kept.readings)) == (1.1, "README", 0.8, {"README": 1.1})
    assert kept.notes == ("first", store.LOST)
    assert kept.state == "closed"
    assert store.merge(path, [one("a", None, state="closed")]) == (0, 0)
    store.merge(path, [one("a", 1.05)])
    assert store.read(path)[0].notes == ()


def test_what_a_new_reading_does_not_know_is_kept(path):
    store.merge(path, [one("a", author="x", technique="t", pr=3)])
    store.merge(path, [one("a", 1.05, technique="u")])
    (kept,) = store.read(path)
    assert (kept.author, kept.technique, kept.pr) == ("x", "u", 3)


def test_an_id_twice_in_one_merge_is_one_line(path):
    assert store.merge(path, [one("a", 1.1), one("a", 1.05)]) == (1, 0)
    assert [c.val_bpb for c in store.read(path)] == [1.05]


def test_hostile_words_stay_on_their_line(path):
    store.merge(path, [one("a", title='x\n{"id": "b"}\u2028\ud800')])
    assert [c.id for c in store.read(path)] == ["a"]
    assert path.read_bytes().count(b"\n") == 1


def test_a_malformed_file_is_an_error_and_stays(path):
    path.write_text("{\n")
    with pytest.raises(GolfError, match=r"competitors.jsonl:1"):
        store.merge(path, [one("a")])
    assert path.read_text() == "{\n"


def _merge_many(path: Path, first: int) -> None:
    for n in range(first, 60, 2):
        store.merge(path, [one(f"n{n}"), one("both", 1 + n / 1000)])


def test_two_processes_that_merge_lose_nothing(path):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_merge_many, args=(path, first)) for first in (0, 1)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert {c.id for c in store.read(path)} == {"both", *(f"n{n}" for n in range(60))}
