"""arXiv: its Atom API, newest submissions first. Its 3 s between requests are the client's business."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from golfkit.research.fetch.protocol import Answer, Asked, Http, SourceError, Yield
from golfkit.research.fetch.sources import asking, shape, syndication
from golfkit.research.items import identity
from golfkit.research.items.item import Item

PAGE = 100  # entries; larger pages are slow there and break off more often
MOST_PAGES = 20  # of one query: 2,000 entries, as many as its terms allow in one slice
LATE = timedelta(days=7)  # from submission until a paper shows: four days over a weekend, more over holidays
TRIES = 3  # of a page that comes empty or cut off though there is more


class Page(NamedTuple):
    """One answer, read."""

    total: int  # results of the query, over all pages
    items: list[Item]
    left_out: list[str]  # why entries were, one reason each
    whole: bool


class Arxiv:
    """Queries in arXiv's language, each with the range of days of submission."""

    name = "arxiv"

    def __init__(self, url: str, page: int = PAGE) -> None:
        self._url, self._page = url, page

    async def fetch(self, asked: Sequence[Asked], http: Http, found: Yield) -> None:
        """Every query of every contest, to its end or to what is older than asked for."""

        async def ask(part: tuple[Asked, str]) -> None:
            await self._query(*part, http, found)

        await asking.in_turn([(one, query) for one in asked for query in one.table.queries], ask)

    async def _query(self, asked: Asked, query: str, http: Http, found: Yield) -> None:
        start, seen = 0, set[str]()
        since = shape.stamp(asked.since - LATE)
        for _ in range(MOST_PAGES):
            page = await self._read(asked, query, start, http)
            shape.left_out(found, f"arxiv: {query}", page.left_out)
            found.items += [item for item in page.items if item.published is None or item.published >= since]
            if not page.whole:
                raise SourceError(f"arxiv: {query}: the list is cut off after {start + len(page.items)} entries")
            new = {item.id for item in page.items} - seen
            start += len(page.items) + len(page.left_out)
            older = any(item.published is not None and item.published < since for item in page.items)
            if older or not new or start >= page.total:
                return
            seen |= new
        found.remarks.append(f"arxiv: {query}: only the newest {start} of {page.total} entries were read")

    async def _read(self, asked: Asked, query: str, start: int, http: Http) -> Page:
        first, last = (time.strftime("%Y%m%d%H%M") for time in (asked.since - LATE, asked.now))
        params: dict[str, str | int] = {
            "search_query": f"({query}) AND submittedDate:[{first} TO {last}]",
            "start": start,
            "max_results": self._page,
            "sortBy": "submittedDate",
            "sortOrder": "descending",
        }
        for _ in range(TRIES):
            try:
                answer = await asking.get(http, self._url, params=params)
            except SourceError as error:
                raise _explained(error, query) from error
            page = parse(answer, asked, query)
            if page.whole and (page.items or page.left_out or page.total <= start):
                return page
        if not page.items and not page.left_out:
            raise SourceError(f"arxiv: {query}: an empty page at {start} of {page.total}, {TRIES} times")
        return page


def parse(answer: Answer, asked: Asked, query: str) -> Page:
    """Items of one answer; SourceError where it is no feed, or arXiv's own word of an error."""
    parsed = syndication.parse(answer.body, answer.headers, answer.url)
    if said := _complaint(parsed):
        raise SourceError(f"arxiv: {query}: {said}", status=answer.status)
    items, reasons = [], []
    for entry in parsed.entries:
        item = _item(entry, asked, query)
        if item is None:
            reasons.append(f"{shape.line(entry.get('id')) or 'no id'} is no arXiv id, or the title is missing")
        else:
            items.append(item)
    total = str(parsed.feed.get("opensearch_totalresults", ""))
    n_total = int(total) if total.isascii() and total.isdigit() and len(total) < 10 else len(parsed.entries)
    return Page(n_total, items, reasons, not syndication.is_cut_off(parsed, answer.body))


def _item(entry: Any, asked: Asked, query: str) -> Item | None:
    paper = identity.arxiv_id(shape.line(entry.get("id")))
    title = shape.line(entry.get("title"))
    if paper is None or not title:
        return None
    url = f"https://arxiv.org/abs/{paper}"
    name, aliases = identity.identities(url=url, arxiv=paper, doi_name=shape.line(entry.get("arxiv_doi")))
    return Item(
        id=name,
        source="arxiv",
        kind="paper",
        contests=(asked.contest,),
        title=title,
        text=shape.prose(" ".join(entry.get("summary", "").split())),
        url=url,
        fetched=shape.stamp(asked.now),
        published=syndication.time(entry, "published_parsed"),
        updated=syndication.time(entry, "updated_parsed"),
        authors=shape.names([author.get("name") for author in entry.get("authors", [])]),
        aliases=aliases,
        found_by=query,
    )


def _complaint(parsed: Any) -> str | None:
    """What arXiv finds wrong with a query: the text of the one entry of its errors, which are feeds, too."""
    for entry in parsed.entries[:1]:
        if shape.line(entry.get("title")) == "Error" and "/api/errors" in shape.line(entry.get("id")):
            return shape.line(entry.get("summary")) or "an error without a word"
    return None


def _explained(error: SourceError, query: str) -> SourceError:
    """The error with arXiv's own words, where it gives some."""
    if error.status != 400:
        return error
    try:
        said = _complaint(syndication.parse(error.body, {}, ""))
    except SourceError:
        return error
    return SourceError(f"arxiv: {query}: {said}", status=400, body=error.body) if said else error
