"""What `golf research` does once its options are read."""

import asyncio
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import typer

from golfkit import output, settings
from golfkit.errors import Exit, GolfError
from golfkit.interrupts import stoppable
from golfkit.research import credits, queries
from golfkit.research.competitors import competitor
from golfkit.research.fetch import http, rehearsal, run
from golfkit.research.fetch import state as states
from golfkit.research.fetch.agenda import SEARCHES, Wanted
from golfkit.research.fetch.protocol import Source
from golfkit.research.fetch.run import Outcome
from golfkit.research.fetch.sources import registry
from golfkit.research.items import item
from golfkit.settings import Settings

COLUMNS = ("source", "status", "new", "updated", "duplicates", "dropped", "competitors", "requests", "seconds")
PLANNED = ("source", "contest", "since", "credits", "asks")


def research(
    since_hours: float | None,
    source: Sequence[str],
    breaking: bool,
    dry_run: bool,
    workspace: Path | None,
    json: bool,
) -> None:
    """`golf research`, with its options in their order."""
    home = settings.require_workspace(Path.cwd(), os.environ, workspace)
    values = settings.load(os.environ, home)
    plan = queries.read(home / queries.FILE)
    names = _chosen(source, breaking)
    wanted = Wanted(
        now=datetime.now(UTC).replace(microsecond=0),
        overlap=timedelta(hours=values.since_hours),
        back=None if since_hours is None else timedelta(hours=since_hours),
        breaking=breaking,
    )
    if dry_run:
        _rehearse(names, plan, home, values, wanted, json)
        return
    ledger = credits.of_workspace(home, values, plan.tavily)
    sources = _sources(names, registry.build(values, plan, ledger), source)
    with stoppable():
        outcomes = asyncio.run(_fetch(sources, plan, home, values, wanted))
    _report(outcomes, home, json)
    raise typer.Exit(Exit.REMOTE if run.all_failed(outcomes) else Exit.DONE)


def _chosen(named: Sequence[str], breaking: bool) -> tuple[str, ...]:
    """The sources that are meant; one that nobody knows is an error."""
    if unknown := [name for name in named if name not in item.SOURCES]:
        raise GolfError(f"--source {unknown[0]}: no such source; they are {', '.join(item.SOURCES)}", Exit.USAGE)
    if breaking and set(named) - {SEARCHES}:
        raise GolfError(f"--breaking asks {SEARCHES} alone: give it without --source", Exit.USAGE)
    return (SEARCHES,) if breaking else tuple(name for name in item.SOURCES if not named or name in named)


def _sources(names: Sequence[str], built: Sequence[Source], named: Sequence[str]) -> list[Source]:
    for name in set(named) - {each.name for each in built}:
        output.note(f"{name}: {run.SKIPPED}: {queries.FILE} has no table of it for the contests in use")
    return [each for each in built if each.name in names]


async def _fetch(
    sources: Sequence[Source], plan: queries.Plan, home: Path, values: Settings, wanted: Wanted
) -> list[Outcome]:
    waits = states.read(home / states.FOLDER).not_before
    held = {name: states.parse(until).timestamp() for name, until in waits.items()}
    async with http.connect(values, held=held) as client:
        with output.progress("research", len(sources), unit="sources") as meter:
            left = [source.name for source in sources]

            def on_done(outcome: Outcome) -> None:
                left.remove(outcome.source)
                for remark in outcome.remarks:
                    output.note(f"{outcome.source}: {outcome.status}: {remark}")
                meter.advance(1, ", ".join(left))

            return await run.Run(home, plan, wanted, client).all(sources, on_done)


def _report(outcomes: Sequence[Outcome], home: Path, as_json: bool) -> None:
    new = sum(outcome.new for outcome in outcomes)
    if as_json:
        record = {
            "new": new,
            "path": str(home / item.FILE),
            "competitors_path": str(home / competitor.FILE),
            "sources": [vars(outcome) | {"remarks": list(outcome.remarks)} for outcome in outcomes],
        }
        output.emit(record, as_json=True)
    else:
        output.table(COLUMNS, [[getattr(outcome, name) for name in COLUMNS] for outcome in outcomes])
    if new:
        output.note(f"{home / item.FILE}: {new} new; next: golf grade")


def _rehearse(
    names: Sequence[str], plan: queries.Plan, home: Path, values: Settings, wanted: Wanted, as_json: bool
) -> None:
    """Print what would be asked."""
    ledger = rehearsal.Unspent(credits.of_workspace(home, values, plan.tavily))
    sources = [each for each in registry.build(values, plan, ledger) if each.name in names]
    lines = asyncio.run(rehearsal.lines(sources, plan, home, wanted))
    if as_json:
        output.emit({"asks": [line._asdict() for line in lines]}, as_json=True)
        return
    for line in lines:
        if line.skipped:
            output.note(f"{line.source}: skipped: {line.skipped}")
    output.table(PLANNED, [[getattr(line, name) for name in PLANNED] for line in lines if not line.skipped])
    output.note("nothing was asked")
