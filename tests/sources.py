"""What the tests of research's sources share: asking one through the real client on the loopback interface."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import web

from golfkit.research.fetch import http, limits, retries
from golfkit.research.fetch.protocol import Answer, Asked, Skipped, Source, SourceError, Yield
from golfkit.settings import Settings

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
HAND_SHAPED = Path(__file__).parent / "fixtures"
FAST = {name: limits.Limit(100_000, 1.0, limit.at_once) for name, limit in limits.LIMITS.items()}
IMPATIENT = retries.Patience(longest_wait_s=1.0, tries=2, pause_s=0.0, refused_pause_s=0.0)


class Told(NamedTuple):
    """What came of asking a source."""

    found: Yield
    error: SourceError | Skipped | None

    @property
    def ids(self) -> list[str]:
        """Of the items, in their order."""
        return [item.id for item in self.found.items]


def asked(table: Any, contest: str = "parameter_golf", *, since: datetime = LONG_AGO, hours: float = 0) -> Asked:
    """A question at NOW; `hours` before it instead of `since`."""
    return Asked(contest=contest, table=table, since=NOW - timedelta(hours=hours) if hours else since, now=NOW)


def told(source: Source, *questions: Asked) -> Told:
    """Ask a source, whose URLs are of a server on this machine."""

    async def ask() -> Told:
        found, error = Yield(), None
        async with http.connect(Settings(), limit=FAST, patience=IMPATIENT) as client:
            try:
                await source.fetch(questions, client.of(source.name), found)
            except (SourceError, Skipped) as reason:
                error = reason
        return Told(found, error)

    return asyncio.run(ask())


def hand_shaped(name: str) -> web.Reply:
    """The answer of a hand-shaped exchange of tests/fixtures, as "openreview/notes"."""
    exchange = json.loads((HAND_SHAPED / f"{name}.json").read_bytes())
    return web.Reply(exchange["status"], json.dumps(exchange["body"]).encode(), exchange["headers"])


def answer(reply: web.Reply, url: str = "https://answers.example.org/") -> Answer:
    """A reply as a parser gets it."""
    return Answer(reply.status, {name.lower(): value for name, value in reply.headers.items()}, reply.body, url)
