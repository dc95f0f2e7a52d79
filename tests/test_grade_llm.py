"""Grading by a model: both wires, everything that answers get wrong, and what may be spent."""

import dataclasses
import json
import random

import llm_standin
import pytest
import web
from grading import ITEMS, NOW, competitor, item, made, values
from web import Reply

from golfkit.errors import Exit, GolfError
from golfkit.research.grade import choice
from golfkit.research.grade.llm import client, prompt
from golfkit.research.grade.llm.client import Client, Timing
from golfkit.research.grade.llm.grader import LlmGrader
from golfkit.research.grade.llm.purse import CapReached, Prices, Purse

WIRES = ("openai", "anthropic")


@pytest.fixture(scope="module")
def site():
    with web.running() as running:
        yield running


@pytest.fixture
def model(site):
    site.seen.clear()
    return llm_standin.Model(site)


@pytest.fixture(params=WIRES)
def wire(request):
    return request.param


class Asking:
    """A grader of the stand-in; its waits are noted and not waited for."""

    def __init__(
        self, model, wire="openai", *, competitors=(), prices=(0.0, 0.0), in_full=False, timeout_s=5.0, **changes
    ):
        import httpx

        self.waits = []
        self.values = values(**model.settings(wire, changes.pop("key", llm_standin.KEY)), **changes)
        self.purse = Purse(self.values.llm_max_tokens, self.values.llm_max_usd, Prices(*prices))
        timing = Timing(300.0, self.values.longest_wait_seconds, random.Random(0), sleep=self.waits.append)
        endpoint = choice.choose("llm", self.values).endpoint
        http = httpx.Client(timeout=timeout_s)
        text = prompt.build(
            made().history, competitors, (), made().taxonomy, self.values, endpoint.model, in_full=in_full
        )
        self.grader = LlmGrader(Client(endpoint, http, self.purse, timing), endpoint.model, text, made().taxonomy)

    def grade(self, items=ITEMS[:3]):
        return self.grader.grade(items, NOW)


def grades(rows):
    return [row.grade for row in rows]


def test_a_good_answer_is_graded_here_and_says_what_it_used(model, wire):
    rows = Asking(model, wire).grade()
    assert [(row.item, row.grade, row.total, row.model) for row in rows] == [
        (item.id, "A", 12, "standin-1") for item in ITEMS[:3]
    ]
    assert (rows[0].summary, rows[0].flags, rows[0].techniques) == ("what item-1 is", ("a doubt",), ("bigram hash",))
    assert sum(row.tokens_in for row in rows) == 1000
    assert sum(row.tokens_out for row in rows) == 200
    assert rows[0].item_digest == ITEMS[0].digest


def test_the_request_holds_a_strict_schema_the_key_in_its_header_and_nothing_of_chance(model, wire):
    Asking(model, wire).grade()
    (call,) = model.calls
    assert call.body["temperature"] == 0
    assert call.body["max_tokens"] == 2500
    items = call.schema["properties"]["items"]["items"]
    for level in (call.schema, items):
        assert level["additionalProperties"] is False
        assert level["required"] == list(level["properties"])
    assert not {"minimum", "maximum", "maxItems", "minLength", "enum"} & set(json.dumps(call.schema).split('"'))
    if wire == "openai":
        assert call.headers["authorization"] == f"Bearer {llm_standin.KEY}"
        assert call.body["response_format"]["json_schema"]["strict"] is True
    else:
        assert (call.headers["x-api-key"], call.headers["anthropic-version"]) == (llm_standin.KEY, "2023-06-01")
        assert "authorization" not in call.headers


def test_a_local_server_without_a_key_is_asked_without_one(model, wire):
    assert grades(Asking(model, wire, key=None).grade()) == ["A", "A", "A"]
    assert not {"authorization", "x-api-key"} & set(model.calls[0].headers)


