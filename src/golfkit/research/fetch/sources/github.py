"""GitHub: pull requests and commits of the repositories watched, with the scores in the records of the former."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from golfkit.research.fetch.protocol import Asked, Http, SourceError, Yield
from golfkit.research.fetch.sources import asking, github_api, shape
from golfkit.research.fetch.sources import github_records as records
from golfkit.research.fetch.sources.github_records import Folder, Pull, Record
from golfkit.research.items import identity
from golfkit.research.items.item import TEXT_CHARACTERS, Item
from golfkit.research.queries import Repository

MOST_PAGES = 30  # of one list, 100 entries each; also what GitHub gives of a pull request's files
ANONYMOUS = 12  # pull requests whose records are read in a run without a token, at 3 of 60 requests an hour each


class Github:
    """Repositories; record_files of one are globs of the files that hold scores."""

    name = "github"

    def __init__(self, url: str, token: str | None, page: int = github_api.PAGE) -> None:
        self._url, self._token, self._page = url.rstrip("/"), token, page

    async def fetch(self, asked: Sequence[Asked], http: Http, found: Yield) -> None:
        """Every repository of every contest."""
        visit = _Visit(self._url, self._token, self._page, http, found)

        async def ask(part: tuple[Asked, Repository]) -> None:
            try:
                await visit.repository(*part)
            except SourceError as error:
                raise github_api.explained(error, f"github: {part[1].name}", has_token=bool(self._token)) from error

        try:
            await asking.in_turn([(one, repository) for one in asked for repository in one.table.repositories], ask)
        finally:
            if visit.unread:
                found.remarks.append(
                    f"github: records of {visit.unread} pull requests not read, to stay within the 60 requests an "
                    "hour that there are without a token; set GITHUB_TOKEN"
                )


class _Visit:
    """One fetch: what it may still ask, and what it left out."""

    def __init__(self, url: str, token: str | None, page: int, http: Http, found: Yield) -> None:
        self._url, self._page, self._http, self._found = url, page, http, found
        self._headers = github_api.headers(token)
        self._raw = github_api.headers(token, github_api.RAW)
        self._left = None if token else ANONYMOUS  # pull requests whose records may still be read; None: all
        self.unread = 0  # pull requests

    async def repository(self, asked: Asked, repository: Repository) -> None:
        """Pull requests updated since, newest first; then commits, where the repository has no records."""
        since, where = shape.stamp(asked.since), f"{self._url}/repos/{repository.name}"
        params: dict[str, str | int] = {"state": "all", "sort": "updated", "direction": "desc"}
        for number in range(1, MOST_PAGES + 1):
            values, more = await self._list(f"{where}/pulls", params, number)
            read = [records.pull(value, repository.name) for value in values]
            pulls = [request for request in read if request is not None]
            shape.left_out(self._found, f"github: {repository.name}", ["it has no number or title"] * read.count(None))
            new = [request for request in pulls if request.updated is None or request.updated >= since]
            await self._pulls(asked, repository, new)
            if len(new) < len(pulls) or not more:
                break
        else:
            self._found.remarks.append(f"github: {repository.name}: only its newest {MOST_PAGES} pages were read")
        if not repository.record_files:
            await self._commits(asked, repository, since)

    async def _pulls(self, asked: Asked, repository: Repository, pulls: Sequence[Pull]) -> None:
        """Items and competitors of pull requests, in their order, also of those that were read before one failed."""
        done: dict[int, list[Record]] = {}

        async def read(request: Pull) -> None:
            done[request.number] = await self._records(request, repository) if repository.record_files else []

        try:
            await asking.at_once(pulls, read)
        finally:
            for request in pulls:
                if request.number in done:
                    self._found.items.append(pull_item(request, done[request.number], asked))
                    if repository.record_files:
                        self._found.competitors += records.competitors(request, done[request.number])

    async def _records(self, request: Pull, repository: Repository) -> list[Record]:
        """The records of a pull request; what GitHub does not give out is a remark, and its title is all there is."""
        if self._left is not None:
            if self._left == 0:
                self.unread += 1
                return []
            self._left -= 1
        where = f"github: {request.repository}#{request.number}"
        try:
            found = records.folders(await self._files(request), repository.record_files)
            if len(found) > records.MOST_FOLDERS:
                self._found.remarks.append(f"{where}: only {records.MOST_FOLDERS} of {len(found)} records were read")
            return [await self._record(request, folder) for folder in found[: records.MOST_FOLDERS]]
        except SourceError as error:
            if not github_api.is_about_one_thing(error):
                raise
            self._found.remarks.append(f"{where}: its files are not to be had ({error})")
            return []

    async def _files(self, request: Pull) -> list[Any]:
        where, files = f"{self._url}/repos/{request.repository}/pulls/{request.number}/files", []
        for number in range(1, MOST_PAGES + 1):
            values, more = await self._list(where, {}, number)
            files += values
            if not more:
                break
        return files

    async def _record(self, request: Pull, folder: Folder) -> Record:
        readme = await self._text(request, folder.readme) if folder.readme else None
        submission = await self._text(request, folder.submission) if folder.submission else None
        return Record(folder, readme, submission)

    async def _text(self, request: Pull, path: str) -> str | None:
        """A file as of the last commit, in the repository itself: there it is even when the fork is gone."""
        if request.sha is None:
            return None
        url = f"{self._url}/repos/{request.repository}/contents/{quote(path)}"
        answer = await asking.get(self._http, url, params={"ref": request.sha}, headers=self._raw)
        return records.text_of(answer)

    async def _commits(self, asked: Asked, repository: Repository, since: str) -> None:
        where = f"{self._url}/repos/{repository.name}/commits"
        for number in range(1, MOST_PAGES + 1):
            values, more = await self._list(where, {"since": since}, number)
            items = [commit_item(value, repository.name, asked) for value in values if not is_routine(value)]
            self._found.items += [item for item in items if item is not None]
            reasons = ["it has no sha or message"] * items.count(None)
            shape.left_out(self._found, f"github: commits of {repository.name}", reasons)
            if not more:
                return

    async def _list(self, url: str, params: dict[str, str | int], number: int) -> tuple[list[Any], bool]:
        """(entries, whether there are more pages) of one page of a list."""
        query = params | {"per_page": self._page, "page": number}
        answer = await asking.get(self._http, url, params=query, headers=self._headers)
        values = answer.json()
        if not isinstance(values, list):
            raise SourceError(f"{url}: the answer is no list", status=answer.status)
        return values, github_api.has_next(answer)


def pull_item(request: Pull, found: Sequence[Record], asked: Asked) -> Item:
    """A pull request as an item: its body, and the README of its first record in the rest of the room."""
    readme = next((record.readme for record in found if record.readme), "")
    body = shape.prose(request.body, TEXT_CHARACTERS // 2) if readme else request.body
    name, aliases = identity.identities(url=request.url, github=(request.id,))
    return Item(
        id=name,
        source="github",
        kind="pull_request",
        contests=(asked.contest,),
        title=request.title,
        text=shape.prose(f"{body}\n\n{shape.prose(readme)}"),
        url=request.url,
        fetched=shape.stamp(asked.now),
        published=request.created,
        updated=request.updated,
        authors=(request.author,) if request.author else (),
        aliases=aliases,
        found_by=request.repository,
    )


def is_routine(value: Any) -> bool:
    """Whether a commit is a merge or a machine's."""
    login = shape.line(shape.pick(value, "author", "login"))
    bot = shape.pick(value, "author", "type") == "Bot" or login.endswith("[bot]")
    return bot or len(shape.rows(shape.pick(value, "parents"))) > 1


def commit_item(value: Any, repository: str, asked: Asked) -> Item | None:
    """A commit as an item; None where it has no sha or no message. One made of a pull request is that, too."""
    sha = shape.line(shape.pick(value, "sha"))
    message = shape.prose(shape.pick(value, "commit", "message"))
    if not sha.isalnum() or not message:
        return None
    first = message.partition("\n")[0]
    title, opened, number = first.rpartition(" (#")
    number = number.removesuffix(")") if opened else ""
    squashed = (identity.github_pull(repository, int(number)),) if number.isdecimal() and len(number) < 9 else ()
    url = f"https://github.com/{repository}/commit/{sha}"
    name, aliases = identity.identities(url=url, github=(identity.github_commit(repository, sha), *squashed))
    author = shape.line(shape.pick(value, "author", "login")) or shape.line(
        shape.pick(value, "commit", "author", "name")
    )
    return Item(
        id=name,
        source="github",
        kind="commit",
        contests=(asked.contest,),
        title=shape.line(title if squashed else first),
        text=message,
        url=url,
        fetched=shape.stamp(asked.now),
        published=shape.iso(shape.pick(value, "commit", "committer", "date")),
        authors=(author,) if author else (),
        aliases=aliases,
        found_by=repository,
    )
