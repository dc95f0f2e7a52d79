"""What a source is to the run over all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from golfkit.research.competitors.competitor import Competitor
from golfkit.research.items.item import Item


class SourceError(Exception):
    """A source could not be read now: one line for people. What it gave before that is not lost.

    retry_at  when it may be asked again, Unix seconds; None where it did not say
    status    of the HTTP answer; None where none came
    body      of that answer: what the service says is in it
    """

    def __init__(
        self, message: str, retry_at: float | None = None, *, status: int | None = None, body: bytes = b""
    ) -> None:
        super().__init__(message)
        self.retry_at = retry_at
        self.status = status
        self.body = body


class Skipped(Exception):
    """A source is left out on purpose: no key, not due yet, budget spent. One line says so and how to change it."""


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, whole; a 304 never gets here (`get` returns None for it)."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    url: str  # after redirects

    def json(self) -> Any:
        """The body as JSON; SourceError where it is none (half bodies, HTML of a proxy)."""
        import json

        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            why = f"the answer is no JSON ({error}; {len(self.body)} bytes)"
            raise SourceError(f"{self.url}: {why}", status=self.status) from error


class Http(Protocol):
    """The polite client. Limits, retries, Retry-After and ETags are its business; a source only asks."""

    async def get(
        self,
        url: str,
        *,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        cached: bool = False,
    ) -> Answer | None:
        """A 2xx answer. None: `cached` was asked for and nothing changed since the last *committed* run.

        SourceError on any other status, after the retries that make sense, and on a body that was cut off.
        """

    async def post(
        self, url: str, *, json: Mapping[str, Any], headers: Mapping[str, str] | None = None, retry: bool = True
    ) -> Answer:
        """A 2xx answer to a JSON body; `retry=False` where asking twice costs twice."""


@dataclass
class Yield:
    """What a source found. It fills this in as it goes, so that a failure half way keeps the first half."""

    items: list[Item] = field(default_factory=list)
    competitors: list[Competitor] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)  # one line each: a query that failed, a page left out


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a source is asked for.

    contest  the table of research.toml
    table    that contest's table of this source, checked by research/queries.py
    since    items from here on are wanted; overlap is in it already
    now      the run's time, UTC
    """

    contest: str
    table: Any
    since: datetime
    now: datetime


class Source(Protocol):
    """One of the seven."""

    name: str

    async def fetch(self, asked: Sequence[Asked], http: Http, found: Yield) -> None:
        """Put what is new into `found`. SourceError where it failed, Skipped where it was left out."""
