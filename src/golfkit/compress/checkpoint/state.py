"""The checkpoint file: one line about the run, then the coder's arena without its chunks of zeros.

    CHECK {"schema": "golfkit.checkpoint.v3", ...}   CHECK: the first 16 hex digits of the sha256 of the object
    map       a bit for every 64 KiB of the arena, the first in bit 0 of byte 0: 1 where not all of them are zeros;
              then zeros up to a multiple of 4096 bytes
    chunks    those, in order; the arena's last one with zeros up to a multiple of 4096 bytes
    end       4096 bytes: xxh3_128 of all bytes before it (16, big-endian), the arena's length (8, little-endian), zeros

Whole blocks go past the page cache, so that hashing is most of the CPU that a checkpoint costs. XXH3 is enough against
damage: it takes a sixth of the time of zlib's CRC-32, and that half of the time of SHA-256.
"""

import hashlib
import itertools
import json
import os
from pathlib import Path
from typing import BinaryIO, NamedTuple

import xxhash

from golfkit.compress.checkpoint import direct
from golfkit.errors import GolfError

SCHEMA = "golfkit.checkpoint.v3"
CHUNK = 1 << 16  # bytes of arena that are there or left out
_LINE = 4096  # bytes that the first line cannot exceed
_CHECK = 16
_TOGETHER = 16  # chunks that are hashed and moved as one, where they lie side by side; more save nothing
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
            _write(sink.fileno(), state, arena)
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
    handle, at = source.fileno(), source.tell()
    digest, end = xxhash.xxh3_128(), direct.blocks(direct.BLOCK)
    head = direct.blocks(at + _map_bytes(arena))
    direct.start(handle)
    try:
        direct.read(handle, [head], digest.update)
        kept, left_out = _divided(arena, head[at:])
        views = [run if _is_whole(run) else direct.blocks(len(run)) for run in kept]
        found, expected = os.fstat(handle).st_size, sum(map(len, [head, *views, end]))
        if found > expected:
            raise DamagedCheckpointError(f"it has {found:,} bytes, its map says {expected:,}")
        direct.read(handle, views, digest.update)
        direct.read(handle, [end], lambda _: None)
    except EOFError as error:
        raise DamagedCheckpointError("it is cut short") from error
    if end != _end(digest, arena):
        raise DamagedCheckpointError("its checksum is wrong")
    if kept and not _is_whole(kept[-1]):
        kept[-1][:] = views[-1][: len(kept[-1])]
    for chunk in itertools.chain.from_iterable(map(_chunks, left_out)):
        if not _is_zeros(chunk):  # what a new arena is started with
            chunk[:] = _ZEROS[: len(chunk)]


def _write(handle: int, state: State, arena: memoryview) -> None:
    record = {"schema": SCHEMA} | state._asdict() | {"identity": state.identity._asdict()}
    content, digest = json.dumps(record).encode(), xxhash.xxh3_128()
    flags = bytearray(_map_bytes(arena))
    for i, chunk in enumerate(_chunks(arena)):
        flags[i >> 3] |= (not _is_zeros(chunk)) << (i & 7)
    head = direct.padded(_check(content) + b" " + content + b"\n" + flags)
    kept, _ = _divided(arena, flags)
    views = [run if _is_whole(run) else direct.padded(run) for run in kept]
    direct.start(handle)
    direct.write(handle, [head, *views], digest.update)
    direct.write(handle, [_end(digest, arena)], lambda _: None)


def _chunks(run: memoryview) -> list[memoryview]:
    return [run[at : at + CHUNK] for at in range(0, len(run), CHUNK)]


def _map_bytes(arena: memoryview) -> int:
    return -(-len(arena) // (8 * CHUNK))


def _divided(arena: memoryview, flags: memoryview | bytearray) -> tuple[list[memoryview], list[memoryview]]:
    """Runs of the chunks that the map has, and of those that it leaves out; a last one that is not whole is alone."""
    parts: tuple[list[memoryview], list[memoryview]] = [], []
    n_whole = len(arena) // CHUNK

    def run_of(i: int) -> tuple[bool, bool, int]:
        return not flags[i >> 3] >> (i & 7) & 1, i == n_whole, i // _TOGETHER

    at = 0
    for (left_out, *_), chunks in itertools.groupby(range(-(-len(arena) // CHUNK)), run_of):
        end = at + CHUNK * len(list(chunks))
        parts[left_out].append(arena[at:end])
        at = end
    return parts


def _is_whole(run: memoryview) -> bool:
    return len(run) % CHUNK == 0


def _is_zeros(chunk: memoryview) -> bool:
    """Copied first: memoryviews are compared byte by byte, 50 times slower. Most chunks are known by their first."""
    return not chunk[0] and chunk.tobytes() == _ZEROS[: len(chunk)]


def _end(digest: xxhash.xxh3_128, arena: memoryview) -> memoryview:
    return direct.padded(digest.digest() + len(arena).to_bytes(8, "little"))


def _check(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest()[:_CHECK].encode()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
