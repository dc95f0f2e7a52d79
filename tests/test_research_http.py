"""The polite client against a loopback server: what is tried again, what is waited for, and what never leaks."""

import asyncio
import random
from collections.abc import Iterator
from email.utils import formatdate

import pytest
import web
from fetching import FAST, HASTY, Clock, asking
from hypothesis import given
from hypothesis import strategies as st
from web import Reply, Site

from golfkit.research.fetch import http, limits, retries
from golfkit.research.fetch.limits import Limit
from golfkit.research.fetch.protocol import Answer, SourceError
from golfkit.settings import Settings

SECRET = "tvly-0123456789"
OKAY = Reply.of({"ok": True})


@pytest.fixture
def site() -> Iterator[Site]:
    with web.running() as running:
        running.on("/", OKAY)
        yield running


def get(site: Site, path: str = "/github/x", source: str = "github", **parts) -> Answer | None:
    values = Settings(tavily_api_key=SECRET, **site.settings())
    return asking(values, lambda client: client.of(source).get(site.url + path), **parts)


@pytest.mark.parametrize("fault", ["drop", "half", "cut", Reply.of({}, 500), Reply.of({}, 503), Reply.of({}, 429)])
def test_what_may_go_better_is_tried_again(site, fault):
    site.fault("/", fault, times=3)
    assert get(site).json() == {"ok": True}
    assert len(site.seen) == 4


@pytest.mark.parametrize("fault", ["drop", "half", "cut", Reply.of({}, 502)])
def test_after_the_last_try_the_source_fails(site, fault):
    site.fault("/", fault, times=9)
    with pytest.raises(SourceError, match="tried 4 times"):
        get(site)
    assert len(site.seen) == 4


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422, 432, 433, 501])
def test_a_refusal_is_final(site, status):
    site.on("/", Reply.of({"detail": {"error": "no\n\x1b[31m"}}, status))
    with pytest.raises(SourceError, match=f"answered {status}") as error:
        get(site)
    assert len(site.seen) == 1
    assert error.value.status == status
    assert error.value.body == site_body(site)
    assert str(error.value).isprintable()


def site_body(site: Site) -> bytes:
    return site.answer(site.seen[0])[0].body


def test_no_server_at_all_is_an_error_of_the_source():
    with pytest.raises(SourceError, match=r"127\.0\.0\.1:1/x: no whole answer"):
        asking(Settings(), lambda client: client.of("feeds").get("http://127.0.0.1:1/x?key=1"))


@pytest.mark.parametrize("url", ["http://[", "nonsense", "file:///etc/passwd", "http://127.0.0.1:99999999/", "\ud800"])
def test_an_address_that_is_none_is_an_error_of_the_source(url):
    with pytest.raises(SourceError):
        asking(Settings(), lambda client: client.of("feeds").get(url))


def test_retry_after_in_seconds_and_as_a_date_is_slept(site):
    for wait in ("3", formatdate(Clock().now_s + 4, usegmt=True)):
        clock = Clock()
        site.fault("/", Reply(429, b"", {"Retry-After": wait}))
        get(site, now=clock.now, sleep=clock.sleep)
        assert sum(clock.slept) == pytest.approx({"3": 3.0}.get(wait, 4.0), abs=0.1)


