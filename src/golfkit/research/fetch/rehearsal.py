"""What a run would ask, without asking: `golf research --dry-run`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from golfkit.research import credits
from golfkit.research.fetch import agenda
from golfkit.research.fetch import state as states
from golfkit.research.fetch.agenda import Wanted
from golfkit.research.fetch.protocol import Answer, Skipped, Source, SourceError, Yield
from golfkit.research.queries import Plan


class Line(NamedTuple):
    """One question that would be put, or why a source would be left out."""

    source: str
    contest: str | None = None
    since: str | None = None
    credits: int | None = None
    asks: str | None = None
    skipped: str | None = None


class Unspent(credits.Ledger):
    """A ledger of credits with nobody paying: what would be taken is counted here alone."""

    def __init__(self, live: credits.Ledger) -> None:
        self.path, self.cap = live.path, live.cap
        self._taken = 0

    def take(self, credits: int, what: str, now: datetime) -> str | None:
        """Whether the month's credits allow it, after all that would have been taken before."""
        if self.cap is not None and self.spent(now) + self._taken + credits > self.cap:
            return None
        self._taken += credits
        return "ticket"

    def release(self, ticket: str, now: datetime) -> None:
        """Nothing was taken."""


class Silent:
    """protocol.Http that sends nothing: every question fails, so that a source shows whether it would put one."""

    async def get(self, url: str, **how: Any) -> Answer | None:
        """See protocol.Http."""
        raise SourceError(f"{url}: not asked")

    async def post(self, url: str, *, json: Mapping[str, Any], **how: Any) -> Answer:
        """See protocol.Http."""
        raise SourceError(f"{url}: not asked")


async def lines(sources: Sequence[Source], plan: Plan, home: Path, wanted: Wanted) -> list[Line]:
    """A line for each question, by source and contest; one with the reason for a source that would be left out."""
    state = states.read(home / states.FOLDER)
    found: list[Line] = []
    for source in sources:
        try:
            parts = agenda.parts(source.name, plan, state, wanted)
        except Skipped as reason:
            found.append(Line(source.name, skipped=str(reason)))
            continue
        for part in parts:
            found += await _part(source, part)
    return list(dict.fromkeys(found))


async def _part(source: Source, part: agenda.Part) -> list[Line]:
    try:
        await source.fetch(part.asked, Silent(), Yield())
    except Skipped as reason:
        return [Line(source.name, part.asked[0].contest, skipped=str(reason).removeprefix(f"{source.name}: "))]
    except SourceError:
        pass  # it would have asked
    cost = agenda.n_credits(part)
    asks = [(asked, text) for asked in part.asked for text in agenda.entries(asked.table)]
    return [Line(source.name, asked.contest, states.render(asked.since), cost or None, text) for asked, text in asks]
