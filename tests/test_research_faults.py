"""All sources against a server that fails and processes that are killed: nothing is lost, nothing comes twice."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import web
from fetching import NOW, TABLES, fetch, workspace
from web import Reply, Seen, Site

from golfkit import files
from golfkit.research import credits, queries
from golfkit.research.competitors import store as scores
from golfkit.research.fetch import run
from golfkit.research.fetch import state as states
from golfkit.research.fetch.sources import registry
from golfkit.research.items import store
from golfkit.settings import Settings

SECRETS = {"tavily_api_key": "tvly-0123456789", "github_token": "ghp_0123456789", "s2_api_key": "s2k-0123456789"}
SERVICES = {  # source: below which path it is answered
    "arxiv": "/arxiv/",
    "semantic_scholar": "/semantic_scholar/",
    "github": "/github/repos/",
    "github_code": "/github/search/",
    "feeds": "/feeds/",
    "tavily": "/tavily/",
}
TABLES_USED = [name for name in TABLES if name not in ("openreview", "tavily.breaking")]
N_REQUESTS = 12  # of a run over all of them, at least
PULLS = [
    {
        "number": number,
        "title": f"Record {number}: int6 and sliding windows",
        "body": "What was done.",
        "state": "open",
        "user": {"login": f"author{number}"},
        "created_at": "2026-05-01T00:00:00Z",
        "updated_at": "2026-05-02T00:00:00Z",
        "head": {"sha": f"{number}" * 40},
    }
    for number in (1, 2)
]


@pytest.fixture(scope="module")
def server() -> Iterator[Site]:
    """One for all tests: entries of feeds are known by addresses, which hold its port."""
    with web.running() as running:
        yield running


@pytest.fixture
def site(server: Site) -> Site:
    server.calm()
    serve(server)
    return server


def serve(site: Site) -> None:
    """Recorded answers, and two pull requests with records."""
    web.recordings(site)
    once = lambda whole, none: lambda seen: whole if seen.query.get("start", "0") == "0" else none  # noqa: E731
    site.on("/arxiv/", once(web.recorded("arxiv/search_page_start0"), web.recorded("arxiv/empty_result")))
    site.on("/semantic_scholar/", web.recorded("semantic_scholar/search_date_filter_single_page"))
    site.on("/semantic_scholar/graph/v1/paper/search/bulk", Reply.of({"total": 1, "token": None, "data": [PAPER]}))
    site.on("/github/repos/openai/parameter-golf/pulls", Reply.of(PULLS))
    for pull in PULLS:
        path = f"records/track/2026-05-0{pull['number']}_X/README.md"
        site.on(
            f"/github/repos/openai/parameter-golf/pulls/{pull['number']}/files",
            Reply.of([{"filename": path, "status": "added"}]),
        )
        text = f"# Record\n\n**val_bpb: 1.12{pull['number']}0** (sliding window)\n"
        site.on(f"/github/repos/openai/parameter-golf/contents/{path}", Reply(200, text.encode()))


PAPER = {
    "paperId": "f1",
    "title": "Two-bit quantization of tiny language models",
    "externalIds": {"ArXiv": "2605.00001"},
}


def run_all(home: Path, site: Site, *, hours: int = 0, only: str | None = None) -> list[run.Outcome]:
    """A run `hours` after the first; the recordings are old, so it looks far back."""
    values = Settings(since_hours=24 * 9999, **site.settings(), **SECRETS)
    plan = queries.read(home / queries.FILE)
    sources = registry.build(values, plan, credits.of_workspace(home, values, plan.tavily))
    chosen = [source for source in sources if only in (None, source.name)]
    return fetch(home, chosen, values, clock=NOW + timedelta(hours=hours))


def contents(home: Path) -> tuple[list[tuple[str, str]], list[tuple[str, float | None]]]:
    """(items, competitors) without the times at which they were seen; each identity must be of one item alone."""
    items = store.read(home / "raw_cache.jsonl")
    names = [name for item in items for name in (item.id, *item.aliases)]
    assert len(names) == len(set(names))
    known = [(competitor.id, competitor.val_bpb) for competitor in scores.read(home / "competitors.jsonl")]
    return sorted((item.id, item.text) for item in items), sorted(known)


@pytest.fixture(scope="module")
def whole(server: Site, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What a run that nothing disturbs finds."""
    serve(server)
    home = workspace(tmp_path_factory.mktemp("whole"), server.url, TABLES_USED)
    outcomes = run_all(home, server)
    assert {outcome.source: outcome.status for outcome in outcomes} == dict.fromkeys(SERVICES, "ok")
    assert all(outcome.new for outcome in outcomes)
    assert len(server.seen) >= N_REQUESTS
    found = contents(home)
    assert len(found[1]) == 2
    return found


