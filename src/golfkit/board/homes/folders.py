"""Folders and files below a root, opened part by part so that no link leads out of it."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a fifo would block
_NO_FILE = (errno.ELOOP, errno.ENOTDIR, errno.ENXIO, errno.ENAMETOOLONG)  # a link, a file, a socket, no name


class Found(NamedTuple):
    """A regular file of a walk."""

    path: str  # from the root, with /
    size: int
    mtime: float


@contextlib.contextmanager
def opened(root: Path, parts: Sequence[str], *, make: bool = False) -> Iterator[int]:
    """The handle of a folder. FileNotFoundError where it, or a parent, is none or a link.

    make  create what is missing of it; a link or file in the way is a NotADirectoryError then
    """
    if make:
        root.mkdir(parents=True, exist_ok=True)
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)  # the root itself is the user's choice
    try:
        for n, part in enumerate(parts):
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, dir_fd=handle)
            try:
                inner = os.open(part, _FOLDER, dir_fd=handle)
            except OSError as error:
                where = "/".join([str(root), *parts[: n + 1]])
                if error.errno not in _NO_FILE:
                    raise
                if make:
                    raise NotADirectoryError(error.errno, "a link or a file, expected a folder", where) from error
                raise FileNotFoundError(where) from error
            os.close(handle)
            handle = inner
        yield handle
    finally:
        os.close(handle)


@contextlib.contextmanager
def reading(root: Path, path: str) -> Iterator[BinaryIO]:
    """A regular file; FileNotFoundError where it is none, or behind a link."""
    *parents, name = path.split("/")
    with opened(root, parents) as folder:
        try:
            handle = os.open(name, _FILE, dir_fd=folder)
        except OSError as error:
            if error.errno not in _NO_FILE:
                raise
            raise FileNotFoundError(f"{root}/{path}") from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise FileNotFoundError(f"{root}/{path}")
    with os.fdopen(handle, "rb") as file:
        yield file


def walk(root: Path, parts: Sequence[str]) -> Iterator[Found]:
    """The regular files below a folder, in no order; dot files, links, fifos, sockets and devices left out."""
    try:
        with opened(root, parts) as top:
            for folder, inner, names, handle in os.fwalk(".", dir_fd=top, follow_symlinks=False):
                inner[:] = [name for name in inner if not name.startswith(".")]
                before = "/".join([*parts, *folder.split("/")[1:]])
                for name in names:
                    if name.startswith("."):
                        continue
                    with contextlib.suppress(FileNotFoundError):  # gone since the listing
                        about = os.stat(name, dir_fd=handle, follow_symlinks=False)
                        if stat.S_ISREG(about.st_mode):
                            yield Found(f"{before}/{name}" if before else name, about.st_size, about.st_mtime)
    except FileNotFoundError:
        return


def write(root: Path, path: str, source: BinaryIO, *, replace: bool = False, mtime: float | None = None) -> None:
    """A file with the content of `source`, whole or not at all, on the disk when this returns.

    It is written under a dot name beside its place, and linked there: FileExistsError where something is.
    replace  rename it there instead
    """
    *parents, name = path.split("/")
    with opened(root, parents, make=True) as folder:
        part = f".{os.urandom(8).hex()}.part"
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666, dir_fd=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                while chunk := source.read(1 << 20):
                    file.write(chunk)
                file.flush()
                if mtime is not None:
                    os.utime(handle, (mtime, mtime))
                os.fsync(handle)
            if replace:
                os.rename(part, name, src_dir_fd=folder, dst_dir_fd=folder)
            else:
                os.link(part, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(part, dir_fd=folder)
        os.fsync(folder)
