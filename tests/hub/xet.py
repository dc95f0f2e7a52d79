"""The Xet storage formats, as far as a server must read them: xorbs, shards, terms. The public xet-core spec.

xorb    chunks one after the other: version 0, u24 stored bytes, u8 compression, u24 bytes; then the stored bytes
shard   48 bytes header; a file: 32-byte hash, u32 flags, u32 n, 8 bytes; n terms: 32-byte xorb hash, u32 flags,
        u32 bytes, u32 first chunk, u32 chunk past the last; n 48-byte verification records with flag 1 << 31, one of
        metadata with 1 << 30; the files end with a hash of 0xff
"""

import struct
from typing import NamedTuple

ENTRY = 48  # bytes of every record of a shard
NONE, LZ4, GROUPED_LZ4 = 0, 1, 2


class Term(NamedTuple):
    """A run of chunks of a xorb."""

    xorb: str
    n_bytes: int
    first: int
    past: int


def hex_of(raw: bytes) -> str:
    """A hash as URLs have it: four little-endian 64-bit numbers."""
    return "".join(f"{number:016x}" for number in struct.unpack("<4Q", raw))


def offsets(xorb: bytes) -> list[int]:
    """Where each chunk begins, and the end of the last."""
    found = [0]
    while found[-1] + 8 <= len(xorb) and xorb[found[-1]] == 0:
        stored = int.from_bytes(xorb[found[-1] + 1 : found[-1] + 4], "little")
        found.append(found[-1] + 8 + stored)
    return found


def files_of(shard: bytes) -> dict[str, tuple[Term, ...]]:
    """The files that a shard registers, by hash."""
    files = {}
    at = ENTRY
    while shard[at : at + 32] != b"\xff" * 32:
        name = hex_of(shard[at : at + 32])
        flags, n = struct.unpack_from("<II", shard, at + 32)
        at += ENTRY
        terms = []
        for i in range(at, at + n * ENTRY, ENTRY):
            terms.append(Term(hex_of(shard[i : i + 32]), *struct.unpack_from("<3I", shard, i + 36)))
        at += ENTRY * (n + n * (flags >> 31 & 1) + (flags >> 30 & 1))
        files[name] = tuple(terms)
    return files


def content(xorb: bytes, first: int, past: int) -> bytes:
    """The bytes of a run of chunks."""
    places = offsets(xorb)
    return b"".join(_chunk(xorb[places[i] : places[i + 1]]) for i in range(first, past))


def _chunk(framed: bytes) -> bytes:
    kind, data = framed[4], framed[8:]
    if kind == NONE:
        return data
    plain = _unlz4(data)
    return plain if kind == LZ4 else _ungrouped(plain)


def _ungrouped(grouped: bytes) -> bytes:
    """The inverse of: every fourth byte from the first, then from the second, ..."""
    plain = bytearray(len(grouped))
    at = 0
    for i in range(4):
        n = len(range(i, len(grouped), 4))
        plain[i::4] = grouped[at : at + n]
        at += n
    return bytes(plain)


def _unlz4(frame: bytes) -> bytes:
    """An LZ4 frame; lz4_Frame_format.md and lz4_Block_format.md."""
    assert frame[:4] == b"\x04\x22\x4d\x18", frame[:4]
    flags = frame[4]
    at = 7 + (8 if flags & 8 else 0) + (4 if flags & 1 else 0)
    out = bytearray()
    while size := int.from_bytes(frame[at : at + 4], "little"):
        n = size & 0x7FFFFFFF
        block = frame[at + 4 : at + 4 + n]
        at += 4 + n + (4 if flags & 16 else 0)
        if size >> 31:
            out += block
        else:
            _unlz4_block(block, out)
    return bytes(out)


def _unlz4_block(block: bytes, out: bytearray) -> None:
    at = 0
    while at < len(block):
        token = block[at]
        n, at = _length(block, at + 1, token >> 4)
        out += block[at : at + n]
        at += n
        if at >= len(block):
            return
        back = int.from_bytes(block[at : at + 2], "little")
        n, at = _length(block, at + 2, token & 15)
        for _ in range(n + 4):  # may overlap what it writes
            out.append(out[-back])


def _length(block: bytes, at: int, start: int) -> tuple[int, int]:
    n = start
    while start == 15:
        n += block[at]
        at += 1
        if block[at - 1] != 255:
            break
    return n, at
