"""`golf competitors`: what do others score, and how sure is that?"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from golfkit import output, settings
from golfkit.research.competitors import competitor, folder, store, technique
from golfkit.research.competitors.competitor import Competitor
from golfkit.research.competitors.score import score

UNSURE = 0.5  # confidence below which somebody should look

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
    if not paths and not title:
        _show(settings.require_workspace(Path.cwd(), os.environ, workspace), as_json=json)
        return
    records = [_of_record(found) for path in paths or [] for found in folder.find(path)]
    records += [_of_title(text) for text in title or []]
    if json:
        for record in records:
            output.emit(record, as_json=True)
        return
    for record in records:
        for note in record["notes"]:
            output.note(f"{record['path'] or record['title']}: {note}")
    columns = ("val_bpb", "source", "sure", "conflict", "technique", "path")
    rows = [
        (r["val_bpb"], r["source"], r["confidence"], "yes" if r["conflict"] else "", r["technique"], r["path"])
        for r in records
    ]
    output.table(columns, rows)


def _of_record(found: folder.Found) -> dict[str, Any]:
    return {"path": str(found.path), "title": None} | _answer(found.competitor)


def _of_title(text: str) -> dict[str, Any]:
    found = score(title=text)
    about = technique.about(title=text)
    return {"path": None, "title": text} | {
        "val_bpb": found.val_bpb,
        "source": found.source,
        "confidence": found.confidence,
        "conflict": found.conflict,
        "readings": dict(found.readings),
        "notes": list(found.notes),
        "technique": about.technique,
        "author": about.author,
        "date": None,
    }


def _answer(found: Competitor) -> dict[str, Any]:
    names = ("val_bpb", "source", "confidence", "conflict", "readings", "notes", "technique", "author", "date")
    values: Mapping[str, Any] = {name: getattr(found, name) for name in names}
    return dict(values) | {"readings": dict(found.readings), "notes": list(found.notes)}


def _show(home: Path, *, as_json: bool) -> None:
    """The workspace's competitors.jsonl, best first."""
    path = home / competitor.FILE
    found = sorted(store.read(path), key=lambda c: (c.val_bpb is None, c.val_bpb or 0.0, c.id))
    if not found:
        output.note(f"{path}: no competitors yet; golf research fetches them")
    elif as_json:
        for one in found:
            output.emit({"path": one.id, "title": one.title} | _answer(one), as_json=True)
    else:
        _table(found, settings.load(os.environ, home))


def _table(found: Sequence[Competitor], values: settings.Settings) -> None:
    columns = ("val_bpb", "delta", "sure", "source", "state", "date", "author", "technique", "id")
    rows = [
        (
            one.val_bpb,
            None if one.val_bpb is None else f"{one.val_bpb - values.baseline:+.4f}",
            f"{one.confidence:.2f}{' conflict' if one.conflict else ' look' if one.confidence < UNSURE else ''}",
            one.source,
            one.state,
            one.date,
            one.author,
            one.technique,
            one.id,
        )
        for one in found
    ]
    output.table(columns, rows)
    output.note(f"note: delta is from the baseline {values.baseline} bits per byte ({values.baseline_split})")
