"""Which items are graded, what a run writes, and which grader is chosen."""

import os
from datetime import UTC, datetime, timedelta

import pytest
from grading import ITEMS, NOW, graded, item, values

from golfkit.errors import Exit, GolfError
from golfkit.research.grade import choice, due, run
from golfkit.research.grade import graded as graded_file
from golfkit.research.grade.due import CHANGED, NEW, RETRIED, STALE
from golfkit.research.grade.graded import Graded
from golfkit.research.grade.grader import Offline
from golfkit.research.grade.llm.purse import CapReached, Prices, Purse, Usage
from golfkit.research.items.item import Item

CLOCK = datetime(2026, 5, 2, 6, tzinfo=UTC)
CONTEXT = "1" * 16


def selected(items, rows=(), grader="llm", context=CONTEXT):
    found = due.select(items, graded_file.latest(rows), grader, context, CLOCK)
    return [(one.item.id.removeprefix("arxiv:"), one.why) for one in found.due], found.kept


def days_ago(n):
    return (CLOCK - timedelta(days=n)).strftime(due.FORM)


@pytest.mark.parametrize("grader", ["llm", "offline"])
def test_new_items_come_first_the_newest_first_then_what_was_left_ungraded(grader):
    items = [item("u"), item("old", fetched=days_ago(9)), item("new", fetched=days_ago(1)), item("x"), item("done")]
    rows = [
        graded(items[0], "ungraded", reason="no answer"),
        graded(items[3], item_digest="before"),
        graded(items[4], context=CONTEXT, grader=grader),
    ]
    found, _ = selected(items, rows, grader)
    assert sorted(found[:2]) == [("new", NEW), ("x", CHANGED)]
    assert found[2:] == [("old", NEW), ("u", RETRIED)]


def test_in_a_new_context_a_model_grades_as_then_bs_then_what_is_recent_again():
    items = [item(name, fetched=days_ago(n)) for name, n in (("c-old", 30), ("c-new", 3), ("b", 90), ("a", 90))]
    rows = [graded(one, one.id[6].upper(), grader="llm") for one in items]
    assert selected(items, rows)[0] == [("a", STALE), ("b", STALE), ("c-new", STALE)]
    assert selected(items, rows, context="0" * 16)[0] == []


def test_the_oldest_grade_comes_first_so_that_a_cap_starves_none():
    items = [item(name, fetched=days_ago(n)) for n, name in enumerate(("young", "old", "middle"))]
    rows = [graded(one, "A", graded=days_ago(n)) for one, n in zip(items, (1, 9, 5), strict=True)]
    assert [name for name, _ in selected(items, rows)[0]] == ["old", "middle", "young"]


def test_a_password_in_the_base_url_is_not_shown():
    chosen = choice.choose("llm", values(llm_model="m", llm_base_url="http://me:secret@127.0.0.1:1/v1"))
    assert "secret" not in chosen.why + repr(chosen.endpoint)
    assert "127.0.0.1:1/v1" in chosen.why


def test_the_offline_grader_grades_everything_again_but_a_model_s_grades_of_two_weeks():
    items = [item(name, fetched=days_ago(90)) for name in ("rules", "paid", "stale")]
    rows = [
        graded(items[0], "C"),
        graded(items[1], "C", grader="llm", graded=days_ago(13)),
        graded(items[2], "C", grader="llm", graded=days_ago(15)),
    ]
    assert selected(items, rows, "offline") == ([("stale", STALE), ("rules", STALE)], 1)


class Scripted:
    """A grader whose batches are told in advance: a grade for all, a mapping of exceptions, or an error."""

    model = None
    context = CONTEXT

    def __init__(self, *steps, name="llm", at_once=10, **changes):
        self.steps, self.name, self.at_once, self.changes, self.seen = list(steps), name, at_once, changes, []

    def grade(self, items, now):
        step = self.steps.pop(0)
        self.seen.append([one.id for one in items])
        if isinstance(step, BaseException):
            raise step
        return [graded(one, step, grader=self.name, context=CONTEXT, graded=now, **self.changes) for one in items]

    def typical(self, items):
        return Usage()


def ran(path, grader, items=ITEMS, rows=()):
    if rows:
        graded_file.append(path, rows)
    return run.run(items, grader, path, graded_file.latest(rows), lambda: NOW)


