"""How fast each service may be asked: lanes, one for each service or unknown host.

A service is known by its base URL, which is a setting, never by its host's name.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple
from urllib.parse import urlsplit

from golfkit.settings import Settings


class Limit(NamedTuple):
    """At most `most` requests within any `per_s` seconds, and `at_once` of them open at a time."""

    most: int
    per_s: float
    at_once: int


LIMITS: Mapping[str, Limit] = {
    "arxiv": Limit(1, 3.0, 1),  # terms of use of its API: one request in 3 s, one connection
    "openreview": Limit(60, 60.0, 1),  # users were stopped at 98 within some minutes
    "semantic_scholar": Limit(1, 1.0, 1),  # its limit for a key, over all endpoints
    "github": Limit(900, 60.0, 8),  # its secondary limits: 900 a minute, 100 at once
    "github_code": Limit(10, 60.0, 1),  # its limit for code search
    "tavily": Limit(100, 60.0, 4),  # its limit for development keys
    "feeds": Limit(60, 60.0, 1),  # a host
    "other": Limit(120, 60.0, 2),  # a host
}


class Place(NamedTuple):
    """Below `base` the limit of `role` counts."""

    base: str
    role: str


def places(values: Settings) -> tuple[Place, ...]:
    """The services by their base URLs; a longer base wins over the shorter one it lies in."""
    found = [
        Place(values.arxiv_api_url, "arxiv"),
        Place(values.arxiv_url, "arxiv"),
        Place(values.openreview_api_url, "openreview"),
        Place(values.semantic_scholar_api_url, "semantic_scholar"),
        Place(values.github_api_url, "github"),
        Place(values.github_api_url.rstrip("/") + "/search/code", "github_code"),
        Place(values.tavily_api_url, "tavily"),
    ]
    return tuple(sorted(found, key=lambda place: -len(place.base)))


class Lane:
    """The queue before one service. Belongs to one event loop."""

    def __init__(self, limit: Limit, resume_at: float = 0.0) -> None:
        from aiolimiter import AsyncLimiter

        # A leaky bucket lets its size through at once and as much again in the next `per_s`: half of `most` each.
        self._rate = AsyncLimiter(max(1, limit.most // 2), limit.per_s)
        self._slots = asyncio.Semaphore(limit.at_once)
        self.resume_at = resume_at  # Unix seconds before which the service wants no request

    @asynccontextmanager
    async def turn(
        self, longest_s: float, now: Callable[[], float], sleep: Callable[[float], Awaitable[None]]
    ) -> AsyncIterator[float | None]:
        """One's turn to ask: while the block runs, one of the slots is taken.

        Yields None; or seconds, more than `longest_s`, that the service is to be left alone: then nothing may be asked.
        """
        async with self._slots:
            while 0 < (wait_s := self.resume_at - now()) <= longest_s:
                await sleep(wait_s)
            if wait_s <= 0:
                await self._rate.acquire()
            yield wait_s if wait_s > 0 else None

    def hold(self, until: float) -> None:
        """Ask nothing before `until`, Unix seconds."""
        self.resume_at = max(self.resume_at, until)


class Lanes:
    """The lanes of a run, made as they are needed; a lane is called by its role, or by role and host.

    held  lanes that are to be left alone, as an earlier run was told: until when, Unix seconds
    """

    def __init__(
        self,
        known: tuple[Place, ...],
        limits: Mapping[str, Limit] = LIMITS,
        held: Mapping[str, float] | None = None,
    ) -> None:
        self._known, self._limits, self._before = known, limits, held or {}
        self._lanes: dict[str, Lane] = {}

    def of(self, url: str, source: str) -> Lane:
        """The lane of a URL that `source` asks for."""
        role = next((place.role for place in self._known if _lies_in(url, place.base)), None)
        if role:
            return self.named(role)
        role = "feeds" if source == "feeds" else "other"
        return self.named(f"{role} {urlsplit(url).netloc.rpartition('@')[2].lower()}")

    def named(self, name: str) -> Lane:
        """The lane of that name."""
        if name not in self._lanes:
            role = name.partition(" ")[0]
            limit = self._limits.get(role, self._limits["other"])
            self._lanes[name] = Lane(limit, self._before.get(name, 0.0))
        return self._lanes[name]

    def held(self, now: float) -> dict[str, float]:
        """Lanes that are to be left alone after `now`, and until when."""
        return {name: lane.resume_at for name, lane in self._lanes.items() if lane.resume_at > now}


def _lies_in(url: str, base: str) -> bool:
    base = base.rstrip("/")
    return url.startswith(base) and url[len(base) : len(base) + 1] in ("", "/", "?", "#")
