"""The checkpoint file: one line about the run, then the coder's arena without its chunks of zeros.

    CHECK {"schema": "golfkit.checkpoint.v2", ...}   CHECK: the first 16 hex digits of the sha256 of the object
    map       a bit for every 64 KiB of the arena, the first in bit 0 of byte 0: 1 where not all of them are zeros
    chunks    those, in order
    crc32     of all bytes before it, little-endian

A CRC is enough against damage, and takes half the time of a SHA-256: writing it is most of what a checkpoint costs.
"""

import hashlib
import json
import os
import zlib
from pathlib import Path
from typing import BinaryIO, NamedTuple

from golfkit.errors import GolfError

SCHEMA = "golfkit.checkpoint.v2"
CHUNK = 1 << 16  # bytes of arena that are there or left out
_LINE = 4096  # bytes that the first line cannot exceed
_CHECK = 16
_ZEROS = bytes(CHUNK)


class Identity(NamedTuple):
    """What must be the same for a run to go on."""

    verb: str  # compress or decompress
    codec_id: int
    codec_version: int
    parameter: int  # of the codec, which decides the arena's layout
    kernels: str  # digest of the kernels' code
    n_bytes: int  # of the original
    archive: str  # decompress: sha256 of the payload, else empty


class State(NamedTuple):
    """How far a run was."""

    identity: Identity
    position: int  # bytes coded of the transformed input (decompress: restored)
    n_written: int  # bytes of payload (decompress: of the original), which lie in the part file
    read_sha256: str  # of the whole input (decompress: the whole payload)
    written_sha256: str
    cpu_s: float  # of the coder so far, over all processes
    wall_s: float


class DamagedCheckpointError(Exception):
    """What a checkpoint that cannot be used raises; says what was found."""


def write(path: Path, state: State, arena: memoryview) -> None:
    """Replace the checkpoint at `path` in one step; what fails (OSError: a full disk) leaves the old one."""
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb", buffering=0) as sink:
            _write(sink, state, arena)
            os.fsync(sink.fileno())
        os.replace(part, path)
        _sync_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)


def read_state(source: BinaryIO) -> State:
    """The first line of a checkpoint; `source` is left at the map. Raises DamagedCheckpointError."""
    line = source.readline(_LINE)
    check, _, content = line.removesuffix(b"\n").partition(b" ")
    if not line.endswith(b"\n") or check != _check(content):
        raise DamagedCheckpointError("its first line is damaged")
    record = json.loads(content)
    if record.pop("schema") != SCHEMA:
        raise GolfError(f"{source.name}: is of another golfkit, expected {SCHEMA}; use that, or --fresh to start anew")
    return State(Identity(*record.pop("identity").values()), **record)


def fill(source: BinaryIO, arena: memoryview) -> None:
    """Put the arena of a checkpoint back; `source` stands at the map. Raises DamagedCheckpointError."""
    at = source.tell()
    source.seek(0)
    crc = zlib.crc32(source.read(at))
    n_map = (len(arena) // CHUNK + 8) // 8
    flags = source.read(n_map)
    if len(flags) != n_map:
        raise DamagedCheckpointError("it is cut short")
    crc = zlib.crc32(flags, crc)
    for i, start in enumerate(range(0, len(arena), CHUNK)):
        chunk = arena[start : start + CHUNK]
        if flags[i >> 3] >> (i & 7) & 1:
            if source.readinto(chunk) != len(chunk):
                raise DamagedCheckpointError("it is cut short")
            crc = zlib.crc32(chunk, crc)
        elif chunk != _ZEROS[: len(chunk)]:  # what a new arena is started with
            chunk[:] = _ZEROS[: len(chunk)]
    if source.read(5) != crc.to_bytes(4, "little"):
        raise DamagedCheckpointError("its checksum is wrong")


def _write(sink: BinaryIO, state: State, arena: memoryview) -> None:
    record = {"schema": SCHEMA} | state._asdict() | {"identity": state.identity._asdict()}
    content = json.dumps(record).encode()
    starts = range(0, len(arena), CHUNK)
    flags = bytearray((len(arena) // CHUNK + 8) // 8)
    for i, start in enumerate(starts):
        chunk = arena[start : start + CHUNK]
        flags[i >> 3] |= (chunk != _ZEROS[: len(chunk)]) << (i & 7)
    head = _check(content) + b" " + content + b"\n" + flags
    _write_all(sink, head)
    crc = zlib.crc32(head)
    for i, start in enumerate(starts):
        if flags[i >> 3] >> (i & 7) & 1:
            chunk = arena[start : start + CHUNK]
            crc = zlib.crc32(chunk, crc)
            _write_all(sink, chunk)
    _write_all(sink, crc.to_bytes(4, "little"))


def _write_all(sink: BinaryIO, content: bytes | memoryview) -> None:
    """An unbuffered file may take less than it is given, just before its disk is full."""
    rest = memoryview(content)
    while rest:
        rest = rest[sink.write(rest) :]


def _check(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest()[:_CHECK].encode()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
