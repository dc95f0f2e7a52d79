"""`golf budget`: what may be spent, what is spent, and the book behind it."""

import os
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from golfkit import output, settings
from golfkit.budget.book import events, state
from golfkit.budget.book import limits as limits_of
from golfkit.budget.book.journal import JOURNAL, Book
from golfkit.budget.book.money import dollars, parse_dollars, shown
from golfkit.budget.book.state import Reservation, State
from golfkit.errors import Exit, GolfError

TotalOption = Annotated[
    str | None, typer.Option(metavar="DOLLARS", help="All that may be spent, the reserve included.", show_default=False)
]
ReserveOption = Annotated[
    str | None, typer.Option(metavar="DOLLARS", help="What no run may touch.", show_default=False)
]
LastOption = Annotated[int, typer.Option(min=0, metavar="N", help="Charges to list, the newest.")]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="What the money was spent on.", show_default=False)]
DollarsArgument = Annotated[
    str, typer.Argument(metavar="DOLLARS", help="What it cost, such as 3.47.", show_default=False)
]
NoteOption = Annotated[str, typer.Option(metavar="TEXT", help="Kept beside the charge.")]
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="A reservation of golf budget show.", show_default=False)]
ReasonOption = Annotated[str, typer.Option(metavar="TEXT", help="Kept beside it.")]
WorkspaceOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder with golf.toml; default: here or a parent.", show_default=False),
]
DryRunFlag = Annotated[bool, typer.Option("--dry-run", help="Say what it would do; write nothing.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object, with whole cents.")]


def show(last: LastOption = 5, workspace: WorkspaceOption = None, json: JsonFlag = False) -> None:
    """Show total, spent, open reservations, what is left, and when the next run may start.

    remaining is total - spent; available is what the worst case of another run may be: remaining - open - reserve.
    """
    home, book = _book(workspace)
    values = settings.load(os.environ, home)
    now = time.time()
    found = book.state(now)
    worst = limits_of.worst_cents(values)
    runs_left = max(found.available_cents, 0) // worst if worst else None
    at = state.next_start(found, now, values.promotions_per_hour)
    charges = found.charges[-last:] if last else ()
    if json:
        extra = {
            "worst_case_cents": worst,
            "runs_left": runs_left,
            "next_start": None if at is None else events.clock(at),
            "warning": found.warning,
            "reservations": [events.pack(reservation) for reservation in found.open],
            "charges": [charge._asdict() | {"at": events.clock(charge.at)} for charge in charges],
        }
        output.emit(_record(found) | extra, as_json=True)
        return
    start = "now" if at is None else _minute(at)
    extra = {"worst_case": dollars(worst), "runs_left": runs_left, "next_start": start, "warning": found.warning}
    output.emit(_lines(found) | extra)
    if found.open:
        columns = ("reservation", "run", "worst", "usd/h", "started", "deadline")
        output.table(columns, [_open_cells(reservation) for reservation in found.open])
    if charges:
        rows = [[_minute(c.at), c.run, dollars(c.cents), c.reservation, c.note] for c in charges]
        output.table(("charged", "run", "dollars", "reservation", "note"), rows)


def set_limits(
    total: TotalOption = None,
    reserve: ReserveOption = None,
    workspace: WorkspaceOption = None,
    dry_run: DryRunFlag = False,
    json: JsonFlag = False,
) -> None:
    """Write a new total or reserve into the book; it wins over golf.toml, and the environment wins over it."""
    if total is None and reserve is None:
        raise GolfError("nothing to set: give --total, --reserve or both", Exit.USAGE)
    total_cents = None if total is None else parse_dollars(total, "--total")
    reserve_cents = None if reserve is None else parse_dollars(reserve, "--reserve")
    _, book = _book(workspace)
    now = time.time()
    if dry_run:
        found = book.preview(now, events.Set(at=now, total_cents=total_cents, reserve_cents=reserve_cents))
    else:
        found = book.set(now, total_cents, reserve_cents)
    for name, limit, given in (("total", book.limits.total, total), ("reserve", book.limits.reserve, reserve)):
        if given is not None and limit.wins:
            output.note(f"note: the {name} of the {limit.source}, {shown(limit.cents)}, wins over it while it is there")
    _answer(found, json, dry_run)


