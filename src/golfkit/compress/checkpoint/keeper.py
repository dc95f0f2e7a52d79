"""When a checkpoint is written, and how a run goes on from one."""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from golfkit.compress.artifact import machine
from golfkit.compress.artifact.machine import Spent
from golfkit.compress.checkpoint import state, transformed
from golfkit.compress.checkpoint.state import DamagedCheckpointError, Identity, State
from golfkit.compress.runtimes.engines import Session
from golfkit.errors import Exit, GolfError

WHAT = {"compress": "the transformed input", "decompress": "output"}
EVERY_S = 300.0  # a lost run costs minutes, and a checkpoint of 1.5 GB a second, nearly all of it the disk's


class Trail(Protocol):
    """A stream that counts and digests what went through it."""

    n_bytes: int
    sha256: Any  # of hashlib

    def follow(self, n_bytes: int) -> None:
        """Go over the first `n_bytes`, which an earlier process handled, as far as they are there."""


class SinkTrail(Trail, Protocol):
    """The one that is written."""

    def restart(self) -> None:
        """Go back to the first byte."""

    def cut(self) -> None:
        """End the file here: an earlier process may have written more."""

    def sync(self) -> None:
        """Have everything on the disk."""


class Keeper:
    """Keeps one run's checkpoint.

    path         of the checkpoint
    every_s      seconds from one to the next; 0 writes none
    say          where it says what happened
    every_bytes  of what is coded, from one to the next; 0 to go by the clock alone
    """

    def __init__(self, path: Path, every_s: float, say: Callable[[str], None], *, every_bytes: int = 0) -> None:
        self._path, self._every_s, self._every_bytes, self._say = path, every_s, every_bytes, say
        self._failed = False
        self._ours = False  # whether the checkpoint, if there is one, is of this run
        self._earlier = Spent(0.0, 0.0)  # by processes before this one
        self._unkept = memoryview(b"")  # the transformed input, where it is not beside the checkpoint

    def bind(self, identity: Identity, source: Trail, sink: SinkTrail) -> None:
        """Say what is kept: called by the pipeline, before the codec asks for anything."""
        self._identity, self._source, self._sink = identity, source, sink
        self._begun = machine.spent()

    @property
    def n_written(self) -> int:
        """Bytes of output that are done."""
        return self._sink.n_bytes

    def spent(self) -> Spent:
        """What the run took so far, by all processes that it counts on."""
        cpu_s, wall_s = machine.spent().since(self._begun)
        return Spent(self._earlier.cpu_s + cpu_s, self._earlier.wall_s + wall_s)

    def transformed(self, make: Callable[[], memoryview]) -> memoryview:
        """The transformed input, as an earlier process left it, or made. The whole input has been read by now."""
        text = transformed.kept(*self._place())
        if text is None:
            text = self._unkept = make()
        return text

    def restore(self, new: Callable[[], Session]) -> tuple[Session, int]:
        """A coder to go on with, and how many bytes it has done; a new one where nothing is kept.

        Bytes done are of the transformed input, or restored. Compressing, the whole input has been read by now.

        A checkpoint of something else is refused, a damaged one is named and passed over.
        """
        session, n_done = None, 0
        try:
            session, n_done = self._resumed(new)
        except DamagedCheckpointError as damage:
            self._say(f"{self._path}: {damage}; starting anew")
            self._path.unlink()
        self._ours = True
        if session is None:
            self._sink.restart()
            self._sink.cut()
            session = new()
        self._last_s, self._last_bytes = time.monotonic(), n_done
        return session, n_done

    def offer(self, session: Session, position: int, n_all: int) -> None:
        """Write a checkpoint if it is time; a disk that has no room for one does not end the run.

        position  bytes done, as `restore` counts them, of n_all
        """
        now = time.monotonic()
        by_bytes = self._every_bytes and position - self._last_bytes >= self._every_bytes
        by_clock = self._every_s and now - self._last_s >= self._every_s
        if position == n_all or not (by_bytes or by_clock):
            return
        digests = self._source.sha256.hexdigest(), self._sink.sha256.hexdigest()
        kept = State(self._identity, position, self._sink.n_bytes, *digests, *self.spent())
        try:
            self._keep_transformed()
            self._sink.sync()
            state.write(self._path, kept, session.memory)
        except OSError as error:
            if not self._failed:
                self._say(f"{self._path}: no checkpoint at {position:,} bytes ({error.strerror}); going on without")
            self._failed = True
        self._last_s, self._last_bytes = time.monotonic(), position

    def discard(self) -> None:
        """Forget this run's checkpoint: nothing can come of it. One of another run stays."""
        if self._ours:
            self._path.unlink(missing_ok=True)

    def _resumed(self, new: Callable[[], Session]) -> tuple[Session | None, int]:
        if not self._path.exists():
            return None, 0
        with self._path.open("rb") as source:
            kept = state.read_state(source)
            self._refuse_foreign(kept.identity)
            self._sink.follow(kept.n_written)
            if self._sink.sha256.hexdigest() != kept.written_sha256:
                raise DamagedCheckpointError("what was written beside it is damaged")
            session = new()
            state.fill(source, session.memory)
        if self._source.sha256.hexdigest() != kept.read_sha256:
            raise self._refusal("the input changed since")
        self._sink.cut()
        self._earlier = Spent(kept.cpu_s, kept.wall_s)
        self._say(f"resumed at {kept.position:,} bytes of {WHAT[self._identity.verb]}")
        return session, kept.position

    def _keep_transformed(self) -> None:
        if self._unkept:
            with contextlib.suppress(OSError):  # no room: a checkpoint is worth having without it
                transformed.keep(*self._place(), self._unkept)
            self._unkept = memoryview(b"")

    def _place(self) -> tuple[Path, bytes]:
        """Where the transformed input is kept, and the key that says what it is."""
        made_by = f"{self._identity.codec_id} {self._identity.kernels}"
        return self._path.with_name("transformed"), f"{made_by} {self._source.sha256.hexdigest()}".encode()

    def _refuse_foreign(self, found: Identity) -> None:
        for name, ours in self._identity._asdict().items():
            theirs = getattr(found, name)
            if theirs != ours:
                raise self._refusal(f"it is of {name} {theirs}, expected {ours}")

    def _refusal(self, why: str) -> GolfError:
        return GolfError(f"{self._path}: is no checkpoint of this run: {why}; --fresh starts anew", Exit.USAGE)
