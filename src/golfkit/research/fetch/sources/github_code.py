"""GitHub's code search: one page a query, with the lines that match. It needs a token."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from golfkit.research.fetch.protocol import Asked, Http, Skipped, SourceError, Yield
from golfkit.research.fetch.sources import asking, github_api, shape
from golfkit.research.items import identity
from golfkit.research.items.item import Item

MATCHES = 10  # fragments of a file that are kept


class GithubCode:
    """Queries as GitHub's search box takes them."""

    name = "github_code"

    def __init__(self, url: str, token: str | None) -> None:
        self._url, self._token = url.rstrip("/") + "/search/code", token

    async def fetch(self, asked: Sequence[Asked], http: Http, found: Yield) -> None:
        """The first page of every query of every contest."""
        if not self._token:
            raise Skipped("github_code: searching needs a token; set GITHUB_TOKEN")

        async def ask(part: tuple[Asked, str]) -> None:
            await self._query(*part, http, found)

        await asking.in_turn([(one, query) for one in asked for query in one.table.queries], ask)

    async def _query(self, asked: Asked, query: str, http: Http, found: Yield) -> None:
        headers = github_api.headers(self._token, github_api.MATCHES)
        params: dict[str, str | int] = {"q": query, "per_page": github_api.PAGE}
        try:
            answer = (await asking.get(http, self._url, params=params, headers=headers)).json()
        except SourceError as error:
            raise github_api.explained(error, f"github_code: {query}", has_token=True) from error
        items, reasons = parse(answer, asked, query)
        found.items += items
        shape.left_out(found, f"github_code: {query}", reasons)
        if answer.get("incomplete_results"):
            found.remarks.append(f"github_code: {query}: the search took GitHub too long, some results are missing")


def parse(answer: Any, asked: Asked, query: str) -> tuple[list[Item], list[str]]:
    """(items, why results were left out) of one answer; SourceError where it is no search result."""
    if not isinstance(shape.pick(answer, "items"), list):
        raise SourceError(f"github_code: {query}: the answer is no search result", status=200)
    items, reasons = [], []
    for result in answer["items"]:
        item = _item(result, asked, query)
        if item is None:
            reasons.append("it has no repository or no path")
        else:
            items.append(item)
    return items, reasons


def _item(result: Any, asked: Asked, query: str) -> Item | None:
    repository = shape.line(shape.pick(result, "repository", "full_name"))
    path = shape.line(shape.pick(result, "path"), 1000)
    if repository.count("/") != 1 or not path:
        return None
    sha = shape.line(shape.pick(result, "sha"))
    # The address that GitHub gives names a commit: another with every push, though the file is the same.
    url = f"https://github.com/{repository}/blob/HEAD/{quote(path)}"
    this_content = (identity.github_file(repository, path, sha),) if sha else ()
    name, aliases = identity.identities(url=url, github=(identity.github_file(repository, path), *this_content))
    fragments = [shape.pick(match, "fragment") for match in shape.rows(shape.pick(result, "text_matches"))]
    about = shape.line(shape.pick(result, "repository", "description"))
    text = "\n\n".join(part for part in (about, *map(shape.prose, fragments[:MATCHES])) if part)
    return Item(
        id=name,
        source="github_code",
        kind="code",
        contests=(asked.contest,),
        title=shape.line(f"{repository}: {path}"),
        text=shape.prose(text),
        url=url,
        fetched=shape.stamp(asked.now),
        authors=shape.names([shape.pick(result, "repository", "owner", "login")]),
        aliases=aliases,
        found_by=query,
    )
