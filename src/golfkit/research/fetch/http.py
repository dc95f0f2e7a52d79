"""The polite client: limits, retries, Retry-After and ETags over httpx; a source only asks.

`connect` makes one from the settings; `client.of(source)` is protocol.Http, and all of one client share its lanes.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from golfkit.errors import missing_package
from golfkit.files import neutralise
from golfkit.research.fetch import etags, exchange, limits, retries
from golfkit.research.fetch.etags import Validator
from golfkit.research.fetch.exchange import Ask, Failed
from golfkit.research.fetch.protocol import Answer, SourceError
from golfkit.settings import Settings

if TYPE_CHECKING:
    import httpx

BODY_BYTES = 20_000_000  # of an answer; a feed or a page of pull requests has at most a tenth of it
REDIRECTS = 5
EXCERPT = 200  # characters of an error's body
SECRET = 4  # characters from which on a text is taken for a secret


@dataclass
class Client:
    """What all sources of a run share: the connections and the lanes."""

    session: "httpx.AsyncClient"
    lanes: limits.Lanes
    patience: retries.Patience
    timeout_s: float  # of one try, body and redirects included
    secrets: Sequence[str] = ()
    now: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    rng: random.Random = field(default_factory=random.Random)

    def of(
        self,
        source: str,
        *,
        digest: str = "",
        since: str = "",
        today: str = "",
        known: Mapping[str, Validator] | None = None,
    ) -> "SourceHttp":
        """The client of one source.

        digest, since, today, known  for `cached`: of its table, from when and at what time it is asked, what it had
        """
        return SourceHttp(self, source, digest, since, today, known or {})

    def cleaned(self, text: str) -> str:
        """`text` on one line and without any secret: services repeat keys in their errors."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return neutralise(text)


@asynccontextmanager
async def connect(
    values: Settings,
    *,
    limit: Mapping[str, limits.Limit] = limits.LIMITS,
    held: Mapping[str, float] | None = None,
    patience: retries.Patience | None = None,
    **parts: Any,
) -> AsyncIterator[Client]:
    """A client of these settings while the block runs.

    held   see limits.Lanes
    parts  fields of Client: now, sleep, rng
    """
    try:
        import httpx
    except ModuleNotFoundError as error:
        raise missing_package("httpx") from error
    contact = f" (+{values.research_contact})" if values.research_contact else ""
    agent = neutralise(f"golfkit/{version('golfkit')}{contact}").encode("ascii", "replace").decode()
    secrets = [getattr(values, declared.name) for declared in fields(values) if declared.metadata["secret"]]
    async with httpx.AsyncClient(headers={"User-Agent": agent}, timeout=values.request_timeout_seconds) as session:
        yield Client(
            session,
            limits.Lanes(limits.places(values), limit, held),
            patience or retries.Patience(values.longest_wait_seconds),
            values.request_timeout_seconds,
            sorted((secret for secret in secrets if secret and len(secret) >= SECRET), key=len, reverse=True),
            **parts,
        )


