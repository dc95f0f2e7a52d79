"""A training log becomes a run of the workspace: its folder below runs/, and one row of results.tsv."""

import contextlib
import dataclasses
import hashlib
import re
import shlex
import shutil
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from golfkit import files, ledger
from golfkit.errors import Exit, GolfError
from golfkit.ledger import Row
from golfkit.train.logs import TrainingLog, decode, parse, submission
from golfkit.train.runs import record
from golfkit.train.runs.record import Artifact, Model, RunRecord, SeedResult

STDIN = "-"
LOG = "train.log"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_GIB = 1.024**3  # 10^9 bytes, the ledger's unit


class ReadLog(NamedTuple):
    """A log as it was read."""

    name: str  # file name, or stdin
    content: bytes
    log: TrainingLog

    @property
    def sha256(self) -> str:
        """Hex digest of the content."""
        return hashlib.sha256(self.content).hexdigest()


class Wishes(NamedTuple):
    """What the log cannot say."""

    tier: str
    status: str  # of a run that did not crash
    description: str | None
    run: str | None  # id


def read(file: str) -> ReadLog:
    """Read and parse the log called `file`; "-" is stdin.

    The score is unknown where a submission.json in the log's folder contradicts it; through stdin the log stands alone.
    """
    name, content = _content(file)
    if not content.strip():
        raise GolfError(f"{name}: is empty, expected a training log; name the log that the run wrote")
    log = parse(decode(content))
    beside = Path(file).parent / submission.FILE
    if file != STDIN and log.val_bpb is not None and beside.is_file():
        doubt = submission.contradiction(beside.read_bytes().decode("utf-8", "replace"), log)
        if doubt is not None:
            alone = f"golf results import - < {shlex.quote(name)}"
            why = f"{doubt} (line {log.line}, {log.label}); to read the log alone: {alone}"
            unknown = dict.fromkeys(("val_bpb", "label", "line", "val_loss", "bytes_per_token"))
            log = dataclasses.replace(log, why=why, **unknown)  # type: ignore[arg-type]
    return ReadLog(name, content, log)


def install(home: Path, found: ReadLog, wishes: Wishes) -> Row:
    """Add the log to the workspace `home`: runs/ID/train.log and run.json, then the row; all of it, or nothing.

    A log that was imported before is refused, and so are the id of another run and keeping what has no score.
    """
    log = found.log
    if log.val_bpb is None and wishes.status == "keep":
        raise GolfError(f"{found.name}: gives no score, expected one to keep: {log.why} Leave out --status", Exit.NO)
    run = _run_id(found, wishes)
    with files.locked(home / "runs" / "import"):
        _refuse_second(home, run, found)
        row = _row(run, found, wishes)
        written = _record(row, found)
        with contextlib.ExitStack() as undo, tempfile.TemporaryDirectory(dir=home / "runs", prefix=".import-") as part:
            folder = Path(part) / run
            files.atomic_write(folder / LOG, found.content)
            record.write(folder / record.FILE, written)
            undo.callback(shutil.rmtree, home / "runs" / run, ignore_errors=True)
            folder.rename(home / "runs" / run)
            ledger.append_row(home / "results.tsv", row)
            undo.pop_all()
    return row


def _content(file: str) -> tuple[str, bytes]:
    if file == STDIN:
        if sys.stdin.isatty():
            raise GolfError("stdin is a terminal, expected a log; name a file, or pipe one in", Exit.USAGE)
        return "stdin", sys.stdin.buffer.read()
    try:
        return file, Path(file).read_bytes()
    except OSError as error:
        raise GolfError(f"{file}: cannot be read ({error.strerror}), expected a training log") from error


def _run_id(found: ReadLog, wishes: Wishes) -> str:
    if wishes.run is None:
        return f"import_{record.slug(Path(found.name).stem)}_{found.sha256[:7]}"
    if not _ID.fullmatch(wishes.run):
        raise GolfError(
            f"--run: {wishes.run!r} names a folder, expected letters, digits, '.', '_' and '-'; choose another",
            Exit.USAGE,
        )
    return wishes.run


def _refuse_second(home: Path, run: str, found: ReadLog) -> None:
    table = home / "results.tsv"
    rows = ledger.read_rows(table) if table.exists() else []
    lines = {row.commit: n for n, row in enumerate(rows, start=2)}
    for known in record.read_all(home / "runs", lines).values():
        if known.log_sha256 == found.sha256:
            raise GolfError(f"{table}:{lines[known.run]}: {known.run} is this log; it counts once, so leave it at that")
    if run in lines:
        raise GolfError(f"{table}:{lines[run]}: there is a row {run}, expected a new id; choose one with --run ID")
    if (home / "runs" / run).exists():
        raise GolfError(f"{home / 'runs' / run}: is there, expected a new id; choose one with --run ID")


def _row(run: str, found: ReadLog, wishes: Wishes) -> Row:
    log = found.log
    memory_gb = None if log.peak_memory_gib is None else round(log.peak_memory_gib * _GIB, 2)
    return Row(
        commit=run,
        tier=wishes.tier,
        val_bpb=log.val_bpb,
        artifact_bytes=log.artifact_bytes or None,
        memory_gb=memory_gb or None,
        status="crash" if log.status == "crash" else wishes.status,
        promoted="no",
        cost_usd=None,
        description=wishes.description or f"imported {Path(found.name).name}",
    )


def _record(row: Row, found: ReadLog) -> RunRecord:
    log = found.log
    seed = SeedResult(
        seed=log.seed or 0,
        val_bpb=log.val_bpb,
        val_loss=log.val_loss,
        artifact_bytes=log.artifact_bytes,
        payload_bytes=log.payload_bytes,
    )
    return RunRecord(
        run=row.commit,
        tier=row.tier,
        source="import",
        description=row.description,
        status=row.status,
        reason=log.why,
        model=Model(n_params=log.n_params),
        steps=log.steps,
        batch_tokens=log.train_batch_tokens,
        tokens_seen=log.steps * log.train_batch_tokens if log.steps and log.train_batch_tokens else None,
        train_seconds=log.train_seconds,
        seeds=(seed,) if log.seed is not None else (),
        val_bpb=log.val_bpb,
        val_tokens=log.tokens,
        artifact=Artifact(
            code_bytes=log.code_bytes, payload_bytes=log.payload_bytes, artifact_bytes=log.artifact_bytes
        ),
        peak_memory_gb=row.memory_gb,
        log_sha256=found.sha256,
        parsed=dataclasses.asdict(log),
    )
