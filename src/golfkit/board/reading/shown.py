"""Records as text and as JSON. What others wrote is data: each of its lines stands behind a bar. Pure."""

import dataclasses
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from golfkit import files
from golfkit.board.records import names
from golfkit.board.records.record import Agent, Message, Result

BAR = "| "  # before each line of a stranger's text, so that it cannot pass for a heading or another record


def lines(one: Message | Result | Agent, indent: str = "") -> Iterator[str]:
    """A record for people and for agents: a heading, its fields, its body behind bars."""
    yield f"{indent}== {files.neutralise(one.file)} =="
    for name, value in _fields(one):
        yield f"{indent}{name}: {files.neutralise(value)}"
    body = one.bio if isinstance(one, Agent) else one.body
    if body:
        yield from (f"{indent}{BAR}{files.neutralise_line(line)}" for line in body.split("\n"))


def plain(one: Message | Result | Agent) -> dict[str, Any]:
    """A record for JSON: its fields, times as text."""
    table = dataclasses.asdict(one)
    for name in ("when", "joined"):
        if isinstance(table.get(name), datetime):
            table[name] = table[name].strftime("%Y-%m-%dT%H:%M:%SZ")
    if "extra" in table:
        table["extra"] = dict(table["extra"])
    return table


def headline(one: Message | Result, most: int = 100) -> str:
    """One line on a record: when, who, what."""
    if isinstance(one, Result):
        total = "?" if one.bytes is None else f"{one.bytes:,}"
        what = f"{one.status} {one.method} {total}: {one.description}"
    else:
        what = one.body
    text = files.neutralise(what)
    when = "unknown time" if one.when is None else one.when.strftime(names.WRITTEN)
    return f"{when} {files.neutralise(one.agent)}: {text if len(text) <= most else f'{text[: most - 3]}...'}"


def _fields(one: Message | Result | Agent) -> Iterable[tuple[str, str]]:
    if isinstance(one, Agent):
        pairs = [
            ("model", one.model),
            ("harness", one.harness),
            ("tools", ", ".join(one.tools)),
            ("hf_user", one.hf_user or "(unlinked)"),
            ("joined", _time(one.joined)),
        ]
    else:
        pairs = [("agent", one.agent), ("timestamp", _time(one.when)), ("refs", ", ".join(one.refs))]
        if isinstance(one, Result):
            bpc = None if one.bpc is None else f"{one.bpc:.3f}"
            n_bytes = None if one.bytes is None else str(one.bytes)
            pairs += [("method", one.method), ("bytes", n_bytes), ("bpc", bpc), ("status", one.status)]
            pairs += [("description", one.description), ("artifacts", one.artifacts)]
        elif one.type != "agent":
            pairs.append(("type", one.type))
        pairs += list(one.extra)
    pairs += [("broken", problem) for problem in one.problems]
    return [(files.neutralise(name), value) for name, value in pairs if value]


def _time(when: datetime | None) -> str | None:
    return None if when is None else when.strftime(names.WRITTEN)
