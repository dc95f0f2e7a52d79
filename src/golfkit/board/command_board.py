"""`golf board artifact`, `sync`, `doctor`: files, the mirror, and what is broken."""

import os
from pathlib import Path
from typing import Annotated

import typer

from golfkit import output
from golfkit.board import command_common as common
from golfkit.board.command_common import AgentOption, BoardOption, DryRunFlag, JsonFlag
from golfkit.board.posting import artifacts, publish
from golfkit.board.reading import doctor as examining
from golfkit.errors import Exit, GolfError

FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The folder, as golf compress leaves it.")]
NameOption = Annotated[str | None, typer.Option("--name", help="Its name before _AGENT; default: the folder's.")]
ArtifactArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The artifact: NAME_AGENT, or artifacts/NAME_AGENT/.")
]
OutOption = Annotated[Path | None, typer.Option("-o", "--out", metavar="DIR", help="A new folder; default: its name.")]
MirrorOption = Annotated[
    Path, typer.Option("--dir", metavar="DIR", help="The local copy, a board itself; made where there is none.")
]
MostOption = Annotated[float | None, typer.Option("--most-mb", min=0, help="Leave out larger files, in 10^6 bytes.")]


def upload(
    folder: FolderArgument,
    name: NameOption = None,
    board: BoardOption = None,
    agent: AgentOption = None,
    dry_run: DryRunFlag = False,
    json: JsonFlag = False,
) -> None:
    """Put an artifact folder on the board as artifacts/NAME_AGENT/; the same files again are no error."""
    found = common.opened(board, agent)
    mine = common.agent_of(found.values)
    into = artifacts.place(folder, mine, name)
    if dry_run:
        output.emit({"artifacts": into, "board": found.home.where, "uploaded": 0}, as_json=json)
        return
    publish.require_registration(found.home, mine)
    done = artifacts.upload(found.home, folder, into)
    output.emit({"artifacts": into, "board": found.home.where, "uploaded": len(done)}, as_json=json)


def get(name: ArtifactArgument, out: OutOption = None, board: BoardOption = None, json: JsonFlag = False) -> None:
    """Copy an artifact from the board, to restore it here: golf roundtrip DIR, then golf board result verdict."""
    into = out or Path(name.strip("/").rpartition("/")[2])
    done = artifacts.get(common.opened(board).home, name, into)
    output.emit({"artifact": str(into), "files": len(done)}, as_json=json)


def doctor(board: BoardOption = None, json: JsonFlag = False) -> None:
    """Find broken front matter, doubled ids, lost references, results without artifacts. Exit 1 where there are any."""
    home = common.opened(board).home
    found = examining.examine(home)
    if json:
        output.emit({"findings": [one._asdict() for one in found]}, as_json=True)
    else:
        for one in found:
            output.emit({one.path: f"{one.problem}; {one.mend}"})
        output.emit({"findings": len(found)})
    if found:
        raise typer.Exit(Exit.NO)


def sync(
    folder: MirrorOption = Path("board"),
    most_mb: MostOption = None,
    board: BoardOption = None,
    dry_run: DryRunFlag = False,
    json: JsonFlag = False,
) -> None:
    """Send what waits in the outbox, then mirror a bucket and a folder both ways; nothing is deleted or overwritten.

    Exit 1 where a file has other content on each side, or was refused; exit 4 where the bucket is down.
    """
    from golfkit.board.homes import choose
    from golfkit.board.homes.local import LocalHome
    from golfkit.board.homes.sync import sync as mirror

    found = common.opened(board)
    outbox = choose.outbox(found.home, os.environ)
    if outbox is None:
        raise GolfError(
            f"{found.home.where}: a folder has nothing to sync with; name a bucket by --board or BUCKET", Exit.USAGE
        )
    flushed = None if dry_run else outbox.flush(found.home)
    most = None if most_mb is None else int(most_mb * 1e6)
    report = mirror(LocalHome(folder, found.values.hf_token), found.home, most_bytes=most, dry_run=dry_run)
    sent = flushed.sent if flushed is not None else ()
    left = len(outbox.waiting()) if flushed is None else flushed.left
    facts = {"pulled": len(report.pulled), "pushed": len(report.pushed), "sent": len(sent), "waiting": left}
    output.emit(facts | {"conflicts": report.conflicts, "large": report.large}, as_json=json)
    refused = [*report.refused, *((str(file), why) for file, why in (flushed.refused if flushed is not None else ()))]
    for path, why in refused:
        output.note(f"refused: {path}: {why}")
    if report.conflicts or refused:
        raise typer.Exit(Exit.NO)
