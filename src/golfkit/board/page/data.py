"""What a page is made of: the records of a board, its artifacts and what is broken, read from any home."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from golfkit.board.homes.protocol import Entry, Home
from golfkit.board.page import checks, words
from golfkit.board.page.checks import Check
from golfkit.board.records import frontmatter, names, record
from golfkit.board.records.record import Agent, Message, Result

FOLDERS = (names.MESSAGES, names.RESULTS, names.AGENTS, names.ARTIFACTS)
MOST_BODY = 20_000  # characters of a body that a page shows; the document asks for short messages
MOST_SHOWN = 300  # characters of a broken file
AT_ONCE = 200  # files read together: bounds memory at 200 MB of hostile ones
Record = TypeVar("Record", Message, Result, Agent)


class Artifact(NamedTuple):
    """A folder, or a lone file, of artifacts/."""

    name: str
    files: tuple[Entry, ...]
    check: Check | None  # None without a results.json

    @property
    def bytes(self) -> int:
        """Of all its files."""
        return sum(entry.size for entry in self.files)


class Broken(NamedTuple):
    """A file that is not what it should be."""

    path: str
    problems: tuple[str, ...]
    start: str  # its first characters, as they are


class Board(NamedTuple):
    """One state of a board; records oldest first.

    fetch  content of a file of artifacts/ by its path, None where there is none; asked for pictures alone
    """

    where: str
    bucket: str | None  # ORG/NAME that links lead to
    messages: tuple[Message, ...]
    results: tuple[Result, ...]
    agents: tuple[Agent, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    broken: tuple[Broken, ...] = ()
    fetch: Callable[[str, int], bytes | None] = lambda path, most: None


class State(NamedTuple):
    """Every file of a board with size and time: as long as it is equal, the page would be.

    strange  names that no file of a board has
    """

    files: tuple[Entry, ...]
    strange: tuple[str, ...]


def state(home: Home) -> State:
    """What is on the board now; nothing is read."""
    listings = [home.listing(folder) for folder in FOLDERS]
    return State(
        tuple(entry for listing in listings for entry in listing.entries),
        tuple(name for listing in listings for name in listing.strange),
    )


def load(home: Home, found: State, bucket: str | None, digests: checks.Digests | None = None) -> Board:
    """The board.

    found    what `state` said
    bucket   ORG/NAME, where the board is one or is known to be the copy of one
    digests  digests of an artifact's files, where they are at hand
    """
    files, strange = found
    broken = [Broken(words.line(path), ("a name that no file of a board has; never opened",), "") for path in strange]
    messages = _records(home, files, names.MESSAGES, record.read_message, broken)
    results = _records(home, files, names.RESULTS, record.read_result, broken)
    agents = _records(home, files, names.AGENTS, record.read_agent, broken)
    return Board(
        home.where,
        bucket,
        tuple(sorted(messages, key=lambda message: message.file)),
        tuple(sorted(results, key=lambda result: result.file)),
        tuple(sorted(agents, key=lambda agent: agent.name)),
        _artifacts(home, files, digests),
        tuple(broken),
        lambda path, most: _fetch(home, path, most),
    )


def _records(
    home: Home, found: Sequence[Entry], folder: str, read: Callable[[str, bytes], Record], broken: list[Broken]
) -> list[Record]:
    """The records of a folder; what is wrong with its files goes to `broken`, cut bodies stay cut."""
    inside = [entry.path for entry in found if entry.path.startswith(f"{folder}/")]
    wanted = [path for path in inside if path.endswith(".md") and path.count("/") == 1]
    strays = sorted(set(inside) - set(wanted))
    broken += [Broken(path, (f"not a record: expected {folder}/NAME.md; move it away",), "") for path in strays]
    kept = []
    for start in range(0, len(wanted), AT_ONCE):
        contents = home.read_all(wanted[start : start + AT_ONCE], frontmatter.MOST_BYTES + 1)
        for path, content in sorted(contents.items()):
            one = read(path.partition("/")[2], content)
            if one.problems:
                broken.append(
                    Broken(path, one.problems, content[: 4 * MOST_SHOWN].decode("utf-8", "replace")[:MOST_SHOWN])
                )
            kept.append(_cut(one))
    return kept


def _cut(one: Record) -> Record:
    if isinstance(one, Agent):
        return dataclasses.replace(one, bio=cut(one.bio))
    return dataclasses.replace(one, body=cut(one.body))


def cut(text: str) -> str:
    """A body as far as a page shows it."""
    if len(text) <= MOST_BODY:
        return text
    return f"{text[:MOST_BODY]}\n\n[cut here: {len(text) - MOST_BODY:,} more characters in the file]"


def _artifacts(home: Home, found: Sequence[Entry], digests: checks.Digests | None) -> tuple[Artifact, ...]:
    groups: dict[str, list[Entry]] = {}
    for entry in found:
        top, _, rest = entry.path.partition("/")
        if top == names.ARTIFACTS and rest:
            groups.setdefault(rest.partition("/")[0], []).append(entry)
    paths = {name: f"{names.ARTIFACTS}/{name}/{checks.RESULTS}" for name in groups}
    there = {entry.path for entry in found}
    records = home.read_all([path for path in paths.values() if path in there], checks.MOST_RECORD)
    return tuple(
        Artifact(name, tuple(files), checks.check(name, files, records.get(paths[name]), digests))
        for name, files in sorted(groups.items())
    )


def _fetch(home: Home, path: str, most: int) -> bytes | None:
    try:
        return home.read(path, most)
    except FileNotFoundError:
        return None


def sizes(found: Sequence[Entry]) -> dict[str, int]:
    """Bytes by path."""
    return {entry.path: entry.size for entry in found}
