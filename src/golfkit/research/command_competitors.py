"""`golf competitors`: what do others score, and how sure is that?"""

from pathlib import Path
from typing import Annotated

import typer

PathArguments = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[PATH]...", help="Record folders, READMEs, trees of record folders.", show_default=False),
]
TitleOption = Annotated[
    list[str] | None,
    typer.Option("--title", metavar="TEXT", help="A pull request's title; may be repeated.", show_default=False),
]
WorkspaceOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder with golf.toml; default: here or a parent.", show_default=False),
]
JsonLinesFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]


def competitors(
    paths: PathArguments = None,
    title: TitleOption = None,
    workspace: WorkspaceOption = None,
    json: JsonLinesFlag = False,
) -> None:
    """Read the scores of others out of record folders, READMEs and titles; without any, show competitors.jsonl.

    submission.json counts first, then the README, then the title; a README that is named itself is read alone. Where
    they disagree the record is a conflict. A score that is not said, or said in two ways, is unknown and never guessed.
    """
    from golfkit.research import command_competitors_run  # the readers are most of what --help would load

    command_competitors_run.competitors(paths or [], title or [], workspace, as_json=json)
