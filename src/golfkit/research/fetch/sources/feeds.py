"""RSS and Atom feeds, asked only for what changed."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urljoin

from golfkit.research.fetch.protocol import Answer, Asked, Http, SourceError, Yield
from golfkit.research.fetch.sources import asking, shape, syndication
from golfkit.research.items import identity
from golfkit.research.items.item import Item

TITLE_WORDS = 12  # of the text, where an entry has no title
_ARXIV = re.compile(r"arXiv:\S+\s+Announce Type:\s*(?P<type>[\w-]+)\s*(?:Abstract:\s*)?")


class Feeds:
    """Feeds by their addresses."""

    name = "feeds"

    async def fetch(self, asked: Sequence[Asked], http: Http, found: Yield) -> None:
        """Every feed of every contest, all at once: they are on hosts of their own."""

        async def ask(part: tuple[Asked, str]) -> None:
            await self._feed(*part, http, found)

        await asking.at_once([(one, url) for one in asked for url in one.table.urls], ask)

    async def _feed(self, asked: Asked, url: str, http: Http, found: Yield) -> None:
        answer = await http.get(url, cached=True)
        if answer is None:
            return
        items, reasons, whole = parse(answer, asked, url)
        found.items += items
        shape.left_out(found, url, reasons)
        if not whole:
            raise SourceError(f"{url}: the feed is cut off after {len(items) + len(reasons)} entries")


def parse(answer: Answer, asked: Asked, url: str) -> tuple[list[Item], list[str], bool]:
    """(items since the time asked for, why entries were left out, whether the feed is whole).

    An entry without a date is given each time: whether it is new shows by its id.
    SourceError where the answer is no feed.
    """
    parsed = syndication.parse(answer.body, answer.headers, answer.url)
    items, reasons = [], []
    since = shape.stamp(asked.since)
    for entry in parsed.entries:
        if _is_replaced(entry):
            continue
        item = _item(entry, asked, url, answer.url)
        if item is None:
            reasons.append("it has neither title nor text nor link")
        elif (item.updated or item.published or since) >= since:
            items.append(item)
    return items, reasons, not syndication.is_cut_off(parsed, answer.body)


def _item(entry: Any, asked: Asked, feed: str, base: str) -> Item | None:
    link = _link(entry, base)
    on_arxiv = identity.arxiv_id(link) is not None
    body = max([entry.get("summary") or "", *(part.get("value") or "" for part in entry.get("content", []))], key=len)
    text = _ARXIV.sub("", body, count=1) if on_arxiv else shape.html_text(body)  # arXiv's is plain: "$d < 2$"
    text = shape.prose(text)
    title = shape.line(entry.get("title") if on_arxiv else shape.html_text(entry.get("title") or ""))
    title = title or " ".join(shape.line(text).split()[:TITLE_WORDS]) or shape.line(link)
    if not title:
        return None
    key = shape.line(entry.get("id")) or text or title
    name, aliases = identity.identities(url=link or f"entry:{feed}:{key}")
    return Item(
        id=name,
        source="feeds",
        kind="paper" if name.startswith(("arxiv:", "doi:")) else "post",
        contests=(asked.contest,),
        title=title,
        text=text,
        url=link or feed,
        fetched=shape.stamp(asked.now),
        published=syndication.time(entry, "published_parsed", "updated_parsed"),
        updated=syndication.time(entry, "updated_parsed"),
        authors=_authors(entry, on_arxiv),
        aliases=aliases,
        found_by=feed,
    )


def _link(entry: Any, base: str) -> str:
    """Address of the entry; empty where it has none. One in the id counts, too, where there is no link."""
    for value in (entry.get("link"), entry.get("id")):
        try:
            url = identity.canonical_url(urljoin(base, value or "")) if value else ""
        except ValueError:  # half an IPv6 address
            continue
        if url.startswith("https://"):
            return url
    return ""


def _authors(entry: Any, on_arxiv: bool) -> tuple[str, ...]:
    people = [author.get("name") for author in entry.get("authors", [])] or [entry.get("author")]
    if on_arxiv:  # all of them in one string
        people = [name for text in people for name in (text or "").split(",")]
    return shape.names(people)


def _is_replaced(entry: Any) -> bool:
    """Whether it announces a new version of an old paper of arXiv."""
    match = _ARXIV.match(entry.get("summary") or "")
    kind = entry.get("arxiv_announce_type") or (match["type"] if match else "")
    return str(kind).startswith("replace")
