"""What belongs together: a message with those it answers and those that answer it; and search. Pure."""

from collections.abc import Container, Iterable, Sequence
from typing import NamedTuple

from golfkit.board.records import names
from golfkit.board.records.record import Agent, Message, Result

MOST_DEPTH = 50


class Post(NamedTuple):
    """A message or a result as a part of a thread."""

    depth: int  # 0 for the first one
    file: str
    folder: str
    record: Message | Result
    asked: bool  # the one that the thread was asked for


def target(own: str, ref: str, known: Container[str]) -> str | None:
    """The path that a reference of the file at `own` means; None where it leads nowhere.

    A bare name that both folders have, as when one agent posts twice within a second, means the message.
    """
    text = ref if ref.endswith(".md") else f"{ref}.md"
    name = text.rpartition("/")[2]
    if "/" in text:
        inside = [folder for folder in (names.MESSAGES, names.RESULTS) if f"{folder}/" in text]
        choices = [text.removeprefix("./"), *(f"{folder}/{name}" for folder in inside)]
    else:
        choices = [f"{names.MESSAGES}/{name}", f"{names.RESULTS}/{name}"]
    return next((path for path in choices if path in known and path != own), None)


def by_path(messages: Iterable[Message], results: Iterable[Result]) -> dict[str, Message | Result]:
    """Posts by their path on the board."""
    found: dict[str, Message | Result] = {f"{names.MESSAGES}/{one.file}": one for one in messages}
    return found | {f"{names.RESULTS}/{one.file}": one for one in results}


def thread(file: str, messages: Sequence[Message], results: Sequence[Result]) -> list[Post]:
    """The whole conversation around a file: up to its oldest ancestor, then everything below, oldest first.

    References may be wrong in every way (missing, circular, to oneself): each file comes once.
    """
    known = by_path(messages, results)
    asked = target("", file, known)
    if asked is None:
        return []
    above = {
        path: [found for ref in one.refs if (found := target(path, ref, known)) is not None]
        for path, one in known.items()
    }
    below: dict[str, list[str]] = {}
    for path in sorted(known, key=lambda path: names.order(known[path].file)):
        for parent in above[path]:
            below.setdefault(parent, []).append(path)
    top, seen = asked, {asked}
    while (parent := next(iter(above[top]), None)) is not None and parent not in seen:
        top = parent
        seen.add(top)
    posts: list[Post] = []
    todo, done = [(0, top)], set()
    while todo:
        depth, path = todo.pop()
        if path not in done:
            done.add(path)
            folder, _, name = path.rpartition("/")
            posts.append(Post(min(depth, MOST_DEPTH), name, folder, known[path], path == asked))
            todo += [(depth + 1, answer) for answer in reversed(below.get(path, ()))]
    return posts


def matches(one: Message | Result | Agent, words: Sequence[str]) -> bool:
    """Whether every word stands somewhere in the record, in any case."""
    text = _text(one).lower()
    return all(word.lower() in text for word in words)


def _text(one: Message | Result | Agent) -> str:
    if isinstance(one, Agent):
        return "\n".join((one.name, one.model or "", one.harness or "", *one.tools, one.hf_user or "", one.bio))
    parts = [one.file, one.agent, one.body, *one.refs, *(value for _, value in one.extra)]
    if isinstance(one, Result):
        parts += [one.method, one.description, one.status, one.artifacts or ""]
    return "\n".join(parts)
