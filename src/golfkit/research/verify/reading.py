"""Having an item's full text: from arXiv and GitHub for nothing, else by Tavily's extract, else as much as is there.

Only these three are asked, at the addresses of the settings: no address of a stranger's text is opened from here.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote

from golfkit.files import neutralise
from golfkit.research import credits
from golfkit.research.credits import Ledger
from golfkit.research.fetch.http import Client
from golfkit.research.fetch.protocol import Answer, SourceError
from golfkit.research.fetch.sources import asking, github_api, github_records, shape
from golfkit.research.items.item import Item
from golfkit.research.verify import page
from golfkit.settings import Settings

CHARACTERS = 30_000  # of a full text that are kept
WHOLE = 2_000  # characters from which a page is the text and not its summary or an error in friendly words
READMES = 3  # of a pull request
OWN = "the item's own text"
_GITHUB = re.compile(r"github:(?P<name>[\w.-]+/[\w.-]+?)(?:#(?P<pull>\d+)|@(?P<sha>[0-9a-f]{7,40})|/(?P<path>.+))")
_BLOB = re.compile(r"@[0-9a-f]{7}\Z")  # of a file's id: the content that was found


class Reading(NamedTuple):
    """What was had of an item.

    evidence   addresses that were read
    full_text  whether the text is the whole
    fallback   what failed on the way, and what was read instead; None where nothing failed
    """

    text: str
    evidence: tuple[str, ...]
    full_text: bool
    fallback: str | None = None


class Place(NamedTuple):
    """Where a text may be had: a name for people, and the address."""

    name: str
    url: str


class _Found(NamedTuple):
    text: str
    evidence: tuple[str, ...]
    full_text: bool
    name: str


def places(item: Item, values: Settings) -> list[Place]:
    """Where the item's full text is looked for, in order; the last is Tavily, where there is a key."""
    found: list[Place] = []
    if paper := _paper(item):
        found.append(Place("arXiv HTML", f"{values.arxiv_url.rstrip('/')}/html/{quote(paper)}"))
    if match := _github(item):
        base = f"{values.github_api_url.rstrip('/')}/repos/{match['name']}"
        if match["pull"]:
            found.append(Place("GitHub pull request", f"{base}/pulls/{match['pull']}"))
        elif match["sha"]:
            found.append(Place("GitHub commit", f"{base}/commits/{match['sha']}"))
        else:
            found.append(Place("GitHub file", _contents(base, _BLOB.sub("", match["path"]))))
    if values.tavily_api_key and _address(item):
        found.append(Place("Tavily", _address(item)))
    return found


async def read_all(
    items: Sequence[Item], client: Client, values: Settings, ledger: Ledger, now: datetime
) -> dict[str, Reading]:
    """The text of each item by id. What fails is named in the readings; nothing that a service does raises."""
    reader = _Reader(client, values)
    troubles: dict[str, list[str]] = {item.id: [] for item in items}
    free = await asyncio.gather(*(reader.free(item, troubles[item.id]) for item in items))
    found = {item.id: one for item, one in zip(items, free, strict=True) if one is not None}
    wanting = [item for item in items if item.id not in found]
    found |= await reader.extracted(wanting, ledger, now, troubles)
    for item in wanting:
        if item.id not in found and (paper := _paper(item)):
            place = Place("arXiv abstract", f"{values.arxiv_url.rstrip('/')}/abs/{quote(paper)}")
            one = await reader.tried(place, reader.abstract, troubles[item.id])
            found |= {item.id: one} if one else {}
    return {item.id: _reading(item, found.get(item.id), troubles[item.id]) for item in items}


