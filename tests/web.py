"""A stand-in for every web service that research asks, on the loopback interface.

    with web.running() as site:
        site.on("/arxiv", web.recorded("arxiv/search_page_start0"))  # path prefix; the longest that fits answers
        site.on("/feeds/a.xml", Reply(200, b"<rss/>", {"ETag": '"1"'}))  # 304 by itself to If-None-Match: "1"
        site.on("/tavily", lambda seen: Reply.of({"results": []}))  # made from what was asked
        site.on("/github/repos", [first, second])  # one after the other; the last stays
        site.latency_s["/arxiv"] = 0.2  # for every answer below the prefix
        site.fault("/arxiv", "drop", times=2)  # drop, half, cut, malformed, or Reply(429, ...); then it recovers
        Settings(**site.settings())  # or: golf(..., env=site.environ()); every base URL is of this server
        site.seen  # what was asked, in order: method, path, query, headers, body, times
        site.most_at_once  # requests that were open at the same time

`before` is called with each request before it is answered (a test kills the asker there); `recordings(site)` puts the
recorded exchanges of ../shared/data/api_fixtures behind all seven sources.
"""

import base64
import contextlib
import http.server
import json
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from golfkit.settings import Settings

FIXTURES = Path(__file__).parents[2] / "shared/data/api_fixtures"
PREFIXES = {  # setting: path on this server
    "arxiv_api_url": "/arxiv/api/query",
    "arxiv_url": "/arxiv.org",
    "openreview_api_url": "/openreview",
    "semantic_scholar_api_url": "/semantic_scholar/graph/v1",
    "github_api_url": "/github",
    "tavily_api_url": "/tavily",
    "llm_base_url": "/llm/v1",
}
FAULTS = ("drop", "half", "cut", "malformed")
WIRE = {"content-length", "content-encoding", "transfer-encoding", "connection", "keep-alive", "date", "server"}


class Reply(NamedTuple):
    """One answer."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = {}

    @classmethod
    def of(cls, value: Any, status: int = 200, **headers: str) -> "Reply":
        """`value` as JSON; headers as keywords, with _ for -."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return cls(status, json.dumps(value).encode(), {"Content-Type": "application/json"} | named)


@dataclass
class Seen:
    """One request; times are of time.monotonic()."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    begun: float
    ended: float = 0.0  # when the answer was written
    status: int = 0  # of the answer; 0 for a dropped connection

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


Answer = Reply | Callable[[Seen], Reply] | Sequence[Reply | Callable[[Seen], Reply]]


@dataclass
class Site:
    """What the server answers, and what it saw."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    most_at_once: int = 0
    latency_s: dict[str, float] = field(default_factory=dict)  # by path prefix
    before: Callable[[Seen], None] = lambda seen: None
    _routes: dict[str, list[Any]] = field(default_factory=dict)
    _faults: list[tuple[str, Any]] = field(default_factory=list)
    _open: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def on(self, prefix: str, answer: Answer) -> None:
        """Answer the paths below `prefix` so, from now on."""
        self._routes[prefix] = [answer] if isinstance(answer, Reply) or callable(answer) else list(answer)

    def fault(self, prefix: str, what: str | Reply, times: int = 1) -> None:
        """The next `times` requests below `prefix` go wrong.

        what  drop (closed without a word), half (Content-Length of it all, half of the body), cut (chunked, never
              ended), malformed (200 with a cut-off body that looks whole), or the Reply to give instead
        """
        assert isinstance(what, Reply) or what in FAULTS, what
        self._faults += [(prefix, what)] * times

    def calm(self) -> None:
        """No more faults, latency or `before`; what was seen is forgotten. The routes stay."""
        with self._lock:
            self.before = lambda seen: None
            self.most_at_once = 0
            for held in (self._faults, self.latency_s, self.seen):
                held.clear()

    def settings(self) -> dict[str, str]:
        """Every base URL, by the setting's name."""
        return {name: self.url + path for name, path in PREFIXES.items()}

    def environ(self) -> dict[str, str]:
        """The same for the environment of a process."""
        marks = {name: declared.metadata["env"] for name, declared in Settings.__dataclass_fields__.items()}
        return {marks[name]: url for name, url in self.settings().items() if marks[name]}

    def asked(self, prefix: str) -> list[Seen]:
        """The requests below a prefix."""
        return [seen for seen in self.seen if seen.path.startswith(prefix)]

    def answer(self, seen: Seen) -> tuple[Reply, str, float]:
        """(answer, fault or "", seconds to wait before it)."""
        with self._lock:
            self.seen.append(seen)
            self._open += 1
            self.most_at_once = max(self.most_at_once, self._open)
            wait_s = next((s for prefix, s in self.latency_s.items() if seen.path.startswith(prefix)), 0.0)
            found = max((prefix for prefix in self._routes if seen.path.startswith(prefix)), key=len, default=None)
            due = next((i for i, (prefix, _) in enumerate(self._faults) if seen.path.startswith(prefix)), None)
            fault = self._faults.pop(due)[1] if due is not None else ""
            if isinstance(fault, Reply):
                return fault, "", wait_s
            if found is None:
                return Reply.of({"message": f"Not Found: {seen.path}"}, 404), fault, wait_s
            replies = self._routes[found]
            chosen = replies.pop(0) if len(replies) > 1 else replies[0]
        return _conditional(chosen if isinstance(chosen, Reply) else chosen(seen), seen), fault, wait_s

    def done(self, seen: Seen, status: int) -> None:
        """The answer is out."""
        with self._lock:
            seen.ended, seen.status = time.monotonic(), status
            self._open -= 1


