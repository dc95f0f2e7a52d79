"""Run a training script in a run's folder: its output goes to train.log as it comes, and none of its processes stays.

The script that runs is the copy in the folder, so what is weighed is what ran. It leads its own session: a terminal's
^C reaches golf alone, which then ends the script in order.
"""

import contextlib
import os
import re
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, NamedTuple

from golfkit import files
from golfkit.errors import Exit, GolfError
from golfkit.measure.artifact import Candidates, candidates, file_bytes
from golfkit.train.foreign import processes

SCRIPT = "train_gpt.py"  # the one name that the contest counts
LOG = "train.log"
GRACE_S = 10.0  # between SIGTERM and SIGKILL
DRAIN_S = 2.0  # for the last words, where another process holds the pipe of a script that ended
POLL_S = 0.2
LONGEST = 8192  # bytes of a line that `on_line` is told; the log gets all of it
_ENDS = re.compile(rb"[\r\n]+")


class Finished(NamedTuple):
    """How a script ended, and what it left."""

    returncode: int  # negative: the signal that ended it
    script: Path  # the copy that ran
    log: Path
    wall_s: float
    peak_memory_bytes: int  # of its largest process; at least about that of golf itself, which it was forked from
    payloads: tuple[Path, ...]  # weights files in the folder that the run wrote; compressed ones, else raw ones


def run(
    script: Path,
    folder: Path,
    environment: Mapping[str, str],
    *,
    python: str = sys.executable,
    n_processes: int = 1,
    on_line: Callable[[str], None] = lambda line: None,
    clock: Callable[[], float] = time.monotonic,
) -> Finished:
    """Run a copy of `script` in `folder` until it ends.

    environment  all that the script sees (environment.script_environment)
    n_processes  more than one go through torch.distributed.run
    on_line      is told every line, and every state of a progress bar, without its end

    Whatever leaves this function early (^C, a full disk) ends the script and all it started on the way;
    the log keeps what was said until then. Callers that want the same of SIGTERM wrap it in interrupts.stoppable.
    """
    copy, log = _copied(script, folder), folder / LOG
    before = _states(folder)
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={n_processes}"]
    command = [python, "-u", *(launcher if n_processes > 1 else ()), copy.name]
    start = clock()
    with log.open("wb", buffering=0) as sink:
        output = _Output(sink, log, on_line)
        child = _Child(_spawned(command, folder, environment), output, clock)
        try:
            child.wait()
        finally:
            child.end()
        output.close()
    return Finished(
        child.returncode, copy, log, clock() - start, child.peak_memory_bytes, _new_payloads(folder, before)
    )


def modules_beside(script: Path) -> frozenset[str]:
    """The names that `script` could import from its own folder; its copy in the run's folder cannot."""
    beside = script.absolute().parent
    packages = (path.parent.name for path in beside.glob("*/__init__.py"))
    return frozenset({*packages, *(path.stem for path in beside.glob("*.py"))} - {script.stem})


def _copied(script: Path, folder: Path) -> Path:
    file_bytes(script)  # says what is wrong with it
    copy = folder / SCRIPT
    if not (copy.exists() and copy.samefile(script)):
        files.atomic_write(copy, script.read_bytes())
    return copy


def _spawned(command: list[str], folder: Path, environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise GolfError(
            f"{command[0]}: cannot be run ({error.strerror}), expected a Python", Exit.MISSING_PACKAGE
        ) from error


class _Child:
    """The script's process, with all that it starts."""

    def __init__(self, popen: "subprocess.Popen[bytes]", output: "_Output", clock: Callable[[], float]) -> None:
        self.returncode = 0
        self.peak_memory_bytes = 0
        self._popen, self._output, self._clock = popen, output, clock
        self._ended = False
        self._selector = selectors.DefaultSelector()
        self._selector.register(popen.stdout, selectors.EVENT_READ)  # type: ignore[arg-type]

    def wait(self) -> None:
        """Follow the output until the process ends, and a little longer where others still hold the pipe."""
        while self._listening and not self._reap(os.WNOHANG):
            self._hear()
        self._reap(0)  # it may have closed its output, and go on
        until = self._clock() + DRAIN_S
        while self._listening and self._clock() < until:
            self._hear()

    def end(self) -> None:
        """Leave no process behind: SIGTERM, up to GRACE_S of patience, SIGKILL. Without patience where it ended."""
        family: set[processes.Process] = set()
        try:
            if not self._ended:
                family = processes.descendants(self._popen.pid, processes.running())
                self._signal(signal.SIGTERM)
            until = self._clock() + GRACE_S
            while not self._reap(os.WNOHANG) and self._clock() < until:
                self._hear()
        finally:  # a second ^C ends the patience
            if not self._ended:
                family |= processes.descendants(self._popen.pid, processes.running())
            self._signal(signal.SIGKILL)
            processes.kill(family)
            self._reap(0)
            self._selector.close()
            self._popen.stdout.close()  # type: ignore[union-attr]

    @property
    def _listening(self) -> bool:
        return bool(self._selector.get_map())

    def _hear(self) -> None:
        """Pass on what is there to read, waiting for it up to POLL_S."""
        for key, _ in self._selector.select(POLL_S):
            if data := os.read(key.fd, files.CHUNK):
                self._output.feed(data)
            else:
                self._selector.unregister(key.fileobj)

    def _reap(self, options: int) -> bool:
        """Whether the process has ended; its exit code and peak memory are kept then. options: of os.wait4."""
        if not self._ended:
            pid, status, usage = os.wait4(self._popen.pid, options)
            if pid:
                self._ended = True
                self.returncode = self._popen.returncode = os.waitstatus_to_exitcode(status)
                self.peak_memory_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return self._ended

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
            os.killpg(self._popen.pid, number)


class _Output:
    """What the script says: all of it into the log at once, and line by line to who wants to know."""

    def __init__(self, sink: IO[bytes], path: Path, on_line: Callable[[str], None]) -> None:
        self._sink, self._path, self._on_line = sink, path, on_line
        self._rest = b""  # the start of a line that goes on

    def feed(self, data: bytes) -> None:
        """Take the next piece."""
        left = memoryview(data)
        try:
            while left:
                left = left[self._sink.write(left) :]
        except OSError as error:
            raise GolfError(
                f"{self._path}: cannot be written ({error.strerror}), the run was stopped; make room, and run it again"
            ) from error
        *lines, rest = _ENDS.split(self._rest + data)
        self._rest = rest[:LONGEST]
        for line in lines:
            self._tell(line)

    def close(self) -> None:
        """The last line may have no end."""
        self._tell(self._rest)

    def _tell(self, line: bytes) -> None:
        if line:
            self._on_line(line[:LONGEST].decode("utf-8", "replace"))


def _states(folder: Path) -> dict[Path, tuple[int, int, int]]:
    """What tells a file that was written anew: its inode, size and time of change."""
    stats = {path: path.stat() for path in folder.iterdir() if path.is_file()}
    return {path: (stat.st_ino, stat.st_size, stat.st_mtime_ns) for path, stat in stats.items()}


def _new_payloads(folder: Path, before: Mapping[Path, tuple[int, int, int]]) -> tuple[Path, ...]:
    now, found = _states(folder), candidates(folder)
    new = [[path for path in paths if now.get(path) != before.get(path)] for paths in found]
    return Candidates(*map(tuple, new)).choice