@pytest.mark.parametrize("form", [llm_standin.prose, llm_standin.fenced, llm_standin.foreign])
def test_json_may_stand_in_prose_or_fences_and_foreign_items_are_left_out(model, form):
    model.script = [form]
    assert grades(Asking(model).grade()) == ["A", "A", "A"]
    assert len(model.calls) == 1


BAD = {
    "999": (llm_standin.item("item-2", novelty=999), "novelty is 999, expected a whole number from 0 to 3"),
    "12/17": (llm_standin.item("item-2", bpb_impact="12/17"), "bpb_impact"),
    "null": (llm_standin.item("item-2", summary=None), "summary"),
    "true": (llm_standin.item("item-2", novelty=True), "novelty"),
    "2.5": (llm_standin.item("item-2", novelty=2.5), "novelty"),
    "-1": (llm_standin.item("item-2", novelty=-1), "novelty is -1"),
    "missing key": (llm_standin.item("item-2", novelty=...), "novelty"),
    "missing item": (llm_standin.without("item-2"), "no grading came"),
    "doubled item": (llm_standin.doubled("item-2"), "2 gradings came"),
    "flags no list": (llm_standin.item("item-2", flags="a, b"), "flags"),
}


@pytest.mark.parametrize("name", BAD)
def test_one_bad_item_is_asked_for_once_more_by_itself_with_what_was_wrong(model, name):
    step, problem = BAD[name]
    model.script = [step]
    assert grades(Asking(model).grade()) == ["A", "A", "A"]
    first, second = model.calls
    assert second.ids == ["item-2"]
    assert second.document["items"][0] == first.document["items"][1]
    assert problem in second.document["errors_of_your_last_answer"]["item-2"]


@pytest.mark.parametrize("name", BAD)
def test_one_bad_item_twice_is_ungraded_with_the_reason_and_costs_no_other(model, name):
    step, problem = BAD[name]
    model.script = [step, step]
    rows = Asking(model).grade()
    assert grades(rows) == ["A", "ungraded", "A"]
    assert problem in rows[1].reason
    assert rows[1].total is None
    assert rows[1].scores is None
    assert len(model.calls) == 2


def test_totals_and_grades_of_the_model_are_ignored(model):
    model.script = [llm_standin.item("item-1", total=15, grade="A", bpb_impact=0, novelty=0)]
    row = Asking(model).grade()[0]
    assert (row.grade, row.total) == ("B", 8)


def test_an_answer_that_was_cut_off_keeps_what_is_whole(model, wire):
    model.script = [llm_standin.truncated]
    assert grades(Asking(model, wire).grade()) == ["A", "A", "A"]
    assert model.calls[1].ids == ["item-3"]
    assert "cut off" in model.calls[1].document["errors_of_your_last_answer"]["item-3"]


def test_a_refusal_of_the_batch_costs_only_the_item_that_is_to_blame(model, wire):
    items = [ITEMS[0], dataclasses.replace(ITEMS[1], text="how to build a weapon"), ITEMS[2]]
    model.script = [llm_standin.refusing_if("weapon")] * 4
    rows = Asking(model, wire).grade(items)
    assert grades(rows) == ["A", "ungraded", "A"]
    assert "refused" in rows[1].reason
    assert [call.ids for call in model.calls[1:]] == [["item-1"], ["item-2"], ["item-3"]]


def test_a_filtered_answer_is_named(model):
    model.script = [lambda call: llm_standin.Ending("", "content_filter")] * 2
    (row,) = Asking(model).grade(ITEMS[:1])
    assert (row.grade, "content_filter" in row.reason) == ("ungraded", True)


def test_prose_without_json_is_one_repair_and_then_ungraded(model):
    model.script = [lambda call: "I would rather not {say}."] * 2
    rows = Asking(model).grade()
    assert grades(rows) == ["ungraded"] * 3
    assert len(model.calls) == 2


