"""Semantic Scholar: its bulk search, newest first. Without a key its pool is shared, and it refuses often."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from golfkit.research.fetch.protocol import Asked, Http, SourceError, Yield
from golfkit.research.fetch.sources import asking, shape
from golfkit.research.items import identity
from golfkit.research.items.item import Item

FIELDS = "title,abstract,externalIds,url,publicationDate,authors"
LATE = timedelta(days=7)  # from publication until a paper is in its index, for most of them
MOST_PAGES = 5  # of one query, 1,000 papers each


class Page(NamedTuple):
    """One answer, read."""

    items: list[Item]
    left_out: list[str]
    token: str | None  # of the next page


class SemanticScholar:
    """Queries in the language of its bulk search."""

    name = "semantic_scholar"

    def __init__(self, url: str, key: str | None = None) -> None:
        self._url = url.rstrip("/") + "/paper/search/bulk"
        self._headers = {"x-api-key": key} if key else {}

    async def fetch(self, asked: Sequence[Asked], http: Http, found: Yield) -> None:
        """Every query of every contest, from the day that is asked for."""

        async def ask(part: tuple[Asked, str]) -> None:
            await self._query(*part, http, found)

        await asking.in_turn([(one, query) for one in asked for query in one.table.queries], ask)

    async def _query(self, asked: Asked, query: str, http: Http, found: Yield) -> None:
        day = f"{asked.since - LATE:%Y-%m-%d}"
        params: dict[str, str | int] = {
            "query": query,
            "fields": FIELDS,
            "sort": "publicationDate:desc",
            "publicationDateOrYear": f"{day}:",
        }
        for _ in range(MOST_PAGES):
            try:
                answer = await asking.get(http, self._url, params=params, headers=self._headers)
            except SourceError as error:
                raise _explained(error, query, has_key=bool(self._headers)) from error
            page = parse(answer.json(), asked, query)
            shape.left_out(found, f"semantic_scholar: {query}", page.left_out)
            found.items += [item for item in page.items if item.published is None or item.published >= day]
            if page.token is None or page.token == params.get("token"):
                return
            params["token"] = page.token
        found.remarks.append(f"semantic_scholar: {query}: only the newest {MOST_PAGES} pages were read")


def parse(answer: Any, asked: Asked, query: str) -> Page:
    """Items of one answer; SourceError where it is no answer of a search. One without `data` found nothing."""
    if not isinstance(answer, dict) or not ("data" in answer or "total" in answer):
        raise SourceError(f"semantic_scholar: {query}: the answer is no search result", status=200)
    items, reasons = [], []
    for row in shape.rows(answer.get("data")):
        item = _item(row, asked, query)
        if item is None:
            reasons.append(f"{shape.line(shape.pick(row, 'paperId')) or 'an entry'} has no title or no id")
        else:
            items.append(item)
    token = answer.get("token")
    return Page(items, reasons, token if isinstance(token, str) and token else None)


def _item(row: Any, asked: Asked, query: str) -> Item | None:
    title, paper = shape.line(shape.pick(row, "title")), shape.line(shape.pick(row, "paperId"))
    if not title or not paper:
        return None
    arxiv = identity.arxiv_id(shape.line(shape.pick(row, "externalIds", "ArXiv")))
    doi = identity.doi(shape.line(shape.pick(row, "externalIds", "DOI")))
    url = f"https://www.semanticscholar.org/paper/{paper}"
    name, aliases = identity.identities(url=url, arxiv=arxiv, doi_name=doi)
    return Item(
        id=name,
        source="semantic_scholar",
        kind="paper",
        contests=(asked.contest,),
        title=title,
        text=shape.prose(shape.pick(row, "abstract")),
        url=f"https://arxiv.org/abs/{arxiv}" if arxiv else url,
        fetched=shape.stamp(asked.now),
        published=shape.iso(shape.pick(row, "publicationDate")),
        authors=shape.names([shape.pick(author, "name") for author in shape.rows(shape.pick(row, "authors"))]),
        aliases=aliases,
        found_by=query,
    )


def _explained(error: SourceError, query: str, *, has_key: bool) -> SourceError:
    """What to do about a refusal."""
    advice = {
        400: f"it refuses the query {query!r}; correct it in research.toml",
        403: "it does not know the key; correct S2_API_KEY" if has_key else "it refuses; set S2_API_KEY",
        429: "too many requests" if has_key else "too many requests of people without a key; set S2_API_KEY",
    }.get(error.status or 0)
    if advice is None:
        return error
    return SourceError(f"semantic_scholar: {advice} ({error})", error.retry_at, status=error.status, body=error.body)
