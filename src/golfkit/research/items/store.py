"""raw_cache.jsonl: every finding once, however many sources, runs and processes bring it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import NamedTuple

from golfkit import files, jsonl, strict
from golfkit.errors import GolfError
from golfkit.research.items.item import TEXT_CHARACTERS, Item
from golfkit.research.items.titles import Index, Title, title

TITLE_CHARACTERS = 400  # longer ones are pages
NAMED_CHARACTERS = 2000  # of a URL or an identity
BY_TITLE = ("paper", "post", "news")  # kinds of which the same one comes under several ids; two pull requests are two
NEWS_DAYS = 3  # two posts of one title that are further apart are two issues of a column
RICHER = 1.25  # a text that is so much longer than the one at hand replaces it; less is not worth grading again


class Merged(NamedTuple):
    """What a merge did."""

    new: int = 0
    updated: int = 0
    duplicates: int = 0
    dropped: int = 0  # below the least relevance


def read(path: Path) -> list[Item]:
    """The items; none where the file is not there. A last line that a crash cut off is left out: it comes again."""
    return list(stream(path))


def stream(path: Path) -> Iterator[Item]:
    """`read`, an item at a time: a large file is never in memory as a whole."""
    for n, line in _lines(path):
        where = f"{path}:{n}"
        try:
            item = strict.decode(Item, strict.parse(_decoded(line, where), where, one_line=True), where)
        except GolfError:
            if not line.endswith(b"\n"):
                return
            raise
        yield item


def merge(path: Path, found: Sequence[Item], *, least_relevance: float = 0.0) -> Merged:
    """Bring items into the file, under its lock. What is there already is not repeated, but may gain.

    Same finding: an identity (id or alias) in common, else, for papers, posts and news, a near-duplicate title.
    New items alone are one appended write; a line that changes means a new file in place of the old one.
    least_relevance  items with a relevance below it are dropped
    """
    kept = [clean(item) for item in found if item.relevance is None or not item.relevance < least_relevance]
    if not kept:
        return Merged(dropped=len(found))
    with files.locked(path):
        items, torn = read(path), _is_torn(path)
        cache = _Cache(items, kept)
        did = [cache.take(item) for item in kept]
        if cache.changed or torn:
            files.atomic_write(path, "".join(f"{jsonl.render(item)}\n" for item in cache.items if item))
        elif "new" in did:
            files.append_locked(path, [jsonl.render(item) for item in cache.items[len(items) :] if item])
    return Merged(did.count("new"), did.count("updated"), did.count("duplicate"), len(found) - len(kept))


def clean(item: Item) -> Item:
    """An item that the file can hold: bounded, in UTF-8, its title on one line, its relevance 0 to 1."""
    relevance = item.relevance
    if relevance is not None:
        relevance = min(max(relevance, 0.0), 1.0) if math.isfinite(relevance) else None
    name = _utf8(item.id[:NAMED_CHARACTERS])
    others = dict.fromkeys(_utf8(alias[:NAMED_CHARACTERS]) for alias in item.aliases)
    return replace(
        item,
        title=files.neutralise(_utf8(item.title[: 4 * TITLE_CHARACTERS]))[:TITLE_CHARACTERS],
        text=_utf8(item.text[:TEXT_CHARACTERS]),
        url=_utf8(item.url[:NAMED_CHARACTERS]),
        id=name,
        aliases=tuple(alias for alias in others if alias not in ("", name)),
        authors=tuple(_utf8(author[:TITLE_CHARACTERS]) for author in item.authors),
        found_by=None if item.found_by is None else _utf8(item.found_by[:NAMED_CHARACTERS]),
        relevance=relevance,
    )


class _Cache:
    """The file's items while a merge is at it; None stands for one that was found to be another.

    changed  whether a line that the file has is another now
    """

    def __init__(self, items: list[Item], coming: Sequence[Item]) -> None:
        self.items: list[Item | None] = []
        self.changed = False
        self._n_lines = len(items)
        self._place: dict[str, int] = {}  # by identity
        titles = [title(item.title) for item in items]
        self._titles = Index([*titles, *(title(item.title) for item in coming)])
        for item, known in zip(items, titles, strict=True):
            self._append(item, known)

    def take(self, item: Item) -> str:
        """Put one item in, or into the one that it is: new, updated or duplicate."""
        places = sorted({self._place[name] for name in (item.id, *item.aliases) if name in self._place})
        asked = title(item.title)
        if not places and item.kind in BY_TITLE:
            places = [place for place in self._titles.alike(asked) if self._may_be(place, item)][:1]
        if not places:
            self._append(item, asked)
            return "new"
        first, *others = places
        whole = combined(self._at(first), item)
        for place in others:  # two findings that this one shows to be one
            whole = combined(whole, self._at(place))
            self.items[place] = None
            self.changed |= place < self._n_lines
        gained = whole != self.items[first]
        self.items[first] = whole
        self._name(first)
        self.changed |= gained and first < self._n_lines
        return "updated" if gained and first < self._n_lines else "duplicate"

    def _at(self, place: int) -> Item:
        item = self.items[place]
        assert item is not None, place  # no identity leads to a place that was given up
        return item

    def _append(self, item: Item, known: Title) -> None:
        self.items.append(item)
        self._name(len(self.items) - 1)
        if item.kind in BY_TITLE:
            self._titles.add(len(self.items) - 1, known)

    def _name(self, place: int) -> None:
        item = self._at(place)
        for name in (item.id, *item.aliases):
            self._place.setdefault(name, place)
            if self.items[self._place[name]] is None:
                self._place[name] = place

    def _may_be(self, place: int, item: Item) -> bool:
        """Whether items of one title can be the same finding."""
        known = self.items[place]
        if known is None:
            return False
        papers = [{name for name in (it.id, *it.aliases) if name.startswith("arxiv:")} for it in (known, item)]
        if all(papers) and not papers[0] & papers[1]:
            return False  # two arXiv ids are two papers
        if "paper" in (known.kind, item.kind):
            return True
        column = known.source == item.source and known.found_by == item.found_by
        return not column and _days_apart(known.published, item.published) <= NEWS_DAYS


def combined(known: Item, item: Item) -> Item:
    """`known` with what `item` adds to it. Its id, source, kind and first sighting stay."""
    newer = item.source == known.source and (item.updated or "") > (known.updated or "")
    richer = (item.kind == known.kind or not known.text) and len(item.text) > RICHER * len(known.text)
    replaces = (newer and item.text != "") or richer
    names = dict.fromkeys((*known.aliases, item.id, *item.aliases))
    return replace(
        known,
        title=item.title if item.title and (newer or not known.title) else known.title,
        text=item.text if replaces else known.text,
        contests=tuple(dict.fromkeys((*known.contests, *item.contests))),
        aliases=tuple(name for name in names if name != known.id),
        authors=known.authors or item.authors,
        published=known.published or item.published,
        updated=max(filter(None, (known.updated, item.updated)), default=None),
        relevance=max((r for r in (known.relevance, item.relevance) if r is not None), default=None),
    )


def _decoded(line: bytes, where: str) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise GolfError(f"{where}: byte {error.start} is not UTF-8; correct or remove the line") from error


def _is_torn(path: Path) -> bool:
    """Whether the last line has no end."""
    size = path.stat().st_size if path.exists() else 0
    if not size:
        return False
    with path.open("rb") as source:
        source.seek(size - 1)
        return source.read() != b"\n"


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        source = path.open("rb")
    except FileNotFoundError:
        return
    with source:
        yield from enumerate(source, start=1)


def _utf8(text: str) -> str:
    """Lone surrogates, which UTF-8 has no bytes for, become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _days_apart(one: str | None, other: str | None) -> int:
    """Days between two moments; 0 where one is not known."""
    try:
        return abs(date.fromisoformat((one or "")[:10]) - date.fromisoformat((other or "")[:10])).days
    except ValueError:
        return 0
