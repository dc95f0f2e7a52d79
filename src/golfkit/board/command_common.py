"""What the board's commands share: their options, opening a board, and showing any kind of record."""

import os
import secrets
import select
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from golfkit import output, settings
from golfkit.board.homes.protocol import Home
from golfkit.board.posting.publish import Author, Published
from golfkit.board.reading import catalogue, shown
from golfkit.board.reading.catalogue import Kind
from golfkit.board.records import names
from golfkit.errors import Exit, GolfError
from golfkit.settings import Settings

STDIN_S = 3.0  # how long the first byte of a pipe is waited for; its writer starts together with golf

BoardOption = Annotated[
    str | None,
    typer.Option(
        "--board",
        metavar="DIR|hf://buckets/ORG/NAME",
        help="The board; default: BUCKET's, else ./board.",
        show_default=False,
    ),
]
AgentOption = Annotated[
    str | None, typer.Option("--agent", help="Your agent id; default: AGENT_ID.", show_default=False)
]
LastOption = Annotated[int | None, typer.Option("-n", min=0, metavar="N", help="The last N; default: 10.")]
FirstOption = Annotated[int | None, typer.Option("-f", min=0, metavar="N", help="The first N.")]
EveryFlag = Annotated[bool, typer.Option("-a", "--all", help="All of them.")]
SinceOption = Annotated[
    str | None,
    typer.Option(metavar="FILE|6h|TIME", help="Those after a file, a span or a UTC time.", show_default=False),
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
DryRunFlag = Annotated[bool, typer.Option("--dry-run", help="Print the file that it would write; write nothing.")]
FileArgument = Annotated[str | None, typer.Argument(metavar="[FILE]", help="One file; default: the last 10.")]


class Opened(NamedTuple):
    """A board and the settings in force."""

    home: Home
    values: Settings


def opened(board: str | None, agent: str | None = None) -> Opened:
    """The board that the options and the environment name. No workspace is needed; one that is there counts."""
    from golfkit.board.homes import choose

    workspace = settings.find_workspace(Path.cwd(), os.environ)
    values = settings.load(os.environ, workspace, agent_id=agent)
    return Opened(choose.home(board, values), values)


def agent_of(values: Settings) -> str:
    """The agent id; an error where none is set."""
    if not values.agent_id:
        raise GolfError("no agent id; set AGENT_ID, or name it with --agent", Exit.USAGE)
    return names.check_agent(values.agent_id)


def author(found: Opened) -> Author:
    """Who posts now; what cannot be posted to a bucket that is down waits in its outbox."""
    from golfkit.board.homes import choose

    outbox = choose.outbox(found.home, os.environ)
    return Author(found.home, agent_of(found.values), datetime.now(UTC), lambda: secrets.token_hex(5)[:9], outbox)


def report(posted: Published, more: Mapping[str, Any], *, json: bool) -> None:
    """Say what was posted."""
    facts = {"posted": posted.file, "path": posted.path, "waiting": bool(posted.waiting), **more}
    output.emit(facts, as_json=json)
    if posted.waiting:
        output.note(f"waiting in the outbox ({posted.waiting}); the next post or golf board sync sends it")


def body_of(given: str | None, *, needed: bool) -> str:
    """The text of an argument, or of stdin where it is `-` or missing; a terminal is never waited for.

    Nor is a pipe that nobody writes to and nobody closes, as programs that run agents leave it: `-` alone waits for it.
    """
    if given is not None and given != "-":
        return given
    if sys.stdin is None or sys.stdin.isatty():
        if needed or given == "-":
            raise GolfError("no text: give it as an argument, or on stdin", Exit.USAGE)
        return ""
    if given is None and not select.select([sys.stdin], [], [], STDIN_S)[0]:
        raise GolfError(
            "stdin is open, but silent: give the text as an argument, - to wait for it, or </dev/null for none",
            Exit.USAGE,
        )
    text = sys.stdin.buffer.read().decode("utf-8", "replace")
    if needed and not text.strip():
        raise GolfError("no text: stdin was empty; give it as an argument, or on stdin", Exit.USAGE)
    return text


def info(kind: Kind, board: str | None, json: bool) -> None:
    """Count and latest file."""
    found = catalogue.file_names(opened(board).home, kind)
    output.emit({kind.name: len(found), "latest": found[-1] if found else None}, as_json=json)


def listing(kind: Kind, wanted: Sequence[str], json: bool) -> None:
    """File names, one a line."""
    if json:
        output.emit({"files": list(wanted)}, as_json=True)
    elif wanted:
        output.text("\n".join(wanted))


def reading(home: Home, kind: Kind, wanted: Sequence[str], json: bool) -> None:
    """Records with their bodies."""
    records(kind.name, catalogue.records(home, kind, wanted), json=json)


def records(name: str, found: Sequence[Any], *, json: bool) -> None:
    """Records, as text or as one object."""
    if json:
        output.emit({name: [shown.plain(one) for one in found]}, as_json=True)
    elif found:
        output.text("\n\n".join("\n".join(shown.lines(one)) for one in found))


def chosen(
    home: Home, kind: Kind, last: int | None, first: int | None, every: bool, since: str | None = None
) -> list[str]:
    """The file names that the options ask for; with --since all of those unless a number is given."""
    found = catalogue.file_names(home, kind)
    if since is not None:
        found = catalogue.after(found, since, datetime.now(UTC))
        every = every or (last is None and first is None)
    return catalogue.chosen(found, last, first, every)
