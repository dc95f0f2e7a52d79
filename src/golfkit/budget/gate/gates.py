"""The gates in their order: artifact, legality, gain, budget. Each is asked only when the one before said yes.

A gate that cannot tell does not open: legality needs `--dynamic` then, and where that cannot tell either, a machine
on which it can.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from golfkit.budget.gate import artifact, dynamic, gain, legality
from golfkit.budget.gate.gain import find_run, latest_promotable
from golfkit.budget.gate.verdict import Verdict
from golfkit.ledger import Row
from golfkit.settings import Settings
from golfkit.train.runs.record import RunRecord

__all__ = ["find_run", "latest_promotable", "legal", "verdicts"]


def verdicts(
    home: Path,
    settings: Settings,
    local: RunRecord,
    rows: Sequence[Row],
    records: Mapping[str, RunRecord],
    code: str,
    *,
    budget: Callable[[], Verdict],
    dynamic: bool = False,
    force_reason: str | None = None,
) -> Iterator[Verdict]:
    """Every gate's verdict, each computed when it is asked for; the caller stops at the first that is not yes.

    home          the workspace; the run's files are in runs/ID
    code          the script that shall run
    budget        asks the budget and the hourly limit
    dynamic       whether the script may be run to see what its source does not tell
    force_reason  skips the gain gate, and no other
    """
    yield artifact.check(home / "runs" / local.run, local, settings.artifact_limit, code)
    tried = _tried(home / "runs" / local.run / artifact.SCRIPT, local) if dynamic else None
    yield legal(code, tokenizer=_tokenizer(home, settings), run=dynamic, small=tried)
    yield gain.check(local, rows, records, settings.local_promotion_threshold, force_reason)
    yield budget()


def legal(
    code: str,
    *,
    tokenizer: Path | str,
    run: bool,
    small: str | None = None,
    execute: Callable[..., Verdict] = dynamic.check,
) -> Verdict:
    """The verdict on a script's source; with `run` that of running it, too, unless the source already says no.

    small  the same model at the size that this machine trains: it is run instead
    """
    read = legality.check(code)
    if not run or read.passed is False:
        return read
    ran = execute(code if small is None else small, tokenizer=tokenizer)
    size = () if small is None else ("run at the local run's size",)
    return ran._replace(details=(*(f"source: {line}" for line in (read.reason, *read.details)), *size, *ran.details))


def _tried(script: Path, local: RunRecord) -> str | None:
    """The script of a local run of the own model, which has its code at a size that runs here."""
    return script.read_text("utf-8") if local.source == "train-local" and script.is_file() else None


def _tokenizer(home: Path, settings: Settings) -> Path | str:
    return "bytes" if settings.tokenizer_path == "bytes" else home / settings.tokenizer_path