def test_rows_are_written_batch_by_batch(tmp_path):
    path = tmp_path / "graded.jsonl"
    grader = Scripted("A", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        ran(path, grader)
    assert [row.item for row in graded_file.read(path)] == [one.id for one in ITEMS[:10]]


@pytest.mark.parametrize("error", [CapReached("llm_max_tokens is 5"), GolfError("http://x: nobody", Exit.REMOTE)])
def test_a_cap_or_a_server_that_is_down_leaves_the_rest_for_next_time(tmp_path, error):
    outcome = ran(tmp_path / "graded.jsonl", Scripted("B", error))
    assert (outcome.graded, outcome.left, outcome.stopped) == (10, 15, str(error))
    assert outcome.failed is (error if isinstance(error, GolfError) else None)
    assert len(graded_file.read(tmp_path / "graded.jsonl")) == 10


def test_what_changed_is_counted(tmp_path):
    rows = [graded(ITEMS[0], "A"), graded(ITEMS[1], "B")]
    outcome = ran(tmp_path / "graded.jsonl", Scripted("B"), ITEMS[:3], rows)
    assert (outcome.graded, outcome.changed, outcome.ungraded) == (3, 1, 0)


def test_a_grade_in_force_stays_where_grading_the_same_text_again_came_to_nothing(tmp_path):
    path = tmp_path / "graded.jsonl"
    rows = [graded(ITEMS[0], "A"), graded(ITEMS[1], "A", item_digest="before")]
    outcome = ran(path, Scripted("ungraded"), ITEMS[:3], rows)
    assert outcome.ungraded == 3
    in_force = graded_file.latest(graded_file.read(path))
    assert [in_force[one.id].grade for one in ITEMS[:3]] == ["A", "ungraded", "ungraded"]


def test_the_offline_grader_writes_only_what_is_new(tmp_path):
    path = tmp_path / "graded.jsonl"
    rows = [graded(ITEMS[0], "A"), graded(ITEMS[1], "B"), graded(ITEMS[2], "A", flags=("a doubt",))]
    ran(path, Scripted("A", name="offline", at_once=500), ITEMS[:3], rows)
    assert [row.item for row in graded_file.read(path)[3:]] == [ITEMS[1].id, ITEMS[2].id]


def test_a_model_s_rows_are_all_written_as_their_context_is_new(tmp_path):
    path = tmp_path / "graded.jsonl"
    ran(path, Scripted("A"), ITEMS[:1], [graded(ITEMS[0], "A", grader="llm")])
    assert [row.context for row in graded_file.read(path)] == ["0" * 16, CONTEXT]


def test_auto_takes_the_model_where_one_is_set_and_can_be_reached():
    key = {"openai_api_key": "k"}
    assert choice.choose("auto", values()).name == "offline"
    assert "llm_model is not set" in choice.choose("auto", values(**key)).why
    assert "OPENAI_API_KEY" in choice.choose("auto", values(llm_model="m")).why
    assert choice.choose("auto", values(llm_model="m", **key)).name == "llm"
    assert choice.choose("auto", values(llm_model="m", llm_base_url="http://127.0.0.1:1/v1")).name == "llm"
    assert choice.choose("offline", values(llm_model="m", **key)).name == "offline"


def test_the_wire_follows_the_key_that_is_set():
    anthropic = choice.choose("llm", values(llm_model="m", anthropic_api_key="a")).endpoint
    assert (anthropic.wire, anthropic.url, anthropic.key) == ("anthropic", "https://api.anthropic.com/v1/messages", "a")
    both = choice.choose("llm", values(llm_model="m", anthropic_api_key="a", openai_api_key="o")).endpoint
    assert (both.url, both.key) == ("https://api.openai.com/v1/chat/completions", "o")
    assert "'o'" not in repr(both)


@pytest.mark.parametrize(
    "base_url", ["127.0.0.1:8080", "file:///etc/passwd", "http://", "http://x:port/v1", "http://[::1"]
)
def test_a_base_url_that_is_no_address_is_refused(base_url):
    with pytest.raises(GolfError, match="llm_base_url") as caught:
        choice.choose("auto", values(llm_model="m", llm_base_url=base_url))
    assert caught.value.exit_code == Exit.USAGE


@pytest.mark.parametrize(("asked", "said"), [("llm", "llm_model is not set"), ("gpt", "expected one of auto, llm")])
def test_a_grader_that_cannot_be_is_wrong_usage(asked, said):
    with pytest.raises(GolfError, match=said) as caught:
        choice.choose(asked, values())
    assert caught.value.exit_code == Exit.USAGE


def test_shares_of_tokens_add_up():
    assert Usage(10, 1).shares(3) == [Usage(4, 1), Usage(3, 0), Usage(3, 0)]


def test_without_prices_only_the_tokens_are_held():
    purse = Purse(10, 0.0, Prices())
    purse.check(Usage(5, 5))
    with pytest.raises(CapReached, match="llm_max_tokens is 10: 0 are used, the next call may use 11"):
        purse.check(Usage(6, 5))
    with pytest.raises(CapReached, match=r"llm_max_usd is 0\.0"):
        Purse(10, 0.0, Prices(1.0, 0.0)).check(Usage(1, 0))


class Slow:
    """A grader of items one by one that says which process it ran in."""

    context = "0" * 16

    def grade(self, of: Item, now: str) -> Graded:
        """Grade B."""
        return graded(of, "B", graded=now, summary=str(os.getpid()))


def test_many_items_are_judged_by_several_processes_in_their_order():
    items = [item(f"2605.{n:05}") for n in range(1000)]
    alone = Offline(Slow(), 1).grade(items, NOW)
    together = Offline(Slow(), 2).grade(items, NOW)
    assert [row.item for row in together] == [row.item for row in alone] == [one.id for one in items]
    assert len({row.summary for row in together} - {str(os.getpid())}) == 2
    assert {row.summary for row in Offline(Slow(), 2).grade(items[:100], NOW)} == {str(os.getpid())}