def charge(
    run: RunArgument,
    amount: DollarsArgument,
    note: NoteOption = "",
    workspace: WorkspaceOption = None,
    dry_run: DryRunFlag = False,
    json: JsonFlag = False,
) -> None:
    """Book money that was spent outside of golf, or that a run cost beyond its record.

    It is booked whole, even where that overdraws the budget: it is spent.
    """
    cents = parse_dollars(amount, "DOLLARS")
    _, book = _book(workspace)
    now = time.time()
    if dry_run:
        found = book.preview(now, events.Charge(at=now, run=run, cents=cents, note=note))
    else:
        found = book.charge(run, cents, now, note)
    _answer(found, json, dry_run)


def release(
    reservation: IdArgument,
    reason: ReasonOption = "by hand",
    workspace: WorkspaceOption = None,
    dry_run: DryRunFlag = False,
    json: JsonFlag = False,
) -> None:
    """Close a reservation without a charge; exit 1 when it is closed already.

    Right where nothing was rented. Where a machine ran, book what it cost with golf budget charge.
    """
    _, book = _book(workspace)
    now = time.time()
    known = book.state(now)
    if reservation in known.closed:
        cents = known.closed[reservation].cents
        how = "released" if cents is None else f"settled with {shown(cents)}"
        raise GolfError(f"{book.journal}: {reservation} is {how} already, expected an open reservation", Exit.NO)
    if dry_run:
        found = book.preview(now, events.Release(at=now, id=reservation, note=reason))
    else:
        book.release(reservation, now, reason)
        found = book.state(now)
    _answer(found, json, dry_run)


def recover(workspace: WorkspaceOption = None, dry_run: DryRunFlag = False, json: JsonFlag = False) -> None:
    """Make a torn or edited budget.jsonl, or a broken budget.json, good again; the broken files are kept.

    The new journal has the good lines, what can still be read behind them, and what only budget.json knew: of the two
    the more expensive counts.
    """
    _, book = _book(workspace)
    now = time.time()
    found = book.recover(now, dry_run=dry_run)
    if found.plan is None:
        output.note(f"{book.journal}: good, nothing to recover")
        _answer(book.state(now), json, dry_run)
        return
    output.note(f"found: {found.problem}")
    for path in found.kept_as:
        output.note(f"{'would keep' if dry_run else 'kept'} {path}")
    for name in found.plan.reopened:
        output.note(f"note: reservation {name} was known to budget.json alone, and is open")
    plan = {
        "lines_kept": found.plan.n_kept,
        "lines_read": found.plan.n_read,
        "lines_lost": found.plan.n_lost,
    }
    added = {"added_cents": found.plan.added_cents} if json else {"added": dollars(found.plan.added_cents)}
    _answer(found.plan.state, json, dry_run, plan | added)


def _book(workspace: Path | None) -> tuple[Path, Book]:
    home = settings.find_workspace(Path.cwd(), os.environ, workspace)
    if home is None:
        raise GolfError(
            f"{Path.cwd()}: no {settings.TOML} here or above, so no {JOURNAL}; name the workspace with --workspace DIR"
        )
    return home, Book(home, limits_of.limits(os.environ, home))


def _answer(found: State, as_json: bool, dry_run: bool, first: dict[str, Any] | None = None) -> None:
    if dry_run:
        output.note("dry run: nothing was written")
    if found.warning:
        output.note(f"warning: {found.warning}")
    output.emit((first or {}) | (_record(found) if as_json else _lines(found)), as_json=as_json)


def _record(found: State) -> dict[str, Any]:
    """The figures of a state, in cents as in budget.json."""
    names = ("total", "spent", "open", "remaining", "reserve", "available")
    sources = {"total_source": found.total_source, "reserve_source": found.reserve_source}
    return {f"{name}_cents": getattr(found, f"{name}_cents") for name in names} | sources


def _lines(found: State) -> dict[str, Any]:
    """The same in dollars, for people."""
    record = _record(found)
    return {
        name.removesuffix("_cents"): dollars(value) if name.endswith("_cents") else value
        for name, value in record.items()
    }


def _open_cells(held: Reservation) -> list[Any]:
    times = [_minute(held.started), _minute(held.deadline)]
    return [held.id, held.run, dollars(held.worst_cents), held.usd_per_hour, *times]


def _minute(at: float) -> str:
    return f"{events.clock(at)[:16]}Z"
