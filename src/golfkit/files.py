"""Plain files that survive crashes and neighbours: atomic replace, one-write append, locks, digests."""

import contextlib
import errno
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

CHUNK = 1 << 20  # bytes read at a time


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`: it replaces `path` when the block ends well, and is removed when it does not.

    A file that is replaced keeps its mode, a new one has the umask's; both are executable where the block makes it so.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(handle)
    part = Path(name)
    try:
        yield part
        replace(path, part)
    finally:
        part.unlink(missing_ok=True)


def replace(path: Path, part: Path) -> None:
    """Let the finished file `part` take the place of `path`: its mode as in `atomic_path`, synced to the disk first."""
    mode = path.stat().st_mode & 0o666 if path.exists() else 0o666 & ~_umask()
    part.chmod(mode | part.stat().st_mode & 0o111)
    with part.open("rb") as written:
        os.fsync(written.fileno())
    os.replace(part, path)


def atomic_write(path: Path, content: bytes | str) -> None:
    """Replace `path` by `content` (text as UTF-8) in one step."""
    with atomic_path(path) as part:
        part.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


def append_line(path: Path, line: str, header: str | None = None) -> None:
    """Append one line in a single O_APPEND write under a lock: cron jobs cannot interleave.

    header  the first line of a file that is new or empty; written in the same step
    """
    _check_lines([line])
    with locked(path):
        append_locked(path, [line], header)


def append_locked(path: Path, lines: Sequence[str], header: str | None = None) -> None:
    """`append_line` for several lines in one write, by a caller that holds the lock of `path`."""
    _check_lines(lines)
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        size = os.fstat(handle).st_size
        before = f"{header}\n" if header is not None and size == 0 else ""
        if size and os.pread(handle, 1, size - 1) != b"\n":  # a torn or hand-edited last line stays its own line
            before = "\n"
        content = (before + "".join(f"{line}\n" for line in lines)).encode()
        if os.write(handle, content) != len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the exclusive lock of `path` (a file `.NAME.lock` beside it, so that `path` itself can be replaced)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.parent / f".{path.name}.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def digest(path: Path, algorithm: str = "sha256") -> str:
    """Hex digest of a file, read in chunks."""
    state = hashlib.new(algorithm)
    with path.open("rb") as source:
        while chunk := source.read(CHUNK):
            state.update(chunk)
    return state.hexdigest()


def neutralise(text: str) -> str:
    """`text` on one line: tabs, newlines and control characters become spaces, runs of them one space."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def neutralise_line(text: str) -> str:
    """`text` with its spacing kept: tabs become four spaces, other control characters and newlines one space."""
    return "".join(c if c.isprintable() else "    " if c == "\t" else " " for c in text).rstrip()


def _check_lines(lines: Sequence[str]) -> None:
    if (broken := next((line for line in lines if "\n" in line), None)) is not None:
        raise ValueError(f"a line holds a newline: {broken!r}")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
