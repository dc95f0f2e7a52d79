"""What a model may use is held before every call, whatever the answers say that they used."""

import json
import random

import llm_standin
import web
from grading import ITEMS, NOW, made, values
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from golfkit.research.grade import choice
from golfkit.research.grade.llm import prompt
from golfkit.research.grade.llm.client import Client, Timing
from golfkit.research.grade.llm.grader import LlmGrader
from golfkit.research.grade.llm.purse import CapReached, Prices, Purse, Usage

COUNTS = st.one_of(
    st.none(), st.tuples(*[st.one_of(st.integers(0, 3000), st.integers(-5, 2**70), st.none(), st.text(max_size=3))] * 2)
)


@given(
    usages=st.lists(COUNTS, max_size=8),
    bad=st.lists(st.booleans(), max_size=8),
    cap=st.integers(0, 60_000),
    usd=st.floats(0, 0.5),
    prices=st.tuples(st.floats(0, 20), st.floats(0, 100)),
)
@hypothesis_settings(max_examples=25)
def test_no_call_is_begun_that_could_pass_a_cap(usages, bad, cap, usd, prices):
    purse = Purse(cap, usd, Prices(*prices))
    begun = []

    class Http:
        """Answers as told, and notes what was spent when it was asked."""

        def stream(self, method, url, *, content, headers):
            begun.append((purse.spent, Usage(len(content) + 64, json.loads(content)["max_tokens"])))
            usage = usages[len(begun) - 1] if len(begun) <= len(usages) else (500, 50)
            call = llm_standin._call(web.Seen("POST", "/", {}, {}, content, 0.0), "openai")
            broken = len(begun) <= len(bad) and bad[len(begun) - 1]
            text = "no" if broken else llm_standin.good(call)
            return _Stream(json.dumps(llm_standin._openai(llm_standin.Ending(text, "stop"), usage)).encode())

    endpoint = choice.choose("llm", values(llm_model="m", llm_base_url="http://127.0.0.1:9")).endpoint
    asking = Client(endpoint, Http(), purse, Timing(1.0, 1.0, random.Random(0), sleep=lambda s: None))
    text = prompt.build(made().history, (), (), made().taxonomy, values(), "m")
    grader = LlmGrader(asking, "m", text, made().taxonomy)
    rows = []
    try:
        for _ in range(6):
            rows += grader.grade(ITEMS[:2], NOW)
    except CapReached:
        pass
    for spent, most in begun:
        after = spent.plus(most)
        assert sum(after) <= cap
        assert (Prices(*prices).cost_usd(after) or 0.0) <= usd
    assert sum(row.tokens_in for row in rows) == purse.spent.tokens_in
    assert sum(row.tokens_out for row in rows) == purse.spent.tokens_out


class _Stream:
    status_code, headers = 200, {}

    def __init__(self, body):
        self.body = body

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def iter_bytes(self):
        yield self.body