class _Reader:
    """The services."""

    def __init__(self, client: Client, values: Settings) -> None:
        self._values = values
        self._arxiv, self._github, self._tavily = client.of("arxiv"), client.of("github"), client.of("tavily")

    async def free(self, item: Item, troubles: list[str]) -> _Found | None:
        """From arXiv or GitHub, where the item is there."""
        ways: Mapping[str, Callable[[Place], Awaitable[_Found]]] = {
            "arXiv HTML": self.paper,
            "GitHub pull request": self.pull,
            "GitHub commit": self.commit,
            "GitHub file": self.file,
        }
        for place in places(item, self._values):
            if place.name in ways and (found := await self.tried(place, ways[place.name], troubles)):
                return found
        return None

    async def tried(
        self, place: Place, way: Callable[[Place], Awaitable[_Found]], troubles: list[str]
    ) -> _Found | None:
        """What a way gives; None where it failed, and why in `troubles`."""
        try:
            return await way(place)
        except SourceError as error:
            troubles.append(f"{place.name}: {error}")
            return None

    async def paper(self, place: Place) -> _Found:
        """arXiv's HTML of a paper."""
        text = page.text_of(_text(await asking.get(self._arxiv, place.url)))
        if len(text) < WHOLE:
            raise SourceError(f"{place.url}: {len(text)} characters of text, which is no paper")
        return _Found(text, (place.url,), True, place.name)

    async def abstract(self, place: Place) -> _Found:
        """arXiv's page about a paper: its abstract."""
        text = page.text_of(_text(await asking.get(self._arxiv, place.url)))
        return _Found(text, (place.url,), False, place.name)

    async def pull(self, place: Place) -> _Found:
        """A pull request: its body, and the READMEs that it adds; without one, its changes."""
        headers = github_api.headers(self._values.github_token)
        pull = (await asking.get(self._github, place.url, headers=headers)).json()
        listed = await asking.get(self._github, f"{place.url}/files", params={"per_page": 100}, headers=headers)
        files = shape.rows(listed.json())
        sha = shape.line(shape.pick(pull, "head", "sha"))
        body = shape.prose(shape.pick(pull, "body"), CHARACTERS)
        texts, evidence = [body], [place.url]
        base = place.url.partition("/pulls/")[0]
        for path in _readmes(files)[:READMES] if sha else ():
            texts.append(await self._file(_contents(base, path), sha))
            evidence.append(f"{_contents(base, path)}?ref={sha}")
        if len(texts) == 1:
            texts += _patches(files)
        return _Found("\n\n".join(texts), tuple(evidence), True, place.name)

    async def commit(self, place: Place) -> _Found:
        """A commit: its message and its changes."""
        headers = github_api.headers(self._values.github_token)
        commit = (await asking.get(self._github, place.url, headers=headers)).json()
        message = shape.prose(shape.pick(commit, "commit", "message"), CHARACTERS)
        changes = _patches(shape.rows(shape.pick(commit, "files")))
        return _Found("\n\n".join([message, *changes]), (place.url,), True, place.name)

    async def file(self, place: Place) -> _Found:
        """A file of a repository's default branch."""
        return _Found(await self._file(place.url, None), (place.url,), True, place.name)

    async def _file(self, url: str, ref: str | None) -> str:
        headers = github_api.headers(self._values.github_token, github_api.RAW)
        answer = await asking.get(self._github, url, params={"ref": ref} if ref else None, headers=headers)
        return github_records.text_of(answer)

    async def extracted(
        self, items: Sequence[Item], ledger: Ledger, now: datetime, troubles: Mapping[str, list[str]]
    ) -> dict[str, _Found]:
        """Tavily's extract of the items' addresses, all in one question, as five of them cost one credit."""
        wanted = {_address(item): item for item in items if _address(item)}
        if not wanted:
            return {}
        if not self._values.tavily_api_key:
            return _say(troubles, wanted, "Tavily: no TAVILY_API_KEY")
        ticket = ledger.take(credits.extract_credits(len(wanted)), "extract", now)
        if ticket is None:
            return _say(troubles, wanted, f"Tavily: the month's {ledger.cap} credits are spent")
        try:
            answer = await self._tavily.post(
                f"{self._values.tavily_api_url.rstrip('/')}/extract",
                json={"urls": list(wanted), "extract_depth": "basic", "format": "markdown"},
                headers={"Authorization": f"Bearer {self._values.tavily_api_key}"},
                retry=False,
            )
            return _extracts(answer, wanted, troubles)
        except SourceError as error:
            if error.status is not None and error.status >= 300:  # refused, so not charged; all else is not known
                ledger.release(ticket, now)
            return _say(troubles, wanted, f"Tavily: {error}")


