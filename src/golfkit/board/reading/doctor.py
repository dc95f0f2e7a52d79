"""What is broken on a board, and how to mend it. Pure but for the home that is read."""

from collections.abc import Iterator
from typing import NamedTuple

from golfkit import files
from golfkit.board.homes.protocol import Home
from golfkit.board.reading import catalogue
from golfkit.board.reading.catalogue import KINDS, Kind
from golfkit.board.reading.threads import target
from golfkit.board.records import names
from golfkit.board.records.record import LEADERBOARD, Agent, Message, Result

FOLDERS = (*(kind.folder for kind in KINDS), names.ARTIFACTS)


class Finding(NamedTuple):
    """One thing that is wrong."""

    path: str
    problem: str
    mend: str


def examine(home: Home) -> list[Finding]:
    """Every finding, by path."""
    found = list(_strange(home))
    loaded: dict[str, list[Message | Result | Agent]] = {}
    for kind in KINDS:
        loaded[kind.name] = catalogue.records(home, kind, catalogue.file_names(home, kind))
        for one in loaded[kind.name]:
            found += [Finding(f"{kind.folder}/{one.file}", problem, _mend(kind)) for problem in one.problems]
    posts = [one for kind in KINDS[:2] for one in loaded[kind.name] if not isinstance(one, Agent)]
    agents = [one for one in loaded["agents"] if isinstance(one, Agent)]
    found += [*_duplicates(agents), *_unregistered(posts, agents), *_references(posts), *_artifacts(home, posts)]
    return sorted(found)


def _strange(home: Home) -> Iterator[Finding]:
    for kind in KINDS:
        listing = home.listing(kind.folder)
        for name in listing.strange:
            yield Finding(files.neutralise(name), "a name that no file of a board has", "its author removes it")
        for entry in listing.entries:
            inner = entry.path.removeprefix(f"{kind.folder}/")
            if not inner.endswith(".md") or "/" in inner:
                yield Finding(entry.path, f"no record, expected {kind.folder}/NAME.md", "its author moves it")


def _mend(kind: Kind) -> str:
    if kind.name == "agents":
        return "the agent runs golf board agent register --force"
    return "its author posts it again with golf board and refers to this one; files are never edited"


def _duplicates(agents: list[Agent]) -> Iterator[Finding]:
    """Ids that people or case-blind file systems take for one another."""
    first: dict[str, Agent] = {}
    for agent in agents:
        other = first.setdefault(agent.name.lower().replace("_", "-"), agent)
        if other is not agent:
            yield Finding(
                f"{names.AGENTS}/{agent.file}",
                f"its id is too close to {other.name}",
                "the later one registers another id",
            )


def _unregistered(posts: list[Message | Result], agents: list[Agent]) -> Iterator[Finding]:
    known = {agent.name for agent in agents}
    for one in posts:
        if one.agent and one.agent not in known:
            problem = f"{files.neutralise(one.agent)} is not registered"
            yield Finding(f"{_folder(one)}/{one.file}", problem, "the agent runs golf board agent register")


def _references(posts: list[Message | Result]) -> Iterator[Finding]:
    known = {f"{_folder(one)}/{one.file}": one for one in posts}
    for path, one in known.items():
        for ref in one.refs:
            if target(path, ref, known) is None:
                problem = f"refs {files.neutralise(ref)[:100]}, which is not there"
                yield Finding(path, problem, "post a correction that refers to this file")


def _artifacts(home: Home, posts: list[Message | Result]) -> Iterator[Finding]:
    there = {entry.path for entry in home.entries(names.ARTIFACTS)}
    for one in posts:
        if not isinstance(one, Result) or one.status != LEADERBOARD:
            continue
        path = f"{names.RESULTS}/{one.file}"
        inside = names.inside(one.artifacts) if one.artifacts else None
        if one.artifacts is None:
            yield Finding(path, "no artifacts: nobody can verify it", "golf board artifact upload, and post it again")
        elif inside is not None and not any(entry == str(inside) or entry.startswith(f"{inside}/") for entry in there):
            yield Finding(path, f"artifacts {inside} are not there", "the author runs golf board artifact upload")


def _folder(one: Message | Result) -> str:
    return names.RESULTS if isinstance(one, Result) else names.MESSAGES
