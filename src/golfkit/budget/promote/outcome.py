"""What a promotion left: its record, its row in results.tsv, and how the score compares with what was predicted."""

import dataclasses
import datetime
import statistics
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from golfkit import ledger
from golfkit.budget.book.money import dollars
from golfkit.budget.promote.plan import Plan
from golfkit.budget.promote.seeds import SCRIPT, SeedRun
from golfkit.errors import GolfError
from golfkit.ledger import Row
from golfkit.train.logs import TrainingLog, decode, parse
from golfkit.train.runs import correlation, record
from golfkit.train.runs.record import Artifact, RunRecord, SeedResult

GIB, GB = 2**30, 1e9


def begun(plan: Plan, local: RunRecord, now: float, command: tuple[str, ...]) -> RunRecord:
    """The record as it stands when the run starts; a kill leaves it like this."""
    return RunRecord(
        run=plan.run,
        tier=plan.tier,
        source="promote",
        description=plan.description,
        started=datetime.datetime.fromtimestamp(now, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        pair=plan.local_run,
        model=dataclasses.replace(local.model, spec=None, n_params=None),
        backend="torch",
        device=f"{plan.tier} machine",
        limit_seconds=float(plan.env["MAX_WALLCLOCK_SECONDS"]),
        command=command,
        force=plan.force,
        pod=plan.pod if plan.tier == "runpod" else None,
    )


def finished(
    made: RunRecord, done: Sequence[SeedRun], folder: Path, limit: int, failure: GolfError | None, cents: int | None
) -> RunRecord:
    """The record with what the logs of its seeds say; one that failed is a crash, with the reason."""
    logs = [(one, parse(decode(one.log.read_bytes()))) for one in done if one.log.is_file()]
    code_bytes = (folder / SCRIPT).stat().st_size
    seeds = [_seed(one, log, code_bytes) for one, log in logs]
    made = record.scored(made, seeds)
    made = dataclasses.replace(made, cost_usd=None if cents is None else str(dollars(cents)))
    if logs:
        made = _measured(made, [log for _, log in logs])
        made = dataclasses.replace(made, artifact=_artifact(made.seeds, [one for one, _ in logs], code_bytes, limit))
    if failure is None and made.val_bpb is None:
        missing = next((log.why for _, log in logs if log.val_bpb is None), "no log came back")
        failure = GolfError(f"no score: {missing}")
    if failure is not None:
        return dataclasses.replace(made, status="crash", reason=str(failure), val_bpb=None)
    return made


def judged(made: RunRecord, rows: Sequence[Row]) -> RunRecord:
    """Keep or discard a run that has a score: kept is what fits and beats every kept row of its tier."""
    if made.status == "crash" or made.val_bpb is None:
        return made
    best = best_row(rows, made.tier)
    if made.artifact.over_limit:
        what = "discard", f"the artifact has {made.artifact.artifact_bytes:,} bytes, over {made.artifact.limit:,}"
    elif best is None or best.val_bpb is None:
        what = "keep", f"the first score of tier {made.tier}"
    elif made.val_bpb < best.val_bpb:
        what = "keep", f"{best.val_bpb - made.val_bpb:.4f} bpb below {best.commit} ({best.val_bpb:.4f})"
    else:
        what = "discard", f"{made.val_bpb - best.val_bpb:.4f} bpb above {best.commit} ({best.val_bpb:.4f})"
    return dataclasses.replace(made, status=what[0], reason=what[1])


def row_of(made: RunRecord, cents: int | None) -> Row:
    """The row of an expensive run; its description is its local row's, so that they pair."""
    cost: Decimal | None = None if cents is None else dollars(cents)
    status = made.status if made.status in ledger.STATUSES else "crash"
    return Row(
        made.run,
        made.tier,
        made.val_bpb if status != "crash" else None,
        made.artifact.artifact_bytes or None,
        made.peak_memory_gb or None,
        status,
        "yes",
        cost,
        made.description or "",
    )


def best_row(rows: Sequence[Row], tier: str) -> Row | None:
    """The kept row of a tier with the lowest score."""
    kept = [row for row in rows if row.tier == tier and row.status == "keep" and row.val_bpb is not None]
    return min(kept, key=lambda row: row.val_bpb or 0.0, default=None)


class Prediction(NamedTuple):
    """What the local score let expect of the expensive tier."""

    val_bpb: float  # local score and the mean delta of the pairs so far
    low: float
    high: float
    n_pairs: int


def predicted(local_bpb: float, rows: Sequence[Row], records: Mapping[str, RunRecord], tier: str) -> Prediction | None:
    """What the pairs so far predict; None where they are too few for an interval."""
    found = correlation.summary(rows, records, tier)
    delta = found.mean_delta
    if delta.value is None or delta.low is None or delta.high is None:
        return None
    return Prediction(local_bpb + delta.value, local_bpb + delta.low, local_bpb + delta.high, found.n_runs)


def remarks(made: RunRecord, prediction: Prediction | None) -> list[str]:
    """What to say of a score against its prediction; a worse one names the checks to run."""
    if made.val_bpb is None or prediction is None:
        return []
    span = f"{prediction.low:.4f} to {prediction.high:.4f}"
    told = f"predicted {prediction.val_bpb:.4f} ({span}, {prediction.n_pairs} pairs)"
    if made.val_bpb <= prediction.high:
        return [f"{made.val_bpb:.4f}, {told}"]
    script = f"runs/{made.run}/{SCRIPT}"
    return [
        f"{made.val_bpb:.4f} is worse than {told}: look at the translation before the idea",
        f"parity: golf train-local --script {script} --iterations 20   # the very file, on the local data",
        "parity: golf train-local --backend torch --iterations 20   # against the same with --backend mlx",
        f"log: golf results import runs/{made.run}/train.log --dry-run",
    ]


def _seed(one: SeedRun, log: TrainingLog, code_bytes: int) -> SeedResult:
    payload = one.payload.stat().st_size if one.payload is not None else log.payload_bytes
    ended_well = one.rc == 0
    return SeedResult(
        seed=one.seed,
        val_bpb=log.val_bpb if ended_well else None,
        val_loss=log.val_loss if ended_well else None,
        payload_bytes=payload,
        artifact_bytes=None if payload is None else code_bytes + payload,
    )


def _measured(made: RunRecord, logs: Sequence[TrainingLog]) -> RunRecord:
    train = [log.train_seconds for log in logs if log.train_seconds is not None]
    memory = [log.peak_memory_gib for log in logs if log.peak_memory_gib is not None]
    last = logs[-1]
    tokens = None
    if last.steps is not None and last.train_batch_tokens is not None:
        tokens = last.steps * last.train_batch_tokens
    return dataclasses.replace(
        made,
        steps=last.steps,
        batch_tokens=last.train_batch_tokens,
        tokens_seen=tokens,
        train_seconds=round(statistics.fmean(train), 3) if train else None,
        val_tokens=last.tokens,
        peak_memory_gb=round(max(memory) * GIB / GB, 3) if memory else None,
        model=dataclasses.replace(made.model, n_params=last.n_params),
    )


def _artifact(seeds: Sequence[SeedResult], runs: Sequence[SeedRun], code_bytes: int, limit: int) -> Artifact:
    sizes = [one.payload_bytes for one in seeds if one.payload_bytes is not None]
    largest = max(sizes, default=None)
    return Artifact(
        code_bytes=code_bytes,
        payload_bytes=largest,
        artifact_bytes=None if largest is None else code_bytes + largest,
        limit=limit,
        payload=next((one.payload.name for one in runs if one.payload is not None), None),
    )
