"""What a board's home can do; a local folder and a bucket do the same, so that all else is one code path."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

from golfkit.board.records import names
from golfkit.errors import Exit, GolfError


class Entry(NamedTuple):
    """A file of the board."""

    path: str  # from the board's root, with /
    size: int
    uploaded: float | None  # Unix seconds by the clock of the home it was created in; None where that is not known


class Listing(NamedTuple):
    """The files of a folder."""

    entries: Sequence[Entry]  # sorted by path
    strange: Sequence[str]  # names that no file of a board has (`checked` refuses them); never opened


class Unreachable(GolfError):
    """The home does not answer now, or says: later (5xx, 429). A post can wait in the outbox."""

    def __init__(self, message: str) -> None:
        super().__init__(message, Exit.REMOTE)


class Refused(GolfError):
    """The home says no (401, 403, no such bucket): waiting will not help; the message says what will."""


class Rejected(Refused):
    """The home takes other files, but not this one."""


class Taken(Exception):
    """A file of that name is there already; nothing was written."""


class Home(Protocol):
    """A board's place. Every path is one that `checked` passes, so that none leaves the board."""

    where: str  # for people: the folder, or hf://buckets/ORG/NAME
    atomic: bool  # whether `create` can promise that a name that was free is the caller's own

    def entries(self, folder: str) -> Sequence[Entry]:
        """The files in `folder` and below it, sorted by path; none where it is not there. Links are not followed."""

    def listing(self, folder: str) -> Listing:
        """`entries`, and what is left out of them for its name."""

    def read(self, path: str, most: int) -> bytes:
        """At most `most` bytes of a file; FileNotFoundError where there is none."""

    def read_all(self, paths: Sequence[str], most: int) -> dict[str, bytes]:
        """Many files at once (one request a hundred files where the home is remote); missing ones are left out."""

    def create(self, path: str, content: bytes) -> None:
        """A new file, whole or not at all; Taken where there is one."""

    def replace(self, path: str, content: bytes) -> None:
        """The one file that may be replaced: an agent's own registration."""

    def upload(self, folder: Path, into: str) -> list[str]:
        """`put` for the files of a local folder, links and dot files left out; their paths below `into`."""

    def put(self, files: Sequence[tuple[Path, str]]) -> None:
        """Create files from local ones, streamed. One that is there with the same bytes is done already, so that what
        was cut goes on; Taken, before anything is written, where another one is there. A folder keeps their times."""

    def fetch(self, files: Sequence[tuple[str, Path]]) -> list[str]:
        """Copy files to new local ones, streamed, with the time of `uploaded`; the paths that are there."""

    def unlike(self, files: Sequence[tuple[Path, str]]) -> list[str]:
        """The paths whose file here has other bytes than the local file; missing ones are left out."""

    def turn(self) -> AbstractContextManager[None]:
        """Whoever looks and then creates, as a claim does, is alone in it where the home's times cannot decide: a
        folder dates a file before it can be seen, a bucket as it can be."""

    def whoami(self) -> str | None:
        """The Hugging Face user; None where nobody is logged in."""


def is_path(path: str) -> bool:
    """Whether a file of a board can have this path: inside, printable, no part that begins with a dot."""
    return names.inside(path) is not None and not path.endswith("/") and "/." not in f"/{path}"


def checked(path: str) -> str:
    """`path`, where `is_path`; every home asks before it touches one."""
    if not is_path(path):
        raise GolfError(
            f"{path!r:.100}: no path of a file on a board; expected parts of printable characters joined by /, "
            "none of which begins with '.', '~' or '-'",
            Exit.USAGE,
        )
    return path


def files_below(folder: Path) -> list[tuple[Path, str]]:
    """(file, path from `folder` with /) of its regular files, sorted; links and dot files left out."""
    if not folder.is_dir():
        raise GolfError(f"{folder}: no folder, expected one to upload")
    found = []
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder)
        parents = [folder / parent for parent in inner.parents]
        hidden = any(part.startswith(".") for part in inner.parts)
        if not hidden and path.is_file() and not any(one.is_symlink() for one in (path, *parents[:-1])):
            found.append((path, inner.as_posix()))
    return found
