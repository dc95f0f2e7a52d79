"""What compress and decompress read: a file, a pipe or stdin, always as a seekable stream of known length."""

import contextlib
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from golfkit.compress import pipeline
from golfkit.errors import Exit, GolfError

STDIN = "-"


class Intake(NamedTuple):
    """An opened input, at its start."""

    stream: BinaryIO
    n_bytes: int  # to read; less than the file holds where a prefix was asked for
    name: str
    path: Path | None  # absolute; None when it came through a pipe
    refuse_changed: Callable[[], None]  # to call when it has been read: raises if it changed meanwhile


@contextlib.contextmanager
def opened(file: str, limit: int | None = None) -> Iterator[Intake]:
    """The input called `file`, or its first `limit` bytes; "-" is stdin.

    Tables are sized to the input, so what comes through a pipe is copied to a temporary file first.
    """
    if file == STDIN:
        if sys.stdin.isatty():
            raise GolfError("stdin is a terminal, expected data; name a file, or pipe one in", Exit.USAGE)
        with _spooled(sys.stdin.buffer, limit) as (stream, n_bytes):
            yield Intake(stream, n_bytes, "stdin", None, _settled)
        return
    path = Path(file)
    try:
        if path.is_dir():
            raise GolfError(f"{file}: is a directory, expected a file; make one file of it with tar")
        stream = path.open("rb")
    except OSError as error:
        raise GolfError(f"{file}: {error.strerror}, expected a file that can be read") from error
    with stream:
        before = os.fstat(stream.fileno())
        if stat.S_ISREG(before.st_mode):
            n_bytes = before.st_size if limit is None else min(limit, before.st_size)

            def refuse_changed() -> None:
                _compare(file, before, os.fstat(stream.fileno()), whole=limit is None)

            yield Intake(stream, n_bytes, path.name, path.resolve(), refuse_changed)
        elif limit is None and not stat.S_ISFIFO(before.st_mode):
            raise GolfError(f"{file}: is a device, expected a file or pipe; give -n BYTES to take a part", Exit.USAGE)
        else:
            with _spooled(stream, limit) as (copy, n_bytes):
                yield Intake(copy, n_bytes, path.name, None, _settled)


@contextlib.contextmanager
def _spooled(source: BinaryIO, limit: int | None) -> Iterator[tuple[BinaryIO, int]]:
    with tempfile.TemporaryFile(prefix="golf-") as copy:
        n_bytes = pipeline.spool(source, copy, limit)
        copy.seek(0)
        yield copy, n_bytes


def _settled() -> None:
    """A private copy does not change."""


def _compare(file: str, before: os.stat_result, after: os.stat_result, *, whole: bool) -> None:
    """A prefix of a log that grows is fine; anything else that moved is not."""
    grew = after.st_size > before.st_size
    if after.st_mtime_ns != before.st_mtime_ns and (whole or not grew):
        raise GolfError(f"{file}: changed while it was read; run again when nothing writes to it")
