"""From bytes to an archive and back, on file objects: the header, the digests, and the guards around a codec.

An own codec holds a whole input to transform it, a reference codec no more than its own state. The digest and the
length of the original are those of the bytes that the codec really read, so an archive never claims anything of a file
that changed meanwhile.
"""

import hashlib
import io
import os
import shutil
from typing import BinaryIO, NamedTuple

from golfkit.compress import codecs
from golfkit.compress.artifact.results import ENWIK8_BYTES
from golfkit.compress.checkpoint.keeper import Keeper
from golfkit.compress.checkpoint.state import Identity
from golfkit.compress.codecs import Advance, Codec, DamagedError
from golfkit.compress.container import HEADER_BYTES, Header, pack, unpack
from golfkit.errors import Exit, GolfError
from golfkit.files import CHUNK


class Coded(NamedTuple):
    """What `compress_file` wrote."""

    header: Header
    archive_bytes: int
    md5: str | None  # of the original; known only where it can be enwik8


def compress_file(
    codec: Codec, source: BinaryIO, sink: BinaryIO, n_bytes: int, advance: Advance, keeper: Keeper | None = None
) -> Coded:
    """Write the archive of the next `n_bytes` of `source` to `sink`, which is empty and seekable.

    keeper  of an own codec's run: then `sink` is a file that holds what an earlier process wrote
    """
    parameter = codec.parameter(n_bytes)
    reader = _HashingReader(source, with_md5=n_bytes == ENWIK8_BYTES)
    sink.write(bytes(HEADER_BYTES))  # its place; filled in when payload_bytes is known
    if keeper:
        identity = Identity("compress", codec.codec_id, codec.version, parameter, codec.kernels(), n_bytes, "")
        writer = _HashingWriter(sink)
        keeper.bind(identity, reader, writer)
        codec.encode(reader, writer, n_bytes, parameter, advance, keeper)
    else:
        codec.encode(reader, sink, n_bytes, parameter, advance)
    if reader.n_bytes != n_bytes:
        raise GolfError(f"codec {codec.name} read {reader.n_bytes} bytes, expected {n_bytes}; report this", Exit.NO)
    archive_bytes = sink.seek(0, io.SEEK_END)
    header = Header(
        codec.codec_id, codec.version, parameter, n_bytes, archive_bytes - HEADER_BYTES, reader.sha256.digest()
    )
    sink.seek(0)
    sink.write(pack(header))
    sink.seek(0, io.SEEK_END)
    return Coded(header, archive_bytes, reader.md5.hexdigest() if reader.md5 else None)


def read_header(source: BinaryIO, where: str) -> Header:
    """The header of the archive in `source`, which is seekable and is left at the payload."""
    archive_bytes = source.seek(0, io.SEEK_END)
    source.seek(0)
    return unpack(source.read(HEADER_BYTES), archive_bytes, where)


def decompress_file(
    source: BinaryIO, header: Header, sink: BinaryIO, where: str, advance: Advance, keeper: Keeper | None = None
) -> None:
    """Write the original of an archive to `sink`; `source` stands at the payload.

    Never writes more than header.original_bytes. A payload that is no such stream is Exit.BAD_FILE, content that
    differs from the header's digest is Exit.NO; either way `sink` then holds nothing of worth.

    keeper  as in `compress_file`; what ends in one of these errors leaves no checkpoint
    """
    codec = codecs.by_id(header.codec_id, header.codec_version, where)
    writer = _HashingWriter(sink, header.original_bytes)
    payload = _Limited(source, header.payload_bytes)
    try:
        if keeper:
            whole = _Whole(source, header.payload_bytes)
            made_by = header.codec_id, header.codec_version, header.parameter, codec.kernels()
            keeper.bind(
                Identity("decompress", *made_by, header.original_bytes, whole.sha256.hexdigest()), whole, writer
            )
            codec.decode(payload, writer, header, advance, keeper)
        else:
            codec.decode(payload, writer, header, advance)
    except DamagedError as error:
        if keeper:
            keeper.discard()
        raise GolfError(f"{where}: {error}; the archive is damaged, fetch it again") from error
    found = writer.sha256.hexdigest()
    if keeper and found != header.sha256.hex():
        keeper.discard()
    if writer.n_bytes != header.original_bytes:
        raise GolfError(f"{where}: restored {writer.n_bytes} bytes, expected {header.original_bytes}; it is damaged")
    if found != header.sha256.hex():
        raise GolfError(f"{where}: restored sha256 {found}, expected {header.sha256.hex()}; it is damaged", Exit.NO)


