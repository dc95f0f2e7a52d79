"""A promotion from start to row: rent, train the seeds, end the pod, write what came of it."""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from golfkit import files, ledger
from golfkit.budget.book.journal import Book
from golfkit.budget.pods import owner
from golfkit.budget.pods.aftermath import RESULTS
from golfkit.budget.pods.end import Ender
from golfkit.budget.promote import outcome, rent
from golfkit.budget.promote.outcome import Prediction
from golfkit.budget.promote.plan import Plan
from golfkit.budget.promote.rent import Rental, Terms
from golfkit.budget.promote.seeds import SCRIPT, Seeds
from golfkit.budget.providers import choose
from golfkit.budget.providers.protocol import Address, PodProvider
from golfkit.budget.remote import abort
from golfkit.budget.remote.machine import Machine
from golfkit.budget.remote.progress import Elapsed, Progress
from golfkit.budget.remote.ssh import Shell
from golfkit.errors import Exit, GolfError
from golfkit.interrupts import held_back
from golfkit.ledger import Row
from golfkit.settings import Settings
from golfkit.train.runs import record
from golfkit.train.runs.record import RunRecord

SHOWN_S = 15.0  # seconds between two progress lines where nobody watches a terminal
LOG = "train.log"


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """What a promotion works with."""

    home: Path
    settings: Settings
    plan: Plan
    local: RunRecord
    rows: list[Row]
    records: Mapping[str, RunRecord]
    ender: Ender | None  # None: one's own machine, nothing is rented
    book: Book | None
    provider: PodProvider
    command: tuple[str, ...]
    say: Callable[[str], None]
    show: Callable[[str], None]  # the progress line


class Result(NamedTuple):
    """How it ended."""

    record: RunRecord
    cents: int | None  # None: nothing was rented
    prediction: Prediction | None


def promote(asked: Promotion) -> Result:
    """Run the plan. Whatever happens after a machine was rented, there is one row with its cost, and no machine left.

    Raises what ended it early, after its row is written; where nothing was rented there is no row and no run folder.
    """
    folder = _claimed(asked.home / "runs", asked.plan.run)
    plan = asked.plan.renamed(folder.name)
    asked = dataclasses.replace(asked, plan=plan)
    prediction = None
    if asked.local.val_bpb is not None:
        prediction = outcome.predicted(asked.local.val_bpb, asked.rows, asked.records, plan.tier)
    with owner.owned(asked.home, plan.pod):
        made = outcome.begun(plan, asked.local, time.time(), asked.command)
        files.atomic_write(folder / SCRIPT, plan.code)
        record.write(folder / record.FILE, made)
        seeds: list[Seeds] = []
        failure: GolfError | None = GolfError(f"{folder}: stopped by ^C, a signal or a fault of golf", Exit.INTERRUPTED)
        try:
            with _machine(asked) as (machine, rental):
                seeds.append(_seeds(asked, machine, rental, folder))
                seeds[0].run()
            failure = None
        except GolfError as error:
            failure = error
        except OSError as error:
            failure = GolfError(f"{error.filename or folder}: {error.strerror or error}; the run was stopped")
        finally:  # of ^C, too
            with held_back():
                made, cents = _finish(asked, made, seeds, folder, failure)
    if failure is not None:
        raise failure
    return Result(made, cents, prediction)


def _claimed(runs: Path, run: str) -> Path:
    """A new folder for a run, with _2, _3, ... where another promotion took its name meanwhile."""
    n, name = 1, run
    while True:
        try:
            (runs / name).mkdir(parents=True)
            return runs / name
        except FileExistsError:
            n += 1
            name = f"{run}_{n}"


def _finish(
    asked: Promotion, made: RunRecord, seeds: list[Seeds], folder: Path, failure: GolfError | None
) -> tuple[RunRecord, int | None]:
    cents = None
    if asked.ender is not None:
        entry = asked.ender.journal.entries().get(asked.plan.pod)
        if entry is None or (not entry.ids and not entry.open):  # nothing was rented: as if it had not been tried
            for name in (SCRIPT, record.FILE):
                (folder / name).unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                folder.rmdir()
            return made, None
        cents = entry.settled_cents  # None while it could not be ended; reap writes the row then
        if cents is None:
            return made, None
    done = seeds[0].done if seeds else []
    made = outcome.finished(made, done, folder, asked.settings.artifact_limit, failure, cents)
    made = outcome.judged(made, asked.rows)
    record.write(folder / record.FILE, made)
    ledger.append_row(asked.home / RESULTS, outcome.row_of(made, cents))
    return made, cents


