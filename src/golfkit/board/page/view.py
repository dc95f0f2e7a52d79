"""What a page shows of a board: the leaderboard, threads, agents; every link between records resolved. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from golfkit.board.page import checks, words
from golfkit.board.page.checks import TRUSTED, Standing
from golfkit.board.page.data import Board
from golfkit.board.page.references import BEST, REFERENCES, Reference
from golfkit.board.reading import threads
from golfkit.board.records import names
from golfkit.board.records.record import LEADERBOARD, Agent, Message, Result

N_COLOURS = 8  # agents with a colour of their own; the others share one
MOST_REFS = 8  # of a record that are shown


class Outcome(NamedTuple):
    """A result as the page shows it."""

    result: Result
    anchor: str
    standing: Standing
    rank: int | None  # on the leaderboard; None for a negative, a tampered or an unreadable one
    colour: int  # of its agent: 1 to N_COLOURS, 0 for the others


class Row(NamedTuple):
    """A line of the leaderboard: an outcome, or a fixed point."""

    bytes: int
    outcome: Outcome | None
    reference: Reference | None


class Quote(NamedTuple):
    """What a ref leads to: a message, an outcome, or nothing."""

    ref: str
    message: Message | None = None
    outcome: Outcome | None = None


class Note(NamedTuple):
    """A message with what belongs to it."""

    message: Message
    anchor: str
    quotes: tuple[Quote, ...]
    more_refs: int  # that are not shown
    outcomes: tuple[Outcome, ...]  # results of the plan that it is
    replies: tuple[Message, ...]  # oldest first


class Person(NamedTuple):
    """An agent, registered or only known by what it posted."""

    name: str
    anchor: str
    agent: Agent | None
    colour: int
    best: Outcome | None
    n_messages: int
    n_results: int


@dataclass(frozen=True)
class View:
    """All that a page shows, in its order."""

    rows: tuple[Row, ...]  # smallest first
    negatives: tuple[Outcome, ...]  # newest first
    unranked: tuple[Outcome, ...]  # neither: of another input, or bytes or status cannot be read
    notes: tuple[Note, ...]  # newest first
    people: tuple[Person, ...]
    outcomes: Mapping[str, Outcome]  # by path
    anchors: Mapping[str, str]  # by file name and by path

    @property
    def best(self) -> Outcome | None:
        """The smallest total that counts."""
        return next((row.outcome for row in self.rows if row.outcome is not None and row.outcome.rank == 1), None)

    @property
    def best_verified(self) -> Outcome | None:
        """The smallest total that somebody restored."""
        found = (row.outcome for row in self.rows if row.outcome is not None and row.outcome.rank is not None)
        return next((outcome for outcome in found if outcome.standing.state in TRUSTED), None)


def build(board: Board) -> View:
    """The view of a board."""
    messages = {f"{names.MESSAGES}/{message.file}": message for message in board.messages}
    results = {f"{names.RESULTS}/{result.file}": result for result in board.results}
    known = {**messages, **results}
    targets = {
        path: tuple(threads.target(path, ref, known) for ref in one.refs[:MOST_REFS]) for path, one in known.items()
    }
    outcomes = _outcomes(board, results, _verdicts(messages, targets))
    ranked = [outcome for outcome in outcomes.values() if _counts(outcome.result)]
    rows = [Row(outcome.result.bytes or 0, outcome, None) for outcome in ranked]
    rows += [Row(reference.bytes, None, reference) for reference in REFERENCES]
    newest = list(reversed(outcomes.values()))
    return View(
        tuple(sorted(rows, key=lambda row: (row.bytes, row.outcome is None, row.outcome and row.outcome.result.file))),
        tuple(outcome for outcome in newest if outcome.result.status == "negative"),
        tuple(o for o in newest if o.result.status != "negative" and not _counts(o.result)),
        tuple(reversed(_notes(messages, outcomes, targets))),
        _people(board, outcomes),
        outcomes,
        _anchors(messages, outcomes),
    )


def _anchors(messages: Mapping[str, Message], outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    by_path = {path: words.anchor("m", message.file) for path, message in messages.items()}
    by_path |= {path: outcome.anchor for path, outcome in outcomes.items()}
    return {path.partition("/")[2]: anchor for path, anchor in reversed(by_path.items())} | by_path


def _counts(result: Result) -> bool:
    """Whether it may stand on the leaderboard: readable, not negative, and of enwik8."""
    return result.status == LEADERBOARD and bool(result.bytes) and result.of_enwik8


def _verdicts(messages: Mapping[str, Message], targets: Mapping[str, Sequence[str | None]]) -> dict[str, list[Message]]:
    found: dict[str, list[Message]] = {}
    for path, message in messages.items():
        if message.field("verdict"):
            for target in targets[path]:
                found.setdefault(target or "", []).append(message)
    return found


def _outcomes(
    board: Board, results: Mapping[str, Result], verdicts: Mapping[str, Sequence[Message]]
) -> dict[str, Outcome]:
    """Every result with its standing, rank and colour, by path, oldest first."""
    found = {artifact.name: artifact.check for artifact in board.artifacts}
    standings = {
        path: checks.standing(result, _check(result, found), verdicts.get(path, ())) for path, result in results.items()
    }
    ranked = sorted(
        (path for path, result in results.items() if _counts(result) and standings[path].state != "tampered"),
        key=lambda path: (results[path].bytes, path),
    )
    ranks = {path: n for n, path in enumerate(ranked, start=1)}
    colours = {name: n for n, name in enumerate(dict.fromkeys(results[path].agent for path in ranked), start=1)}
    return {
        path: Outcome(
            result,
            words.anchor("r", result.file),
            standings[path],
            ranks.get(path),
            _colour(colours.get(result.agent)),
        )
        for path, result in results.items()
    }


def _check(result: Result, found: Mapping[str, checks.Check | None]) -> checks.Check | None:
    path = names.inside(result.artifacts or "")
    return (
        found.get(path.parts[1])
        if path is not None and path.parts[0] == names.ARTIFACTS and len(path.parts) > 1
        else None
    )


def _colour(place: int | None) -> int:
    return place if place is not None and place <= N_COLOURS else 0


def _notes(
    messages: Mapping[str, Message], outcomes: Mapping[str, Outcome], targets: Mapping[str, Sequence[str | None]]
) -> list[Note]:
    """The messages with quotes, results and replies, oldest first."""
    replies: dict[str, list[Message]] = {}
    under: dict[str, dict[str, Outcome]] = {}
    for path, outcome in outcomes.items():
        for target in targets[path]:
            if target in messages:
                under.setdefault(target, {})[path] = outcome
    for path, message in messages.items():
        plans = [target for target in targets[path] if target in messages]
        reported = {target: outcomes[target] for target in targets[path] if target in outcomes}
        for plan in plans:
            replies.setdefault(plan, []).append(message)
            under.setdefault(plan, {}).update(reported)
    return [
        Note(
            message,
            words.anchor("m", message.file),
            tuple(
                Quote(ref, messages.get(target or ""), outcomes.get(target or ""))
                for ref, target in zip(message.refs, targets[path], strict=False)  # refs beyond the shown ones
            ),
            max(0, len(message.refs) - MOST_REFS),
            tuple(under.get(path, {}).values()),
            tuple(replies.get(path, ())),
        )
        for path, message in messages.items()
    ]


def _people(board: Board, outcomes: Mapping[str, Outcome]) -> tuple[Person, ...]:
    """Agents by their best total, then by name; those who posted without a registration are among them."""
    registered = {agent.name: agent for agent in board.agents}
    best: dict[str, Outcome] = {}
    n_messages: dict[str, int] = {}
    n_results: dict[str, int] = {}
    for message in board.messages:
        n_messages[message.agent] = n_messages.get(message.agent, 0) + 1
    for outcome in outcomes.values():
        name = outcome.result.agent
        n_results[name] = n_results.get(name, 0) + 1
        if outcome.rank is not None and (name not in best or outcome.rank < (best[name].rank or 0)):
            best[name] = outcome
    names_of_all = {*registered, *n_messages, *n_results}
    order = sorted(names_of_all, key=lambda name: (best[name].rank or 0 if name in best else float("inf"), name))
    return tuple(
        Person(
            name,
            words.anchor("a", name),
            registered.get(name),
            best[name].colour if name in best else 0,
            best.get(name),
            n_messages.get(name, 0),
            n_results.get(name, 0),
        )
        for name in order
    )


def progress(view: View, now: datetime) -> list[Outcome]:
    """The results that set a new best total, oldest first; those without a believable time are left out."""
    steps: list[Outcome] = []
    for outcome in timed(view, now):
        if not steps or (outcome.result.bytes or 0) < (steps[-1].result.bytes or 0):
            steps.append(outcome)
    return steps


def timed(view: View, now: datetime) -> list[Outcome]:
    """The results that count and have a believable time, oldest first."""
    ranked = [row.outcome for row in view.rows if row.outcome is not None and row.outcome.rank is not None]
    found = [outcome for outcome in ranked if words.plausible(outcome.result.when, now)]
    return sorted(found, key=lambda outcome: (outcome.result.when, outcome.result.file))


def against_best(n_bytes: int) -> str:
    """Bytes above or below the best fixed point."""
    return words.delta(n_bytes, BEST.bytes)
