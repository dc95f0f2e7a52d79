"""Putting sections into program.md: read under its lock, replaced in one step, left alone where nothing changes."""

from collections.abc import Mapping, Sequence
from difflib import unified_diff
from pathlib import Path
from typing import NamedTuple

from golfkit import files
from golfkit.errors import GolfError
from golfkit.research.inject import document


class Update(NamedTuple):
    """What the file held, and what it holds now (or would)."""

    before: bytes
    after: bytes

    @property
    def changed(self) -> bool:
        """Whether there is a difference."""
        return self.before != self.after

    def diff(self, name: str) -> str:
        """The difference as `diff -u` gives it, for people; empty where there is none."""
        before, after = (text.decode("utf-8", "replace").split("\n") for text in self)
        return "\n".join(unified_diff(before, after, name, name, lineterm=""))


def update(
    path: Path, sections: Mapping[str, Sequence[str]], *, sota: float, baseline: float, dry_run: bool = False
) -> Update:
    """Rewrite the sections of `path` and its SOTA line; a file that a link names is replaced where it lies.

    dry_run  say what would change, and write nothing, not even a lock
    """
    real = path.resolve()
    if dry_run:
        return _rewritten(real, path, sections, sota, baseline)
    _read(real, path)  # a file that is not there gets no lock beside it
    with files.locked(real):
        found = _rewritten(real, path, sections, sota, baseline)
        if found.changed:
            files.atomic_write(real, found.after)
    return found


def _rewritten(real: Path, path: Path, sections: Mapping[str, Sequence[str]], sota: float, baseline: float) -> Update:
    before = _read(real, path)
    return Update(before, document.rewrite(before, sections, sota, baseline, str(path)))


def _read(real: Path, path: Path) -> bytes:
    try:
        return real.read_bytes()
    except FileNotFoundError as error:
        raise GolfError(f"{path}: not found, expected the agent's instructions; golf init writes them") from error
    except IsADirectoryError as error:
        raise GolfError(
            f"{path}: is a folder, expected the agent's instructions; name a file with --program"
        ) from error