@pytest.mark.parametrize("fault", ["drop", "half", "cut", "malformed"])
def test_a_lost_answer_is_asked_for_again_and_counted_as_if_it_had_come(model, fault):
    model.site.fault("/llm", fault)
    asking = Asking(model)
    assert grades(asking.grade()) == ["A", "A", "A"]
    assert len(asking.waits) == 1
    assert asking.purse.spent.tokens_in > 1000 + 3000  # the first call's worst case, too
    assert asking.purse.spent.tokens_out == 200 + 2500


def test_waits_that_a_server_asks_for_are_kept_and_nothing_is_counted(model, wire):
    model.script = [Reply.of({"error": {"message": "slow down"}}, 429, Retry_After="7"), Reply(500), Reply(529)]
    asking = Asking(model, wire)
    assert grades(asking.grade()) == ["A", "A", "A"]
    assert asking.waits[0] == 7
    assert all(0 < wait <= 60 for wait in asking.waits)
    assert sum(asking.purse.spent) == 1200


def test_a_wait_that_is_too_long_is_for_the_next_run(model):
    model.script = [Reply(429, b"", {"Retry-After": "3600"})]
    asking = Asking(model)
    with pytest.raises(GolfError, match=r"answered 429.*asks to wait 3600 s") as caught:
        asking.grade()
    assert (caught.value.exit_code, asking.waits) == (Exit.REMOTE, [])


def test_a_server_that_stays_down_is_asked_four_times(model):
    model.script = [Reply(503)] * 9
    with pytest.raises(GolfError, match=r"answered 503.*4 times") as caught:
        Asking(model).grade()
    assert (caught.value.exit_code, len(model.calls)) == (Exit.REMOTE, 4)


def test_a_slow_server_is_given_up_and_its_calls_count(model):
    model.site.latency_s["/llm"] = 0.15
    asking = Asking(model, timeout_s=0.03)
    try:
        with pytest.raises(GolfError, match=r"ReadTimeout.*4 times"):
            asking.grade()
    finally:
        model.site.latency_s.clear()
    assert asking.purse.spent.tokens_out == 4 * 2500


def test_nobody_there_costs_nothing(model):
    asking = Asking(model)
    asking.grader._client._endpoint = asking.grader._client._endpoint._replace(base_url="http://127.0.0.1:9")
    with pytest.raises(GolfError, match=r"127\.0\.0\.1:9.*ConnectError") as caught:
        asking.grade()
    assert (caught.value.exit_code, sum(asking.purse.spent)) == (Exit.REMOTE, 0)


@pytest.mark.parametrize(("status", "fix"), [(401, "check the key"), (404, "llm_model"), (302, "llm_base_url")])
def test_a_wrong_key_model_or_address_is_said_at_once_and_the_key_is_not(model, status, fix):
    said = {"error": {"message": f"bad key {llm_standin.KEY}\x1b[31m"}}
    model.script = [Reply.of(said, status, Location="http://127.0.0.1:9/elsewhere")]
    with pytest.raises(GolfError, match=fix) as caught:
        Asking(model).grade()
    assert llm_standin.KEY not in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert len(model.calls) == 1


@pytest.mark.parametrize(
    "refuses",
    [("response_format", "output_config"), ("temperature",), ("max_tokens",), ("temperature", "response_format")],
)
def test_a_parameter_that_the_server_refuses_is_left_out_for_the_rest_of_the_run(model, wire, refuses):
    if wire == "anthropic" and refuses == ("max_tokens",):
        pytest.skip("the messages API needs it")
    model.refuses = refuses
    asking = Asking(model, wire)
    assert grades(asking.grade()) == ["A", "A", "A"]
    tries = len(model.calls)
    assert grades(asking.grade()) == ["A", "A", "A"]
    assert len(model.calls) == tries + 1
    assert not set(refuses) & set(model.calls[-1].body)
    assert asking.waits == []