def _extracts(answer: Answer, wanted: Mapping[str, Item], troubles: Mapping[str, list[str]]) -> dict[str, _Found]:
    """The texts of Tavily's answer by item, and why there is none."""
    value = answer.json()
    texts = {shape.pick(row, "url"): shape.pick(row, "raw_content") for row in shape.rows(shape.pick(value, "results"))}
    whys = {shape.pick(row, "url"): shape.pick(row, "error") for row in shape.rows(shape.pick(value, "failed_results"))}
    found = {}
    for url, item in wanted.items():
        text = shape.prose(texts.get(url), CHARACTERS)
        if text:
            found[item.id] = _Found(text, (url,), len(text) > len(item.text), "Tavily")
        else:
            troubles[item.id].append(f"Tavily: {shape.line(whys.get(url)) or 'no text came'}")
    return found


def _say(troubles: Mapping[str, list[str]], wanted: Mapping[str, Item], why: str) -> dict[str, _Found]:
    for item in wanted.values():
        troubles[item.id].append(why)
    return {}


def _reading(item: Item, found: _Found | None, troubles: Sequence[str]) -> Reading:
    """What was found, bounded; else what the item says itself."""
    text = shape.prose(found.text, CHARACTERS) if found else ""
    if found is None or not text:
        why = "; ".join([*troubles, f"read {OWN} instead"])
        return Reading(item.text, (item.url,) if item.url else (), False, neutralise(why))
    fallback = neutralise("; ".join([*troubles, f"read {found.name} instead"])) if troubles else None
    if fallback is None and not found.full_text:
        fallback = f"read {found.name}"
    return Reading(text, found.evidence, found.full_text, fallback)


def _paper(item: Item) -> str | None:
    """The item's arXiv id."""
    names = (name for name in (item.id, *item.aliases) if name.startswith("arxiv:"))
    return next((name.removeprefix("arxiv:") for name in names), None)


def _github(item: Item) -> re.Match[str] | None:
    matches = (_GITHUB.fullmatch(name) for name in (item.id, *item.aliases))
    return next((match for match in matches if match and ".." not in (match["path"] or "").split("/")), None)


def _address(item: Item) -> str:
    """The address that Tavily is given: of a paper the paper's, not that of its abstract."""
    paper = _paper(item)
    if paper:
        return f"https://arxiv.org/pdf/{quote(paper)}"
    return item.url if item.url.startswith(("https://", "http://")) and item.url.isprintable() else ""


def _contents(base: str, path: str) -> str:
    return f"{base}/contents/{quote(path)}"


def _readmes(files: Sequence[Any]) -> list[str]:
    """Paths of the READMEs that a pull request brings; those of records first."""
    paths = []
    for file in files:
        path, status = shape.pick(file, "filename"), shape.pick(file, "status")
        usable = isinstance(path, str) and status != "removed" and ".." not in path.split("/")
        if usable and re.match(r"readme(?:\.|\Z)", path.rpartition("/")[2], re.IGNORECASE):
            paths.append(path)
    return sorted(paths, key=lambda path: not path.startswith("records/"))


def _patches(files: Sequence[Any]) -> list[str]:
    """What a change changes, file by file."""
    return [
        f"{shape.line(shape.pick(file, 'filename'))}:\n{shape.prose(shape.pick(file, 'patch'), CHARACTERS)}"
        for file in files
        if shape.pick(file, "patch")
    ]


def _text(answer: Answer) -> str:
    return answer.body.decode("utf-8", "replace")
