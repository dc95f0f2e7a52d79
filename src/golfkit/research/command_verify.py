"""`golf verify`: the best findings, read in full and judged again."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from golfkit import output, settings
from golfkit.errors import Exit
from golfkit.interrupts import stoppable
from golfkit.research import alone
from golfkit.research.command_grade import GraderOption, JsonFlag, WorkspaceOption, now_text
from golfkit.research.grade import choice
from golfkit.research.grade.choice import Choice

if TYPE_CHECKING:  # what works is imported where it works: --help does without
    from golfkit.research.grade.opening import ReadyInFull
    from golfkit.research.verify.reading import Reading
    from golfkit.research.verify.run import Chosen, Outcome

MOST = 5  # items a run

LimitOption = Annotated[int, typer.Option(min=1, max=MOST, metavar="N", help="Read N items at most, the best first.")]
DryRunFlag = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be read and what it would use; ask nobody, write nothing.")
]


def verify(
    limit: LimitOption = MOST,
    grader: GraderOption = choice.AUTO,
    dry_run: DryRunFlag = False,
    workspace: WorkspaceOption = None,
    json: JsonFlag = False,
) -> None:
    """Read the items of grade A in full and grade them again, with a brief, red flags and what was read.

    Papers from arXiv, pull requests, commits and files from GitHub, all else by Tavily's extract where there are a key
    and credits; where no full text is to be had, what is there is judged, and the line says so. Each item is read once
    for each text it had. Lines go to verified.jsonl one by one. Exit 4: the model does not answer.
    """
    home = settings.require_workspace(Path.cwd(), os.environ, workspace)
    values = settings.load(os.environ, home)
    chosen = choice.choose(grader, values)
    output.note(f"grader: {chosen.name} ({chosen.why})")
    if dry_run:
        _verify(home, values, chosen, limit, True, json)
        return
    with stoppable(), alone.only_one(home, "verify") as mine:
        if mine:
            _verify(home, values, chosen, limit, False, json)
        else:
            output.note("another golf verify is at work in this workspace; nothing is left for this one")
            output.emit({"verified": [], "busy": True}, as_json=json)


def _verify(home: Path, values: settings.Settings, grader: Choice, limit: int, dry_run: bool, json: bool) -> None:
    import asyncio

    from golfkit.research import material
    from golfkit.research.grade import opening
    from golfkit.research.verify import run, verified

    found = material.read(home, values)
    known = verified.latest(verified.read(home / verified.FILE))
    unread = run.choose(found.items, found.in_force, known)
    chosen = unread[:limit]
    if not chosen:
        output.note("no item of grade A is unread; golf grade finds them")
    with opening.opened_in_full(grader, found, values, material.frontier(found)) as ready:
        if dry_run:
            _rehearse(chosen, ready, values, json)
            return
        outcome = run.Outcome()
        if chosen:
            readings = asyncio.run(_read(home, values, chosen))
            with output.progress("verify", len(chosen), unit="items") as meter:
                path = home / verified.FILE
                outcome = run.run(chosen, readings, ready.verifier, path, now_text, meter.advance)
        _report(outcome, ready, len(unread) - len(chosen), json)


async def _read(home: Path, values: settings.Settings, chosen: "Sequence[Chosen]") -> "dict[str, Reading]":
    from golfkit.research import credits, queries
    from golfkit.research.fetch import http
    from golfkit.research.fetch import state as states
    from golfkit.research.verify import reading

    ledger = credits.of_workspace(home, values, queries.read(home / queries.FILE).tavily)
    waits = states.read(home / states.FOLDER).not_before
    held = {name: states.parse(until).timestamp() for name, until in waits.items()}
    async with http.connect(values, held=held) as client:
        return await reading.read_all([one.item for one in chosen], client, values, ledger, datetime.now(UTC))


def _rehearse(chosen: "Sequence[Chosen]", ready: "ReadyInFull", values: settings.Settings, json: bool) -> None:
    """Print what would be read."""
    from golfkit.research import credits
    from golfkit.research.grade.llm.purse import Usage
    from golfkit.research.verify import reading

    rows = [(one, place) for one in chosen for place in reading.places(one.item, values)]
    paid = sum(place.name == "Tavily" for _, place in rows)
    usage = Usage()
    for one in chosen:
        usage = usage.plus(ready.verifier.typical(one.item))
    record = {
        "grader": ready.verifier.name,
        "model": ready.verifier.model,
        "items": len(chosen),
        "most_credits": credits.extract_credits(paid),
        "tokens_in": usage.tokens_in,
        "tokens_out": usage.tokens_out,
        "cost_usd": ready.purse.prices.cost_usd(usage),
    }
    if json:
        asks = [{"item": one.item.id, "total": one.total, "place": place.name, "url": place.url} for one, place in rows]
        output.emit(record | {"reads": asks}, as_json=True)
        return
    output.emit(record)
    columns = ("item", "total", "place", "url")
    output.table(columns, [(one.item.id, one.total, place.name, place.url) for one, place in rows])


def _report(outcome: "Outcome", ready: "ReadyInFull", unread: int, json: bool) -> None:
    """What came of it, and the exit code."""
    columns = ("item", "before", "after", "grade", "full_text", "title")
    rows = [(v.item, v.total_before, v.total, v.grade, v.full_text, v.title[:60]) for v in outcome.verified]
    spent = ready.purse.spent
    if json:
        fields = ("item", "total_before", "grade_before", "total", "grade", "full_text", "fallback", "reason")
        record = {
            "grader": ready.verifier.name,
            "model": ready.verifier.model,
            "verified": [{name: getattr(one, name) for name in fields} for one in outcome.verified],
            "left": outcome.left + unread,
            "tokens_in": spent.tokens_in,
            "tokens_out": spent.tokens_out,
            "cost_usd": ready.purse.cost_usd,
        }
        output.emit(record, as_json=True)
    else:
        output.table(columns, rows)
        for one in outcome.verified:
            if said := "; ".join(text for text in (one.fallback, one.reason) if text):
                output.note(f"{one.item}: {said}")
        output.note(f"{outcome.left + unread} left; {spent.tokens_in} tokens in, {spent.tokens_out} out")
    if outcome.failed is not None:
        raise outcome.failed
    if outcome.stopped is not None:
        output.note(f"{outcome.stopped}; {outcome.left} items are left for the next golf verify")
        if not outcome.verified:
            raise typer.Exit(Exit.NO)
    if outcome.verified:
        output.note("next: golf inject")