def recorded(name: str) -> Reply:
    """The answer of a recorded exchange, as "arxiv/search_page_start0"; skips the test where there is none."""
    path = FIXTURES / f"{name}.json"
    if not path.exists():
        pytest.skip(f"no {path}")
    exchange = json.loads(path.read_bytes())
    body = exchange["body"]
    if exchange.get("body_encoding") == "base64":
        content = base64.b64decode(body)
    else:
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode() if body is not None else b""
    headers = {k: v for k, v in exchange["headers"].items() if k.lower() not in WIRE}
    return Reply(exchange["status"], content, headers)


def recordings(site: Site) -> None:
    """The recorded exchanges behind every source; one page each, so that lists end."""
    site.on("/arxiv/", recorded("arxiv/search_page_start0"))
    site.on("/openreview/", Reply.of({"name": "ChallengeRequiredError", "message": "challenge", "status": 403}, 403))
    site.on("/semantic_scholar/", recorded("semantic_scholar/search_date_filter_single_page"))
    site.on("/semantic_scholar/graph/v1/paper/search/bulk", recorded("semantic_scholar/bulk_last_page_token_null"))
    site.on("/github/repos/", recorded("github/pulls_empty"))
    site.on("/github/search/code", _last_page(recorded("github/search_code_page1_incomplete")))
    site.on("/feeds/atom.xml", recorded("feeds/atom_github_releases"))
    site.on("/feeds/rss.xml", recorded("feeds/rss_arxiv_new_and_replace"))
    site.on("/tavily/search", recorded("tavily/search_news_published_date"))
    site.on("/tavily/extract", recorded("tavily/extract_four_ok_one_failed"))


def _last_page(reply: Reply) -> Reply:
    """Without the Link to the next page, which leads elsewhere."""
    return reply._replace(headers={k: v for k, v in reply.headers.items() if k.lower() != "link"})


def _conditional(reply: Reply, seen: Seen) -> Reply:
    """304 where the asker has this version."""
    own = {name.lower(): value for name, value in reply.headers.items()}
    same_tag = "etag" in own and seen.headers.get("if-none-match") == own["etag"]
    same_time = "last-modified" in own and seen.headers.get("if-modified-since") == own["last-modified"]
    return Reply(304, b"", reply.headers) if reply.status == 200 and (same_tag or same_time) else reply


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # bytes: head and body in one packet, or a delayed ACK costs 40 ms a call
    site: Site

    def _handle(self) -> None:
        split = urllib.parse.urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        query = dict(urllib.parse.parse_qsl(split.query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = Seen(self.command, urllib.parse.unquote(split.path), query, headers, body, time.monotonic())
        reply, fault, wait_s = self.site.answer(seen)
        try:
            self.site.before(seen)
            time.sleep(wait_s)
            with contextlib.suppress(ConnectionError):  # who asked has gone
                self._reply(reply, fault)
        finally:
            self.site.done(seen, 0 if fault == "drop" else reply.status)

    def _reply(self, reply: Reply, fault: str) -> None:
        self.close_connection = self.close_connection or fault in ("drop", "half", "cut")
        if fault == "drop":
            return
        body = reply.body[: len(reply.body) // 2] if fault else reply.body
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            if name.lower() not in WIRE:
                self.send_header(name, value)
        if fault == "cut":
            self.send_header("Transfer-Encoding", "chunked")
            body = b"%x\r\n%s\r\n" % (len(body), body) if body else b""
        elif reply.status not in (204, 304):
            self.send_header("Content-Length", str(len(reply.body) or 1 if fault == "half" else len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    do_GET = do_POST = do_HEAD = _handle

    def log_message(self, *args: object) -> None:
        """Quiet."""


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True  # a client keeps its connection open
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no news."""


@contextmanager
def running() -> Iterator[Site]:
    """A server without routes, in a thread, while the block runs."""
    site = Site()
    with _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"site": site})) as server:
        site.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()
