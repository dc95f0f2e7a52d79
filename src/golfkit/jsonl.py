"""JSON Lines of one record type each: strict readers that name the line, writers that put a record on one line."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from golfkit import strict
from golfkit.errors import GolfError

T = TypeVar("T")


def read(path: Path, kind: type[T], *, missing_ok: bool = False) -> list[T]:
    """The records of a file, a frozen dataclass `kind` a line; a malformed line is an error, never skipped.

    missing_ok  a file that is not there has no records, instead of being an error
    """
    return list(stream(path, kind, missing_ok=missing_ok))


def stream(path: Path, kind: type[T], *, missing_ok: bool = False) -> Iterator[T]:
    """`read`, a record at a time: a large file is never in memory as a whole."""
    try:
        source = path.open("rb")  # binary: lines end at "\\n" alone, as U+2028 and "\\r" occur in text
    except FileNotFoundError as error:
        if missing_ok:
            return
        raise GolfError(
            f"{path}: not found, expected one record a line; the command that writes it comes first"
        ) from error
    with source:
        for n, line in enumerate(source, start=1):
            where = f"{path}:{n}"
            try:
                text = line.decode("utf-8")
            except UnicodeDecodeError as error:
                raise GolfError(f"{where}: byte {error.start} is not UTF-8; correct or remove the line") from error
            yield strict.decode(kind, strict.parse(text, where, one_line=True), where)


def render(record: Any) -> str:
    """A record (frozen dataclass) as one line of JSON, without its newline; characters stay readable.

    Lone surrogates, which UTF-8 has no bytes for, become question marks.
    """
    text = json.dumps(dataclasses.asdict(record), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "replace").decode("utf-8") if not text.isascii() else text
