"""What `golf promote` does once its options are read."""

import datetime
import os
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import typer

from golfkit import ledger, output, settings
from golfkit.budget.book.journal import Book
from golfkit.budget.book.limits import limits
from golfkit.budget.book.money import dollars, shown
from golfkit.budget.book.state import may_start
from golfkit.budget.gate import gates
from golfkit.budget.gate.verdict import Verdict
from golfkit.budget.pods import assemble
from golfkit.budget.pods.aftermath import RESULTS
from golfkit.budget.pods.reap import reap
from golfkit.budget.promote import plan as planning
from golfkit.budget.promote import run as running
from golfkit.budget.promote.outcome import remarks
from golfkit.budget.promote.plan import Plan
from golfkit.budget.providers import choose
from golfkit.budget.providers.protocol import PodProvider, ProviderError
from golfkit.errors import Exit, GolfError
from golfkit.interrupts import stoppable
from golfkit.settings import Settings
from golfkit.train import flatten
from golfkit.train.runs import record
from golfkit.train.runs.record import RunRecord

SCRIPT, MODEL = "train_gpt.py", "model.py"
DUMMY_KEY = "ssh-ed25519 AAAA"  # to ask for a price, no key is needed


def run(
    run: str | None,
    tier: str,
    host: str | None,
    seeds: int,
    seed: int,
    dry_run: bool,
    force: str | None,
    dynamic: bool,
    workspace: Path | None,
    json: bool,
) -> None:
    """`golf promote`, with its options in their order."""
    if force is not None and not force.strip():
        raise GolfError("--force needs a reason; it is kept in run.json", Exit.USAGE)
    home = settings.require_workspace(Path.cwd(), os.environ, workspace)
    values = settings.load(os.environ, home)
    provider = _provider(values, tier, host, dry_run)
    if provider is not None and provider.rented and not dry_run:
        ender, book = assemble.ender(home, os.environ, output.note, provider)
        for one in reap(ender, book):
            output.note(f"{one.name}: {one.what}{f', {one.error}' if one.error else ''}")
    rows = ledger.read_rows(home / RESULTS)
    records = record.read_all(home / "runs", [row.commit for row in rows])
    name = run or gates.latest_promotable(rows, records)
    local = gates.find_run(name, rows, records)
    plan = planning.make(
        values,
        tier=tier,
        local_run=local.run,
        description=local.description or "",
        seeds=tuple(range(seed, seed + seeds)),
        code=_code(home, local),
        usd_per_hour=_price(values, provider),
        today=datetime.datetime.now(datetime.UTC).date(),
        taken={*(row.commit for row in rows), *(path.name for path in (home / "runs").glob("*"))},
        force=force,
    )
    passed = _ask(_verdicts(home, values, local, rows, records, plan, dynamic), json)
    if not passed or dry_run or provider is None:
        _report_plan(plan, passed, json)
        raise typer.Exit(Exit.DONE if passed else Exit.NO)
    with stoppable():
        _promote(home, values, plan, local, rows, records, provider, json)


def _promote(
    home: Path,
    values: Settings,
    plan: Plan,
    local: RunRecord,
    rows: list[ledger.Row],
    records: dict[str, RunRecord],
    provider: PodProvider,
    as_json: bool,
) -> None:
    ender, book = assemble.ender(home, os.environ, output.note, provider) if provider.rented else (None, None)
    asked = running.Promotion(
        home=home,
        settings=values,
        plan=plan,
        local=local,
        rows=rows,
        records=records,
        ender=ender,
        book=book,
        provider=provider,
        command=tuple(sys.argv),
        say=output.note,
        show=output.note,
    )
    result = running.promote(asked)
    made = result.record
    facts: dict[str, Any] = {
        "run": made.run,
        "pair": made.pair,
        "status": made.status,
        "reason": made.reason,
        "val_bpb": made.val_bpb,
        "noise_bpb": made.noise_bpb,
        "seeds": [one.seed for one in made.seeds],
        "artifact_bytes": made.artifact.artifact_bytes,
        "train_seconds": made.train_seconds,
        "cost_usd": None if result.cents is None else dollars(result.cents),
        "predicted_bpb": None if result.prediction is None else round(result.prediction.val_bpb, 4),
    }
    output.emit(facts if not as_json else facts | {"cost_usd": made.cost_usd}, as_json=as_json)
    for line in remarks(made, result.prediction):
        output.note(line)


