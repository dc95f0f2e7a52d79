"""The files of a board's three folders, and the records in them."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from golfkit.board.homes.protocol import Home
from golfkit.board.records import frontmatter, names, record
from golfkit.board.records.record import Agent, Message, Result
from golfkit.errors import Exit, GolfError

LAST = 10  # files shown where nothing else is asked for
AT_ONCE = 200  # files read together: bounds memory where they are hostile
_SPAN = re.compile(r"(\d{1,6})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
Record = TypeVar("Record", Message, Result, Agent)


class Kind(NamedTuple):
    """One of the three sorts of records."""

    name: str  # in output: messages, results, agents
    folder: str
    read: Callable[[str, bytes], Any]


KIND_MESSAGES = Kind("messages", names.MESSAGES, record.read_message)
KIND_RESULTS = Kind("results", names.RESULTS, record.read_result)
KIND_AGENTS = Kind("agents", names.AGENTS, record.read_agent)
KINDS = (KIND_MESSAGES, KIND_RESULTS, KIND_AGENTS)


def file_names(home: Home, kind: Kind) -> list[str]:
    """Names of the records' files, sorted, which for messages and results is by time."""
    start = f"{kind.folder}/"
    found = (entry.path.removeprefix(start) for entry in home.entries(kind.folder))
    return sorted((name for name in found if name.endswith(".md") and "/" not in name), key=names.order)


def records(home: Home, kind: Kind, wanted: Sequence[str]) -> list[Any]:
    """The records of the named files, in that order; one that went away meanwhile is left out."""
    found = []
    for start in range(0, len(wanted), AT_ONCE):
        part = wanted[start : start + AT_ONCE]
        contents = home.read_all([f"{kind.folder}/{name}" for name in part], frontmatter.MOST_BYTES + 1)
        found += [kind.read(name, contents[path]) for name in part if (path := f"{kind.folder}/{name}") in contents]
    return found


def messages(home: Home) -> list[Message]:
    """Every message, oldest first."""
    return records(home, KIND_MESSAGES, file_names(home, KIND_MESSAGES))


def results(home: Home) -> list[Result]:
    """Every result, oldest first."""
    return records(home, KIND_RESULTS, file_names(home, KIND_RESULTS))


def agents(home: Home) -> list[Agent]:
    """Every agent, by name."""
    return records(home, KIND_AGENTS, file_names(home, KIND_AGENTS))


def one(home: Home, kind: Kind, name: str) -> Any:
    """The record of a file, with or without .md and the folder before it; an error that names a near one else."""
    bare = name.removeprefix(f"{kind.folder}/").removesuffix(".md") + ".md"
    there = file_names(home, kind)
    if bare in there and (found := records(home, kind, [bare])):
        return found[0]
    import difflib

    near = difflib.get_close_matches(bare, there, 1)
    hint = f"the nearest is {near[0]}" if near else f"{kind.folder}/ has {len(there)} files"
    raise GolfError(f"{home.where}/{kind.folder}/{bare:.100}: not found; {hint}")


def chosen(found: Sequence[str], last: int | None, first: int | None, every: bool) -> list[str]:
    """The last N (LAST where nothing is asked), the first N, or all."""
    if sum((last is not None, first is not None, every)) > 1:
        raise GolfError("-n, -f and -a: expected one of them", Exit.USAGE)
    if every:
        return list(found)
    if first is not None:
        return list(found[:first])
    return list(found[-n:]) if (n := LAST if last is None else last) else []


def after(found: Sequence[str], since: str, now: datetime) -> list[str]:
    """The files newer than `since`: a file's name, a span (30m, 6h, 2d, 1w), or a time in UTC."""
    span = _SPAN.fullmatch(since)
    if span is not None:
        start = now - timedelta(**{_UNITS[span[2]]: int(span[1])})
    elif names.take_apart(since if since.endswith(".md") else f"{since}.md") is not None:
        bare = since if since.endswith(".md") else f"{since}.md"
        return [name for name in found if names.order(name) > names.order(bare)]
    elif (time := names.parse_time(since) or _day(since)) is not None:
        start = time
    else:
        raise GolfError(f"--since {since!r:.60}: expected a file's name, 30m, 6h, 2d, or 2026-05-01 14:30", Exit.USAGE)
    stamp = start.astimezone(UTC).strftime(names.STAMP)
    return [name for name in found if name >= stamp]


def _day(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
