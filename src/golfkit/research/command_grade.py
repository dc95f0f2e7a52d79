"""`golf grade`: which findings are worth a try here?"""

import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from golfkit import output, settings
from golfkit.errors import Exit
from golfkit.research import alone
from golfkit.research.grade import choice
from golfkit.research.grade.choice import Choice
from golfkit.research.grade.names import LLM

if TYPE_CHECKING:  # what works is imported where it works: --help does without
    from golfkit.research.grade.due import Due, Selection
    from golfkit.research.grade.opening import Ready
    from golfkit.research.grade.run import Outcome
    from golfkit.research.material import Material

GraderOption = Annotated[
    str,
    typer.Option(
        metavar="|".join(choice.GRADERS),
        help="Who judges; auto: the model where llm_model and a key or llm_base_url are set, else the offline rules.",
    ),
]
LimitOption = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Grade N items at most, the newest first.", show_default=False)
]
DryRunFlag = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be graded and what it would use; ask nobody, write nothing.")
]
WorkspaceOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder with golf.toml; default: here or a parent.", show_default=False),
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def grade(
    grader: GraderOption = choice.AUTO,
    limit: LimitOption = None,
    dry_run: DryRunFlag = False,
    workspace: WorkspaceOption = None,
    json: JsonFlag = False,
) -> None:
    """Grade the items of raw_cache.jsonl by the contest's rubric, against what was tried here and what others have.

    Five dimensions of 15 points together (A from 10, B from 7), with competitors six of 17 (A from 12, B from 9). New
    items first; then those whose grade is out of date, as tries, techniques or competitors are others now. Rows go to
    graded.jsonl batch by batch. Exit 4: the model does not answer; what was graded is kept, the rest is for next time.
    """
    home = settings.require_workspace(Path.cwd(), os.environ, workspace)
    values = settings.load(os.environ, home)
    chosen = choice.choose(grader, values)
    output.note(f"grader: {chosen.name} ({chosen.why})")
    if dry_run:
        _grade(home, values, chosen, limit, True, json)
        return
    with alone.only_one(home, "grade") as mine:
        if mine:
            _grade(home, values, chosen, limit, False, json)
        else:
            output.note("another golf grade is at work in this workspace; nothing is left for this one")
            output.emit({"graded": 0, "busy": True}, as_json=json)


def _grade(home: Path, values: settings.Settings, chosen: Choice, limit: int | None, dry_run: bool, json: bool) -> None:
    from golfkit.research import material
    from golfkit.research.grade import due, graded, opening, run

    found = material.read(home, values)
    with opening.opened(chosen, found, values, material.frontier(found)) as ready:
        selection = due.select(found.items, found.in_force, chosen.name, ready.grader.context, datetime.now(UTC))
        if selection.kept:
            output.note(f"{selection.kept} grades of a model from the last {due.PAID.days} days stay as they are")
        wanted = selection.due[:limit]
        if dry_run:
            output.emit(_plan(wanted, ready, values), as_json=json)
            return
        with output.progress("grade", len(wanted), unit="items") as meter:
            outcome = run.run(
                [one.item for one in wanted], ready.grader, home / graded.FILE, found.in_force, now_text, meter.advance
            )
        output.emit(_summary(home, found, selection, wanted, outcome, ready), as_json=json)
        _tell(outcome, ready)


def _plan(wanted: "tuple[Due, ...]", ready: "Ready", values: settings.Settings) -> dict[str, Any]:
    usage = ready.grader.typical([one.item for one in wanted])
    cost_usd = ready.purse.prices.cost_usd(usage)
    return {
        "grader": ready.grader.name,
        "model": ready.grader.model,
        "items": len(wanted),
        "why": dict(Counter(one.why for one in wanted)),
        "tokens_in": usage.tokens_in,
        "tokens_out": usage.tokens_out,
        "cost_usd": None if cost_usd is None else round(cost_usd, 4),
        **({"most_tokens": values.llm_max_tokens, "most_usd": values.llm_max_usd} if ready.grader.name == LLM else {}),
    }


def _summary(
    home: Path,
    found: "Material",
    selection: "Selection",
    wanted: "tuple[Due, ...]",
    outcome: "Outcome",
    ready: "Ready",
) -> dict[str, Any]:
    from golfkit.research.grade import graded

    in_force = graded.in_force(home / graded.FILE)
    counts = Counter(in_force[item.id].grade for item in found.items if item.id in in_force)
    cost_usd = ready.purse.cost_usd
    return {
        "grader": ready.grader.name,
        "model": ready.grader.model,
        "graded": outcome.graded,
        "changed": outcome.changed,
        "ungraded": outcome.ungraded,
        "left": outcome.left + len(selection.due) - len(wanted),
        "A": counts["A"],
        "B": counts["B"],
        "C": counts["C"],
        "tokens_in": ready.purse.spent.tokens_in,
        "tokens_out": ready.purse.spent.tokens_out,
        "cost_usd": None if cost_usd is None else round(cost_usd, 4),
    }


def _tell(outcome: "Outcome", ready: "Ready") -> None:
    """What the summary leaves open, and the exit code."""
    if ready.grader.name == LLM and ready.purse.cost_usd is None:
        output.note("dollars are not counted: llm_input_usd_per_mtok and llm_output_usd_per_mtok are not set")
    if outcome.ungraded:
        output.note(f"{outcome.ungraded} items are ungraded (reason in graded.jsonl); the next golf grade tries again")
    if outcome.failed is not None:
        output.note(f"{outcome.left} items are left for the next golf grade")
        raise outcome.failed
    if outcome.stopped is not None:
        output.note(f"{outcome.stopped}; {outcome.left} items are left for the next golf grade")
        if not outcome.graded + outcome.ungraded:
            raise typer.Exit(Exit.NO)
    output.note("next: golf verify, then golf inject")


def now_text() -> str:
    """The time, as files have it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
