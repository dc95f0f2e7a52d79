"""`golf results`: what the runs gave."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from golfkit import ledger, output, settings
from golfkit.errors import Exit, GolfError
from golfkit.train.runs import correlation as tiers
from golfkit.train.runs import plots, record, view

LEDGER = "results.tsv"
RUNS = "runs"
STYLES = {"keep": "green", "discard": "dim", "crash": "red"}  # of a row on a terminal
Tier = StrEnum("Tier", [(name, name) for name in ledger.TIERS])
Status = StrEnum("Status", [(name, name) for name in ledger.STATUSES])
Expensive = StrEnum("Expensive", [(name, name) for name in tiers.EXPENSIVE])

TierOption = Annotated[Tier | None, typer.Option(help="Rows of this tier alone.", show_default=False)]
StatusOption = Annotated[Status | None, typer.Option(help="Rows of this status alone.", show_default=False)]
LastOption = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="The newest N rows alone.", show_default=False)
]
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The picture: FILE.png or FILE.html.")]
ExpensiveOption = Annotated[
    Expensive | None, typer.Option("--tier", help="Pairs with this expensive tier alone.", show_default=False)
]
WorkspaceOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder with golf.toml; default: here or a parent.", show_default=False),
]
JsonLinesFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def show(
    tier: TierOption = None,
    status: StatusOption = None,
    last: LastOption = None,
    workspace: WorkspaceOption = None,
    json: JsonLinesFlag = False,
) -> None:
    """List the tries, oldest first, each with its difference from the running local baseline before it.

    The difference stands with the noise: +- is what two runs differ by in 95 of 100 cases though nothing changed.
    Differences inside it are marked and are no gain; "+-?" means that no comparable run had several seeds.
    """
    rows = _load(workspace).entries
    found = [e for e in rows if tier in (None, e.row.tier) and status in (None, e.row.status)]
    if last is not None:
        found = found[-last:]
    if not found:
        output.note("no such rows")
    elif json:
        for entry in found:
            output.emit(_as_record(entry), as_json=True)
    else:
        columns = ("run", "tier", "status", "promoted", "val_bpb", "delta", "bytes", "GB", "cost", "description")
        styles = [STYLES[entry.row.status] for entry in found]
        output.table(columns, [_as_cells(entry) for entry in found], styles=styles)


def best(tier: TierOption = None, workspace: WorkspaceOption = None, json: JsonLinesFlag = False) -> None:
    """Print the best kept row of each tier; exit 1 when none is kept.

    Runs with other tokens, data or sequence lengths are not ranked against each other: each such group has its best.
    """
    found = [top for top in view.best(_load(workspace).entries) if tier in (None, top.entry.row.tier)]
    if not found:
        raise GolfError("no kept row with a score, so there is no best yet; golf train-local makes one", Exit.NO)
    for name in dict.fromkeys(top.entry.row.tier for top in found):
        n_groups = sum(top.entry.row.tier == name for top in found)
        if n_groups > 1:
            output.note(f"note: {name}: {n_groups} groups of runs that are not comparable; the best of each")
    for top in found:
        if top.entry.group is None and top.n_rows > 1:
            output.note(f"note: {top.entry.row.tier}: {top.n_rows} rows whose tokens and data are not all known")
    if json:
        for top in found:
            output.emit(_as_record(top.entry) | {"among": top.n_rows}, as_json=True)
        return
    columns = ("tier", "run", "val_bpb", "noise", "seeds", "bytes", "budget", "seq_len", "among", "description")
    output.table(columns, [_best_cells(top) for top in found])


def plot(file: FileArgument, workspace: WorkspaceOption = None) -> None:
    """Draw val_bpb over time and against artifact bytes, as a PNG or as one HTML page that works offline."""
    plots.check(file)
    loaded = _load(workspace)
    if not loaded.entries:
        raise GolfError(
            f"{loaded.home / LEDGER}: no rows, so there is nothing to draw; golf train-local adds one", Exit.NO
        )
    plots.draw(loaded.entries, file, loaded.artifact_limit)
    if any(entry.record is None or entry.record.started is None for entry in loaded.entries):
        output.note("note: not every run has a start time, so the rows' order stands for time")
    output.emit({"file": str(file), "rows": len(loaded.entries)})


def correlation(tier: ExpensiveOption = None, workspace: WorkspaceOption = None, json: JsonFlag = False) -> None:
    """Say how far local scores predict those of the expensive tier: mean delta, Pearson, Spearman, 95% intervals.

    Rows pair by the run id in run.json, else by equal descriptions. Fewer than 5 pairs are not reliable, and say so.
    """
    loaded = _load(workspace)
    found = tiers.summary([entry.row for entry in loaded.entries], loaded.records, tier and tier.value)
    for line in found.notes:
        output.note(f"note: {line}")
    estimates = {name: getattr(found, name) for name in ("mean_delta", "pearson", "spearman")}
    table: dict[str, Any] = {"pairs": found.n_runs, "reliable": found.reliable}
    if json:
        table |= {name: estimate._asdict() for name, estimate in estimates.items()}
        table |= {"paired": [p._asdict() | {"delta": p.delta} for p in found.pairs], "notes": list(found.notes)}
    else:
        table |= {name: tiers.shown(estimate) for name, estimate in estimates.items()}
        if not found.reliable:
            output.note(f"note: fewer than {tiers.RELIABLE_PAIRS} pairs: not reliable")
    output.emit(table, as_json=json)


class _Loaded(NamedTuple):
    home: Path
    artifact_limit: int
    entries: list[view.Entry]
    records: dict[str, record.RunRecord]


def _load(workspace: Path | None) -> _Loaded:
    """The workspace's rows and records; a workspace that is not there, or a malformed file, is an error."""
    home = settings.find_workspace(Path.cwd(), os.environ, workspace)
    if home is None:
        raise GolfError(f"{settings.TOML}: not found in {Path.cwd()} or above; name the workspace with --workspace DIR")
    rows = ledger.read_rows(home / LEDGER)
    records = record.read_all(home / RUNS, (row.commit for row in rows))
    return _Loaded(home, settings.load(os.environ, home).artifact_limit, view.entries(rows, records), records)


