"""raw_cache.jsonl: each finding once, whoever brings it, and no line lost."""

import multiprocessing
import time
from dataclasses import replace
from pathlib import Path

import pytest
from fetching import item
from hypothesis import given, settings
from hypothesis import strategies as st

from golfkit import jsonl
from golfkit.errors import GolfError
from golfkit.research.items import store
from golfkit.research.items.item import TEXT_CHARACTERS, Item
from golfkit.research.items.store import Merged
from golfkit.research.items.titles import same, title

LONG = "Low-Rank Adapters Recover the Accuracy of Two-Bit Language Models at Test Time"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "raw_cache.jsonl"


def paper(name: str, text: str = LONG, **changes) -> Item:
    return item(name, **({"title": text, "kind": "paper", "source": "arxiv"} | changes))


def test_what_is_there_is_not_repeated_and_the_file_not_touched(path):
    found = [item("a"), item("b")]
    assert store.merge(path, found) == Merged(new=2)
    before = path.stat()
    assert store.merge(path, [*found, *found]) == Merged(duplicates=4)
    assert path.stat() == before
    assert store.read(path) == found


def test_new_items_are_appended_to_what_is_there(path):
    store.merge(path, [item("a")])
    inode = path.stat().st_ino
    store.merge(path, [item("b")])
    assert path.stat().st_ino == inode
    assert [known.id for known in store.read(path)] == ["a", "b"]


def test_any_identity_in_common_makes_one_finding_which_keeps_its_first_id(path):
    store.merge(path, [paper("doi:10.1/x", "Some title", aliases=("url:1",))])
    again = paper("arxiv:2403.01234", "Another title", aliases=("doi:10.1/x", "url:2"), source="semantic_scholar")
    assert store.merge(path, [again]) == Merged(updated=1)
    (known,) = store.read(path)
    assert (known.id, known.aliases) == ("doi:10.1/x", ("url:1", "arxiv:2403.01234", "url:2"))
    assert store.merge(path, [paper("url:2", "A third")]) == Merged(duplicates=1)


def test_two_findings_that_a_third_shows_to_be_one_become_one(path):
    store.merge(path, [paper("arxiv:1", "First title"), item("z"), paper("doi:10.1/x", "Other title", contests=("b",))])
    assert store.merge(path, [paper("s2", "Any", aliases=("doi:10.1/x", "arxiv:1"))]) == Merged(updated=1)
    known, other = store.read(path)
    assert (known.id, set(known.aliases), known.contests) == ("arxiv:1", {"doi:10.1/x", "s2"}, ("golf", "b"))
    assert other.id == "z"


def test_a_second_sighting_adds_what_the_first_lacked(path):
    store.merge(path, [paper("arxiv:1", text="short", fetched="2026-05-01T00:00:00Z")])
    more = paper(
        "arxiv:1", text="much longer than that", contests=("enwik8",), authors=("A",), published="2026-04-01T00:00:00Z",
        relevance=0.7, fetched="2026-05-09T00:00:00Z",
    )  # fmt: skip
    assert store.merge(path, [more]) == Merged(updated=1)
    (known,) = store.read(path)
    assert known.contests == ("golf", "enwik8")
    assert (known.fetched, known.published) == ("2026-05-01T00:00:00Z", "2026-04-01T00:00:00Z")
    assert store.merge(path, [more]) == Merged(duplicates=1)


def test_the_source_itself_may_shorten_its_text(path):
    store.merge(path, [item("a", text="long " * 50, updated="2026-05-01T00:00:00Z")])
    assert store.merge(path, [item("a", text="short", updated="2026-05-02T00:00:00Z")]) == Merged(updated=1)
    assert store.read(path)[0].text == "short"
    assert store.merge(path, [item("a", text="short", source="tavily")]) == Merged(duplicates=1)


def test_a_text_that_is_hardly_longer_is_not_worth_grading_again(path):
    store.merge(path, [item("a", text="x" * 100)])
    assert store.merge(path, [item("a", text="y" * 110, source="tavily")]) == Merged(duplicates=1)


def test_results_of_little_relevance_are_dropped(path):
    found = [item("a", relevance=0.39), item("b", relevance=0.4), item("c")]
    assert store.merge(path, found, least_relevance=0.4) == Merged(new=2, dropped=1)
    assert [known.id for known in store.read(path)] == ["b", "c"]


@pytest.mark.parametrize(
    "other",
    [
        LONG.upper(),
        LONG + ".",
        f"[2403.01234] {LONG}",
        f"{LONG} | OpenReview",
        f"{LONG} - arXiv",
        LONG.replace("the", "\n   the"),
        LONG.replace("Low-Rank", "Low Rank"),
        "On " + LONG,
    ],
)
def test_near_duplicate_titles_are_one_finding(path, other):
    store.merge(path, [paper("arxiv:1")])
    assert store.merge(path, [paper("url:9", other, source="feeds", kind="post")]).new == 0
    assert len(store.read(path)) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"{LONG}, part 1", f"{LONG}, part 2"),
        (f"{LONG} I", f"{LONG} II"),
        (f"{LONG} with 2 bits", f"{LONG} with 3 bits"),
        (LONG, f"Comment on {LONG}"),
        (LONG, LONG.replace("Recover", "Do Not Recover")),
        (LONG, LONG.replace("Adapters", "Experts")),
        ("AdamW beats Muon on small language model training", "Muon beats AdamW on small language model training"),
        ("Weekly notes", "Weekly notes"),
        ("", ""),
    ],
)
def test_titles_that_differ_in_what_matters_are_two_findings(path, one, other):
    store.merge(path, [paper("arxiv:1", one), paper("doi:10.1/x", other, source="semantic_scholar")])
    assert len(store.read(path)) == 2


