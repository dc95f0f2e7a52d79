"""OpenReview: the submissions of venues that hold a keyword. It answers only to people who have logged in."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from golfkit.research.fetch.protocol import Asked, Http, Skipped, SourceError, Yield
from golfkit.research.fetch.sources import asking, shape
from golfkit.research.items import identity
from golfkit.research.items.item import Item

PAGE = 1000  # notes, the most that it gives
MOST_PAGES = 30  # of one venue; the largest has 25,000 submissions
LATE = timedelta(days=90)  # from submission until a venue shows it to the public, which changes it
NEEDS = "set OPENREVIEW_TOKEN, or OPENREVIEW_USERNAME and OPENREVIEW_PASSWORD"
SITE = "https://openreview.net"


class Page(NamedTuple):
    """One answer, read."""

    items: list[Item]  # new ones that hold a keyword
    left_out: list[str]  # why entries were, one reason each
    n_new: int  # entries since the time asked for


class OpenReview:
    """Submissions of venues since a time, filtered by words here."""

    name = "openreview"

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        username: str | None = None,
        password: str | None = None,
        page: int = PAGE,
    ) -> None:
        self._url, self._page = url.rstrip("/"), page
        self._token, self._username, self._password = token, username, password

    async def fetch(self, asked: Sequence[Asked], http: Http, found: Yield) -> None:
        """Every venue of every contest."""
        if not self._token and not (self._username and self._password):
            raise Skipped(f"openreview: needs a login; {NEEDS}")
        token = self._token or await self._login(http)

        async def ask(part: tuple[Asked, str]) -> None:
            await self._venue(*part, token, http, found)

        await asking.in_turn([(one, venue) for one in asked for venue in one.table.venues], ask)

    async def _login(self, http: Http) -> str:
        try:
            answer = await http.post(
                f"{self._url}/login", json={"id": self._username or "", "password": self._password or ""}, retry=False
            )
        except SourceError as error:
            raise _explained(error) from error
        token = shape.pick(answer.json(), "token")
        if not isinstance(token, str) or not token:
            raise SourceError("openreview: the login gave no token (a second factor?); set OPENREVIEW_TOKEN instead")
        return token

    async def _venue(self, asked: Asked, venue: str, token: str, http: Http, found: Yield) -> None:
        params: dict[str, str | int] = {
            "invitation": f"{venue}/-/Submission",
            "mintcdate": int((asked.since - LATE).timestamp() * 1000),
            "sort": "tmdate:desc",
            "limit": self._page,
        }
        for number in range(MOST_PAGES):
            params["offset"] = number * self._page
            try:
                answer = await asking.get(
                    http, f"{self._url}/notes", params=params, headers={"Authorization": f"Bearer {token}"}
                )
            except SourceError as error:
                raise _explained(error) from error
            notes = answer.json()
            page = parse(notes, asked, venue)
            shape.left_out(found, f"openreview: {venue}", page.left_out)
            found.items += page.items
            if page.n_new == 0 or len(notes["notes"]) < self._page:
                return
        found.remarks.append(f"openreview: {venue}: only the newest {MOST_PAGES * self._page} submissions were read")


def parse(answer: Any, asked: Asked, venue: str) -> Page:
    """One answer; SourceError where it is no list of notes.

    Both versions of the API are read: version 2 wraps values, {"title": {"value": ...}}.
    """
    if not isinstance(shape.pick(answer, "notes"), list):
        raise SourceError(f"openreview: {venue}: the answer is no list of notes", status=200)
    items, reasons, n_new = [], [], 0
    words = keyword_pattern(asked.table.keywords)
    since = shape.stamp(asked.since)
    for note in answer["notes"]:
        item = _item(note, asked, venue)
        if item is None:
            reasons.append(f"{shape.line(shape.pick(note, 'id')) or 'an entry'} has no title or no id")
        elif max(item.updated or "", item.published or "") >= since or not (item.updated or item.published):
            n_new += 1
            terms = " ".join(shape.names(_content(note, "keywords")))
            if words.search(f"{item.title}\n{item.text}\n{terms}"):
                items.append(item)
    return Page(items, reasons, n_new)


def keyword_pattern(keywords: Sequence[str]) -> re.Pattern[str]:
    """Any of the keywords, from the beginning of a word on (so that a plural counts); no keywords: everything."""
    words = [re.escape(word).replace(r"\ ", r"[\s-]+").replace(r"\-", r"[\s-]+") for word in keywords]
    return re.compile(rf"\b(?:{'|'.join(words)})" if words else "", re.IGNORECASE)


def _item(note: Any, asked: Asked, venue: str) -> Item | None:
    forum = shape.line(shape.pick(note, "forum")) or shape.line(shape.pick(note, "id"))
    title = shape.line(_content(note, "title"))
    if not forum or not title:
        return None
    url = f"{SITE}/forum?id={forum}"
    name, aliases = identity.identities(url=url)
    times = [shape.unix(shape.pick(note, key), per_second=1000) for key in ("pdate", "cdate", "tcdate")]
    return Item(
        id=name,
        source="openreview",
        kind="paper",
        contests=(asked.contest,),
        title=title,
        text=shape.prose(_content(note, "abstract")),
        url=url,
        fetched=shape.stamp(asked.now),
        published=next((time for time in times if time is not None), None),
        updated=shape.unix(shape.pick(note, "tmdate"), per_second=1000),
        authors=shape.names(_content(note, "authors")),
        aliases=aliases,
        found_by=venue,
    )


def _content(note: Any, key: str) -> Any:
    value = shape.pick(note, "content", key)
    return value.get("value") if isinstance(value, Mapping) else value


def _explained(error: SourceError) -> SourceError:
    """Why it does not answer, for people. Its challenge is meant for people, too: nothing here gets round it."""
    if b"ChallengeRequiredError" in error.body:
        advice = f"it wants proof that a person asks, in a browser; log in there, or {NEEDS}"
    elif error.status in (400, 401, 403):
        advice = "the login is not accepted; correct OPENREVIEW_TOKEN, or OPENREVIEW_USERNAME and OPENREVIEW_PASSWORD"
    else:
        return error
    return SourceError(f"openreview: {advice} ({error})", error.retry_at, status=error.status, body=error.body)
