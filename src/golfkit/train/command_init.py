"""`golf init`: make a workspace."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from golfkit import output, settings
from golfkit.train.workspace import create

FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make a workspace; default: here.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def init(folder: FolderArgument = Path("."), json: JsonFlag = False) -> None:
    """Make DIR a workspace: settings, the model, the agent's instructions, research lists and an empty ledger.

    Files that are there are never overwritten: on a workspace it adds what is missing, and says so.
    """
    home = folder.absolute()
    outer = settings.find_workspace(home.parent, {})
    before = (home / settings.TOML).is_file()
    done = create.create(folder)
    if outer is not None:
        output.note(f"note: {home} lies in the workspace {outer}; commands that run in it use the inner one alone")
    if before:
        extra = f"added {len(done.made)} missing files" if done.made else "nothing to do"
        output.note(f"{home} is a workspace already: {extra}")
    if done.kept:
        output.note(f"kept as they are: {', '.join(done.kept)}")
    if create.IGNORE in done.kept:
        output.note(f"note: {create.IGNORE} is yours: see that it names {settings.DOTENV}, data/ and budget.jsonl")
    if not before:
        output.note(_next_steps(folder))
    output.emit({"workspace": str(home), **done._asdict()}, as_json=json)


def _next_steps(folder: Path) -> str:
    """What to do in a new workspace."""
    steps = [] if folder == Path(".") else [f"  cd {shlex.quote(str(folder))}"]
    steps += [
        "  golf data fineweb --variant sp1024 --train-shards 1",
        "  golf train-local",
        "  git init && git add -A && git commit -m 'Start'    # every kept try is a commit; golf itself runs no git",
    ]
    return "\n".join(["next:", *steps])
