"""What the user asked of a long run: checkpoints and memory. Own codecs alone can be held to it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

from golfkit import output
from golfkit.compress.checkpoint import memory, work
from golfkit.compress.checkpoint.keeper import EVERY_S, Keeper
from golfkit.compress.codecs import Held
from golfkit.errors import Exit, GolfError


class Kept(NamedTuple):
    """A run that can go on after a crash."""

    part: Path  # the output so far
    keeper: Keeper


class Limits(NamedTuple):
    """The options of a long run."""

    every_s: float
    fresh: bool
    memory_bytes: int | None
    asked: bool  # for checkpoints, so that having none would be a surprise

    @classmethod
    def of(cls, every_s: float | None, fresh: bool, memory_bytes: int | None) -> Self:
        """Options as they were given; None is not given."""
        return cls(EVERY_S if every_s is None else every_s, fresh, memory_bytes, bool(every_s) or fresh)

    def refuse_unkept(self, codec: Any, *, to_file: bool) -> None:
        """Refuse options that this run could not honour."""
        own = "expected one of golf's own codecs"
        if self.asked and not codec.own:
            raise GolfError(f"--checkpoint-every, --fresh: {codec.name} has no checkpoints, {own}", Exit.USAGE)
        if self.asked and not to_file:
            raise GolfError("--checkpoint-every, --fresh: expected a file or folder to write, not a pipe", Exit.USAGE)
        if self.memory_bytes is not None and not codec.own:
            raise GolfError(f"--memory: what {codec.name} needs is not known, {own}", Exit.USAGE)

    def check_memory(self, codec: Any, parameter: int, held: Held, what: str) -> None:
        """Refuse to start what will not fit; `codec` is ready."""
        if codec.own:
            memory.check(codec.memory_bytes(parameter, held), self.memory_bytes, what)

    @contextlib.contextmanager
    def kept(self, codec: Any, target: Path) -> Iterator[Kept | None]:
        """What is kept of the run that writes `target`; None of a codec that cannot go on."""
        if not codec.own:
            yield None
            return
        with work.opened(target, output.note, fresh=self.fresh) as opened:
            yield Kept(opened.part, Keeper(opened.checkpoint, self.every_s, output.note))
