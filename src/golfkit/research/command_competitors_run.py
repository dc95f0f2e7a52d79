"""What `golf competitors` does once its options are read."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from golfkit import output, settings
from golfkit.research.competitors import competitor, folder, store, technique
from golfkit.research.competitors.competitor import Competitor
from golfkit.research.competitors.score import score

UNSURE = 0.5  # confidence below which somebody should look


def competitors(paths: Sequence[Path], titles: Sequence[str], workspace: Path | None, *, as_json: bool) -> None:
    """`golf competitors`, with its options in their order."""
    if not paths and not titles:
        _show(settings.require_workspace(Path.cwd(), os.environ, workspace), as_json=as_json)
        return
    records = [_of_record(found) for path in paths for found in folder.find(path)]
    records += [_of_title(text) for text in titles]
    if as_json:
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