def _provider(values: Settings, tier: str, host: str | None, dry_run: bool) -> PodProvider | None:
    """The provider; None for a dry run without a key, which asks nobody."""
    if dry_run and tier == "runpod" and values.runpod_api_key is None:
        output.note("note: no RUNPOD_API_KEY: the price is that of golf.toml, not asked for")
        return None
    return choose.provider(values, tier, host)


def _price(values: Settings, provider: PodProvider | None) -> Decimal | None:
    """What the provider says that the machine costs; the settings' price where it does not say."""
    if provider is None or not provider.rented:
        return None
    try:
        return provider.price(choose.request(values, "golf-price", DUMMY_KEY))
    except ProviderError as error:
        if error.exit_code is not Exit.REMOTE:
            raise
        output.note(f"note: the provider did not say its price ({error}); gpu_rate_usd of the settings counts")
        return None


def _code(home: Path, local: RunRecord) -> str:
    """The counted script of a run: a foreign one as it ran, the own model flattened at the contest's size."""
    folder = home / "runs" / local.run
    if local.source != "train-local":
        path = folder / SCRIPT
        try:
            return path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise GolfError(f"{path}: {error}; expected the counted script of {local.run}, restore it") from error
    path = folder / MODEL
    if not path.is_file():
        raise GolfError(f"{path}: not found, expected the model of {local.run}; restore it, or train it again")
    changes = dict(local.model.changes or {})
    return flatten.flatten(path.read_text("utf-8"), changes, base="FULL", where=str(path)).packed


def _verdicts(
    home: Path,
    values: Settings,
    local: RunRecord,
    rows: list[ledger.Row],
    records: dict[str, RunRecord],
    plan: Plan,
    dynamic: bool,
) -> Iterator[Verdict]:
    """Every gate's answer, in order."""

    def budget() -> Verdict:
        if plan.tier == "ssh":
            return Verdict("budget", True, "one's own machine: nothing is rented")
        book = Book(home, limits(os.environ, home))
        now = time.time()
        found = may_start(book.state(now), plan.worst_cents, now, values.promotions_per_hour)
        return Verdict("budget", found.allowed, found.reason, (found.warning,) if found.warning else ())

    return gates.verdicts(
        home, values, local, rows, records, plan.code, budget=budget, dynamic=dynamic, force_reason=plan.force
    )


def _ask(verdicts: Iterator[Verdict], as_json: bool) -> bool:
    """Say each verdict as it comes; whether all were yes. The first that is not ends it."""
    say = output.note if as_json else lambda text: output.emit(dict([text.split(": ", 1)]), as_json=False)
    for verdict in verdicts:
        say(f"{verdict.name}: {verdict.word}; {verdict.reason}")
        for line in verdict.details:
            output.note(f"  {line}")
        if not verdict.passed:
            return False
    return True


def _report_plan(plan: Plan, passed: bool, as_json: bool) -> None:
    rented = plan.tier != "ssh"
    facts: dict[str, Any] = {
        "promotable": passed,
        "local_run": plan.local_run,
        "run": plan.run,
        "tier": plan.tier,
        "seeds": list(plan.seeds),
        "command": plan.command,
        "folder": plan.folder,
        "worst_case_minutes": round(plan.worst_s / 60, 1),
        "usd_per_hour": str(plan.usd_per_hour) if rented else None,
        "worst_case": shown(plan.worst_cents) if rented else "nothing is rented",
    }
    output.emit(facts, as_json=as_json)