@dataclass
class SourceHttp:
    """protocol.Http for one source, and what became of its requests.

    fresh       validators of this run's answers, to be kept once their items are committed
    unsettled   requests that failed though they may go well later: what they would have brought is still missing
    """

    client: Client
    source: str
    digest: str
    since: str
    today: str
    known: Mapping[str, Validator]
    fresh: dict[str, Validator] = field(default_factory=dict)
    requests: int = 0
    unsettled: int = 0

    async def get(
        self,
        url: str,
        *,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        cached: bool = False,
    ) -> Answer | None:
        """See protocol.Http."""
        import httpx

        whole = str(httpx.URL(url).copy_merge_params(dict(params))) if params and exchange.is_address(url) else url
        key = etags.key(url, params, headers, self.digest) if cached else ""
        had = self.known.get(key)
        if had is not None and self.since < had.since:  # looks further back than the run that had it
            had = None
        sent = exchange.lower(headers) | (had.headers() if had else {})
        answer = await self._ask(Ask(whole, sent))
        if answer.status == 304 and had is not None:
            self.fresh[key] = replace(had, used=self.today)
            return None
        if cached:
            made = Validator(
                etag=answer.headers.get("etag"),
                modified=answer.headers.get("last-modified"),
                since=self.since,
                used=self.today,
            )
            if made.headers():
                self.fresh[key] = made
        return answer

    async def post(
        self, url: str, *, json: Mapping[str, Any], headers: Mapping[str, str] | None = None, retry: bool = True
    ) -> Answer:
        """See protocol.Http; with `retry=False` only what the service surely did not act on is sent again."""
        import json as codec

        content = codec.dumps(json).encode("ascii")
        return await self._ask(Ask(url, {"content-type": "application/json"} | exchange.lower(headers), content), retry)

    async def _ask(self, ask: Ask, retry: bool = True) -> Answer:
        """The answer, tried as often as makes sense."""
        client, patience = self.client, self.client.patience
        if not exchange.is_address(ask.url):
            raise self._error(ask.url, "is no address of the web")
        for attempt in range(1, patience.tries + 1):
            answer = await self._try(ask)
            if isinstance(answer, Answer):
                return answer
            wait_s = answer.wait_s or 0.0
            if wait_s > patience.longest_wait_s:
                self.unsettled += 1
                until = client.now() + wait_s
                raise self._error(ask.url, f"{answer.why}; it wants {wait_s:.0f} s of rest", answer.answer, until)
            if not answer.again or not (retry or answer.unheard):
                self.unsettled += answer.again
                raise self._error(ask.url, answer.why, answer.answer)
            if attempt < patience.tries:
                refused = answer.answer is not None and answer.unheard and answer.wait_s is None
                pause_s = retries.pause(patience, attempt, refused=refused, rng=client.rng)
                await client.sleep(max(wait_s, pause_s))
        self.unsettled += 1
        raise self._error(ask.url, f"{answer.why}; tried {patience.tries} times", answer.answer)

    async def _try(self, ask: Ask) -> Answer | Failed:
        """One try, through redirects; every request waits for its turn in the lane of its host."""
        client = self.client
        for _ in range(REDIRECTS + 1):
            lane = client.lanes.of(ask.url, self.source)
            async with lane.turn(client.patience.longest_wait_s, client.now, client.sleep) as held_s:
                if held_s is not None:
                    return Failed("not asked", True, True, held_s)
                answer = await self._send(ask)
                if isinstance(answer, Failed):
                    return answer
                wait_s = retries.asked_wait(answer.status, answer.headers, client.now())
                lane.hold(client.now() + (wait_s or 0.0))
            sent_on = exchange.target(ask.url, answer)
            if sent_on is None:
                return self._judged(ask, answer, wait_s)
            if ask.content is not None:
                return Failed(f"answered {answer.status}, but a POST is not sent on; correct the base URL", False)
            ask = exchange.redirected(ask, sent_on)
        return Failed(f"more than {REDIRECTS} redirects", False)

    def _judged(self, ask: Ask, answer: Answer, wait_s: float | None) -> Answer | Failed:
        conditional = "if-none-match" in ask.headers or "if-modified-since" in ask.headers
        if 200 <= answer.status < 300 or (answer.status == 304 and conditional):
            return answer
        again = retries.is_transient(answer.status, answer.headers)
        unheard = again and answer.status in (403, 429)
        return Failed(
            f"answered {answer.status}{self._said(answer)}", again, unheard, wait_s if again else None, answer
        )

    async def _send(self, ask: Ask) -> Answer | Failed:
        import httpx

        self.requests += 1
        method = "GET" if ask.content is None else "POST"
        try:
            async with (
                asyncio.timeout(self.client.timeout_s),
                self.client.session.stream(method, ask.url, headers=ask.headers, content=ask.content) as response,
            ):
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > BODY_BYTES:
                        return Failed(f"an answer of more than {BODY_BYTES} bytes, left unread", False)
                return Answer(response.status_code, dict(response.headers), bytes(body), str(response.url))
        except (TimeoutError, httpx.TimeoutException):
            return Failed(f"no whole answer within {self.client.timeout_s:g} s", True)
        except (httpx.LocalProtocolError, UnicodeEncodeError):  # their texts repeat the header, which may be a key
            return Failed("a header holds what none may; is a key or token on several lines, or not ASCII?", False)
        except httpx.HTTPError as error:  # refused, dropped, cut off, badly packed
            unheard = isinstance(error, httpx.ConnectError)
            return Failed(f"no whole answer: {error or type(error).__name__}", True, unheard)

    def _said(self, answer: Answer) -> str:
        """What an error's body says, shortened; cleaned first, or half a key would be left of it."""
        text = self.client.cleaned(answer.body[: 10 * EXCERPT].decode("utf-8", "replace"))
        return f": {text[:EXCERPT]}" if text else ""

    def _error(self, url: str, why: str, answer: Answer | None = None, retry_at: float | None = None) -> SourceError:
        status, body = (answer.status, answer.body) if answer else (None, b"")
        return SourceError(self.client.cleaned(f"{exchange.shown(url)}: {why}"), retry_at, status=status, body=body)
