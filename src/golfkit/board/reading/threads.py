"""What belongs together: a message with those it answers and those that answer it; and search. Pure."""

from collections.abc import Iterable, Sequence
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


def bare(ref: str) -> str:
    """A reference as a file's name: without folder, with .md."""
    name = ref.rsplit("/", 1)[-1]
    return name if name.endswith(".md") else f"{name}.md"


def thread(file: str, messages: Sequence[Message], results: Sequence[Result]) -> list[Post]:
    """The whole conversation around a file: up to its oldest ancestor, then everything below, oldest first.

    References may be wrong in every way (missing, circular, to oneself): each file comes once.
    """
    known: dict[str, tuple[str, Message | Result]] = {one.file: (names.RESULTS, one) for one in results}
    known |= {one.file: (names.MESSAGES, one) for one in messages}
    answers: dict[str, list[str]] = {}
    for name, (_, one) in sorted(known.items(), key=lambda pair: names.order(pair[0])):
        for ref in one.refs:
            answers.setdefault(bare(ref), []).append(name)
    top, seen = bare(file), {bare(file)}
    while (parent := _parent(known, top)) is not None and parent not in seen:
        top = parent
        seen.add(top)
    posts: list[Post] = []
    todo, done = [(0, top)], set()
    while todo:
        depth, name = todo.pop()
        if name in done or name not in known:
            continue
        done.add(name)
        folder, one = known[name]
        posts.append(Post(min(depth, MOST_DEPTH), name, folder, one, name == bare(file)))
        todo += [(depth + 1, answer) for answer in reversed(answers.get(name, ()))]
    return posts


def missing_refs(one: Message | Result, known: Iterable[str]) -> list[str]:
    """The references that lead to no file of the board."""
    there = set(known)
    return [ref for ref in one.refs if bare(ref) not in there]


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


def _parent(known: dict[str, tuple[str, Message | Result]], name: str) -> str | None:
    if name not in known:
        return None
    return next((bare(ref) for ref in known[name][1].refs if bare(ref) in known), None)
