"""One try of a foreign script: run it, read its log, weigh what it left, and record it."""

import hashlib
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from golfkit.errors import GolfError
from golfkit.settings import Settings
from golfkit.train import trial
from golfkit.train.foreign import environment, running, score, verdict
from golfkit.train.logs import TrainingLog, decode, parse
from golfkit.train.runs import record
from golfkit.train.runs.record import RunRecord


@dataclass(frozen=True, kw_only=True)
class Script:
    """What was asked for."""

    home: Path
    settings: Settings
    description: str
    path: Path
    flags: environment.Flags
    processes: int
    command: tuple[str, ...]


def run(
    asked: Script, environ: Mapping[str, str], on_line: Callable[[str], None], note: Callable[[str], None]
) -> trial.Verdict:
    """Run the script in a run folder of its own; whatever happens, there is one row."""
    if not asked.path.is_file():
        raise GolfError(f"{asked.path}: no such file; name the script")
    rows, _ = trial.before(asked.home)
    made = _record(asked)
    folder = record.reserve(asked.home / "runs", "local", asked.description, (row.commit for row in rows))
    made = replace(made, run=folder.name)
    flags = replace(asked.flags, run=folder.name, out=folder)
    failure: GolfError | None = trial.interrupted(folder)
    why = None
    try:
        done = running.run(
            asked.path,
            folder,
            environment.script_environment(environ, flags),
            python=sys.executable,
            n_processes=asked.processes,
            on_line=on_line,
        )
        text = decode(done.log.read_bytes())
        log = parse(text)
        beside = running.modules_beside(asked.path)
        ended = verdict.verdict_of(text, log, done.returncode, script=asked.path.name, beside=beside)
        made = _read(asked, made, done, log, note)
        failure = ended.missing or (GolfError(ended.why) if ended.status == "crash" else None)
        why = ended.why
    except GolfError as error:
        failure = error
    except OSError as error:
        failure = trial.stopped(folder, error)
    finally:
        verdict_ = trial.finish(asked.home, asked.settings, made, failure, unscored=why)
    if failure is not None:
        raise failure
    return verdict_


def _record(asked: Script) -> RunRecord:
    """What is known of a try before it starts, but for its id."""
    return RunRecord(
        run="new",
        tier="local",
        source="script",
        description=asked.description,
        started=trial.now(),
        model=record.Model(file=asked.path.name, sha256=hashlib.sha256(asked.path.read_bytes()).hexdigest()),
        iterations=asked.flags.iterations,
        limit_seconds=None if asked.flags.minutes is None else asked.flags.minutes * 60,
        seq_len=asked.flags.seq_len,
        batch_tokens=asked.flags.batch_tokens,
        git_commit=trial.git_commit(asked.home),
        command=asked.command,
    )


def _read(
    asked: Script, made: RunRecord, done: running.Finished, log: TrainingLog, note: Callable[[str], None]
) -> RunRecord:
    """The record with what the log and the disk say."""
    scored = score.score_of(log, done.script, done.payloads, asked.settings.artifact_limit)
    for words in scored.notes:
        note(f"note: {words}")
    batch = log.train_batch_tokens or made.batch_tokens
    tokens = log.steps * batch if log.steps and batch else None
    seed = record.SeedResult(
        seed=log.seed if log.seed is not None else (asked.flags.seed or 0),
        val_bpb=scored.val_bpb,
        val_loss=log.val_loss if log.val_loss and math.isfinite(log.val_loss) else None,
        artifact_bytes=scored.artifact_bytes,
        payload_bytes=scored.payload_bytes,
    )
    return replace(
        record.scored(made, [seed]),
        model=replace(made.model, n_params=log.n_params),
        steps=log.steps,
        batch_tokens=batch,
        tokens_seen=tokens,
        train_seconds=log.train_seconds,
        wall_seconds=round(done.wall_s, 3),
        tokens_per_second=round(tokens / log.train_seconds, 1) if tokens and log.train_seconds else None,
        val_tokens=log.tokens,
        peak_memory_gb=round(done.peak_memory_bytes / trial.LEDGER_GB, 3) if done.peak_memory_bytes else None,
        artifact=record.Artifact(
            code_bytes=scored.code_bytes,
            payload_bytes=scored.payload_bytes,
            artifact_bytes=scored.artifact_bytes,
            limit=asked.settings.artifact_limit,
            payload=scored.payload.name if scored.payload else None,
        ),
    )
