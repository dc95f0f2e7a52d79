"""competitors.jsonl: others' scores, a line each, merged under its lock."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from golfkit import files, jsonl
from golfkit.research.competitors.competitor import Competitor

LOST = "this reading found no score; the one read before is kept"


def read(path: Path) -> list[Competitor]:
    """All competitors; a file that is not there has none, a malformed line is an error."""
    return jsonl.read(path, Competitor, missing_ok=True)


def merge(path: Path, found: Sequence[Competitor]) -> tuple[int, int]:
    """(new, changed) lines: put `found` into the file, one line an id, in order of first reading.

    The newest reading replaces the one before. One without a score keeps the score that was known, and says so in its
    notes; the file is not touched where nothing changes.
    """
    with files.locked(path):
        known = {competitor.id: competitor for competitor in read(path)}
        before = dict(known)
        for competitor in found:
            old = known.get(competitor.id)
            known[competitor.id] = competitor if old is None else _newest(old, competitor)
        new = len(known) - len(before)
        changed = sum(known[name] != old for name, old in before.items())
        if new or changed:
            files.atomic_write(path, "".join(f"{jsonl.render(competitor)}\n" for competitor in known.values()))
    return new, changed


def _newest(old: Competitor, new: Competitor) -> Competitor:
    """The new reading; what it does not know is taken from the old one."""
    blanks = {
        field.name: getattr(old, field.name)
        for field in dataclasses.fields(Competitor)
        if getattr(new, field.name) is None and field.name not in ("val_bpb", "source")
    }
    if new.val_bpb is None and old.val_bpb is not None:
        kept = ("val_bpb", "source", "confidence", "conflict", "readings")
        notes = tuple(dict.fromkeys((*old.notes, *new.notes, LOST)))
        blanks |= {name: getattr(old, name) for name in kept} | {"notes": notes}
    return dataclasses.replace(new, **blanks)
