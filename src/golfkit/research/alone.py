"""One process at a time for what costs money, where the second has nothing to add by waiting."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

FOLDER = ".research"


@contextlib.contextmanager
def only_one(home: Path, name: str) -> Iterator[bool]:
    """Whether this process is the only `golf NAME` of the workspace, while the block runs.

    The lock dies with its process; it is not inherited by children.
    """
    path = home / FOLDER / f"{name}.lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