@pytest.mark.parametrize("form", ["{:.0f}", "{:.0f}000"], ids=["seconds", "milliseconds"])
def test_githubs_reset_is_waited_for_whatever_its_unit(site, form):
    clock = Clock()
    reset = form.format(clock.now_s + 4)
    site.fault("/", Reply(403, b"", {"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}))
    get(site, now=clock.now, sleep=clock.sleep)
    assert sum(clock.slept) == pytest.approx(4.0, abs=0.1)


def test_an_answer_that_uses_up_the_quota_holds_the_next_request_back(site):
    clock = Clock()
    reset = str(clock.now_s + 4)
    site.on("/github/x", [Reply.of(1, x_ratelimit_remaining="0", x_ratelimit_reset=reset), OKAY])

    async def twice(client: http.Client) -> None:
        asked = client.of("github")
        assert (await asked.get(f"{site.url}/github/x")).json() == 1
        assert clock.slept == []
        await asked.get(f"{site.url}/github/x")

    asking(Settings(**site.settings()), twice, now=clock.now, sleep=clock.sleep)
    assert sum(clock.slept) == pytest.approx(4.0, abs=0.1)


def test_a_wait_that_is_too_long_ends_the_source_and_holds_its_lane_alone(site):
    clock = Clock()
    site.on("/github/", Reply(429, b"", {"Retry-After": "3600"}))

    async def ask(client: http.Client) -> None:
        asked = client.of("github")
        for _ in range(2):
            with pytest.raises(SourceError, match="3600 s of rest") as error:
                await asked.get(f"{site.url}/github/x")
            assert error.value.retry_at == clock.now_s + 3600
        assert asked.requests == 1  # the second was not even sent
        assert client.lanes.held(clock.now_s) == {"github": clock.now_s + 3600}
        assert await client.of("arxiv").get(f"{site.url}/arxiv/api/query") is not None

    asking(Settings(**site.settings()), ask, now=clock.now, sleep=clock.sleep)
    assert clock.slept == []


@given(st.dictionaries(st.sampled_from(["retry-after", "x-ratelimit-remaining", "x-ratelimit-reset"]), st.text()))
def test_a_wait_is_between_nothing_and_a_day_whatever_the_headers_say(headers):
    for status in (200, 403, 429, 503):
        wait_s = retries.asked_wait(status, headers, Clock().now_s)
        assert wait_s is None or 0 <= wait_s <= retries.DAY_S


@pytest.mark.parametrize("text", ["9" * 400, "1e999", "-5", "Wed, 21 Oct 99999 07:28:00 GMT", "soon", "\u0663"])
def test_a_retry_after_without_sense_waits_a_day_at_most(text):
    assert retries.asked_wait(429, {"retry-after": text}, 0.0) in (None, retries.DAY_S)


def test_what_stands_beside_an_answer_is_no_wait():
    assert retries.asked_wait(200, {"retry-after": "60"}, 0.0) is None
    assert retries.asked_wait(200, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "60"}, 0.0) == 60.0


def test_pauses_double_and_differ():
    rng = random.Random(0)
    pauses = [retries.pause(retries.Patience(60.0), n, refused=False, rng=rng) for n in (1, 2, 3)]
    assert [0.5 * 2**n <= pause <= 2**n for n, pause in enumerate(pauses)] == [True] * 3
    assert retries.pause(retries.Patience(60.0), 9, refused=True, rng=rng) == 60.0


def test_a_paid_request_is_not_sent_twice_unless_it_was_surely_not_served(site):
    def post(retry: bool) -> Answer:
        values = Settings(**site.settings())
        return asking(values, lambda client: client.of("tavily").post(f"{site.url}/tavily/x", json={}, retry=retry))

    for fault in ("drop", "half", Reply.of({}, 503)):
        site.fault("/tavily", fault)
        with pytest.raises(SourceError):
            post(retry=False)
    assert len(site.seen) == 3
    site.fault("/tavily", Reply.of({}, 429))
    assert post(retry=False).json() == {"ok": True}
    assert len(site.seen) == 5
    site.fault("/tavily", "drop")
    assert post(retry=True).json() == {"ok": True}


def test_a_body_beyond_the_cap_is_left_unread(site, monkeypatch):
    monkeypatch.setattr(http, "BODY_BYTES", 1000)
    site.on("/github/x", Reply(200, bytes(1001)))
    with pytest.raises(SourceError, match="more than 1000 bytes"):
        get(site)
    assert len(site.seen) == 1


def test_an_answer_that_drips_is_given_up(site):
    site.latency_s["/"] = 0.5
    values = Settings(request_timeout_seconds=0.05, **site.settings())
    with pytest.raises(SourceError, match=r"within 0\.05 s"):
        asking(values, lambda client: client.of("github").get(f"{site.url}/github/x"), patience=HASTY._replace(tries=1))


def test_redirects_are_followed_five_times_and_no_further(site):
    for n in range(5):
        site.on(f"/github/{n}", Reply(302, b"", {"Location": f"/github/{n + 1}"}))
    assert get(site, "/github/0").url.endswith("/github/5")
    site.on("/github/5", Reply(302, b"", {"Location": "/github/0"}))
    with pytest.raises(SourceError, match="more than 5 redirects"):
        get(site, "/github/0")


@pytest.mark.parametrize("target", ["file:///etc/passwd", "http://[", "gopher://x"])
def test_a_redirect_out_of_the_web_is_refused(site, target):
    site.on("/github/0", Reply(302, b"", {"Location": target}))
    with pytest.raises(SourceError, match="answered 302"):
        get(site, "/github/0")


def test_keys_do_not_follow_a_redirect_to_another_host(site):
    with web.running() as other:
        other.on("/", OKAY)
        site.on("/github/0", Reply(302, b"", {"Location": f"{other.url}/elsewhere"}))
        site.on("/github/1", Reply(302, b"", {"Location": "/github/2"}))
        sent = {"Authorization": f"Bearer {SECRET}", "x-api-key": SECRET, "Accept": "text/plain"}
        for path in ("/github/0", "/github/1"):
            values = Settings(**site.settings())
            asking(values, lambda client, path=path: client.of("github").get(site.url + path, headers=sent))
        assert "authorization" in site.seen[-1].headers  # the same host may have it
        assert not {"authorization", "x-api-key"} & set(other.seen[0].headers)
        assert other.seen[0].headers["accept"] == "text/plain"


def test_the_user_agent_says_who_asks(site):
    asking(Settings(research_contact="me@example.org"), lambda client: client.of("feeds").get(site.url))
    assert site.seen[0].headers["user-agent"].startswith("golfkit/")
    assert site.seen[0].headers["user-agent"].endswith("(+me@example.org)")


def test_no_error_repeats_a_secret(site):
    site.on("/github/x", Reply(401, f"bad key {SECRET}".encode()))
    with pytest.raises(SourceError) as error:
        get(site, f"/github/x?key={SECRET}")
    assert SECRET not in str(error.value)
    for n in range(190, 210):  # an excerpt that ends within the key
        site.on("/github/x", Reply(401, b"x" * n + SECRET.encode()))
        with pytest.raises(SourceError) as error:
            get(site)
        assert SECRET[:4] not in str(error.value)
    values = Settings(tavily_api_key=SECRET + "\n")
    with pytest.raises(SourceError) as error:
        asking(values, lambda client: client.of("x").get(site.url, headers={"Authorization": f"Bearer {SECRET}\n"}))
    assert SECRET not in str(error.value)


def test_a_lane_lets_no_more_through_than_its_limit(site):
    """Ten a minute: five at once, then one in twelve seconds, so that no minute sees an eleventh."""

    async def ask(client: http.Client) -> float:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await asyncio.gather(*(client.of("github").get(f"{site.url}/github/search/code?q={n}") for n in range(7)))
        return loop.time() - begun

    limit = {**FAST, "github_code": Limit(10, 0.6, 1)}
    assert asking(Settings(**site.settings()), ask, limit=limit) == pytest.approx(0.24, abs=0.1)


def test_slots_bound_what_is_open_at_once(site):
    site.latency_s["/"] = 0.02

    def most(source: str, path: str) -> int:
        site.most_at_once = 0

        async def ask(client: http.Client) -> None:
            await asyncio.gather(*(client.of(source).get(f"{site.url}{path}{n}") for n in range(12)))

        asking(Settings(**site.settings()), ask)
        return site.most_at_once

    assert most("arxiv", "/arxiv/api/query?") == 1
    assert most("feeds", "/feeds/") == 1
    assert most("verify", "/other/") == 2
    assert most("github", "/github/") == 8


def test_every_service_is_known_by_its_setting_and_nothing_else():
    values = Settings(github_api_url="http://127.0.0.1:1/g")
    lanes = limits.Lanes(limits.places(values), FAST)

    async def check() -> None:
        code, rest = lanes.of("http://127.0.0.1:1/g/search/code?q=1", ""), lanes.of("http://127.0.0.1:1/g/x", "")
        assert code is lanes.named("github_code")
        assert rest is lanes.named("github")
        assert lanes.of("http://127.0.0.1:1/gg", "") is lanes.named("other 127.0.0.1:1")
        assert lanes.of("https://u:p@HOST/f", "feeds") is lanes.named("feeds host")

    asyncio.run(check())
