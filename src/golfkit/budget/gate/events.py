"""What happens in a script with validation data, and where: forward passes, updates, restored weights. Pure.

An event's path is the loops and branches around it, through all functions, so that two events can be compared: which
comes first in one round of a loop that both are in, and whether both can happen at all.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from golfkit.budget.gate.values import Env, Tag, Value

MOST_STEPS = 4_000_000  # expressions looked at; more is no script that a person wrote
MOST_CALLS = 40  # functions within functions


class TooMuch(Exception):
    """The script is too large or too deep to be read."""


class Loop(NamedTuple):
    """A loop around an event."""

    id: int
    line: int
    counted: bool  # for ... in range(...), or over what has no validation data in it
    again: bool = True  # False: the event's branch leaves the loop, so there is no next round


class Arm(NamedTuple):
    """A branch around an event: which arm of which statement."""

    id: int
    which: int
    leaves: bool  # ends with break, return or raise


class Event(NamedTuple):
    """One thing that happens."""

    tags: frozenset[Tag]
    path: tuple[Loop | Arm, ...]
    seq: int  # order in the reading
    line: int
    functions: tuple[str, ...]  # names of those it happens in, the outermost first

    @property
    def loops(self) -> dict[int, Loop]:
        """The loops around it, by id."""
        found: dict[int, Loop] = {}
        for step in self.path:
            if isinstance(step, Loop):
                found[step.id] = step
            elif step.leaves and found:
                last = next(reversed(found))
                found[last] = found[last]._replace(again=False)
        return found

    def lines(self, kind: str) -> list[int]:
        """The lines that its tags of a kind name."""
        return sorted({tag[1] for tag in self.tags if tag[0] == kind})

    def varies(self, kind: str, loop: int) -> bool:
        """Whether it has a tag of a kind for a loop."""
        return (kind, loop) in self.tags

    def excludes(self, other: "Event") -> bool:
        """Whether both cannot happen, being in different arms of one statement."""
        arms = {step.id: step.which for step in self.path if isinstance(step, Arm)}
        return any(isinstance(step, Arm) and arms.get(step.id, step.which) != step.which for step in other.path)


@dataclass
class Story:
    """All that happened from one entry of the script on."""

    forwards: dict[Tag, Event] = field(default_factory=dict)  # by the key of their "score" tag
    counted: dict[Tag, int] = field(default_factory=dict)  # those whose loss is reported: the line where
    updates: dict[Tag, Event] = field(default_factory=dict)
    restores: list[Event] = field(default_factory=list)  # "kept" tags say when the weights were saved
    seq: int = 0

    @property
    def whole(self) -> bool:
        """Whether it trains and reports a score: then it is the script's, and what it never calls does not matter."""
        return bool(self.updates) and bool(self.counted)


@dataclass
class Frame:
    """A function being read."""

    env: Env
    name: str
    node: Any
    returns: list[Value] = field(default_factory=list)
    yields: list[Value] = field(default_factory=list)


class State:
    """Where the reading stands; what the parts of the reader share."""

    def __init__(self, defaults: bool = False) -> None:
        """`defaults`: read what the script does where no variable of the environment is set."""
        self.unset = defaults
        self.module = Env()
        self.frames: list[Frame] = []
        self.path: list[Loop | Arm] = []
        self.sites: list[Any] = []  # call sites, so that one line called from two places is two events
        self.silent = 0  # above 0: a first round of a loop, of which nothing is told
        self.steps = 0
        self.story = Story()
        self.visited: set[int] = set()  # ids of functions that were read
        self.defaults: dict[str, Value] = {}  # of argparse's options
        self.targets: list[set[str]] = []  # what the loops around bind
        self.ids: dict[Any, int] = {}
        self.memo: dict[tuple[str, ast.AST], set[str]] = {}  # what was found by walking through a part of the script

    @property
    def env(self) -> Env:
        """The innermost scope."""
        return self.frames[-1].env if self.frames else self.module

    def key(self, node: ast.AST) -> tuple[Any, ...]:
        """A place in the script, by way of the calls that led there."""
        return (getattr(node, "lineno", 0), getattr(node, "col_offset", 0), *self.sites)

    def id_of(self, node: ast.AST) -> int:
        """A number for a loop or branch in its context."""
        return self.ids.setdefault(self.key(node), len(self.ids))

    def step(self) -> None:
        """Count the work."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise TooMuch("it has too many steps to be read")

    def loop_ids(self) -> Iterator[int]:
        """The loops around."""
        return (step.id for step in self.path if isinstance(step, Loop))

    def event(self, tags: frozenset[Tag], node: ast.AST) -> Event:
        """An event here."""
        self.story.seq += 1
        names = tuple(frame.name for frame in self.frames)
        return Event(tags, tuple(self.path), self.story.seq, getattr(node, "lineno", 0), names)

    def forward(self, used: Value, node: ast.AST) -> Value:
        """The loss, or the logits, of a forward pass over validation tokens."""
        key = ("score", *self.key(node))
        if not self.silent:
            self.story.forwards[key] = self.event(used.tags, node)
        return used.plus(key)

    def update(self, used: Value, node: ast.AST) -> None:
        """A gradient taken of `used`, or weights changed by it."""
        if not self.silent:
            self.story.updates[("update", *self.key(node))] = self.event(used.tags, node)

    def count(self, value: Value, node: ast.AST) -> None:
        """A value is reported as the score."""
        if not self.silent:
            for tag in value.tags:
                if tag[0] == "score":
                    self.story.counted.setdefault(tag, getattr(node, "lineno", 0))
