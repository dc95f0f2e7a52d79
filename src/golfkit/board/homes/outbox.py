"""Posts that are on their way to a bucket, one file each, so that none is lost or sent twice.

    00000007-5f3a9c01.post    number, then digits that no other process draws
    {"path": "message_board/...md", "queued": 1790000000.0, "bytes": 123, "sha256": "..."}
    the post's bytes

A post is written here first, then sent, then removed. One that was sent by a process that died before removing it is
recognised by its path and bytes in the bucket. Whoever sends a post holds its file's lock, which ends with the process;
whoever flushes holds the lock of the queue, so that posts that had to wait go out in their order.
"""

import contextlib
import fcntl
import hashlib
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from golfkit import files
from golfkit.board.homes import folders
from golfkit.board.homes.protocol import Home, Refused, Rejected, Taken, Unreachable, is_path
from golfkit.board.records import names
from golfkit.errors import Exit, GolfError

SUFFIX = ".post"
QUEUE = "queue"  # its lock
MOST_NAMES = 8  # tried for one post, where others have the names


class Waiting(NamedTuple):
    """A post in the outbox."""

    file: Path
    path: str  # on the board
    content: bytes
    queued: float  # Unix seconds


class Posted(NamedTuple):
    """What became of a post."""

    path: str  # on the board; another suffix than was asked for where another's file had the name
    waiting: str  # why it is still in the outbox; empty: it is on the board


class Flushed(NamedTuple):
    """What became of the outbox."""

    sent: tuple[str, ...]  # paths on the board, in order
    refused: tuple[tuple[Path, str], ...]  # (file, why): they stay until someone mends or removes them
    later: str  # why the rest waits: the home is unreachable; else empty
    refusal: str  # why the rest waits: the home refuses whatever it is sent; else empty
    left: int  # files that are still there


class Outbox:
    """A folder of posts for one bucket; any number of processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def post(self, home: Home, path: str, content: bytes, now: float) -> Posted:
        """Send a post, after those that wait; where the home is unreachable it waits, too.

        now  Unix seconds
        Refused, and no longer in the outbox, where the home says no.
        """
        file = self._add(path, content, now)
        if not any(self._idle(older) for older in self._files() if older < file):
            with _held(file) as mine:
                if mine:
                    return self._send_own(home, file, path, content)
        flushed = self.flush(home)
        why = dict(flushed.refused).get(file) or flushed.refusal
        with _held(file) as mine:
            if mine and why:
                file.unlink()
                raise Refused(why, Exit.REMOTE)
        return self._outcome(file, path, content, flushed)

    def flush(self, home: Home) -> Flushed:
        """Send what waits, in order, until the home is unreachable or refuses everything."""
        sent, refused, later, refusal = [], [], "", ""
        if not self._files():
            return Flushed((), (), later, refusal, 0)
        with files.locked(self.folder / QUEUE):
            for file in self._files():
                with _held(file) as mine:
                    if not mine:  # its own process is sending it, or has
                        continue
                    try:
                        entry = _read(file)
                        sent.append(_send(home, entry.path, entry.content))
                    except Unreachable as error:
                        later = str(error)
                        break
                    except Rejected as error:
                        refused.append((file, str(error)))
                        continue
                    except Refused as error:
                        refusal = str(error)
                        break
                    except GolfError as error:  # a damaged file
                        refused.append((file, str(error)))
                        continue
                    file.unlink()
        return Flushed(tuple(sent), tuple(refused), later, refusal, len(self._files()))

    def waiting(self) -> list[Waiting]:
        """What is in the outbox, oldest first; a damaged file is an error that names it."""
        found = []
        for file in self._files():
            with contextlib.suppress(FileNotFoundError):  # sent since the listing
                found.append(_read(file))
        return found

    def _send_own(self, home: Home, file: Path, path: str, content: bytes) -> Posted:
        """Send a post that nothing older stands before; it stays only where it can go out later."""
        try:
            sent = _send(home, path, content)
        except Unreachable as error:
            return Posted(path, str(error))
        except GolfError:
            file.unlink()
            raise
        file.unlink()
        return Posted(sent, "")

    def _outcome(self, file: Path, path: str, content: bytes, flushed: Flushed) -> Posted:
        """What a flush did with one's own post."""
        if file.exists():
            return Posted(path, flushed.later or "another process is sending it")
        tried = [_name(path, content, n) for n in range(MOST_NAMES)]
        return Posted(next((name for name in tried if name in flushed.sent), path), "")

    def _add(self, path: str, content: bytes, now: float) -> Path:
        about = {"path": path, "queued": now, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        numbers = [int(file.name[:8]) for file in self._files()]
        name = f"{max(numbers, default=0) + 1:08d}-{os.urandom(4).hex()}{SUFFIX}"
        folders.write(self.folder, name, io.BytesIO(json.dumps(about).encode() + b"\n" + content))
        return self.folder / name

    def _files(self) -> list[Path]:
        found = self.folder.glob(f"[0-9]*{SUFFIX}")
        return sorted(file for file in found if file.name[:8].isdigit())

    def _idle(self, file: Path) -> bool:
        """Whether no process is sending it now."""
        with _held(file) as mine:
            return mine


@contextlib.contextmanager
def _held(file: Path) -> Iterator[bool]:
    """Whether the lock of a post could be had, and the post is still there; held in the block."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield False
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield os.fstat(handle).st_nlink > 0
    finally:
        os.close(handle)


def _read(file: Path) -> Waiting:
    """A post of the outbox."""
    head, _, content = file.read_bytes().partition(b"\n")
    try:
        about = json.loads(head)
        path, queued, sha256 = str(about["path"]), float(about["queued"]), about["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise GolfError(f"{file}:1: {error!r:.80}; expected path, queued, bytes, sha256 as JSON; remove it") from error
    if hashlib.sha256(content).hexdigest() != sha256 or not is_path(path):
        raise GolfError(
            f"{file}: not what was queued, expected a path on the board and sha256 {sha256!r:.70}; remove it"
        )
    return Waiting(file, path, content, queued)


def _send(home: Home, path: str, content: bytes) -> str:
    """Create the file once; the name that it has on the board.

    A file of that name and these bytes is the one that a dead process sent. One with other bytes is somebody else's:
    then the next name of the same row is tried, which is the same whoever tries.
    """
    for name in dict.fromkeys(_name(path, content, attempt) for attempt in range(MOST_NAMES)):
        try:
            home.create(name, content)
        except Taken:
            with contextlib.suppress(FileNotFoundError):
                if home.read(name, len(content) + 1) == content:
                    return name
            continue
        return name
    raise Rejected(f"{home.where}/{path}: other files have this name, expected a free one; post it again", Exit.NO)


def _name(path: str, content: bytes, attempt: int) -> str:
    """The path itself, then the same with suffixes made of what it names and holds."""
    folder, _, file = path.rpartition("/")
    parts = names.take_apart(file)
    if attempt == 0 or parts is None or parts.when is None:
        return path
    digits = hashlib.sha256(f"{attempt}\n{path}\n".encode() + content).hexdigest()[:9]
    return f"{folder}/{names.file_name(parts.when, parts.agent, names.unique(parts.when, digits))}"
