"""`golf inject`: what is known, written into the agent's instructions."""

import os
from pathlib import Path
from typing import Annotated

import typer

from golfkit import output, settings

PROGRAM = "program.md"

ProgramOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help=f"The instructions; default: {PROGRAM} of the workspace.", show_default=False),
]
DryRunFlag = Annotated[bool, typer.Option("--dry-run", help="Print the difference (diff -u) and write nothing.")]
WorkspaceOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder with golf.toml; default: here or a parent.", show_default=False),
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def inject(
    program: ProgramOption = None,
    dry_run: DryRunFlag = False,
    workspace: WorkspaceOption = None,
    json: JsonFlag = False,
) -> None:
    """Rewrite the four marked sections of program.md and its SOTA line; every other byte stays.

    Research: the best graded items. Experiments: the last tries, tier correlation, frontier, calibration. Competitors:
    the best scores of others. Verified: items read in full. Strangers' text is made inert and quoted. A file that
    would not change is not written. Missing, doubled or crossed markers: exit 3 with their lines, nothing written.
    """
    from golfkit.research.inject import inputs, sections, update

    home = settings.require_workspace(Path.cwd(), os.environ, workspace)
    values = settings.load(os.environ, home)
    path = program or home / PROGRAM
    found = inputs.read(home)
    composed = sections.compose(found, values)
    result = update.update(path, composed.by_marker, sota=composed.sota, baseline=values.baseline, dry_run=dry_run)
    if dry_run and not json:
        output.note(f"{path}: would change" if result.changed else f"{path}: would not change")
        if result.changed:
            output.text(result.diff(str(path)))
        return
    record = {
        "program": str(path),
        "changed": result.changed,
        "sota": round(composed.sota, 4),
        "graded": len(found.in_force),
        "tries": len(found.entries),
        "competitors": len(found.competitors),
        "read_in_full": len(found.readings),
    }
    if dry_run:
        record["diff"] = result.diff(str(path))
    output.emit(record, as_json=json)
