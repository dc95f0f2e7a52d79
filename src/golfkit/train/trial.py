"""What the tries of the own model and of foreign scripts share: their judgement, their record, their row."""

import datetime
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from golfkit import ledger
from golfkit.errors import Exit, GolfError
from golfkit.interrupts import held_back
from golfkit.settings import Settings
from golfkit.train.runs import decision, record
from golfkit.train.runs.record import RunRecord

RESULTS = "results.tsv"
LEDGER_GB = 1e9  # bytes of a gigabyte in memory_gb


class Verdict(NamedTuple):
    """How a try ended."""

    record: RunRecord
    decision: decision.Decision


def finish(
    home: Path, settings: Settings, made: RunRecord, failure: GolfError | None, *, unscored: str | None = None
) -> Verdict:
    """Judge a try, write its record, and append its row; a signal waits until that is done.

    failure   what ended it early: it is a crash
    unscored  why a try that ended well has no score: it is discarded
    """
    with held_back():
        return _finish(home, settings, made, failure, unscored)


def _finish(
    home: Path, settings: Settings, made: RunRecord, failure: GolfError | None, unscored: str | None
) -> Verdict:
    path = home / "runs" / made.run / record.FILE
    record.write(path, made)  # what was found stays, should what follows fail
    rows, records = before(home)
    if failure is not None:
        made = replace(made, status="crash", reason=str(failure), val_bpb=None)
    baseline = decision.running_baseline(rows, records, made)
    noise = decision.noise_of([*records.values(), made], made)
    decided = decision.decide(made, baseline, noise=noise, threshold=settings.local_promotion_threshold)
    if failure is None and made.val_bpb is None:
        decided = decision.Decision("discard", False, None, unscored or "no score")
    made = replace(
        made,
        status=decided.status,
        reason=decided.reason,
        baseline=record.BaselineRef(run=baseline.run, val_bpb=baseline.val_bpb) if baseline else None,
    )
    record.write(path, made)
    row = ledger.Row(
        made.run,
        "local",
        made.val_bpb,
        made.artifact.artifact_bytes or None,  # a script's log may say 0
        made.peak_memory_gb or None,
        decided.status,
        decided.promoted,
        None,
        made.description or "",
    )
    ledger.append_row(home / RESULTS, row)
    return Verdict(made, decided)


def before(home: Path) -> tuple[list[ledger.Row], dict[str, RunRecord]]:
    """The tries so far, and their records; none where there is no ledger yet. Damaged ones are an error."""
    path = home / RESULTS
    rows = ledger.read_rows(path) if path.exists() else []
    return rows, record.read_all(home / "runs", [row.commit for row in rows])


def stopped(folder: Path, error: OSError) -> GolfError:
    """The error of a try that the machine ended: a full disk, a file that may not be written."""
    failure = GolfError(f"{error.filename or folder}: {error.strerror or error}; the run was stopped, run it again")
    failure.__cause__ = error
    return failure


def interrupted(folder: Path) -> GolfError:
    """The error of a try that was stopped; until it ends well, every try is one."""
    return GolfError(f"{folder}: ended before it was scored, by ^C, a signal or a fault of golf", Exit.INTERRUPTED)


def now() -> str:
    """The time in UTC, as run.json has it."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def git_commit(home: Path) -> str | None:
    """The commit that the workspace stands on; None outside of git."""
    try:
        done = subprocess.run(
            ["git", "-C", str(home), "rev-parse", "HEAD"], capture_output=True, text=True, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
