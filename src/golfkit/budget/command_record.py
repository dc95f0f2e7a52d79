"""`golf record build` and `check`: the folder that the contest takes."""

import datetime
import os
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from golfkit import output, settings
from golfkit.budget.record import build as building
from golfkit.budget.record import checks, folder, seed_runs, seeds, versus
from golfkit.budget.record.folder import OTHER_TRACK, RECORD_TRACK
from golfkit.budget.record.render import Wishes
from golfkit.budget.record.significance import ALPHA, MARGIN
from golfkit.budget.record.verdict import NO
from golfkit.errors import Exit, GolfError

RunsArgument = Annotated[
    list[str], typer.Argument(metavar="RUNS...", help="Ids of runs of the expensive tier.", show_default=False)
]
NameOption = Annotated[str, typer.Option(metavar="N", help="Name of the record.", show_default=False)]
TrackOption = Annotated[
    Literal["10min_16mb", "non_record_16mb"] | None,
    typer.Option(help=f"Track; default: {RECORD_TRACK}, {OTHER_TRACK} with --non-record.", show_default=False),
]
AuthorOption = Annotated[str | None, typer.Option(metavar="A", help="Your name.", show_default=False)]
GithubOption = Annotated[
    str | None, typer.Option("--github-id", metavar="G", help="Your name on GitHub.", show_default=False)
]
OutOption = Annotated[Path, typer.Option("-o", "--out", metavar="DIR", help="Folder of the tracks.")]
NonRecordFlag = Annotated[
    bool, typer.Option("--non-record", help="For the non-record track: any size, and runs of the local tier.")
]
WorkspaceOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder with golf.toml; default: here or a parent.", show_default=False),
]
FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The record's folder.", show_default=False)]
LossOption = Annotated[
    str | None,
    typer.Option(
        metavar="L[,L,L]", help="val_loss of the best record in nats a token, one a seed or one.", show_default=False
    ),
]
SotaOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder of the best record, in place of --sota-val-loss.", show_default=False),
]
MarginOption = Annotated[float, typer.Option(min=0, metavar="NATS", help="By how much it has to be beaten.")]
AlphaOption = Annotated[float, typer.Option(min=0, max=1, metavar="P", help="Which p value shows that.")]
WithoutFlag = Annotated[bool, typer.Option("--without-script", help="Do not look at train_gpt.py: only the logs.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def build(
    runs: RunsArgument,
    name: NameOption,
    track: TrackOption = None,
    author: AuthorOption = None,
    github_id: GithubOption = None,
    out: OutOption = Path("records"),
    non_record: NonRecordFlag = False,
    workspace: WorkspaceOption = None,
    json: JsonFlag = False,
) -> None:
    """Make the contest's folder of runs: README.md, submission.json, train logs, train_gpt.py, requirements.txt.

    Runs of different code, configuration or data are refused, and so is an artifact that is over the limit; exit 1.
    """
    home = settings.find_workspace(Path.cwd(), os.environ, workspace)
    if home is None:
        raise GolfError(f"{Path.cwd()}: no {settings.TOML} here or above; name a folder with --workspace")
    if non_record and track == RECORD_TRACK:
        raise GolfError(f"--non-record and --track {RECORD_TRACK} exclude each other: give one of them", Exit.USAGE)
    values = settings.load(os.environ, home)
    asked = Wishes(
        name=name,
        track=track or (OTHER_TRACK if non_record else RECORD_TRACK),
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        author=author,
        github_id=github_id,
        limit=values.artifact_limit,
        training_seconds=values.training_seconds,
    )
    made = seed_runs.read(home, list(dict.fromkeys(runs)), any_tier=asked.track == OTHER_TRACK)
    path = building.place(out, asked)
    building.build(made, asked, path, any_size=asked.track == OTHER_TRACK)
    for missing, flag in ((author, "--author"), (github_id, "--github-id")):
        if missing is None:
            output.note(f"note: {flag} was not given: the contest asks for it, so fill it into submission.json")
    output.note(f"next: golf record check {path}")
    record: dict[str, Any] = {
        "record": str(path),
        "seeds": [seed.seed for seed in made.seeds],
        "val_bpb": sum(seed.val_bpb for seed in made.seeds) / len(made.seeds),
        "artifact_bytes": made.artifact_bytes,
    }
    output.emit(record, as_json=json)


def check(
    path: FolderArgument,
    sota_val_loss: LossOption = None,
    sota: SotaOption = None,
    margin: MarginOption = MARGIN,
    alpha: AlphaOption = ALPHA,
    without_script: WithoutFlag = False,
    json: JsonFlag = False,
) -> None:
    """Check a record folder: a line a check, ok, no or unknown, with its reason; exit 1 when any is no."""
    values = settings.load(os.environ, settings.find_workspace(Path.cwd(), os.environ))
    rules = checks.Rules(
        limit=values.artifact_limit, training_seconds=values.training_seconds, with_script=not without_script
    )
    record = folder.read(path, with_script=rules.with_script)
    significance, test = versus.judge(record, _rival(sota_val_loss, sota, margin, alpha))
    found = [*checks.every(record, rules), significance]
    if json:
        table = {one.key: {"verdict": one.verdict, "reason": one.reason} for one in found}
        output.emit({"record": str(path), "checks": table, "test": test and test._asdict()}, as_json=True)
    else:
        output.emit({one.key: f"{one.verdict}: {one.reason}" for one in found})
    raise typer.Exit(Exit.NO if any(one.verdict == NO for one in found) else Exit.DONE)


def _rival(losses: str | None, sota: Path | None, margin: float, alpha: float) -> versus.Rival | None:
    if losses is not None and sota is not None:
        raise GolfError("--sota-val-loss and --sota exclude each other: give one of them", Exit.USAGE)
    if losses is not None:
        return versus.Rival(losses=_losses(losses), margin=margin, alpha=alpha)
    if sota is None:
        return None
    best = folder.read(sota, with_script=False)
    known = seeds.losses(best)
    if not known:
        raise GolfError(f"{sota}: neither its logs nor its submission.json give the val_loss of a seed")
    return versus.Rival(losses=known, bytes_per_token=seeds.bytes_per_token(best), margin=margin, alpha=alpha)


def _losses(text: str) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if not values or not all(0 < value < settings.MOST for value in values):
        raise GolfError(f"--sota-val-loss is {text!r}, expected numbers above 0 with commas between them", Exit.USAGE)
    return values
