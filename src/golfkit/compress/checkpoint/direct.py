"""Large files past the page cache: moving them then takes the disk's time and hardly any of the processor's.

Linux moves whole blocks between the disk and memory that begins at one (O_DIRECT). What the system does not take so
goes through the page cache, with the same bytes in the file: a file system without it, other systems, memory elsewhere.
"""

import errno
import fcntl
import mmap
import os
from collections.abc import Callable, Sequence

BLOCK = 4096  # bytes: what lengths, places in the file and in memory have to be multiples of; as large as sectors are
_O_DIRECT = getattr(os, "O_DIRECT", 0)  # macOS has none
_VIEWS = 16  # moved at once, of at most 1024 (IOV_MAX); of 1 MiB each, as most are, more save nothing


def padded(content: bytes | memoryview) -> memoryview:
    """A copy that can be moved: followed by zeros, to whole blocks."""
    copy = blocks(len(content))
    copy[: len(content)] = content
    return copy


def blocks(n_bytes: int) -> memoryview:
    """Zeros in memory that can be moved: whole blocks, for `n_bytes` or more."""
    return memoryview(mmap.mmap(-1, whole(n_bytes)))


def whole(n_bytes: int) -> int:
    """Bytes of the whole blocks that `n_bytes` take, one at least."""
    return max(-(-n_bytes // BLOCK), 1) * BLOCK


def start(handle: int) -> None:
    """Move what is read or written by `handle` past the page cache from now on, where the system allows it."""
    flags = fcntl.fcntl(handle, fcntl.F_GETFL)
    try:
        fcntl.fcntl(handle, fcntl.F_SETFL, flags | _O_DIRECT)
    except OSError as error:
        if error.errno != errno.EINVAL:  # what a file system says that cannot
            raise
    os.lseek(handle, 0, os.SEEK_SET)


def write(handle: int, views: Sequence[memoryview], seen: Callable[[memoryview], object]) -> None:
    """Write whole blocks, one view after the other; `seen` is called with each."""
    for at in range(0, len(views), _VIEWS):
        some = views[at : at + _VIEWS]
        for view in some:
            seen(view)
        _move(os.writev, handle, some)


def read(handle: int, views: Sequence[memoryview], seen: Callable[[memoryview], object]) -> None:
    """Fill all views with the next blocks. Raises EOFError."""
    for at in range(0, len(views), _VIEWS):
        some = views[at : at + _VIEWS]
        _move(os.readv, handle, some)
        for view in some:
            seen(view)


def _move(call: Callable[[int, Sequence[memoryview]], int], handle: int, views: Sequence[memoryview]) -> None:
    """Repeat a call that may do less than it is asked for: before a disk is full, or at the end of a file."""
    while views:
        try:
            n = call(handle, views)
        except OSError as error:
            if error.errno != errno.EINVAL or not _give_up(handle):
                raise
            continue
        if not n:
            raise EOFError
        i = 0
        while i < len(views) and n >= len(views[i]):
            n -= len(views[i])
            i += 1
        views = [views[i][n:], *views[i + 1 :]] if n else views[i:]


def _give_up(handle: int) -> bool:
    """Go through the page cache from now on; False where that was so already."""
    flags = fcntl.fcntl(handle, fcntl.F_GETFL)
    fcntl.fcntl(handle, fcntl.F_SETFL, flags & ~_O_DIRECT)
    return bool(flags & _O_DIRECT)
