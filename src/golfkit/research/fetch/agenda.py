"""What a run asks each source for: parts, each of which is fetched and committed as one."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from golfkit.research import queries
from golfkit.research.credits import SEARCH
from golfkit.research.fetch import state as states
from golfkit.research.fetch.protocol import Asked, Skipped
from golfkit.research.fetch.state import State

SEARCHES = "tavily"  # the source that is paid for: its searches have times of their own
EARLY = timedelta(minutes=10)  # cron's calls are never exactly a day apart


class Wanted(NamedTuple):
    """What a call of the command asks for.

    now       UTC
    overlap   how far successive fetches overlap, and how far back the first one looks
    back      how far to look back instead, whatever was fetched; None for what is due
    breaking  the set of searches for news alone
    """

    now: datetime
    overlap: timedelta
    back: timedelta | None = None
    breaking: bool = False


class Part(NamedTuple):
    """Asked for and committed as one.

    names  entries of State.succeeded that are whole up to now once it is committed
    """

    asked: tuple[Asked, ...]
    names: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Of what is asked, apart from when."""
        tables = [(asked.contest, repr(asked.table)) for asked in self.asked]
        return hashlib.sha256(repr(tables).encode("utf-8", "replace")).hexdigest()[:12]

    @property
    def since(self) -> str:
        """The earliest moment that is asked for, as text."""
        return states.render(min(asked.since for asked in self.asked))


def parts(source: str, plan: queries.Plan, state: State, wanted: Wanted) -> list[Part]:
    """The parts of a source; Skipped where nothing is to be asked, with the reason."""
    if wanted.breaking and source != SEARCHES:
        raise Skipped("--breaking asks for news alone")
    tables = {contest: sources[source] for contest, sources in plan.contests.items() if source in sources}
    if not tables:
        raise Skipped(f"no table of it for {', '.join(plan.contests)} in {queries.FILE}")
    if source == SEARCHES:
        return _searches(tables, state, wanted)
    asked = tuple(_asked(contest, table, f"{contest}/{source}", state, wanted) for contest, table in tables.items())
    names = [
        f"{one.contest}/{source}" for one in asked if states.continues(state, f"{one.contest}/{source}", one.since)
    ]
    return [Part(asked, tuple(names))]


def entries(table: Any) -> Iterator[str]:
    """What a table asks, a line each."""
    match table:
        case queries.Queries():
            yield from table.queries
        case queries.Venues():
            yield from (f"{venue}: {', '.join(table.keywords)}" for venue in table.venues)
        case queries.Repositories():
            yield from (repository.name for repository in table.repositories)
        case queries.Feeds():
            yield from table.urls
        case _:
            for name, searches in table.items():
                yield from (f"{name}: {query}" for query in searches.queries)


def n_credits(part: Part) -> int:
    """Credits that the searches of a part take; 0 for what is free."""
    tables = [asked.table for asked in part.asked if isinstance(asked.table, Mapping)]
    return sum(SEARCH[one.depth] * len(one.queries) for table in tables for one in table.values())


def _searches(tables: Mapping[str, Any], state: State, wanted: Wanted) -> list[Part]:
    """A part for each search that is due: what one brought is safe before the next is paid for."""
    found: list[Part] = []
    later: dict[str, datetime] = {}
    for contest, name, searches in _sets(tables, breaking=wanted.breaking):
        for query in searches.queries:
            key = f"{contest}/{SEARCHES}/{name}: {query}"
            due = _due(state.succeeded.get(key), timedelta(hours=searches.every_hours), wanted.now)
            if due > wanted.now:
                later[f"{contest}.{name}"] = due
            else:
                table = {name: replace(searches, queries=(query,))}
                found.append(Part((_asked(contest, table, key, state, wanted),), (key,)))
    if not found and later:
        raise Skipped(f"due again: {', '.join(f'{name} at {states.render(due)}' for name, due in later.items())}")
    if not found:
        kind = f"set {queries.BREAKING!r} of searches" if wanted.breaking else "scheduled set of searches"
        raise Skipped(f"no {kind} for {', '.join(tables)} in {queries.FILE}")
    return found


def _sets(tables: Mapping[str, Any], *, breaking: bool) -> Iterator[tuple[str, str, queries.SearchSet]]:
    """(contest, name, set) of the scheduled sets, or of the news alone."""
    for contest, sets in tables.items():
        for name, searches in sets.items():
            if (name == queries.BREAKING) == breaking:
                yield contest, name, searches


def _due(last: str | None, every: timedelta, now: datetime) -> datetime:
    """When a search that was answered at `last` is asked again."""
    return min(states.parse(last), now) + every - min(EARLY, every / 10) if last else now


def _asked(contest: str, table: Any, name: str, state: State, wanted: Wanted) -> Asked:
    since = states.since(state, name, wanted.now, wanted.overlap, wanted.back)
    return Asked(contest=contest, table=table, since=since, now=wanted.now)