@pytest.fixture
def home(tmp_path: Path, site: Site) -> Path:
    return workspace(tmp_path / "home", site.url, TABLES_USED)


FAULTS = {
    "dropped": "drop",
    "half body": "half",
    "cut": "cut",
    "malformed": "malformed",
    "empty body": Reply(200, b""),
    "another shape": Reply.of({"surprise": [None]}),
    "error": Reply.of({"message": "internal"}, 500),
    "refused": Reply.of({"message": "no"}, 401),
    "rate limited": Reply.of({"message": "slow down"}, 429),
    "rate limited for long": Reply.of({"message": "slow down"}, 429, Retry_After="5000"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("troubled", [list(SERVICES)[::2], list(SERVICES)[1::2]], ids=["even", "odd"])
def test_sources_in_trouble_fail_alone_and_lose_nothing(home, site, whole, troubled, fault):
    for source in troubled:
        site.fault(SERVICES[source], FAULTS[fault], times=1000)
    outcomes = run_all(home, site)
    assert {outcome.source for outcome in outcomes if outcome.status == "failed"} == set(troubled)
    assert {outcome.source for outcome in outcomes if outcome.status == "ok"} == set(SERVICES) - set(troubled)
    assert all(len(outcome.remarks[0]) > 20 for outcome in outcomes if outcome.status == "failed")
    site.calm()
    assert {outcome.status for outcome in run_all(home, site, hours=25)} == {"ok"}
    assert contents(home) == whole


@pytest.mark.parametrize("fault", ["drop", "half", "cut", Reply.of({}, 503), Reply.of({}, 429)])
def test_one_fault_at_every_service_is_survived_at_once(home, site, whole, fault):
    for path in SERVICES.values():
        if path != "/tavily/":  # paid: what may have been served is not asked for twice
            site.fault(path, fault)
    assert {outcome.status for outcome in run_all(home, site)} == {"ok"}
    assert contents(home) == whole


def test_empty_answers_are_no_failure(home, site):
    site.on("/arxiv/", web.recorded("arxiv/empty_result"))
    site.on("/semantic_scholar/", web.recorded("semantic_scholar/search_empty_no_data_key"))
    site.on("/semantic_scholar/graph/v1/paper/search/bulk", Reply.of({"total": 0, "token": None, "data": []}))
    site.on("/github/repos/openai/parameter-golf/pulls", web.recorded("github/pulls_empty"))
    site.on("/github/search/code", Reply.of({"total_count": 0, "incomplete_results": False, "items": []}))
    for name in ("atom", "rss"):
        site.on(f"/feeds/{name}.xml", web.recorded("feeds/rss_with_etag"))
    site.on("/tavily/search", web.recorded("tavily/search_empty"))
    outcomes = run_all(home, site)
    assert [outcome for outcome in outcomes if (outcome.status, outcome.new) != ("ok", 0)] == []


def started(job: Callable[[], Any]) -> int:
    """Id of a process that does the job; it ends with 0, or with 1 when the job raises."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            job()
            code = 0
        finally:
            os._exit(code)
    return child


def killed(job: Callable[[], Any], spoil: Callable[[], None]) -> bool:
    """Whether a process that does the job, spoilt first, is killed on the way."""
    return os.WIFSIGNALED(os.waitpid(started(lambda: (spoil(), job())), 0)[1])


def die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before(holder: Any, name: str, nth: int) -> Callable[[], None]:
    """Die instead of the nth call."""

    def spoil() -> None:
        true, calls = getattr(holder, name), [0]

        def call(*args: Any, **kwargs: Any) -> Any:
            calls[0] += 1
            return die() if calls[0] == nth else true(*args, **kwargs)

        setattr(holder, name, call)

    return spoil


def half_written(path: Path) -> Callable[[], None]:
    """Die in the middle of the write that appends."""

    def spoil() -> None:
        true = os.write

        def write(handle: int, content: bytes) -> int:
            if os.readlink(f"/proc/self/fd/{handle}") == str(path):
                true(handle, content[: len(content) // 2])
                die()
            return true(handle, content)

        os.write = write

    return spoil


POINTS = [
    *[pytest.param(store, "merge", n, id=f"before merge {n}") for n in (1, 5)],
    *[pytest.param(states, "commit", n, id=f"before state {n}") for n in (1, 4, 6)],
    *[pytest.param(files, "append_locked", n, id=f"before append {n}") for n in (3,)],
    *[pytest.param(os, "replace", n, id=f"before replace {n}") for n in (1, 2, 5)],
    pytest.param(scores, "merge", 1, id="before competitors"),
]


@pytest.mark.parametrize(("holder", "name", "nth"), POINTS)
def test_a_kill_at_any_step_of_a_commit_loses_and_repeats_nothing(home, site, whole, holder, name, nth):
    assert killed(lambda: run_all(home, site), before(holder, name, nth))
    run_all(home, site, hours=1)
    assert contents(home) == whole


def test_a_kill_in_the_middle_of_a_write_loses_and_repeats_nothing(home, site, whole):
    assert killed(lambda: run_all(home, site), half_written(home / "raw_cache.jsonl"))
    assert not (home / "raw_cache.jsonl").read_bytes().endswith(b"\n")
    run_all(home, site, hours=1)
    assert contents(home) == whole


@pytest.mark.parametrize("nth", range(1, N_REQUESTS + 1))
def test_a_kill_at_any_request_loses_and_repeats_nothing(home, site, whole, nth):
    child = started(lambda: run_all(home, site))

    def kill(seen: Seen) -> None:
        if len(site.seen) == nth:
            os.kill(child, signal.SIGKILL)

    site.before = kill
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    site.before = lambda seen: None
    run_all(home, site, hours=1)
    assert contents(home) == whole


@pytest.mark.parametrize("n_processes", [2, 4])
def test_runs_at_once_share_the_sources_and_neither_lose_nor_repeat(home, site, whole, n_processes):
    site.latency_s["/"] = 0.05
    children = [started(lambda: run_all(home, site)) for _ in range(n_processes)]
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * n_processes
    assert contents(home) == whole


def test_no_secret_is_in_any_file_or_remark(home, site):
    for path in ("/tavily/", "/github/search/"):
        site.on(path, lambda seen: Reply(401, b"bad key " + seen.headers["authorization"].encode()))
    site.on("/tavily/search", lambda seen: Reply(401, b"bad key " + seen.headers["authorization"].encode()))
    outcomes = run_all(home, site)
    said = repr(outcomes) + "".join(path.read_text() for path in home.rglob("*") if path.is_file())
    assert "bad key" in said
    assert not [secret for secret in SECRETS.values() if secret in said]


def test_a_full_fetch_takes_as_long_as_its_slowest_source(tmp_path, home, site, whole):
    site.latency_s = {"/arxiv/": 0.5, "/": 0.1}
    (slowest,) = run_all(workspace(tmp_path / "alone", site.url, TABLES_USED), site, only="arxiv")
    begun_s = time.monotonic()
    outcomes = run_all(home, site)
    assert time.monotonic() - begun_s <= 1.3 * slowest.seconds
    assert site.most_at_once >= len(SERVICES)
    assert sum(outcome.seconds for outcome in outcomes) > 1.6 * slowest.seconds
    assert contents(home) == whole
