"""Who works on a pod: a lock that its owner's death frees, whatever killed it. No pid is ever trusted.

Locks lie in `.pods/` of the workspace. The owner holds `NAME.lock` from before the reservation until all is settled;
whoever ends a pod holds `NAME.end.lock`, so that owner, watchdog and reap never do it at the same time.
"""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from golfkit.errors import Exit, GolfError

FOLDER = ".pods"
PREFIX = "golf-"  # of every pod name


@contextlib.contextmanager
def owned(home: Path, name: str) -> Iterator[None]:
    """Be the owner of a pod name; an error when someone else is."""
    with _taken(_path(home, name, "lock")) as mine:
        if not mine:
            raise GolfError(f"pod {name} is in the hands of another golf; wait until it is done", Exit.NO)
        yield


@contextlib.contextmanager
def ending(home: Path, name: str) -> Iterator[None]:
    """Wait until nobody else is ending this pod, and keep them out meanwhile."""
    with _path(home, name, "end.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def is_owned(home: Path, name: str) -> bool:
    """Whether a living process owns this pod name."""
    with _taken(_path(home, name, "lock")) as mine:
        return not mine


def path_of(home: Path, name: str, what: str) -> Path:
    """A file about a pod that is of no use once it is gone: its known_hosts, its watchdog's log."""
    return _path(home, name, what)


@contextlib.contextmanager
def _taken(path: Path) -> Iterator[bool]:
    with path.open("a") as lock:  # not inherited by children: a helper that lives on would seem to be the owner
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _path(home: Path, name: str, what: str) -> Path:
    folder = home / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / f"{name}.{what}"
