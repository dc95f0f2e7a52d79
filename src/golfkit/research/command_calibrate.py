"""`golf calibrate`: do grades predict what comes of a try?"""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from golfkit import output, settings

RecordsOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Grade the contest's record folders below DIR instead, each by what was known before it.",
        show_default=False,
    ),
]
WorkspaceOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder with golf.toml; default: here or a parent.", show_default=False),
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def calibrate(records: RecordsOption = None, workspace: WorkspaceOption = None, json: JsonFlag = False) -> None:
    """Compare grades with outcomes: rank correlation by dimension, what became of each grade, weights.

    A run tried an item when its description names the item's id, address or whole title. The grading that counts is the
    last one before the run started, so that the outcome is not in it. Several runs of an item are one outcome.
    """
    home = settings.require_workspace(Path.cwd(), os.environ, workspace)
    if records is None:
        _workspace(home, json)
    else:
        _records(home, records, json)


def _workspace(home: Path, as_json: bool) -> None:
    from golfkit.research.calibrate import statistics
    from golfkit.research.inject import inputs
    from golfkit.train.runs.correlation import shown

    found = inputs.read(home).calibration
    for item in found.linked.graded_later:
        output.note(f"note: {item} was graded after its first run, so it does not count")
    undated = [outcome for outcome in found.linked.outcomes if not outcome.dated]
    if undated:
        output.note(
            f"note: {len(undated)} items have a run of unknown start: their first grading stands for the one before it"
        )
    if as_json:
        output.emit(_record(found), as_json=True)
        return
    rows: list[list[Any]] = [["total", shown(found.total), None]]
    weights = found.weights or {}
    rows += [
        [name, shown(estimate), f"{weights[name]:.2f}" if name in weights else None]
        for name, estimate in found.dimensions.items()
    ]
    output.table(("dimension", "Spearman of points and gain", "weight"), rows)
    for line in statistics.lines(found):
        output.text(line)


def _record(found: Any) -> dict[str, Any]:
    outcomes = [
        outcome._asdict()
        | {
            "scores": outcome.scores._asdict(),
            "gain": None if outcome.crashed else outcome.gain,
            "crashed": outcome.crashed,
        }
        for outcome in found.linked.outcomes
    ]
    return {
        "n": found.n,
        "n_ranked": found.n_ranked,
        "total": found.total._asdict(),
        "dimensions": {name: estimate._asdict() for name, estimate in found.dimensions.items()},
        "grades": [row._asdict() | {"share": row.share._asdict()} for row in found.grades],
        "weights": found.weights,
        "outcomes": outcomes,
        "graded_later": list(found.linked.graded_later),
    }


def _records(home: Path, records: Path, as_json: bool) -> None:
    """The offline grader against the contest's own history."""
    from golfkit.research import techniques
    from golfkit.research.backtest import report

    values = settings.load(os.environ, home)
    found = report.run(
        records,
        techniques.read(home / techniques.FILE),
        sota=values.baseline,  # nothing better was known before the first record
        baseline=values.baseline,
        artifact_limit=values.artifact_limit,
        training_seconds=values.training_seconds,
    )
    if not as_json:
        for line in report.lines(found):
            output.text(line)
        return
    rows = [
        {name: getattr(row.record, name) for name in ("name", "track", "date", "val_bpb", "gain", "gain_over_best")}
        | {"grade": row.graded.grade, "total": row.graded.total, "keywords": row.keywords}
        for row in found.rows
    ]
    output.emit({"records": rows, "outcomes": _plain(found.outcomes)}, as_json=True)


def _plain(value: Any) -> Any:
    """Named tuples as mappings, all the way down."""
    if hasattr(value, "_asdict"):
        return {name: _plain(inner) for name, inner in value._asdict().items()}
    return [_plain(inner) for inner in value] if isinstance(value, tuple) else value
