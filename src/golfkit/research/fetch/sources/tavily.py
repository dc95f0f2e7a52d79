"""Tavily: sets of web searches. Each search takes credits before it is asked; which sets are due, the run decides."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from golfkit.research import credits
from golfkit.research.fetch.protocol import Asked, Http, Skipped, SourceError, Yield
from golfkit.research.fetch.sources import asking, shape
from golfkit.research.items import identity
from golfkit.research.items.item import Item
from golfkit.research.queries import SearchSet


class Search(NamedTuple):
    """One search."""

    asked: Asked
    table: SearchSet
    query: str


class Tavily:
    """The sets of searches that it is asked for."""

    name = "tavily"

    def __init__(self, url: str, key: str | None, ledger: credits.Ledger) -> None:
        self._url, self._key, self._ledger = url.rstrip("/") + "/search", key, ledger

    async def fetch(self, asked: Sequence[Asked], http: Http, found: Yield) -> None:
        """Every search that the month's credits allow."""
        if not self._key:
            raise Skipped("tavily: needs a key; set TAVILY_API_KEY")
        searches = [
            Search(one, table, query) for one in asked for table in one.table.values() for query in table.queries
        ]
        unpaid: list[Search] = []

        async def ask(search: Search) -> None:
            if not await self._search(search, http, found):
                unpaid.append(search)

        await asking.in_turn(searches, ask)
        if unpaid:
            left = (
                f"{len(unpaid)} of {len(searches)} searches left out: the month's {self._ledger.cap} credits are spent"
            )
            why = f"tavily: {left}; TAVILY_MONTHLY_BUDGET_USD allows more"
            if len(unpaid) == len(searches):
                raise Skipped(why)
            found.remarks.append(why)

    async def _search(self, search: Search, http: Http, found: Yield) -> bool:
        """Ask one; False where the month's credits do not allow it."""
        now = search.asked.now
        what = f"search {search.asked.contest}: {search.query}"
        ticket = self._ledger.take(credits.SEARCH[search.table.depth], what, now)
        if ticket is None:
            return False
        question = _question(search.query, search.table)
        headers = {"Authorization": f"Bearer {self._key}"}
        try:
            answer = await http.post(self._url, json=question, headers=headers, retry=False)
        except SourceError as error:
            if error.status is not None and error.status >= 300:  # refused, so not charged; all else is not known
                self._ledger.release(ticket, now)
            raise _explained(error, now) from error
        items, reasons = parse(answer.json(), search.asked, search.query, search.table.topic)
        found.items += items
        shape.left_out(found, f"tavily: {search.query}", reasons)
        return True


def parse(answer: Any, asked: Asked, query: str, topic: str) -> tuple[list[Item], list[str]]:
    """(items, why results were left out) of one answer; SourceError where it is no search result.

    Low relevance is no reason here: the threshold holds for the whole cache.
    """
    if not isinstance(shape.pick(answer, "results"), list):
        raise SourceError(f"tavily: {query}: the answer is no search result", status=200)
    items, reasons = [], []
    for result in answer["results"]:
        item = _item(result, asked, query, topic)
        if item is None:
            reasons.append("it has no address, or neither title nor text")
        else:
            items.append(item)
    return items, reasons


def _question(query: str, table: SearchSet) -> Mapping[str, Any]:
    question: dict[str, Any] = {
        "query": query,
        "search_depth": table.depth,
        "topic": table.topic,
        "time_range": table.time_range,
        "max_results": table.max_results,
    }
    if table.include_domains:
        question["include_domains"] = list(table.include_domains)
    return question


def _item(result: Any, asked: Asked, query: str, topic: str) -> Item | None:
    url = identity.canonical_url(shape.line(shape.pick(result, "url"), 2000))
    text = shape.prose(shape.pick(result, "content"))
    title = shape.line(shape.pick(result, "title")) or shape.line(text, 80)
    if not url.startswith("https://") or not title:
        return None
    name, aliases = identity.identities(url=url)
    score = shape.number(shape.pick(result, "score"))
    return Item(
        id=name,
        source="tavily",
        kind=_kind(name, topic),
        contests=(asked.contest,),
        title=title,
        text=text,
        url=url,
        fetched=shape.stamp(asked.now),
        published=_published(shape.pick(result, "published_date")),
        aliases=aliases,
        relevance=None if score is None else min(max(score, 0.0), 1.0),
        found_by=query,
    )


def _kind(name: str, topic: str) -> str:
    if name.startswith(("arxiv:", "doi:")):
        return "paper"
    if name.startswith("github:"):
        return "pull_request" if "#" in name else "commit" if "@" in name else "code"
    return "news" if topic == "news" else "post"


def _published(value: Any) -> str | None:
    """RFC 1123 where the vendor keeps to its documentation, ISO 8601 else."""
    try:
        return shape.iso(parsedate_to_datetime(shape.line(value)).isoformat())
    except (ValueError, OverflowError):
        return shape.iso(value)


def _explained(error: SourceError, now: datetime) -> SourceError:
    """What a refusal means; the wait of its keyless mode stands in the body alone."""
    advice = {
        400: "it refuses the query; correct it in research.toml",
        401: "it does not know the key; correct TAVILY_API_KEY",
        429: "too many requests",
        432: "the plan's limit is reached; it goes on next month or with another plan",  # 432, 433: Tavily's own
        433: "the pay-as-you-go limit is reached; raise it with Tavily",
    }.get(error.status or 0)
    if advice is None:
        return error
    retry_at = error.retry_at
    wait_s = shape.number(shape.pick(_json(error.body), "error", "retry_after_seconds"))
    if retry_at is None and wait_s is not None and wait_s >= 0:
        retry_at = now.timestamp() + wait_s
    return SourceError(f"tavily: {advice} ({error})", retry_at, status=error.status, body=error.body)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
