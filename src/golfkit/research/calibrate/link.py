"""Which run tried which research item: by what the run's description names. Pure.

A description names an item by its id ([arxiv:2403.01234], github:OWNER/NAME#12), by an address, by a pull request's
number where only one repository's item has it (#12), or by the item's whole title.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from golfkit.errors import GolfError
from golfkit.research.grade.rubric import Scores
from golfkit.research.inject.escape import identifier
from golfkit.research.items.identity import arxiv_id, identities
from golfkit.research.techniques import words
from golfkit.train.runs.view import Entry

TITLE_CHARACTERS = 400  # compared
TITLE_WORDS = 4  # a shorter title stands in too many descriptions
_PLAIN = re.compile(r"[A-Za-z0-9:/._#@+%-]{1,200}")  # shown as it is
_ID = re.compile(r"(?:arxiv|doi|github|url):\S+", re.IGNORECASE)
_URL = re.compile(r"https?://\S+", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w/#])#([1-9]\d{0,8})\b")
_PULL = re.compile(r"(?<![\w/.-])([\w.-]+/[\w.-]+)#([1-9]\d{0,8})\b")
_COUNTED = re.compile(r"\b(?:seed|try|attempt|run|step|version|part|no)\s*$", re.IGNORECASE)  # "attempt #3" is no item
_END = ".,;:!?)]}>\"'"


class Past(NamedTuple):
    """One grading of an item, as far as it is compared with an outcome."""

    graded: str  # UTC, 2026-05-01T14:30:00Z
    grade: str
    scores: Scores


class Graded(NamedTuple):
    """A graded item: its title and all of its gradings, oldest first; those that came to nothing are left out."""

    title: str
    past: Sequence[Past]  # one or more


class Link(NamedTuple):
    """A run and an item that it tried."""

    entry: Entry
    item: str  # its id
    title: str
    grading: Past | None  # the last before the run started; None where all came later
    by: str  # id, address, number, title
    dated: bool  # False: the run's start is not known, so the first grading stands for that before it


class _Names(NamedTuple):
    """Item ids by what names them."""

    by_id: Mapping[str, str]
    by_number: Mapping[int, set[str]]
    by_opening: Mapping[tuple[str, ...], list[tuple[tuple[str, ...], str]]]  # titles by their first words


def links(entries: Sequence[Entry], graded: Mapping[str, Graded], aliases: Mapping[str, Sequence[str]]) -> list[Link]:
    """Every pair of a row and a graded item that its description names, in the order of the rows.

    graded   the items by id
    aliases  other ids of them, by id
    """
    if not entries:
        return []
    names = _names(graded, aliases)
    found = []
    for entry in entries:
        for item, by in _named(entry.row.description, names).items():
            title, past = graded[item]
            started = entry.record.started_at if entry.record else None
            grading = past[0] if started is None else _before(past, started, item)
            found.append(Link(entry, item, title, grading, by, started is not None))
    return found


def _before(past: Sequence[Past], started: datetime, item: str) -> Past | None:
    """The last grading that the run's outcome cannot be in."""
    return next((grading for grading in reversed(past) if _time(grading, item) <= started), None)


def _time(grading: Past, item: str) -> datetime:
    try:
        time = datetime.fromisoformat(grading.graded)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise GolfError(
            f"graded.jsonl: item {item!r:.80} was graded {grading.graded!r:.40}, expected UTC like "
            "2026-05-01T14:30:00Z; correct the line"
        )
    return time


def _names(graded: Mapping[str, Graded], aliases: Mapping[str, Sequence[str]]) -> _Names:
    by_id: dict[str, str] = {}
    by_number: dict[int, set[str]] = {}
    by_opening: dict[tuple[str, ...], list[tuple[tuple[str, ...], str]]] = {}
    for item, (title, _) in graded.items():
        for alias in (item, *aliases.get(item, ())):
            by_id.setdefault(alias.casefold(), item)
            if not _PLAIN.fullmatch(alias):
                by_id.setdefault(identifier(alias).strip("`").casefold(), item)  # as program.md shows it
            if match := _PULL.fullmatch(alias.removeprefix("github:")):
                by_number.setdefault(int(match[2]), set()).add(item)
        tokens = tuple(words(title[:TITLE_CHARACTERS]))
        if len(tokens) >= TITLE_WORDS:
            by_opening.setdefault(tokens[:TITLE_WORDS], []).append((tokens, item))
    return _Names(by_id, by_number, by_opening)


def _named(text: str, names: _Names) -> dict[str, str]:
    """Ids of the items that a description names, and by what."""
    found: dict[str, str] = {}
    for match in _ID.finditer(text):
        _add(found, _by_id(match[0], names), "id")
    for match in _URL.finditer(text):
        _add(found, _by_address(match[0].rstrip(_END), names), "address")
    for match in _PULL.finditer(text):
        _add(found, names.by_id.get(f"github:{match[0].casefold()}"), "id")
    for match in _NUMBER.finditer(text):
        items = names.by_number.get(int(match[1]), set())
        if len(items) == 1 and not _COUNTED.search(text[: match.start()]):
            _add(found, next(iter(items)), "number")
    tokens = tuple(words(text))
    for i in range(len(tokens) - TITLE_WORDS + 1):
        for title, item in names.by_opening.get(tokens[i : i + TITLE_WORDS], ()):
            if tokens[i : i + len(title)] == title:
                _add(found, item, "title")
    return found


def _add(found: dict[str, str], item: str | None, by: str) -> None:
    if item is not None:
        found.setdefault(item, by)


def _by_id(text: str, names: _Names) -> str | None:
    """The item of an id that may have a version or punctuation behind it."""
    name = text.casefold()
    for candidate in (name, name.rstrip(_END), re.split("[],;]", name, maxsplit=1)[0]):
        if candidate in names.by_id:
            return names.by_id[candidate]
    paper = arxiv_id(name) if name.startswith("arxiv:") else None
    return names.by_id.get(f"arxiv:{paper}") if paper else None


def _by_address(url: str, names: _Names) -> str | None:
    item, aliases = identities(url=url)
    return next((names.by_id[name.casefold()] for name in (item, *aliases) if name.casefold() in names.by_id), None)