def test_a_server_that_knows_no_schema_is_asked_for_a_json_object_first(model):
    model.script = [Reply.of({"error": {"message": "response_format.type json_schema is unsupported"}}, 400)]
    assert grades(Asking(model).grade()) == ["A", "A", "A"]
    assert model.calls[1].body["response_format"] == {"type": "json_object"}


def test_a_batch_that_is_too_long_for_the_server_is_asked_item_by_item(model):
    model.script = [Reply.of({"error": {"message": "maximum context length is 4096 tokens"}}, 400)]
    assert grades(Asking(model).grade()) == ["A", "A", "A"]
    assert [len(call.ids) for call in model.calls] == [3, 1, 1, 1]


def test_a_server_that_takes_no_request_at_all_is_an_error_and_no_item_is_blamed(model):
    model.script = [Reply.of({"error": {"message": "model standin-1 is retired"}}, 400)] * 9
    with pytest.raises(GolfError, match="retired") as caught:
        Asking(model).grade()
    assert caught.value.exit_code == Exit.REMOTE


def test_an_endless_answer_is_left(model, monkeypatch):
    monkeypatch.setattr(client, "MOST_BYTES", 100)
    with pytest.raises(GolfError, match="has not ended"):
        Asking(model).grade()


def test_a_thinking_model_s_thoughts_are_no_answer(model):
    model.script = [lambda call: f'<think>{{"id": "item-1", "novelty": 0}}</think>{llm_standin.good(call)}']
    assert grades(Asking(model).grade()) == ["A", "A", "A"]
    assert len(model.calls) == 1


def test_an_error_inside_a_200_is_an_error(model):
    model.script = [Reply.of({"error": {"code": 503, "message": "no provider"}}), Reply.of({"choices": []})]
    assert grades(Asking(model).grade()) == ["A", "A", "A"]
    assert len(model.calls) == 3


def test_with_competitors_there_is_a_sixth_dimension(model):
    rows = Asking(model, competitors=[competitor(val_bpb=1.1)]).grade()
    assert [(row.grade, row.total, row.competitor_validated) for row in rows] == [("A", 13, 1)] * 3
    assert "competitor_validated" in model.calls[0].schema["properties"]["items"]["items"]["required"]


def test_text_of_the_model_is_one_printable_line_and_cut_to_size(model):
    model.script = [llm_standin.item("item-1", summary="a\n<!-- END -->\x1b[2J" * 99, techniques=["no such", "xsa"])]
    row = Asking(model).grade()[0]
    assert row.summary.isprintable()
    assert len(row.summary) <= 400
    assert row.techniques == ()


def test_a_batch_is_not_begun_on_a_cap_that_is_too_small(model):
    asking = Asking(model, llm_max_tokens=2000)
    with pytest.raises(CapReached, match="llm_max_tokens is 2000"):
        asking.grade()
    assert model.calls == []


def test_a_repair_that_the_cap_forbids_leaves_the_item_ungraded(model):
    model.script = [llm_standin.without("item-2")]
    model.usage = (9_000, 900)
    asking = Asking(model, llm_max_tokens=20_000)
    assert grades(asking.grade()) == ["A", "ungraded", "A"]
    assert len(model.calls) == 1


def test_the_price_of_a_row_is_its_share(model):
    rows = Asking(model, prices=(3.0, 15.0)).grade()
    assert sum(row.cost_usd for row in rows) == pytest.approx((1000 * 3 + 200 * 15) / 1e6)


def test_a_reading_in_full_brings_a_brief_and_red_flags(model, wire):
    asking = Asking(model, wire, in_full=True)
    (opinion,) = asking.grader.judge([item("x", text="long " * 9000)], NOW)
    assert (opinion.graded.grade, opinion.brief, opinion.red_flags) == ("A", "how to build item-1", ("no ablation",))
    assert len(model.calls[0].document["items"][0]["text"]) == prompt.FULL_CHARACTERS
