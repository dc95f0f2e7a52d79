"""What the tests of `golf research` share: a workspace, limits that do not slow them, sources made up."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

from golfkit.research import queries
from golfkit.research.fetch import http, run
from golfkit.research.fetch import state as states
from golfkit.research.fetch.agenda import Wanted
from golfkit.research.fetch.limits import LIMITS, Limit
from golfkit.research.fetch.protocol import Asked, Http, Source, Yield
from golfkit.research.fetch.retries import Patience
from golfkit.research.items.item import Item
from golfkit.settings import Settings

T = TypeVar("T")
NOW = datetime(2026, 5, 2, 12, tzinfo=UTC)
FAST = {role: Limit(100_000, 1.0, limit.at_once) for role, limit in LIMITS.items()}
HASTY = Patience(longest_wait_s=5.0, tries=4, pause_s=0.001, refused_pause_s=0.001)
TABLES = {  # of research.toml, a query or so each
    "arxiv": 'queries = ["all:quantization"]',
    "semantic_scholar": 'queries = ["quantization"]',
    "github": 'repositories = [{name = "openai/parameter-golf", record_files = ["records/**/README.md"]}]',
    "github_code": 'queries = ["val_bpb"]',
    "openreview": 'venues = ["ICLR.cc/2027/Conference"]\nkeywords = ["quantization"]',
    "feeds": 'urls = ["{url}/feeds/atom.xml", "{url}/feeds/rss.xml"]',
    "tavily.ml": 'queries = ["bits per byte"]',
    "tavily.breaking": 'queries = ["parameter golf"]\ntopic = "news"',
}


class Clock:
    """A clock that only sleeping moves, and the pauses that were slept."""

    def __init__(self, now: float = NOW.timestamp()) -> None:
        self.now_s, self.slept = now, list[float]()

    def now(self) -> float:
        """Unix seconds."""
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        """Time passes at once."""
        self.slept.append(seconds)
        self.now_s += seconds
        await asyncio.sleep(0)


def asking(values: Settings, ask: Callable[[http.Client], Awaitable[T]], **parts: Any) -> T:
    """What `ask` makes of a client that is not held up."""

    async def run_it() -> T:
        async with http.connect(values, **({"limit": FAST, "patience": HASTY} | parts)) as client:
            return await ask(client)

    with mock.patch.dict(os.environ, SSL_CERT_DIR="/nowhere"):  # reading all the world's certificates takes 70 ms
        return asyncio.run(run_it())


def workspace(home: Path, url: str, tables: Sequence[str] = tuple(TABLES)) -> Path:
    """A workspace that asks these tables of research.toml."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "golf.toml").write_text("")
    text = "".join(f"[golf.{name}]\n{TABLES[name].replace('{url}', url)}\n" for name in tables)
    (home / queries.FILE).write_text(f'contests = ["golf"]\n{text}')
    return home


def item(name: str, **changes: Any) -> Item:
    """An item with this id."""
    known = {
        "source": "feeds",
        "kind": "post",
        "contests": ("golf",),
        "title": name,
        "text": f"text of {name}",
        "url": f"https://example.org/{name}",
        "fetched": states.render(NOW),
    }
    return Item(**{"id": name, **known, **changes})


@dataclass
class Fake:
    """A source that asks one URL for a list of ids, and gives an item for each."""

    name: str
    url: str
    cached: bool = False
    wanted: list[Sequence[Asked]] = field(default_factory=list)  # what it was asked, each time
    fail: Exception | None = None  # raised at the end

    async def fetch(self, asked: Sequence[Asked], http: Http, found: Yield) -> None:
        """See protocol.Source."""
        self.wanted.append(asked)
        answer = await http.get(self.url, cached=self.cached)
        if answer is not None:
            found.items += [item(name, source=self.name, kind="code") for name in answer.json()["ids"]]
        if self.fail is not None:
            raise self.fail


def fetch(
    home: Path,
    sources: Sequence[Source],
    values: Settings,
    *,
    now: datetime = NOW,
    back_h: float | None = None,
    breaking: bool = False,
    clock: datetime | None = None,
    **parts: Any,
) -> list[run.Outcome]:
    """One run over these sources, of the moment `now`; `clock` is also the time that the client sees."""
    if clock is not None:
        now, parts["now"] = clock, clock.timestamp
    back = None if back_h is None else timedelta(hours=back_h)
    wanted = Wanted(now=now, overlap=timedelta(hours=values.since_hours), back=back, breaking=breaking)
    plan = queries.read(home / queries.FILE)
    waits = states.read(home / states.FOLDER).not_before
    held = {name: states.parse(until).timestamp() for name, until in waits.items()}

    async def ask(client: http.Client) -> list[run.Outcome]:
        return await run.Run(home, plan, wanted, client).all(sources, lambda outcome: None)

    return asking(values, ask, held=held, **parts)
