"""The folder `.NAME.work` beside an output under way: what is written so far, and its checkpoint with what it needs.

The folder itself is locked, so that two processes never work on the same output; the lock ends with its process.
"""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from golfkit.errors import Exit, GolfError


class Work(NamedTuple):
    """The files of a run under way."""

    part: Path  # the output so far; there from the start
    checkpoint: Path


@contextlib.contextmanager
def opened(target: Path, say: Callable[[str], None], *, fresh: bool) -> Iterator[Work]:
    """The work folder of `target`, locked. It is removed at the end, but for a run that left a checkpoint.

    fresh  forget what an earlier process left there
    """
    target = target.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = target.with_name(f".{target.name}.work")
    handle = _locked(folder, target)
    work = Work(folder / "output.part", folder / "checkpoint")
    ended = False
    try:
        if fresh:
            work.checkpoint.unlink(missing_ok=True)
        work.part.touch()
        yield work
        ended = True
    except (KeyboardInterrupt, SystemExit, OSError):
        if work.checkpoint.exists():
            say(f"the checkpoint is kept ({folder}); the same command goes on from it, --fresh starts anew")
        raise
    finally:
        if ended or not work.checkpoint.exists():
            shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def _locked(folder: Path, target: Path) -> int:
    """A descriptor of `folder`, made where it is missing, that holds its lock."""
    while True:
        folder.mkdir(exist_ok=True)
        handle = -1
        with contextlib.suppress(FileNotFoundError):  # another process has just ended, and removed it
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                os.close(handle)
                words = "another golf is writing it, expected no other; wait for that one, or name another output"
                raise GolfError(f"{target}: {words}", Exit.NO) from error
            if os.path.samestat(os.fstat(handle), folder.stat()):
                return handle
        if handle >= 0:
            os.close(handle)
