"""Tavily: recorded answers, credits taken before each search, refusals in its several envelopes."""

from decimal import Decimal

import pytest
import sources
import web
from hypothesis import given
from hypothesis import strategies as st
from sources import asked, told

from golfkit.research import credits
from golfkit.research.fetch.protocol import Skipped, SourceError
from golfkit.research.fetch.sources import tavily
from golfkit.research.fetch.sources.tavily import Tavily
from golfkit.research.items import identity
from golfkit.research.queries import SearchSet

NEWS = SearchSet(queries=("parameter golf record",), topic="news", time_range="day", max_results=5)
SEARCH = "/tavily/search"


@pytest.fixture
def site():
    with web.running() as running:
        yield running


@pytest.fixture
def ledger(tmp_path):
    return credits.Ledger(tmp_path / credits.FILE, Decimal("0.024"), Decimal("0.008"))  # 3 credits


def source(site: web.Site, ledger: credits.Ledger, key: str | None = "made-up-key") -> Tavily:
    return Tavily(site.url + "/tavily", key, ledger)


def read(name: str, topic: str = "general"):
    return tavily.parse(sources.answer(web.recorded(f"tavily/{name}")).json(), asked({}), "q", topic)


@pytest.mark.parametrize(
    ("name", "items", "left_out"),
    [
        ("search_basic", 5, 0),
        ("search_images_described", 5, 0),
        ("search_one_result_mock", 1, 0),
        ("search_empty", 0, 0),
        ("search_news_published_date", 2, 1),  # the third has neither title nor text
    ],
)
def test_every_recorded_search_is_read(name, items, left_out):
    found, reasons = read(name)
    assert (len(found), len(reasons)) == (items, left_out)
    assert all(item.title and 0 <= item.relevance <= 1 and item.kind == "post" for item in found)


def test_news_have_their_day_relevance_and_one_identity_for_one_page():
    (first, second), _ = read("search_news_published_date", "news")
    assert (first.kind, first.published, first.relevance) == ("news", "2026-09-15T07:30:00Z", 0.83)
    assert first.text == "val_bpb 1.1271 \u2014 café \u65b0\u95fb"
    assert first.id == second.id == identity.url_id("https://news.example.org/a")
    assert second.relevance == 0.41


def test_a_result_that_is_a_paper_or_a_pull_request_is_known_as_that():
    results = [
        {"url": url, "title": "T", "score": "high"}
        for url in ("https://arxiv.org/pdf/2403.01234v2", "https://github.com/o/n/pull/3")
    ]
    (paper, pull), _ = tavily.parse({"results": results}, asked({}), "q", "general")
    assert (paper.id, paper.kind, paper.url) == ("arxiv:2403.01234", "paper", "https://arxiv.org/abs/2403.01234")
    assert (pull.id, pull.kind, pull.relevance) == ("github:o/n#3", "pull_request", None)


def test_the_question_is_the_set_with_the_key_in_its_header(site, ledger):
    site.on(SEARCH, web.recorded("tavily/search_empty"))
    table = SearchSet(queries=("a", "b"), depth="advanced", include_domains=("arxiv.org",))
    assert told(source(site, ledger), asked({"breaking": NEWS, "math": table})).error is None
    assert site.seen[0].json() == {
        "query": "parameter golf record",
        "search_depth": "basic",
        "topic": "news",
        "time_range": "day",
        "max_results": 5,
    }
    assert site.seen[1].json()["include_domains"] == ["arxiv.org"]
    assert all(seen.headers["authorization"] == "Bearer made-up-key" for seen in site.seen)
    assert all(b"made-up-key" not in seen.body for seen in site.seen)


def test_credits_are_taken_before_a_search_is_asked(site, ledger):
    spent = []
    site.before = lambda seen: spent.append(ledger.spent(sources.NOW))
    site.on(SEARCH, web.recorded("tavily/search_empty"))
    told(source(site, ledger), asked({"ml": SearchSet(queries=("a", "b"))}))
    assert spent == [1, 2]
    assert ledger.spent(sources.NOW) == 2


