"""Reference codecs: gzip, bzip2, xz, zstd and brotli at their strongest, so that every claim has its baseline.

The payload is exactly one stream in the tool's own format, so that the bundle is a script around the system's tool.
Encoding and decoding stream in bounded memory; a payload with a byte too few or too many is refused.
"""

import bz2
import lzma
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from golfkit.compress.codecs import Advance, Bundle, DamagedError, cut_short, scripts
from golfkit.compress.container import Header
from golfkit.files import CHUNK

OUT_LIMIT = 1 << 20  # bytes that one step of a decoder may restore (brotli: about twice that)
XZ_MEMORY = 1 << 27  # bytes; preset 9 needs 65 MiB
ZSTD_LEVEL = 22
ZSTD_WINDOW_LOG = 27  # 128 MiB, the most that `zstd -d` takes without being asked
ZSTD_STEP = 256  # bytes of input: at most 64 run-length blocks of 128 KiB each, 8 MiB of output
LDM_BYTES = 1 << 22  # smaller inputs lie in every match finder's reach


class Packer(Protocol):
    """The shape of the standard library's compressors."""

    def compress(self, data: bytes) -> bytes:
        """Output that is ready after `data`."""

    def flush(self) -> bytes:
        """The rest."""


class Unpacker(Protocol):
    """One stream, restored in steps of bounded size."""

    def hungry(self) -> bool:
        """Whether the next step wants input."""

    def step(self, data: bytes) -> bytes:
        """Some output; raises one of the codec's errors for a stream that is none."""

    def ended(self) -> bool:
        """Whether the stream is complete."""

    def rest(self) -> bytes:
        """Input that came after its end."""


@dataclass(frozen=True)
class ReferenceCodec:
    """A codec of the standard library, or of a package, in the format of a system tool."""

    name: str
    codec_id: int
    tool: str  # reads the payload on stdin, writes the original on stdout
    packer: Callable[[int], Packer]  # from the number of bytes to come
    unpacker: Callable[[], Unpacker]
    errors: Callable[[], tuple[type[Exception], ...]]  # what a step raises of a damaged stream
    in_step: int = CHUNK  # bytes of payload in one step
    version: int = 1
    own: bool = False

    def prepare(self) -> str:
        """Import the library."""
        self.unpacker()
        return "library"

    def parameter(self, n_bytes: int) -> int:
        """Reference codecs have none."""
        return 0

    def encode(self, source: BinaryIO, sink: BinaryIO, n_bytes: int, parameter: int, advance: Advance) -> None:
        """Write the next `n_bytes` of `source` as one stream."""
        packer, left = self.packer(n_bytes), n_bytes
        while left:
            chunk = source.read(min(CHUNK, left))
            if not chunk:
                raise cut_short(n_bytes, left)
            left -= len(chunk)
            packed = packer.compress(chunk)
            sink.write(packed)
            advance(len(chunk), len(packed))
        packed = packer.flush()
        sink.write(packed)
        advance(0, len(packed))

    def decode(self, source: BinaryIO, sink: BinaryIO, header: Header, advance: Advance) -> None:
        """Restore the one stream that `source` holds."""
        unpacker, errors = self.unpacker(), self.errors()
        while not unpacker.ended():
            data = source.read(self.in_step) if unpacker.hungry() else b""
            if unpacker.hungry() and not data:
                raise DamagedError(f"the {self.name} stream ends early")
            try:
                restored = unpacker.step(data)
            except errors as error:
                raise DamagedError(f"no {self.name} stream ({error})") from error
            sink.write(restored)
            advance(len(data), len(restored))
        if unpacker.rest() or source.read(1):
            raise DamagedError(f"bytes after the end of the {self.name} stream")

    def bundle(self) -> Bundle:
        """A script around the system's tool."""
        return Bundle(
            decompressor={"decompress": scripts.decompress(self.tool)},
            programs={"compress": scripts.compress(self.name), "decompress": scripts.decompress(self.tool, golf=True)},
            self_contained=False,
            root="system",
            note=f"script around the system's {self.tool.split()[0]}, which is not counted",
        )


