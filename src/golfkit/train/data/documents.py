"""Documents out of text files: JSON lines, WikiExtractor output, lines, paragraphs, whole files; packed or plain."""

import hashlib
import io
import json
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from golfkit.errors import GolfError, missing_package

Meter = Callable[[int], None]

RULES = ("auto", "blank", "file", "jsonl", "lines", "wiki")
BLOCK = 4_000  # characters; paragraphs are joined until a document has as many
STDIN = "-"
JSONL_SUFFIXES = (".jsonl", ".ndjson")
PACKED_SUFFIXES = (".xz", ".gz", ".zst")


class Source(NamedTuple):
    """An input that has been read to its end."""

    name: str
    bytes: int  # of text, unpacked
    sha256: str  # of the same


def size(name: str) -> int:
    """Bytes to read from an input, for progress; 0 where that is not known."""
    return Path(name).stat().st_size if name != STDIN and Path(name).is_file() else 0


def read_documents(name: str, rule: str, sources: list[Source], on_bytes: Meter = lambda n: None) -> Iterator[str]:
    """The documents of an input, in order, stripped; empty ones are left out.

    name      a file, unpacked where it ends in .xz, .gz or .zst; "-" is stdin
    rule      one of RULES; "auto" is jsonl by the file's name, wiki by its first line, else blank
    sources   the input is appended here once it is read
    on_bytes  told of bytes read from disk
    """
    with _open(name, on_bytes) as raw:
        lines = _Lines(name, raw)
        try:
            for document in _splitter(rule, name, lines)(lines):
                text = document.strip()
                if text:
                    yield text
        except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
            where = f"{name}:{lines.number + 1}"
            raise GolfError(f"{where}: {error}; expected a whole {Path(name).suffix} file; fetch it again") from error
    sources.append(Source(name, lines.n_bytes, lines.digest.hexdigest()))


class _Lines:
    """The lines of an input as text, counted and digested."""

    def __init__(self, name: str, raw: IO[bytes]) -> None:
        self.name, self._raw = name, raw
        self.number = 0  # of the line read last
        self.n_bytes = 0
        self.digest = hashlib.sha256()
        self._ahead: str | None = None

    def first(self) -> str:
        """The first line, which is still to be read."""
        self._ahead = next(self, None)
        return self._ahead or ""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._ahead is not None:
            line, self._ahead = self._ahead, None
            return line
        raw = self._raw.readline()
        if not raw:
            raise StopIteration
        self.number += 1
        self.n_bytes += len(raw)
        self.digest.update(raw)
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            found = f"byte 0x{raw[error.start]:02x} at column {error.start + 1}"
            raise self.wrong(found, "UTF-8", "convert the file, for example with iconv -c") from error

    def wrong(self, found: str, expected: str, fix: str) -> GolfError:
        """The error for the line read last."""
        return GolfError(f"{self.name}:{self.number}: {found}, expected {expected}; {fix}")


def _splitter(rule: str, name: str, lines: _Lines) -> Callable[[_Lines], Iterator[str]]:
    if rule == "auto":
        path = Path(name)
        suffix = Path(path.stem).suffix if path.suffix in PACKED_SUFFIXES else path.suffix
        wiki = suffix not in JSONL_SUFFIXES and lines.first().startswith("<doc ")
        rule = "wiki" if wiki else "jsonl" if suffix in JSONL_SUFFIXES else "blank"
    return {"blank": _blocks, "file": _whole, "jsonl": _jsonl, "lines": iter, "wiki": _wiki}[rule]


def _blocks(lines: _Lines) -> Iterator[str]:
    """Paragraphs, which end with a blank line, joined until they are a document of BLOCK characters."""
    held: list[str] = []
    n_characters = 0
    for line in lines:
        if not line.strip() and n_characters >= BLOCK:
            yield "".join(held)
            held, n_characters = [], 0
        held.append(line)
        n_characters += len(line)
    yield "".join(held)


def _whole(lines: _Lines) -> Iterator[str]:
    yield "".join(lines)


def _jsonl(lines: _Lines) -> Iterator[str]:
    """The field `text` of each line."""
    for line in lines:
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            fix = "correct it, or choose another --documents"
            raise lines.wrong(f"{error.msg} at column {error.colno}", "a JSON object", fix) from error
        text = record.get("text") if isinstance(record, dict) else None
        if not isinstance(text, str):
            raise lines.wrong('no "text"', 'a JSON object with a string "text"', "correct it")
        yield text.encode("utf-8", "replace").decode()  # a lone surrogate ("\ud800") is no text


def _wiki(lines: _Lines) -> Iterator[str]:
    """What stands between `<doc ...>` and `</doc>`: title, blank line, article. The last one may be cut off."""
    held: list[str] | None = None
    for line in lines:
        if line.startswith("<doc "):
            if held is not None:
                raise lines.wrong("<doc", "</doc> before it", "correct it, or choose another --documents")
            held = []
        elif line.rstrip() == "</doc>" and held is not None:
            yield "".join(held)
            held = None
        elif held is not None:
            held.append(line)
        elif line.strip():
            raise lines.wrong("text between articles", "<doc ...>", "correct it, or choose another --documents")
    yield "".join(held or [])


class _Counted(io.RawIOBase):
    """A file that tells how much of it was read."""

    def __init__(self, raw: IO[bytes], on_bytes: Meter) -> None:
        self._raw, self._on_bytes = raw, on_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self._raw.read(len(buffer))
        buffer[: len(chunk)] = chunk
        self._on_bytes(len(chunk))
        return len(chunk)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _Zstd(io.RawIOBase):
    """The content of a .zst file; a cut one is an error (zstandard's own reader takes it for the end)."""

    def __init__(self, raw: IO[bytes]) -> None:
        try:
            import zstandard
        except ModuleNotFoundError as error:
            raise missing_package("zstandard") from error
        self._raw, self._zstandard = raw, zstandard
        self._frame: Any = None  # None between frames
        self._packed, self._content = b"", b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._content:
            self._packed = self._packed or self._raw.read(1 << 16)
            if not self._packed:
                if self._frame is not None:
                    raise EOFError("the file ends in the middle of a frame")
                return 0
            self._frame = self._frame or self._zstandard.ZstdDecompressor().decompressobj()
            try:
                self._content = self._frame.decompress(self._packed)
            except self._zstandard.ZstdError as error:
                raise OSError(str(error)) from error
            self._packed = self._frame.unused_data if self._frame.eof else b""
            self._frame = None if self._frame.eof else self._frame
        part, self._content = self._content[: len(buffer)], self._content[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


def _open(name: str, on_bytes: Meter) -> IO[bytes]:
    """The input's bytes, unpacked."""
    if name == STDIN:
        if sys.stdin.isatty():
            raise GolfError("stdin is a terminal, expected text; pipe it in, or name a file")
        return sys.stdin.buffer
    path = Path(name)
    if not path.is_file():
        raise GolfError(f"{name}: no such file, expected text; correct the path")
    raw = io.BufferedReader(_Counted(path.open("rb"), on_bytes), 1 << 20)
    if path.suffix == ".xz":
        return lzma.open(raw)
    if path.suffix == ".gz":
        import gzip

        return gzip.open(raw)
    if path.suffix == ".zst":
        return io.BufferedReader(_Zstd(raw), 1 << 20)
    return raw
