"""The row of a run whose owner was killed: a crash, with what it cost. Without it the money would have no line."""

import dataclasses
from pathlib import Path

from golfkit import files, ledger
from golfkit.budget.book.money import dollars
from golfkit.budget.pods import owner
from golfkit.budget.pods.journal import Entry
from golfkit.errors import GolfError
from golfkit.train.runs import record

RESULTS = "results.tsv"
REASON = "golf was killed while it ran; the pod was ended and booked afterwards"


def write_row(home: Path, entry: Entry) -> bool:
    """Give a settled pod's run its row, where its owner is dead and it has none; whether one was written."""
    if entry.open or not entry.ids or owner.is_owned(home, entry.name):
        return False
    path = home / RESULTS
    with files.locked(home / owner.FOLDER / "rows"):  # watchdog and reap may both be here
        if path.exists() and any(row.commit == entry.run for row in ledger.read_rows(path)):
            return False
        where = home / "runs" / entry.run / record.FILE
        cost = dollars(entry.settled_cents or 0)
        description = ""
        if where.is_file():
            made = record.read(where)
            description = made.description or ""
            record.write(where, dataclasses.replace(made, status="crash", reason=REASON, cost_usd=str(cost)))
        row = ledger.Row(entry.run, "runpod", None, None, None, "crash", "yes", cost, description)
        ledger.append_row(path, row)
        return True


def write_rows(home: Path, entries: dict[str, Entry]) -> list[str]:
    """`write_row` of all; the runs that got one. A damaged ledger is said by the error, after the pods are gone."""
    try:
        return [entry.run for entry in entries.values() if write_row(home, entry)]
    except GolfError as error:
        raise GolfError(f"{error}; the pods are ended, mend it and run golf pods reap again") from error