@contextlib.contextmanager
def _machine(asked: Promotion) -> Iterator[tuple[Machine, Rental]]:
    """The machine for the block: a pod that is rented for it, or one's own."""
    plan, values = asked.plan, asked.settings
    known_hosts = owner.path_of(asked.home, plan.pod, "known_hosts")
    if asked.ender is None or asked.book is None:
        pod = asked.provider.get(plan.pod)
        if pod is None:
            raise GolfError("no machine", Exit.REMOTE)
        began = time.monotonic()
        elapsed = lambda: time.monotonic() - began  # noqa: E731
        rental = Rental(pod, elapsed, lambda: plan.worst_s - elapsed())
        yield Machine(_address(pod.address), _own_key(values), known_hosts), rental
        return
    key = _own_key(values) or rent.new_key(asked.home, plan.pod)
    request = choose.request(values, plan.pod, _public(key))
    terms = Terms(
        name=plan.pod,
        run=plan.run,
        usd_per_hour=plan.usd_per_hour,
        seconds=plan.worst_s,
        per_hour=values.promotions_per_hour,
        boot_seconds=plan.boot_s,
        grace=values.pod_lost_seconds,
    )
    with rent.rented(asked.ender, asked.book, terms, request) as rental:
        yield Machine(_address(rental.pod.address), key, known_hosts), rental


def _seeds(asked: Promotion, machine: Machine, rental: Rental, folder: Path) -> Seeds:
    """The runner of the seeds, once ssh lets us in."""
    plan = asked.plan
    clock = asked.ender.clock if asked.ender else None
    now, sleep = (clock.monotonic, clock.sleep) if clock else (time.monotonic, time.sleep)
    shell = Shell(machine, now=now, sleep=sleep, say=asked.say)
    shell.wait_until_up(now() + max(0.0, plan.boot_s - rental.elapsed()))
    if asked.settings.pod_timer and asked.ender is not None:
        _start_timer(shell, rental, asked.say)
    progress, shown = Progress(), 0.0
    price = rental.pod.usd_per_hour or plan.usd_per_hour if asked.ender else None

    def on_line(line: str) -> None:
        nonlocal progress, shown
        progress = progress.after(line)
        if rental.elapsed() - shown >= SHOWN_S or not shown:
            shown = rental.elapsed()
            asked.show(progress.text(Elapsed(shown, price)))

    return Seeds(
        plan=plan,
        shell=shell,
        folder=folder,
        best=_best_curve(asked),
        same_tokens=asked.local.source == "train-local",  # its own script reads the shards from the first token on
        left=rental.left,
        on_line=on_line,
        say=asked.say,
    )


def _best_curve(asked: Promotion) -> abort.Curve:
    """The curve of the best run of the tier, from its log; empty where there is none."""
    best = outcome.best_row(asked.rows, asked.plan.tier)
    path = None if best is None else asked.home / "runs" / best.commit / LOG
    if path is None or not path.is_file():
        return abort.Curve()
    return abort.Curve.parse(path.read_text("utf-8", errors="replace"))


def _start_timer(shell: Shell, rental: Rental, say: Callable[[str], None]) -> None:
    """Have the pod end itself at the deadline, with the key that RunPod gives every pod."""
    script = (
        f"command -v runpodctl >/dev/null || exit 9; [ -f /etc/rp_environment ] && . /etc/rp_environment; "
        f"setsid nohup sh -c 'sleep {rental.left():.0f}; runpodctl remove pod {rental.pod.id}' "
        ">/dev/null 2>&1 </dev/null &"
    )
    if shell.run(script, 60.0).rc:
        say("warning: the pod has no runpodctl, so it has no timer of its own; the watchdog here is the only one")


def _address(address: Address | None) -> Address:
    if address is None:
        raise GolfError("the machine has no ssh address", Exit.REMOTE)
    return address


def _own_key(values: Settings) -> Path | None:
    return None if values.ssh_key is None else Path(values.ssh_key).expanduser()


def _public(key: Path) -> str:
    path = key.with_name(f"{key.name}.pub")
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise GolfError(
            f"{path}: {error.strerror}, expected the public half of ssh_key; make it with ssh-keygen -y"
        ) from error
