"""`golf pods`: the rented machines of this workspace, and the end of those that nobody works on."""

import os
import time
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from golfkit import output, settings
from golfkit.budget.book.money import cost_cents, dollars
from golfkit.budget.pods import owner
from golfkit.budget.pods.end import rented_seconds
from golfkit.budget.pods.journal import Entry
from golfkit.budget.providers.protocol import Pod, ProviderError
from golfkit.errors import Exit, GolfError

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder with golf.toml; default: here or a parent.", show_default=False),
]
AllFlag = Annotated[bool, typer.Option("--all", help="Those that are ended and booked, too.")]
DryRunFlag = Annotated[bool, typer.Option("--dry-run", help="Say what it would do; end nothing.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def show(every: AllFlag = False, workspace: WorkspaceOption = None, json: JsonFlag = False) -> None:
    """List the pods of this workspace's journal beside what the provider says, with what they cost.

    Exit 4 where the provider does not answer: then the journal alone is shown.
    """
    from golfkit.budget.pods import assemble  # providers and all: more than the rest of --help

    home = settings.require_workspace(Path.cwd(), os.environ, workspace)
    ender, _ = assemble.ender(home, os.environ, output.note)
    entries = [entry for entry in ender.journal.entries().values() if every or entry.open]
    failure: ProviderError | None = None
    seen: dict[str, Pod] | None = None
    try:
        seen = {pod.id: pod for pod in ender.provider.list()} if entries else {}
    except ProviderError as error:
        failure = error
    now = time.time()
    facts = [_facts(home, entry, seen, now) for entry in entries]
    burning = sum((Decimal(fact["usd_per_minute"]) for fact in facts), start=dollars(0))
    if json:
        output.emit({"pods": facts, "usd_per_minute": str(burning)}, as_json=True)
    else:
        if facts:
            output.table(tuple(facts[0]), [list(fact.values()) for fact in facts])
        output.emit({"pods": len(facts), "usd_per_minute": burning})
    if failure is not None:
        raise failure


def reap_all(workspace: WorkspaceOption = None, dry_run: DryRunFlag = False, json: JsonFlag = False) -> None:
    """End every pod of this workspace's journal that nobody works on, and book what it cost. For cron.

    Pods of other workspaces, people and programs are never touched. Exit 4 where one could not be ended now.
    """
    from golfkit.budget.pods import aftermath, assemble
    from golfkit.budget.pods.reap import reap

    home = settings.require_workspace(Path.cwd(), os.environ, workspace)
    ender, book = assemble.ender(home, os.environ, output.note)
    done = list(reap(ender, book, dry_run=dry_run))
    rows = [] if dry_run else aftermath.write_rows(home, ender.journal.entries())
    if json:
        output.emit({"pods": [one._asdict() for one in done], "rows": rows}, as_json=True)
    elif done:
        cells = [[one.name, one.what, None if one.cents is None else dollars(one.cents), one.error] for one in done]
        output.table(("pod", "what", "usd", "error"), cells)
    for run in rows:
        output.note(f"{run}: killed while it ran; it has a crash row in {aftermath.RESULTS} now")
    if not json:
        output.emit({"open": sum(one.what in ("owned", "failed") for one in done)})
    failed = [one for one in done if one.what == "failed"]
    if failed:
        raise GolfError(f"{len(failed)} could not be ended: {failed[0].error}; run golf pods reap again", Exit.REMOTE)


def _facts(home: Path, entry: Entry, seen: dict[str, Pod] | None, now: float) -> dict[str, Any]:
    alive = [] if seen is None else [seen[pod] for pod in entry.ids if pod in seen and seen[pod].exists]
    if seen is None:
        status = "not known"
    elif alive:
        status = ", ".join(pod.status for pod in alive)
    else:
        status = "gone" if entry.ids else "none yet" if entry.open else "none"
    cents = entry.settled_cents
    if cents is None:
        so_far = now - entry.intended if alive else rented_seconds(entry)
        cents = cost_cents(max(0.0, so_far) * max(1, len(alive)), entry.usd_per_hour) if entry.ids else 0
    return {
        "pod": entry.name,
        "id": ", ".join(entry.ids),
        "status": status,
        "journal": "open" if entry.open else "settled",
        "owner": "alive" if owner.is_owned(home, entry.name) else "none",
        "usd_per_minute": str((entry.usd_per_hour * len(alive) / 60).quantize(dollars(1))),
        "usd": str(dollars(cents)),
    }
