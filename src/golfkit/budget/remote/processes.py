"""Local processes that talk to a machine (ssh, rsync): bounded in time, ended with all that they started."""

import contextlib
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import IO, NamedTuple

from golfkit.errors import Exit, GolfError

PATIENCE_S = 2.0  # between SIGTERM and SIGKILL; rsync keeps what has arrived in between


class RemoteError(GolfError):
    """The machine refused, or could not be reached.

    dropped  the connection is to blame, or the time ran out: the same call may succeed later. False: it will not.
    """

    def __init__(self, message: str, *, dropped: bool = False) -> None:
        super().__init__(message, Exit.REMOTE)
        self.dropped = dropped


class DiskFull(GolfError):
    """This machine's disk is full; what had arrived by then is kept. Trying again helps only after making room."""


class Ended(NamedTuple):
    """How a local process ended."""

    rc: int  # negative: the signal that ended it
    out: bytes
    err: str
    late: bool  # it was ended because its time was up

    @property
    def last_words(self) -> str:
        """The last line that it said about itself."""
        return ([line.strip() for line in self.err.splitlines() if line.strip()] or [f"ended with {self.rc}"])[-1]


def call(command: Sequence[str], timeout_s: float, stdin: bytes | None = None, *, plain: bool = False) -> Ended:
    """Run a local program to its end, for at most `timeout_s` seconds.

    plain  English messages (LC_ALL=C), for those that are read here
    """
    with spawned(command, timeout_s, plain=plain) as running:
        out, err = running.process.communicate(stdin)
    return Ended(running.process.returncode, out, err.decode("utf-8", "replace"), running.late)


class Running:
    """A local program that runs in a session of its own, so that a terminal's ^C reaches golf alone."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self.late = False

    @property
    def stdin(self) -> IO[bytes]:
        """Its input."""
        assert self.process.stdin is not None
        return self.process.stdin

    @property
    def stdout(self) -> IO[bytes]:
        """Its output."""
        assert self.process.stdout is not None
        return self.process.stdout

    def end(self) -> None:
        """SIGTERM, a little patience, SIGKILL; to the whole process group (rsync and its ssh)."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says the latter of zombies
                os.killpg(self.process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(PATIENCE_S)
                return

    def expire(self) -> None:
        """End it because its time is up."""
        if self.process.poll() is None:
            self.late = True
            self.end()


@contextlib.contextmanager
def spawned(command: Sequence[str], timeout_s: float, *, plain: bool = False) -> Iterator[Running]:
    """A program with pipes; ended when its time is up, and when the block ends before it."""
    environ = os.environ | {"LC_ALL": "C"} if plain else None
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environ,
            start_new_session=True,
            restore_signals=False,  # SIGXFSZ stays ignored, so that rsync can say which file was too large
        )
    except FileNotFoundError as error:
        raise GolfError(
            f"{command[0]}: no such program, expected it on PATH; install it", Exit.MISSING_PACKAGE
        ) from error
    with process:
        running = Running(process)
        timer = threading.Timer(max(timeout_s, 0.0), running.expire)
        timer.daemon = True
        timer.start()
        try:
            yield running
        finally:
            timer.cancel()
            if process.poll() is None:
                running.end()


def installed(program: str) -> bool:
    """Whether a program is on this machine's PATH."""
    return shutil.which(program) is not None


def reader(stream: IO[bytes]) -> Callable[[], str]:
    """Read a stream to its end beside other work; the call that is returned waits for it and gives the text."""
    pieces: list[bytes] = []
    thread = threading.Thread(target=lambda: pieces.append(stream.read()), daemon=True)
    thread.start()

    def text() -> str:
        thread.join()
        return b"".join(pieces).decode("utf-8", "replace")

    return text
