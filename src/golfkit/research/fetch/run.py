"""All sources at once, each on its own: fetched, then merged into the files, then remembered as fetched.

In that order, so that a process which is killed anywhere loses nothing: what was not remembered is asked for again,
and what was merged already is found there.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from golfkit.errors import GolfError
from golfkit.research.competitors import competitor
from golfkit.research.competitors import store as scores
from golfkit.research.fetch import agenda, limits
from golfkit.research.fetch import state as states
from golfkit.research.fetch.agenda import Part, Wanted
from golfkit.research.fetch.http import Client, SourceHttp
from golfkit.research.fetch.protocol import Skipped, Source, SourceError, Yield
from golfkit.research.fetch.retries import DAY_S
from golfkit.research.fetch.state import Commit, State
from golfkit.research.items import item, store
from golfkit.research.queries import Plan

OK, FAILED, SKIPPED = "ok", "failed", "skipped"
MISREAD = (LookupError, TypeError, AttributeError, ValueError, RecursionError)  # an answer of another shape


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one source.

    new, updated, duplicates, dropped  items, as store.Merged counts them
    competitors                        lines of competitors.jsonl that are new or changed
    """

    source: str
    status: str = OK
    new: int = 0
    updated: int = 0
    duplicates: int = 0
    dropped: int = 0
    competitors: int = 0
    requests: int = 0
    seconds: float = 0.0
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """One call of the command.

    home    the workspace
    client  what all sources share
    """

    home: Path
    plan: Plan
    wanted: Wanted
    client: Client
    clock: Callable[[], float] = field(default=time.monotonic)

    @property
    def folder(self) -> Path:
        """Where research keeps its books."""
        return self.home / states.FOLDER

    async def all(self, sources: Sequence[Source], on_done: Callable[[Outcome], None]) -> list[Outcome]:
        """The outcome of each source, in their order; `on_done` hears of each as it ends.

        A source that fails fails alone. A file of the workspace that cannot be read or written ends them all.
        """
        failure: BaseException | None = None
        tasks: list[asyncio.Task[Outcome]] = []
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._told(source, on_done)) for source in sources]
        except* (GolfError, OSError) as failures:
            failure = failures.exceptions[0]
        if failure is not None:
            raise failure
        return [task.result() for task in tasks]

    async def _told(self, source: Source, on_done: Callable[[Outcome], None]) -> Outcome:
        begun_s = self.clock()
        with states.turn(self.folder, source.name) as mine:
            if mine:
                outcome = await self._one(source)
            else:
                outcome = _skipped(source.name, "another golf research is at it right now, and keeps what it finds")
        outcome = replace(outcome, seconds=round(self.clock() - begun_s, 2))
        on_done(outcome)
        return outcome

    async def _one(self, source: Source) -> Outcome:
        """One source, part by part; the state is read only now, when no other process fetches it."""
        state = states.read(self.folder)
        try:
            parts = agenda.parts(source.name, self.plan, state, self.wanted)
        except Skipped as reason:
            return _skipped(source.name, str(reason))
        outcomes = [await self._part(source, part, state) for part in parts]
        return _summed(source.name, outcomes)

    async def _part(self, source: Source, part: Part, state: State) -> Outcome:
        http = self.client.of(
            source.name,
            digest=part.digest,
            since=part.since,
            today=states.render(self.wanted.now),
            known=state.validators.get(source.name),
        )
        found, status, why, retry_at = Yield(), OK, "", None
        try:
            await source.fetch(part.asked, http, found)
        except Skipped as reason:
            status, why = SKIPPED, str(reason)
        except SourceError as error:
            rests = error.retry_at is not None and not http.requests
            status, why, retry_at = SKIPPED if rests else FAILED, str(error), error.retry_at
        except MISREAD as error:
            status, why = FAILED, f"an answer of another shape than is documented: {_place(error)}"
        if status == OK and http.unsettled:
            found.remarks.append(
                f"requests that failed: {http.unsettled}; the next run asks again from {part.since} on"
            )
        self._hold(source.name, retry_at)
        outcome = self._commit(source.name, part, found, http, whole=status == OK and not http.unsettled)
        said = [self.client.cleaned(text).removeprefix(f"{source.name}: ") for text in (why, *found.remarks) if text]
        return replace(outcome, status=status, remarks=tuple(said), requests=http.requests)

    def _commit(self, source: str, part: Part, found: Yield, http: SourceHttp, *, whole: bool) -> Outcome:
        """Items and competitors into their files, and only then the state: never the other way round."""
        merged = store.merge(self.home / item.FILE, found.items, least_relevance=self.plan.tavily.least_score)
        changes = scores.merge(self.home / competitor.FILE, found.competitors) if found.competitors else (0, 0)
        held = self.client.lanes.held(self.client.now())
        if whole or held:
            names, fresh = (part.names, http.fresh) if whole else ((), {})
            done = Commit(source=source, began=self.wanted.now, names=names, fresh=fresh, held=held)
            states.commit(self.folder, done)
        return Outcome(source=source, competitors=sum(changes), **merged._asdict())

    def _hold(self, source: str, retry_at: float | None) -> None:
        """Leave a service alone that named a time in its answer's text, where the client does not look."""
        if retry_at is not None and source in limits.LIMITS and source != "feeds":  # those are held host by host
            self.client.lanes.named(source).hold(min(retry_at, self.client.now() + DAY_S))


def all_failed(outcomes: Sequence[Outcome]) -> bool:
    """Whether of the sources that were asked not one answered."""
    asked = [outcome for outcome in outcomes if outcome.status != SKIPPED]
    return bool(asked) and all(outcome.status == FAILED for outcome in asked)


def _skipped(source: str, reason: str) -> Outcome:
    return Outcome(source=source, status=SKIPPED, remarks=(reason,))


def _summed(source: str, outcomes: Sequence[Outcome]) -> Outcome:
    """One outcome for the parts of a source: failed where one failed, skipped where all were."""
    statuses = {outcome.status for outcome in outcomes}
    status = FAILED if FAILED in statuses else OK if OK in statuses else SKIPPED
    remarks = tuple(dict.fromkeys(remark for outcome in outcomes for remark in outcome.remarks))
    counts = ("new", "updated", "duplicates", "dropped", "competitors", "requests")
    return Outcome(
        source=source,
        status=status,
        remarks=remarks,
        **{name: sum(getattr(outcome, name) for outcome in outcomes) for name in counts},
    )


def _place(error: BaseException) -> str:
    """An unforeseen error with the line it came from, for a report."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" ({Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno})" if trace else ""
    return f"{type(error).__name__}: {error}{where}"
