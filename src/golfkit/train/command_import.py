"""`golf results import`: what any training log says, and the run that it becomes."""

import dataclasses
import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from golfkit import output, settings
from golfkit.errors import GolfError
from golfkit.train import imports
from golfkit.train.imports import Wishes

LogArgument = Annotated[
    str, typer.Argument(metavar="LOG", help="A training script's log; - is stdin.", show_default=False)
]
DryRunFlag = Annotated[bool, typer.Option("--dry-run", help="Print what the log says; write nothing.")]
TierOption = Annotated[Literal["local", "runpod", "ssh"], typer.Option(help="Where the run was.")]
StatusOption = Annotated[
    Literal["keep", "discard"],
    typer.Option(
        help="What was decided about the run. A log is no decision, and a kept run can become the baseline, "
        "so keep has to be said. A crash is a crash whatever is given here."
    ),
]
DescriptionOption = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="What was tried; default: imported and the file's name.", show_default=False),
]
RunOption = Annotated[
    str | None,
    typer.Option(metavar="ID", help="The run's id; default: import_NAME_DIGEST, of the log.", show_default=False),
]
WorkspaceOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder with golf.toml; default: here or a parent.", show_default=False),
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def run(
    log: LogArgument,
    dry_run: DryRunFlag = False,
    tier: TierOption = "local",
    status: StatusOption = "discard",
    description: DescriptionOption = None,
    run: RunOption = None,
    workspace: WorkspaceOption = None,
    json: JsonFlag = False,
) -> None:
    """Read a training log's score and figures, and add it to results.tsv and runs/.

    The score is empty (null) where the log gives none that can be believed, and `why` says so. --dry-run needs no
    workspace. One log makes one row: a second import is refused.
    """
    home = None if dry_run else settings.find_workspace(Path.cwd(), os.environ, workspace)
    if not dry_run and home is None:
        raise GolfError(f"{Path.cwd()}: no {settings.TOML} here or above; name a folder with --workspace, or --dry-run")
    found = imports.read(log)
    record = dataclasses.asdict(found.log)
    if found.log.val_bpb is None:
        output.note(f"note: {found.name}: no score: {found.log.why}")
    if tier == "local" and (found.log.world_size or 1) > 1:
        output.note(f"note: it ran on {found.log.world_size} devices; where they were rented, say --tier runpod")
    if home is not None:
        row = imports.install(home, found, Wishes(tier, status, description, run))
        output.note(f"{home / 'results.tsv'}: added {row.commit} ({row.tier}, {row.status})")
        record |= {"run": row.commit, "row": row._asdict()}
    output.emit(record, as_json=json)
