"""A board in a local folder: works offline, for any number of processes.

A file appears under its name whole or not at all, and only where none was: it is written beside its place and linked
there. Nothing is read or written through a link below the board's folder.
"""

import contextlib
import errno
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from golfkit import files as locks
from golfkit.board.homes import bucket, folders, hub
from golfkit.board.homes.protocol import (
    Entry,
    Listing,
    Refused,
    Rejected,
    Taken,
    Unreachable,
    checked,
    files_below,
    is_path,
)
from golfkit.board.records import names

FOLDERS = (names.MESSAGES, names.RESULTS, names.AGENTS, names.ARTIFACTS, "shared_resources")
_NAMES = (errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL)
README = """# Collaboration board

Messages, results and agents, one immutable markdown file each; `golf board --help` says how to read and write them.

    message_board/     golf board post | list | read
    results/           golf board result post | list | read
    agents/            golf board agent register | list | read
    artifacts/         NAME_AGENT/: what a result points to
    shared_resources/  what anyone can use

Never change or remove another agent's file. Files copied here by hand are read, too.
"""


class LocalHome:
    """A folder as a board's home; made, with the folders of a board and a README.md, by the first post."""

    atomic = True

    def __init__(self, root: Path, token: str | None = None, endpoint: str | None = None) -> None:
        """token, endpoint: of the hub, for `whoami` alone; None as in BucketHome."""
        self.root = root.absolute()
        self.where = str(root)
        self._token, self._endpoint = token, endpoint

    def entries(self, folder: str) -> Sequence[Entry]:
        """See Home."""
        return self.listing(folder).entries

    def listing(self, folder: str) -> Listing:
        """See Home."""
        found = folders.walk(self.root, checked(folder).split("/") if folder else [])
        entries = sorted(Entry(*file) for file in found)
        return Listing(
            [entry for entry in entries if is_path(entry.path)],
            [entry.path for entry in entries if not is_path(entry.path)],
        )

    def read(self, path: str, most: int) -> bytes:
        """See Home."""
        with folders.reading(self.root, checked(path)) as file:
            return file.read(most)

    def read_all(self, paths: Sequence[str], most: int) -> dict[str, bytes]:
        """See Home."""
        content = {}
        for path in paths:
            with contextlib.suppress(FileNotFoundError):
                content[path] = self.read(path, most)
        return content

    def create(self, path: str, content: bytes) -> None:
        """See Home."""
        self._establish(checked(path))
        try:
            self._write(path, io.BytesIO(content))
        except FileExistsError as error:
            raise Taken(path) from error

    def replace(self, path: str, content: bytes) -> None:
        """See Home."""
        self._establish(checked(path))
        self._write(path, io.BytesIO(content), replace=True)

    def upload(self, folder: Path, into: str) -> list[str]:
        """See Home."""
        files = [(local, f"{checked(into)}/{inner}") for local, inner in files_below(folder)]
        self._establish(into)
        self.put(files)
        return [path for _, path in files]

    def put(self, files: Sequence[tuple[Path, str]]) -> None:
        """See Home."""
        if clash := self.unlike(files):
            raise Taken(clash[0])
        for local, path in files:
            with local.open("rb") as source:
                try:
                    self._write(path, source, mtime=os.fstat(source.fileno()).st_mtime)
                except FileExistsError as error:
                    if not self._holds(path, local):
                        raise Taken(path) from error

    def fetch(self, files: Sequence[tuple[str, Path]]) -> list[str]:
        """See Home."""
        found = []
        for path, local in files:
            with contextlib.suppress(FileNotFoundError), folders.reading(self.root, checked(path)) as source:
                with local.open("xb") as target:
                    for chunk in iter(lambda source=source: source.read(1 << 20), b""):
                        target.write(chunk)
                os.utime(local, (os.fstat(source.fileno()).st_mtime,) * 2)
                found.append(path)
        return found

    def unlike(self, files: Sequence[tuple[Path, str]]) -> list[str]:
        """See Home."""
        there = [(local, path) for local, path in files if os.path.lexists(self.root / checked(path))]
        return [path for local, path in there if not self._holds(path, local)]

    def turn(self) -> contextlib.AbstractContextManager[None]:
        """See Home."""
        return locks.locked(self.root / "turn")

    def whoami(self) -> str | None:
        """See Home. A board on this machine needs no login: where the hub cannot be asked, nobody is logged in."""
        with contextlib.suppress(Unreachable, Refused):
            return bucket.user(hub.connect(self._token, self._endpoint), "the Hugging Face hub")
        return None

    def _establish(self, path: str) -> None:
        """The folders and README.md of a board, where they are missing; before `path` is written."""
        for name in FOLDERS:
            with folders.opened(self.root, [name], make=True):
                pass
        if path != "README.md" and not os.path.lexists(self.root / "README.md"):
            with contextlib.suppress(FileExistsError):
                folders.write(self.root, "README.md", io.BytesIO(README.encode()))

    def _write(self, path: str, source: BinaryIO, *, replace: bool = False, mtime: float | None = None) -> None:
        """`folders.write`; Rejected for a name that this file system, or what is there, does not let be."""
        try:
            folders.write(self.root, checked(path), source, replace=replace, mtime=mtime)
        except OSError as error:
            if error.errno not in _NAMES:
                raise
            why = f"{error.strerror}; post under another name, or remove what is in the way"
            raise Rejected(f"{self.where}/{path}: {why}") from error

    def _holds(self, path: str, local: Path) -> bool:
        """Whether there is a file here with the local file's bytes."""
        try:
            with folders.reading(self.root, path) as own, local.open("rb") as other:
                return os.fstat(own.fileno()).st_size == os.fstat(other.fileno()).st_size and _same(own, other)
        except FileNotFoundError:
            return False


def _same(one: BinaryIO, other: BinaryIO) -> bool:
    while chunk := one.read(1 << 20):
        if other.read(1 << 20) != chunk:
            return False
    return not other.read(1)