def test_two_papers_two_pull_requests_and_two_issues_of_a_column_may_share_a_title(path):
    store.merge(path, [paper("arxiv:1"), paper("arxiv:2")])
    store.merge(path, [item(f"github:o/r#{n}", title=LONG, kind="pull_request") for n in (1, 2)])
    store.merge(path, [item(f"url:{n}", title="This week in language model training", found_by="f") for n in (1, 2)])
    assert len(store.read(path)) == 6


def test_the_same_news_of_two_feeds_is_one_finding_within_days(path):
    text = "OpenAI opens a contest for tiny language models"
    days = ["2026-05-01T00:00:00Z", "2026-05-03T00:00:00Z", "2026-07-01T00:00:00Z"]
    found = [item(f"url:{n}", title=text, found_by=f"feed {n}", published=day) for n, day in enumerate(days)]
    assert store.merge(path, found) == Merged(new=2, duplicates=1)


@given(st.text(), st.text())
def test_likeness_of_titles_is_symmetric_and_total(one, other):
    assert same(title(one), title(other)) == same(title(other), title(one))


@settings(max_examples=30)  # each one waits for the disk
@given(
    st.text(), st.text(), st.one_of(st.none(), st.floats()), st.lists(st.text(), max_size=3), st.text(min_size=1)
)  # fmt: skip
def test_whatever_a_stranger_writes_can_be_read_back(tmp_path_factory, head, body, relevance, names, name):
    path = tmp_path_factory.mktemp("cache") / "raw_cache.jsonl"
    hostile = item(name, title=head, text=body, relevance=relevance, authors=tuple(names), aliases=tuple(names))
    store.merge(path, [hostile, item("after")])
    known = store.read(path)
    assert known
    assert store.merge(path, [hostile, item("after")]).new == 0
    assert store.read(path) == known


def test_ten_megabytes_of_text_are_cut_and_lone_surrogates_replaced(path):
    store.merge(path, [item("a\ud800", title="t\n\x1b[31m" * 10_000_000, text="\ud800x" * 5_000_000)])
    (known,) = store.read(path)
    assert (known.id, len(known.text), len(known.title)) == ("a?", TEXT_CHARACTERS, store.TITLE_CHARACTERS)
    assert known.title.isprintable()


def test_a_last_line_that_a_crash_cut_off_is_left_out_and_written_again(path):
    store.merge(path, [item("a"), item("b", text="\u00e9" * 20)])
    whole = path.read_bytes()
    for size in range(len(whole) - 1, whole.index(b"\n"), -1):
        path.write_bytes(whole[:size])
        assert [known.id for known in store.read(path)] in (["a"], ["a", "b"])
        store.merge(path, [item("b", text="\u00e9" * 20)])
        assert path.read_bytes() == whole


def test_a_malformed_line_within_is_an_error_that_names_it(path):
    path.write_text(jsonl.render(item("a")) + "\n{}\n")
    for act in (lambda: store.read(path), lambda: store.merge(path, [item("b")])):
        with pytest.raises(GolfError, match=r"raw_cache\.jsonl:2: key 'id' is missing"):
            act()
    path.write_bytes(b"\xff\n")
    with pytest.raises(GolfError, match=r":1: byte 0 is not UTF-8"):
        store.read(path)


def _merge_all(path: Path, names: list[str]) -> None:
    for name in names:
        store.merge(path, [item(name, contests=(name[-1],), aliases=("shared",) if name[0] == "s" else ())])


@pytest.mark.parametrize("n_processes", [2, 4])
def test_processes_that_merge_at_once_neither_lose_nor_repeat(path, n_processes):
    context = multiprocessing.get_context("fork")
    names = [f"s{n}" for n in range(5)] + [f"i{n}" for n in range(25)]
    jobs = [context.Process(target=_merge_all, args=(path, names[n:] + names[:n])) for n in range(n_processes)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
        assert job.exitcode == 0
    known = store.read(path)
    assert sorted(one.id for one in known if one.id[0] == "i") == sorted(f"i{n}" for n in range(25))
    (shared,) = (one for one in known if one.id[0] == "s")
    assert {shared.id, *shared.aliases} == {"shared", *(f"s{n}" for n in range(5))}
    assert set(shared.contests) == set("01234")


def test_ten_thousand_items_are_merged_in_seconds(path):
    words = [f"w{n % 97}x{n * 7919 % 3001}" for n in range(40_000)]
    found = [paper(f"arxiv:2403.{n:05}", " ".join(words[n : n + 9])) for n in range(10_000)]
    store.merge(path, found)
    begun_s = time.process_time()
    again = [replace(one, id=f"s2:{n}", source="semantic_scholar") for n, one in enumerate(found[:1000])]
    assert store.merge(path, again).new == 0
    assert time.process_time() - begun_s < 5
