"""Fetch one zipped data file: resumable, checked by size and digest, complete or not there at all.

The download grows as NAME.zip.part, so that a cut connection costs only what was missing. The size and the digest of
the unpacked file decide in the end; a part that turns out wrong is removed.
"""

import fcntl
import hashlib
import os
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, NamedTuple

from golfkit import files
from golfkit.errors import Exit, GolfError

if TYPE_CHECKING:
    import httpx

Meter = Callable[[int], None]


class Dataset(NamedTuple):
    """A file that a contest fixes byte for byte, and the zip that holds it."""

    name: str
    url: str
    n_bytes: int
    md5: str


class Installed(NamedTuple):
    """A data file that is there and right."""

    path: Path
    fetched: bool  # False: it was there already


def enwik8(url: str) -> Dataset:
    """The first 10^8 bytes of English Wikipedia, March 2006; the Hutter Prize's and the LTCB's input."""
    return Dataset("enwik8", url, 100_000_000, "a1fa5ffddb56f4953e226637dabbb36a")


def install(dataset: Dataset, folder: Path, client: "httpx.Client", on_bytes: Meter = lambda n: None) -> Installed:
    """Make sure that the data file is in `folder`: found there, unpacked from a zip there, or downloaded."""
    path = folder / dataset.name
    if path.exists():
        _check_present(dataset, path)
        return Installed(path, fetched=False)
    folder.mkdir(parents=True, exist_ok=True)
    packed = folder / f"{dataset.name}.zip"
    if packed.exists():
        _unpack(dataset, packed, path, Exit.BAD_FILE)
        return Installed(path, fetched=False)
    part = folder / f"{packed.name}.part"
    _download(dataset, part, client, on_bytes)
    try:
        _unpack(dataset, part, path, Exit.REMOTE)
    finally:
        part.unlink()
    return Installed(path, fetched=True)


def _check_present(dataset: Dataset, path: Path) -> None:
    n_bytes = path.stat().st_size if path.is_file() else 0
    md5 = files.digest(path, "md5") if n_bytes == dataset.n_bytes else "not looked at"
    if md5 != dataset.md5:
        found, wanted = f"{n_bytes} bytes, md5 {md5}", f"{dataset.n_bytes} bytes, md5 {dataset.md5}"
        raise GolfError(f"{path}: {found}, expected {wanted}; move it away, or choose another --out")


def _download(dataset: Dataset, part: Path, client: "httpx.Client", on_bytes: Meter) -> None:
    """Fetch what `part` still lacks."""
    import httpx

    with part.open("ab") as sink:
        try:
            fcntl.flock(sink, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise GolfError(f"{part}: another download is writing it; wait for it to end", Exit.REMOTE) from error
        try:
            _receive(dataset.url, sink, client, on_bytes)
        except httpx.HTTPError as error:
            have = os.fstat(sink.fileno()).st_size
            if not have:
                part.unlink()
            kept = f"{have} bytes are kept, run it again to go on" if have else "retry later"
            by_hand = f"put {dataset.name} or {dataset.name}.zip into {part.parent.absolute()} and run it again"
            reason = str(error) or type(error).__name__
            raise GolfError(f"{dataset.url}: {reason}; {kept}, or {by_hand}", Exit.REMOTE) from error


def _receive(url: str, sink: BinaryIO, client: "httpx.Client", on_bytes: Meter) -> None:
    have = os.fstat(sink.fileno()).st_size
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with client.stream("GET", url, headers=headers) as answer:
        if (
            answer.status_code == 416
        ):  # nothing beyond what is there: complete, or another file's part; the digest tells
            return
        answer.raise_for_status()
        if answer.status_code != 206:  # the server does not resume
            sink.truncate(0)
            have = 0
        on_bytes(have)
        for chunk in answer.iter_raw():  # as it comes: what a cut would leave in a buffer is kept
            sink.write(chunk)
            sink.flush()
            on_bytes(len(chunk))


def _unpack(dataset: Dataset, packed: Path, path: Path, code: Exit) -> None:
    """Write the member called like the data set, if it is that file byte for byte."""
    remedy = "fetch it again" if code is Exit.REMOTE else "remove it and run this again"
    with files.atomic_path(path) as part:
        try:
            with zipfile.ZipFile(packed) as archive, archive.open(dataset.name) as source, part.open("wb") as sink:
                n_bytes, md5 = _copy(source, sink, dataset.n_bytes + 1)  # one more, to see that it is too long
        except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, NotImplementedError, RuntimeError) as error:
            raise GolfError(f"{packed}: {error}; expected a zip with {dataset.name} inside; {remedy}", code) from error
        if (n_bytes, md5) != (dataset.n_bytes, dataset.md5):
            found, wanted = f"{n_bytes} bytes, md5 {md5}", f"{dataset.n_bytes} bytes, md5 {dataset.md5}"
            raise GolfError(f"{packed}: holds {found}, expected {wanted}; {remedy}", code)


def _copy(source: IO[bytes], sink: BinaryIO, most: int) -> tuple[int, str]:
    """Copy at most `most` bytes; how many they were, and their md5."""
    n_bytes, md5 = 0, hashlib.md5(usedforsecurity=False)
    while chunk := source.read(min(files.CHUNK, most - n_bytes)):
        sink.write(chunk)
        md5.update(chunk)
        n_bytes += len(chunk)
    return n_bytes, md5.hexdigest()