def _as_record(entry: view.Entry) -> dict[str, Any]:
    row, kept = entry.row, entry.record
    table = row._asdict() | {"cost_usd": None if row.cost_usd is None else float(row.cost_usd)}
    return table | {
        "promoted": entry.promoted,
        "baseline": entry.baseline and {"run": entry.baseline.run, "val_bpb": entry.baseline.val_bpb},
        "delta_bpb": entry.delta_bpb,
        "margin_bpb": entry.margin_bpb,
        "inside_noise": entry.inside_noise,
        "reason": kept and kept.reason,
        "started": kept and kept.started,
        "seeds": len(kept.seeds) or None if kept else None,
        "noise_bpb": kept and kept.noise_bpb,
        "tokens_seen": kept and kept.tokens_seen,
        "train_seconds": kept and kept.train_seconds,
        "seq_len": kept and kept.seq_len,
        "budget": entry.budget,
    }


def _as_cells(entry: view.Entry) -> list[Any]:
    row = entry.row
    cost = None if row.cost_usd is None else float(row.cost_usd)
    score, delta = _bpb(row.val_bpb), _delta(entry)
    return [
        row.commit,
        row.tier,
        row.status,
        entry.promoted,
        score,
        delta,
        row.artifact_bytes,
        row.memory_gb,
        cost,
        row.description,
    ]


def _best_cells(top: view.Best) -> list[Any]:
    row, kept = top.entry.row, top.entry.record
    noise = kept.noise_bpb if kept else None
    n_seeds = len(kept.seeds) or None if kept else None
    return [
        row.tier,
        row.commit,
        _bpb(row.val_bpb),
        None if noise is None else f"±{noise:.4f}",
        n_seeds,
        row.artifact_bytes,
        top.entry.budget,
        kept.seq_len if kept else None,
        top.n_rows,
        row.description,
    ]


def _bpb(value: float | None) -> str | None:
    return None if value is None else f"{value:.4f}"


def _delta(entry: view.Entry) -> str | None:
    if entry.delta_bpb is None:
        return None
    if entry.margin_bpb is None:
        return f"{entry.delta_bpb:+.4f} ±?"
    return f"{entry.delta_bpb:+.4f} ±{entry.margin_bpb:.4f}{' noise' if entry.inside_noise else ''}"