def spool(source: BinaryIO, sink: BinaryIO, limit: int | None = None) -> int:
    """Copy `source` (at most `limit` bytes of it) to `sink`, and say how many bytes that was."""
    if limit is None:
        shutil.copyfileobj(source, sink, CHUNK)
        return sink.tell()
    left = limit
    while left and (chunk := source.read(min(CHUNK, left))):
        sink.write(chunk)
        left -= len(chunk)
    return limit - left


class _HashingReader(io.RawIOBase):
    """Reads through to `source` and keeps the digest of what went through."""

    def __init__(self, source: BinaryIO, *, with_md5: bool) -> None:
        self.source = source
        self.n_bytes = 0
        self.sha256 = hashlib.sha256()
        self.md5 = hashlib.md5(usedforsecurity=False) if with_md5 else None

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        chunk = self.source.read(size)
        self.n_bytes += len(chunk)
        self.sha256.update(chunk)
        if self.md5:
            self.md5.update(chunk)
        return chunk

    def follow(self, n_bytes: int) -> None:
        """Read what an earlier process has coded."""
        while self.n_bytes < n_bytes and self.read(min(CHUNK, n_bytes - self.n_bytes)):
            pass


class _Limited(io.RawIOBase):
    """The next `n_bytes` of `source`, as a stream that ends there."""

    def __init__(self, source: BinaryIO, n_bytes: int) -> None:
        self.source = source
        self.left = n_bytes

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        chunk = self.source.read(self.left if size < 0 else min(size, self.left))
        self.left -= len(chunk)
        return chunk


class _Whole:
    """A payload, digested as a whole; `source` is left at its start."""

    def __init__(self, source: BinaryIO, n_bytes: int) -> None:
        at = source.tell()
        reader = _HashingReader(source, with_md5=False)
        reader.follow(n_bytes)
        source.seek(at)
        self.n_bytes, self.sha256 = reader.n_bytes, reader.sha256

    def follow(self, n_bytes: int) -> None:
        """It is read whole by every process."""


class _HashingWriter(io.RawIOBase):
    """Writes through to `sink`, keeps the digest, and refuses to write more than `limit` bytes."""

    def __init__(self, sink: BinaryIO, limit: int | None = None) -> None:
        self.sink = sink
        self.limit = limit
        self.n_bytes = 0
        self.sha256 = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, chunk: bytes) -> int:
        self.n_bytes += len(chunk)
        if self.limit is not None and self.n_bytes > self.limit:
            raise DamagedError(f"restores more than the {self.limit} bytes that its header says")
        self.sha256.update(chunk)
        self.sink.write(chunk)
        return len(chunk)

    def follow(self, n_bytes: int) -> None:
        """Go over what an earlier process has written."""
        reader = _HashingReader(self.sink, with_md5=False)
        reader.follow(n_bytes)
        self.n_bytes, self.sha256 = reader.n_bytes, reader.sha256

    def restart(self) -> None:
        """Go back to before the first byte."""
        self.sink.seek(-self.n_bytes, io.SEEK_CUR)
        self.n_bytes, self.sha256 = 0, hashlib.sha256()

    def cut(self) -> None:
        """End the file here."""
        self.sink.truncate()

    def sync(self) -> None:
        """Have everything on the disk."""
        self.sink.flush()
        os.fsync(self.sink.fileno())
