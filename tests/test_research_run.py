"""The run over all sources: what is asked since when, what is committed, and that one failure is one source's."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import web
from fetching import NOW, Fake, asking, fetch, workspace
from hypothesis import given
from hypothesis import strategies as st
from web import Reply, Site

from golfkit.errors import GolfError
from golfkit.research import queries
from golfkit.research.competitors.competitor import Competitor
from golfkit.research.fetch import agenda, run
from golfkit.research.fetch import state as states
from golfkit.research.fetch.agenda import Wanted
from golfkit.research.fetch.protocol import Skipped, SourceError
from golfkit.research.fetch.state import Commit, State
from golfkit.research.items import store
from golfkit.settings import Settings

HOUR = timedelta(hours=1)
VALUES = Settings()  # 48 hours of overlap


@pytest.fixture
def site() -> Iterator[Site]:
    with web.running() as running:
        for name in ("a", "b", "c"):
            running.on(f"/{name}", Reply.of({"ids": [f"{name}1", f"{name}2"]}))
        yield running


@pytest.fixture
def home(tmp_path: Path, site: Site) -> Path:
    return workspace(tmp_path, site.url)


def ids(home: Path) -> list[str]:
    return sorted(known.id for known in store.read(home / "raw_cache.jsonl"))


def state(home: Path) -> State:
    return states.read(home / ".research")


def test_every_source_is_fetched_and_merged_and_remembered(home, site):
    sources = [Fake("arxiv", f"{site.url}/a"), Fake("github", f"{site.url}/b")]
    one, two = fetch(home, sources, VALUES)
    assert (one.source, one.status, one.new, one.requests) == ("arxiv", "ok", 2, 1)
    assert (two.source, two.status, two.new, two.requests) == ("github", "ok", 2, 1)
    assert ids(home) == ["a1", "a2", "b1", "b2"]
    assert state(home).succeeded == dict.fromkeys(["golf/arxiv", "golf/github"], states.render(NOW))


@pytest.mark.parametrize("error", [SourceError("no"), KeyError("data"), AttributeError("get"), ValueError("odd")])
def test_a_source_that_fails_fails_alone_keeps_what_it_found_and_is_asked_again_from_the_same_moment(home, site, error):
    good, bad = Fake("arxiv", f"{site.url}/a"), Fake("github", f"{site.url}/b", fail=error)
    one, two = fetch(home, [good, bad], VALUES)
    assert (one.status, two.status, two.new) == ("ok", "failed", 2)
    assert len(two.remarks) == 1
    assert not run.all_failed([one, two])
    assert ids(home) == ["a1", "a2", "b1", "b2"]
    fetch(home, [good, bad], VALUES, now=NOW + 6 * HOUR)
    since = [[asked[0].since for asked in source.wanted] for source in (good, bad)]
    assert since[0] == [NOW - 48 * HOUR, NOW - 48 * HOUR]  # the last success less the overlap
    assert since[1] == [NOW - 48 * HOUR, NOW - 42 * HOUR]  # never whole: from now on


def test_a_missed_week_is_asked_for_whole(home, site):
    source = Fake("arxiv", f"{site.url}/a")
    fetch(home, [source], VALUES)
    fetch(home, [source], VALUES, now=NOW + 7 * 24 * HOUR)
    assert source.wanted[1][0].since == NOW - 48 * HOUR


def test_looking_back_less_far_than_the_last_success_does_not_close_the_gap(home, site):
    source = Fake("arxiv", f"{site.url}/a")
    fetch(home, [source], VALUES)
    later = NOW + 7 * 24 * HOUR
    fetch(home, [source], VALUES, now=later, back_h=1)
    assert source.wanted[1][0].since == later - HOUR
    fetch(home, [source], VALUES, now=later + HOUR)
    assert source.wanted[2][0].since == NOW - 48 * HOUR
    fetch(home, [source], VALUES, now=later, back_h=24 * 7)
    fetch(home, [source], VALUES, now=later)
    assert source.wanted[4][0].since == later - 48 * HOUR


def test_all_failing_is_told_from_all_skipped(home, site):
    failing = Fake("arxiv", f"{site.url}/a", fail=SourceError("no"))
    skipped = Fake("github", f"{site.url}/b", fail=Skipped("no key; set ONE"))
    assert run.all_failed(fetch(home, [failing, skipped], VALUES))
    (only,) = fetch(home, [skipped], VALUES)
    assert (only.status, only.remarks) == ("skipped", ("no key; set ONE",))
    assert not run.all_failed([only])


def test_a_request_that_a_source_swallowed_leaves_it_open(home, site):
    class Careless(Fake):
        async def fetch(self, asked, http, found):
            with pytest.raises(SourceError):
                await http.get(f"{site.url}/b")
            await super().fetch(asked, http, found)

    site.fault("/b", Reply.of({}, 503), times=4)
    (only,) = fetch(home, [Careless("arxiv", f"{site.url}/a")], VALUES)
    assert (only.status, only.new) == ("ok", 2)
    assert only.remarks[0].startswith("requests that failed: 1;")
    assert state(home).succeeded == {}


def test_what_has_not_changed_is_not_sent_again_once_it_is_committed(home, site):
    site.on("/a", Reply.of({"ids": ["a1"]}, ETag='"1"'))
    source = Fake("feeds", f"{site.url}/a", cached=True)
    assert fetch(home, [source], VALUES)[0].new == 1
    assert fetch(home, [source], VALUES, now=NOW + HOUR)[0].duplicates == 0
    assert [seen.status for seen in site.seen] == [200, 304]
    site.on("/a", Reply.of({"ids": ["a2"]}, ETag='"2"'))
    assert fetch(home, [source], VALUES, now=NOW + 2 * HOUR)[0].new == 1


def test_a_validator_is_not_kept_where_its_items_were_not(home, site):
    site.on("/a", Reply.of({"ids": ["a1"]}, ETag='"1"'))
    source = Fake("feeds", f"{site.url}/a", cached=True, fail=SourceError("cut off"))
    fetch(home, [source], VALUES)
    source.fail = None
    fetch(home, [source], VALUES)
    assert [seen.status for seen in site.seen] == [200, 200]


def test_a_validator_does_not_hide_what_was_not_asked_for_then(home, site):
    site.on("/a", Reply.of({"ids": ["a1"]}, ETag='"1"'))
    source = Fake("feeds", f"{site.url}/a", cached=True)
    fetch(home, [source], VALUES)
    fetch(home, [source], VALUES, back_h=9999)  # further back than the answer was read
    text = (home / queries.FILE).read_text()
    (home / queries.FILE).write_text(text.replace("/feeds/rss.xml", "/feeds/other.xml"))
    fetch(home, [source], VALUES)  # another table
    fetch(home, [source], VALUES)
    assert [seen.status for seen in site.seen] == [200, 200, 200, 304]


def test_a_service_that_wants_rest_is_left_alone_by_the_next_run_too(home, site):
    url = f"{site.url}/arxiv/api/query"
    site.on("/arxiv", Reply(429, b"", {"Retry-After": "3600"}))
    values = Settings(**site.settings())
    (first,) = fetch(home, [Fake("arxiv", url)], values, clock=NOW)
    assert first.status == "failed"
    assert state(home).not_before == {"arxiv": states.render(NOW + HOUR)}
    (second,) = fetch(home, [Fake("arxiv", url)], values, clock=NOW)
    assert (second.status, second.requests, len(site.seen)) == ("skipped", 0, 1)
    site.on("/arxiv", Reply.of({"ids": ["x"]}))
    later = NOW + 2 * HOUR
    (third,) = fetch(home, [Fake("arxiv", url)], values, clock=later)
    assert third.new == 1


def test_a_time_that_only_the_source_can_read_is_kept_too(home, site):
    rest = SourceError("try again in 30 minutes", NOW.timestamp() + 1800)
    fetch(home, [Fake("tavily", f"{site.url}/a", fail=rest)], VALUES, clock=NOW)
    assert state(home).not_before == {"tavily": states.render(NOW + HOUR / 2)}


def test_a_source_that_another_process_fetches_is_skipped(home, site):
    source = Fake("arxiv", f"{site.url}/a")
    with states.turn(home / ".research", "arxiv") as mine:
        assert mine
        skipped, other = fetch(home, [source, Fake("github", f"{site.url}/b")], VALUES)
    assert (skipped.status, other.status) == ("skipped", "ok")
    assert fetch(home, [source], VALUES)[0].new == 2


def test_competitors_that_a_source_reads_are_merged(home, site):
    class Watching(Fake):
        async def fetch(self, asked, http, found):
            score = {"val_bpb": 1.1, "source": "README", "confidence": 0.9, "conflict": False, "readings": {}}
            found.competitors.append(Competitor(id="github:o/r#1", **score))

    (only,) = fetch(home, [Watching("github", "")], VALUES)
    assert only.competitors == 1
    assert json.loads((home / "competitors.jsonl").read_text())["id"] == "github:o/r#1"


def test_a_damaged_cache_ends_the_run_with_its_line(home, site):
    (home / "raw_cache.jsonl").write_text("[]\n")
    with pytest.raises(GolfError, match=r"raw_cache\.jsonl:1"):
        fetch(home, [Fake("arxiv", f"{site.url}/a"), Fake("github", f"{site.url}/b")], VALUES)


def test_cancelling_keeps_what_is_committed_and_ends_the_rest(home, site):
    """What ^C does to the task that runs them all."""
    site.latency_s["/b"] = 5.0
    done: list[str] = []
    sources = [Fake("arxiv", f"{site.url}/a"), Fake("github", f"{site.url}/b")]
    plan = queries.read(home / queries.FILE)

    async def ask(client) -> None:
        whole = run.Run(home, plan, Wanted(NOW, 48 * HOUR), client)
        task = asyncio.ensure_future(whole.all(sources, lambda outcome: (done.append(outcome.source), task.cancel())))
        with pytest.raises(asyncio.CancelledError):
            await task

    asking(VALUES, ask)
    assert done == ["arxiv"]
    assert ids(home) == ["a1", "a2"]
    assert set(state(home).succeeded) == {"golf/arxiv"}


def plan(home: Path) -> queries.Plan:
    return queries.read(home / queries.FILE)


def test_searches_are_asked_as_often_as_their_table_says_and_news_only_on_demand(home):
    key = "golf/tavily/ml: bits per byte"
    (part,) = agenda.parts("tavily", plan(home), State(), Wanted(NOW, HOUR))
    assert part.names == (key,)
    assert agenda.n_credits(part) == 1
    (news,) = agenda.parts("tavily", plan(home), State(), Wanted(NOW, HOUR, breaking=True))
    assert news.names == ("golf/tavily/breaking: parameter golf",)
    asked = State(succeeded={key: states.render(NOW)})
    with pytest.raises(Skipped, match=r"due again: golf\.ml at 2026-05-03T11:50:00Z"):
        agenda.parts("tavily", plan(home), asked, Wanted(NOW + 23 * HOUR, HOUR))
    assert agenda.parts("tavily", plan(home), asked, Wanted(NOW + 24 * HOUR - timedelta(minutes=9), HOUR))
    with pytest.raises(Skipped, match="news alone"):
        agenda.parts("arxiv", plan(home), State(), Wanted(NOW, HOUR, breaking=True))


def test_a_paid_search_is_committed_before_the_next(home, site):
    text = (home / queries.FILE).read_text().replace('["bits per byte"]', '["one", "two", "three"]')
    (home / queries.FILE).write_text(text)
    site.on("/a", [Reply.of({"ids": ["x"]}), Reply.of({}, 401)])
    (only,) = fetch(home, [Fake("tavily", f"{site.url}/a")], VALUES)
    assert (only.status, only.new) == ("failed", 1)
    assert list(state(home).succeeded) == ["golf/tavily/ml: one"]


def test_state_that_is_damaged_says_what_to_do(home):
    folder = home / ".research"
    folder.mkdir()
    for text in ("{", '{"succeeded": {"a": "yesterday"}}', '{"odd": 1}', '{"succeeded": 1}'):
        (folder / "state.json").write_text(text)
        with pytest.raises(GolfError, match=r"state\.json.*remove it"):
            states.read(folder)


def test_a_clock_that_was_ahead_is_forgiven(home):
    ahead = State(succeeded={"golf/arxiv": states.render(NOW + 9999 * HOUR)})
    assert states.since(ahead, "golf/arxiv", NOW, HOUR, None) == NOW - HOUR


def test_validators_that_nobody_asks_for_are_forgotten_and_waits_that_are_over(tmp_path):
    old = states.Validator(etag='"1"', since=states.render(NOW), used=states.render(NOW))
    states.commit(tmp_path, Commit(source="feeds", began=NOW, fresh={"k": old}, held={"feeds h": NOW.timestamp() + 9}))
    assert states.read(tmp_path).validators == {"feeds": {"k": old}}
    states.commit(tmp_path, Commit(source="feeds", began=NOW + timedelta(days=61)))
    after = states.read(tmp_path)
    assert (after.validators, after.not_before) == ({}, {})


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_moments_survive_their_text(moment):
    assert states.parse(states.render(moment)) == moment.replace(microsecond=0)


def test_wall_time_is_that_of_the_slowest_source_and_not_of_their_sum(home, site):
    values = Settings(**site.settings())
    urls = {
        "arxiv": values.arxiv_api_url,
        "semantic_scholar": f"{values.semantic_scholar_api_url}/paper",
        "github": f"{values.github_api_url}/repos",
        "github_code": f"{values.github_api_url}/search/code",
        "feeds": f"{site.url}/feeds/x.xml",
    }
    for name, url in urls.items():
        site.on(url.removeprefix(site.url), Reply.of({"ids": [name]}))
    site.latency_s = {"/arxiv": 0.6, "/": 0.3}
    outcomes = fetch(home, [Fake(name, url) for name, url in urls.items()], values)
    assert site.most_at_once == len(urls)
    assert max(seen.ended for seen in site.seen) - min(seen.begun for seen in site.seen) < 1.3 * 0.6
    assert sum(outcome.seconds for outcome in outcomes) > 1.7