class _Zlib:
    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)  # 31: gzip framing, 32 kB window

    def hungry(self) -> bool:
        return not self._inner.unconsumed_tail

    def step(self, data: bytes) -> bytes:
        return self._inner.decompress(data or self._inner.unconsumed_tail, OUT_LIMIT)

    def ended(self) -> bool:
        return self._inner.eof

    def rest(self) -> bytes:
        return self._inner.unused_data


class _Standard:
    """bz2 and lzma, which share one interface."""

    def __init__(self, inner: bz2.BZ2Decompressor | lzma.LZMADecompressor) -> None:
        self._inner = inner

    def hungry(self) -> bool:
        return self._inner.needs_input

    def step(self, data: bytes) -> bytes:
        return self._inner.decompress(data, OUT_LIMIT)

    def ended(self) -> bool:
        return self._inner.eof

    def rest(self) -> bytes:
        return self._inner.unused_data


class _Zstd:
    def __init__(self) -> None:
        import zstandard

        self._inner = zstandard.ZstdDecompressor(max_window_size=1 << ZSTD_WINDOW_LOG).decompressobj()

    def hungry(self) -> bool:
        return True

    def step(self, data: bytes) -> bytes:
        return self._inner.decompress(data)

    def ended(self) -> bool:
        return self._inner.eof

    def rest(self) -> bytes:
        return self._inner.unused_data


class _Brotli:
    """The library refuses bytes after the end by itself when they come in the same step.

    `can_accept_more_data` is true while output is still owed, so only a step without output asks for input.
    """

    def __init__(self) -> None:
        import brotli

        self._inner = brotli.Decompressor()
        self._drained = True

    def hungry(self) -> bool:
        return self._drained and self._inner.can_accept_more_data()

    def step(self, data: bytes) -> bytes:
        restored = self._inner.process(data, output_buffer_limit=OUT_LIMIT)
        self._drained = not restored
        return restored

    def ended(self) -> bool:
        return self._inner.is_finished()

    def rest(self) -> bytes:
        return b""


class _BrotliPacker:
    def __init__(self) -> None:
        import brotli

        self._inner = brotli.Compressor(quality=11, lgwin=24)

    def compress(self, data: bytes) -> bytes:
        return self._inner.process(data)

    def flush(self) -> bytes:
        return self._inner.finish()


def _zstd_packer(n_bytes: int) -> Packer:
    import zstandard

    fitted = zstandard.ZstdCompressionParameters.from_level(
        ZSTD_LEVEL, source_size=max(n_bytes, 1), enable_ldm=n_bytes >= LDM_BYTES
    )
    return zstandard.ZstdCompressor(compression_params=fitted).compressobj(size=n_bytes)


def _zstd_errors() -> tuple[type[Exception], ...]:
    import zstandard

    return (zstandard.ZstdError,)


def _brotli_errors() -> tuple[type[Exception], ...]:
    import brotli

    return (brotli.error,)


GZIP = ReferenceCodec(
    name="gzip",
    codec_id=101,
    tool="gzip -dc",
    packer=lambda n_bytes: zlib.compressobj(9, wbits=31),
    unpacker=_Zlib,
    errors=lambda: (zlib.error,),
)
BZIP2 = ReferenceCodec(
    name="bzip2",
    codec_id=102,
    tool="bzip2 -dc",
    packer=lambda n_bytes: bz2.BZ2Compressor(9),
    unpacker=lambda: _Standard(bz2.BZ2Decompressor()),
    errors=lambda: (OSError, ValueError),  # what bz2 raises of bad data
)
XZ = ReferenceCodec(
    name="xz",
    codec_id=103,
    tool="xz -dc",
    packer=lambda n_bytes: lzma.LZMACompressor(lzma.FORMAT_XZ, preset=9 | lzma.PRESET_EXTREME),
    unpacker=lambda: _Standard(lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY)),
    errors=lambda: (lzma.LZMAError,),
)
ZSTD = ReferenceCodec(
    name="zstd",
    codec_id=104,
    tool="zstd -dc",
    packer=_zstd_packer,
    unpacker=_Zstd,
    errors=_zstd_errors,
    in_step=ZSTD_STEP,
)
BROTLI = ReferenceCodec(
    name="brotli",
    codec_id=105,
    tool="brotli -dc",
    packer=lambda n_bytes: _BrotliPacker(),
    unpacker=_Brotli,
    errors=_brotli_errors,
)
