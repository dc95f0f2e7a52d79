"""What an artifact weighs: the shipped script's bytes plus the bytes of its compressed weights.

Source of the rule: Parameter Golf, "artifact = code bytes + compressed model bytes <= 16,000,000" (decimal; equality
fits). A payload that is compressed already counts as it lies on disk. Raw weights are compressed in memory with zstd,
and that count is an estimate: the exporter's own quantisation and compressor decide the real one.
"""

import lzma
import os
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from golfkit import files
from golfkit.errors import Exit, GolfError, missing_package

COMPRESSED = (".ptz", ".zst", ".br", ".xz", ".lz4", ".lzma", ".gz", ".bz2")  # .br and .ptz tell what no magic can
RAW = (".npz", ".pt", ".safetensors", ".bin")
ZSTD_LEVEL = 22  # zstd's strongest
HEAD_BYTES = 4096  # enough for every magic and for trying the first block of a zlib or lzma stream
MAGICS = (
    b"\x28\xb5\x2f\xfd",  # zstd
    b"\xfd7zXZ\x00",  # xz
    b"\x1f\x8b\x08",  # gzip
    b"BZh",  # bzip2
    b"\x04\x22\x4d\x18",  # lz4 frame
    b"LRZI",  # lrzip, used by the contest's best records
)
SHARD_MAGIC = (20240520).to_bytes(4, "little")  # contest token shards are .bin too, and are data, not weights


class WeightsFile(NamedTuple):
    """One weights file of an artifact."""

    path: Path
    n_bytes: int  # what counts: as on disk, or compressed in memory
    disk_bytes: int
    estimate: bool  # compressed in memory: the exporter's own compressor decides


class Weight(NamedTuple):
    """What an artifact weighs against its limit."""

    code_bytes: int
    weights: tuple[WeightsFile, ...]
    limit: int

    @property
    def artifact_bytes(self) -> int:
        """Code plus compressed weights."""
        return self.code_bytes + sum(file.n_bytes for file in self.weights)

    @property
    def headroom(self) -> int:
        """Bytes left under the limit; negative when over."""
        return self.limit - self.artifact_bytes

    @property
    def fits(self) -> bool:
        """Whether the artifact is within the limit; equality fits."""
        return self.headroom >= 0

    @property
    def status(self) -> str:
        """OK, OVER LIMIT, or CODE ONLY where there are no weights yet."""
        if not self.fits:
            return "OVER LIMIT"
        return "OK" if self.weights else "CODE ONLY"


class Candidates(NamedTuple):
    """Files of a folder that may be the payload."""

    compressed: tuple[Path, ...]
    raw: tuple[Path, ...]

    @property
    def choice(self) -> tuple[Path, ...]:
        """The files to choose from: an exporter leaves its raw weights beside the payload, so raw ones come second."""
        return self.compressed or self.raw


def weigh(
    script: Path,
    weights: Sequence[Path],
    limit: int,
    *,
    level: int = ZSTD_LEVEL,
    on_bytes: Callable[[int], None] = lambda n: None,
) -> Weight:
    """Weigh a script and its weights files, each file once however often it is named.

    level     zstd level for raw weights
    on_bytes  told of every piece of raw weights that was compressed
    """
    if os.path.realpath(script) in map(os.path.realpath, weights):
        raise GolfError(f"{script}: named as script and as weights; name each file once", Exit.USAGE)
    return Weight(file_bytes(script), weigh_files(weights, level=level, on_bytes=on_bytes), limit)


def weigh_files(
    weights: Sequence[Path], *, level: int = ZSTD_LEVEL, on_bytes: Callable[[int], None] = lambda n: None
) -> tuple[WeightsFile, ...]:
    """The weights files of an artifact, each once however often it is named."""
    once = {os.path.realpath(path): path for path in reversed(weights)}
    return tuple(_weigh_file(path, level, on_bytes) for path in reversed(once.values()))


def file_bytes(path: Path) -> int:
    """Size of a regular file; anything else is an error."""
    if not path.exists():
        raise GolfError(f"{path}: not found; name the file, or run golf in its folder")
    if not path.is_file():
        raise GolfError(f"{path}: not a regular file; expected one file, name it itself")
    return path.stat().st_size


def candidates(folder: Path) -> Candidates:
    """The files of `folder` that may be a payload: no token shards, no hidden files, no tokenizers."""
    names = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith((".", "tokenizer")))
    return Candidates(
        compressed=tuple(path for path in names if path.suffix in COMPRESSED),
        raw=tuple(path for path in names if path.suffix in RAW and head(path)[:4] != SHARD_MAGIC),
    )


def is_raw(path: Path) -> bool:
    """Whether weights still have to be compressed: a raw format by name, and no compressor's magic inside."""
    return path.suffix in RAW and not is_compressed(head(path))


def is_compressed(start: bytes) -> bool:
    """Whether a file's first bytes are those of a compressed stream.

    zlib's and legacy lzma's first bytes occur in raw files too (78 01 starts a safetensors header of 376 bytes), so
    for these two the stream is tried.
    """
    if start.startswith(MAGICS):
        return True
    if start[:2] in (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"):
        return _opens(lambda: zlib.decompressobj().decompress(start, HEAD_BYTES))
    if start[:1] == b"\x5d":
        return _opens(lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE).decompress(start, HEAD_BYTES))
    return False


def head(path: Path) -> bytes:
    """The first bytes of a file."""
    with path.open("rb") as source:
        return source.read(HEAD_BYTES)


def _opens(attempt: Callable[[], bytes]) -> bool:
    try:
        attempt()
    except (zlib.error, lzma.LZMAError):
        return False
    return True


def _weigh_file(path: Path, level: int, on_bytes: Callable[[int], None]) -> WeightsFile:
    disk_bytes = file_bytes(path)
    if disk_bytes == 0:
        raise GolfError(f"{path}: empty, expected weights; the export failed, run it again")
    if not is_raw(path):
        return WeightsFile(path, disk_bytes, disk_bytes, estimate=False)
    return WeightsFile(path, _zstd_bytes(path, disk_bytes, level, on_bytes), disk_bytes, estimate=True)


def _zstd_bytes(path: Path, disk_bytes: int, level: int, on_bytes: Callable[[int], None]) -> int:
    """Size of a file after zstd, in bounded memory: the pieces are counted and dropped."""
    try:
        import zstandard
    except ModuleNotFoundError as error:
        raise missing_package("zstandard") from error
    stream = zstandard.ZstdCompressor(level=level).compressobj(size=disk_bytes)
    n_bytes = 0
    with path.open("rb") as source:
        while chunk := source.read(files.CHUNK):
            n_bytes += len(stream.compress(chunk))
            on_bytes(len(chunk))
    return n_bytes + len(stream.flush())
