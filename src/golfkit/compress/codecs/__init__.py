"""Codecs: what one is, and the registry of those there are.

A codec is a named, versioned pair of encode and decode. The container stores its id and version; a change of its
output is a new version. Codecs are imported when they are asked for: numba and the libraries cost start-up time.
"""

import importlib
from collections.abc import Callable, Mapping
from typing import BinaryIO, Literal, NamedTuple, Protocol

from golfkit.compress.container import Header
from golfkit.errors import Exit, GolfError

Advance = Callable[[int, int], None]  # called after every chunk: bytes read, bytes written
Root = Literal["empty", "system"]


class DamagedError(Exception):
    """What `decode` raises of a payload that cannot be one; says what was found. The pipeline names the archive."""


def cut_short(n_bytes: int, left: int) -> GolfError:
    """The error of `encode` for a source that ends `left` bytes before its `n_bytes`."""
    return GolfError(f"input ended after {n_bytes - left} bytes, expected {n_bytes}; it changed while it was read")


class Held(NamedTuple):
    """What a coder holds in memory beside its model: bytes of an input to compress, or of a payload to restore."""

    n_input: int = 0
    n_payload: int = 0


class Bundle(NamedTuple):
    """What restores an archive, and the programs that lie beside it in the artifact folder."""

    decompressor: Mapping[str, bytes]  # executables by their path below decompressor/ in decompressor.zip
    programs: Mapping[str, bytes]  # "compress" and "decompress": `./compress IN ARCHIVE`, `./decompress ARCHIVE OUT`
    self_contained: bool  # needs nothing but the kernel
    root: Root  # what the decompressor has to see: an empty file system, or a read-only /usr
    note: str


class Codec(Protocol):
    """A named, versioned pair of encode and decode.

    An own codec also says what it takes (`memory_bytes`) and which kernels it runs (`kernels`), and its encode and
    decode take a keeper of checkpoints.
    """

    name: str
    codec_id: int
    version: int
    own: bool  # written here; false for the tools that it is measured against

    def prepare(self) -> str:
        """Compile or load what encode and decode need; says what runs them: native, jit, interpreted or library."""

    def parameter(self, n_bytes: int) -> int:
        """The container's codec parameter for an input of `n_bytes`."""

    def encode(self, source: BinaryIO, sink: BinaryIO, n_bytes: int, parameter: int, advance: Advance) -> None:
        """Write the payload of the next `n_bytes` of `source`; a source that ends early is an error."""

    def decode(self, source: BinaryIO, sink: BinaryIO, header: Header, advance: Advance) -> None:
        """Write what the payload in `source` stands for; `source` ends with the payload."""

    def bundle(self) -> Bundle:
        """The decompressor bundle and the folder's programs."""


class _Entry(NamedTuple):
    codec_id: int
    module: str
    attribute: str


_REFERENCE = "golfkit.compress.codecs.reference"
_REGISTRY = {
    "cm-fast": _Entry(1, "golfkit.compress.codecs.cm", "CM_FAST"),
    "cm-mid": _Entry(2, "golfkit.compress.codecs.cm", "CM_MID"),
    "cm-max": _Entry(3, "golfkit.compress.codecs.cm", "CM_MAX"),
    "gzip": _Entry(101, _REFERENCE, "GZIP"),
    "bzip2": _Entry(102, _REFERENCE, "BZIP2"),
    "xz": _Entry(103, _REFERENCE, "XZ"),
    "zstd": _Entry(104, _REFERENCE, "ZSTD"),
    "brotli": _Entry(105, _REFERENCE, "BROTLI"),
}


def names() -> tuple[str, ...]:
    """The names of all codecs, own ones first."""
    return tuple(_REGISTRY)


def every() -> tuple[Codec, ...]:
    """All codecs, own ones first."""
    return tuple(get(name) for name in _REGISTRY)


def get(name: str) -> Codec:
    """The codec called `name`."""
    if name not in _REGISTRY:
        raise GolfError(f"--codec: found {name!r}, expected one of {', '.join(_REGISTRY)}", Exit.USAGE)
    entry = _REGISTRY[name]
    return getattr(importlib.import_module(entry.module), entry.attribute)


def by_id(codec_id: int, version: int, where: str) -> Codec:
    """The codec that made an archive; `where` names the archive, for the error."""
    name = next((name for name, entry in _REGISTRY.items() if entry.codec_id == codec_id), None)
    if name is None:
        known = ", ".join(f"{entry.codec_id} {name}" for name, entry in _REGISTRY.items())
        raise GolfError(f"{where}: byte 5: codec id {codec_id}, expected one of {known}; update golfkit")
    codec = get(name)
    if codec.version != version:
        raise GolfError(
            f"{where}: byte 6: version {version} of {name}, expected {codec.version}; "
            f"use the golfkit that made it, or the decompressor beside it"
        )
    return codec


def default() -> Codec:
    """What `golf compress` takes: the middle one of size and time."""
    return get("cm-mid")