def test_searches_that_the_month_cannot_pay_are_left_out_and_said(site, ledger):
    site.on(SEARCH, web.recorded("tavily/search_basic"))
    got = told(source(site, ledger), asked({"ml": SearchSet(queries=("a", "b", "c", "d", "e"))}))
    assert got.error is None
    assert len(site.seen) == 3
    assert got.found.remarks == [
        "tavily: 2 of 5 searches left out: the month's 3 credits are spent; TAVILY_MONTHLY_BUDGET_USD allows more"
    ]
    again = told(source(site, ledger), asked({"ml": SearchSet(queries=("a",))}))
    assert isinstance(again.error, Skipped)
    assert len(site.seen) == 3


def test_without_a_key_it_is_skipped_and_costs_nothing(site, ledger):
    got = told(source(site, ledger, key=None), asked({"ml": NEWS}))
    assert isinstance(got.error, Skipped)
    assert "TAVILY_API_KEY" in str(got.error)
    assert not ledger.path.exists()


@pytest.mark.parametrize(
    ("name", "said", "n_asked"),
    [
        ("error_400_query_too_long", "correct it in research.toml", 2),
        ("error_401_bad_key", "correct TAVILY_API_KEY", 1),
        ("error_432_plan_limit", "the plan's limit is reached", 1),
        ("error_429_keyless_envelope", "too many requests", 1),
    ],
)
def test_a_refusal_costs_nothing_and_says_what_to_do(site, ledger, name, said, n_asked):
    site.on(SEARCH, web.recorded(f"tavily/{name}"))
    got = told(source(site, ledger), asked({"ml": SearchSet(queries=("a", "b"))}))
    assert isinstance(got.error, SourceError)
    assert said in str(got.error)
    assert len({seen.body for seen in site.seen}) == n_asked
    assert ledger.spent(sources.NOW) == 0


def test_the_wait_of_the_keyless_envelope_stands_in_its_body(site, ledger):
    site.on(SEARCH, web.recorded("tavily/error_429_keyless_envelope"))
    got = told(source(site, ledger), asked({"ml": NEWS}))
    assert got.error.retry_at == sources.NOW.timestamp() + 3600


def test_a_wait_of_seconds_is_the_client_s_to_keep(site, ledger):
    site.on(SEARCH, web.recorded("tavily/error_429_retry_after_seconds"))
    got = told(source(site, ledger), asked({"ml": NEWS}))
    assert got.error.retry_at is not None
    assert "rate limit exceeded" in str(got.error)


@pytest.mark.parametrize("fault", ["drop", "half", "malformed"])
def test_a_search_whose_answer_was_lost_is_paid_for_and_not_asked_twice(site, ledger, fault):
    site.on(SEARCH, web.recorded("tavily/search_basic"))
    site.fault(SEARCH, fault)
    got = told(source(site, ledger), asked({"ml": SearchSet(queries=("a",))}))
    assert isinstance(got.error, SourceError)
    assert (len(site.seen), ledger.spent(sources.NOW)) == (1, 1)


VALUES = (
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.just(10**400)
    | st.text(max_size=9)
    | st.just({})
    | st.just([None])
)


@given(
    st.lists(st.dictionaries(st.sampled_from(["url", "title", "content", "score", "published_date"]), VALUES) | VALUES)
)
def test_no_result_brings_down_the_parser(results):
    items, reasons = tavily.parse({"results": results}, asked({}), "q", "news")
    assert len(items) + len(reasons) == len(results)
    assert all(item.relevance is None or 0 <= item.relevance <= 1 for item in items)


@given(VALUES)
def test_an_answer_of_another_shape_is_an_error(value):
    with pytest.raises(SourceError):
        tavily.parse(value, asked({}), "q", "news")
