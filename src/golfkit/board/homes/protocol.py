"""What a board's home can do; a local folder and a bucket do the same, so that all else is one code path."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from golfkit.errors import Exit, GolfError


class Entry(NamedTuple):
    """A file of the board."""

    path: str  # from the board's root, with /
    size: int
    uploaded: float | None  # by the home's own clock, Unix seconds; None where it has none


class Unreachable(GolfError):
    """The home does not answer now, or says: later (5xx, 429). A post can wait in the outbox."""

    def __init__(self, message: str) -> None:
        super().__init__(message, Exit.REMOTE)


class Refused(GolfError):
    """The home says no (401, 403, no such bucket): waiting will not help; the message says what will."""


class Taken(Exception):
    """A file of that name is there already; nothing was written."""


class Home(Protocol):
    """A board's place. Paths are checked by the caller with names.inside and never leave the board."""

    where: str  # for people: the folder, or hf://buckets/ORG/NAME
    atomic: bool  # whether `create` can promise that a name that was free is the caller's own

    def entries(self, folder: str) -> Sequence[Entry]:
        """The files in `folder` and below it, sorted by path; none where it is not there. Links are not followed."""

    def read(self, path: str, most: int) -> bytes:
        """At most `most` bytes of a file; FileNotFoundError where there is none."""

    def read_all(self, paths: Sequence[str], most: int) -> dict[str, bytes]:
        """Many files at once (one request a hundred files where the home is remote); missing ones are left out."""

    def create(self, path: str, content: bytes) -> None:
        """A new file, whole or not at all; Taken where there is one."""

    def replace(self, path: str, content: bytes) -> None:
        """The one file that may be replaced: an agent's own registration."""

    def upload(self, folder: Path, into: str) -> list[str]:
        """Create the files of a local folder below `into`, links left out; the paths. Taken where any is there."""

    def whoami(self) -> str | None:
        """The Hugging Face user; None where nobody is logged in."""
