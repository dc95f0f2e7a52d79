"""General compressors of a payload's parts: by number, as strong as they get, never more output than was asked for."""

import lzma
import zlib
from collections.abc import Sequence

from golfkit.errors import GolfError, missing_package

NUMBERS = {"zlib": 1, "lzma": 2, "zstd": 3, "brotli": 4}  # in the file
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": 1 << 20}]  # codes do not repeat
WINDOW = 1 << 27  # the most that zstd may keep; level 22 takes as much
PIECE = 1 << 20


def compress(data: bytes, compressors: Sequence[str]) -> tuple[int, bytes]:
    """Number and output of whichever of the named compressors that are installed does best, or of lzma."""
    tried = [(number, _compress(name, data)) for name, number in NUMBERS.items() if name in compressors]
    done = [(number, packed) for number, packed in tried if packed is not None]
    return min([*(done or [(NUMBERS["lzma"], _compress("lzma", data))]), (0, data)], key=lambda choice: len(choice[1]))


def decompress(number: int, packed: bytes, n_bytes: int) -> bytes:
    """The data of one compressor, of which no more than n_bytes + 1 MiB are ever made; who calls checks its length."""
    try:
        if number == 0:
            return packed
        if number == 1:
            return zlib.decompressobj().decompress(packed, n_bytes + 1)
        if number == 2:
            return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=FILTERS).decompress(packed, n_bytes + 1)
        if number == 3:
            return _zstd(packed, n_bytes)
        if number == 4:
            return _brotli(packed, n_bytes)
    except (zlib.error, lzma.LZMAError, EOFError) as error:
        raise GolfError(f"payload: {error}; the file is damaged, export or fetch it again") from error
    raise GolfError(f"payload: compressor {number}, expected 0 to 5; the file is damaged, or update golfkit")


def _compress(name: str, data: bytes) -> bytes | None:
    """None where the package is missing."""
    try:
        if name == "zstd":
            import zstandard

            return zstandard.ZstdCompressor(level=22, write_content_size=False).compress(data)
        if name == "brotli":
            import brotli

            return brotli.compress(data, quality=11, lgwin=24)
    except ModuleNotFoundError:
        return None
    return zlib.compress(data, 9) if name == "zlib" else lzma.compress(data, lzma.FORMAT_RAW, filters=FILTERS)


def _zstd(packed: bytes, n_bytes: int) -> bytes:
    try:
        import zstandard
    except ModuleNotFoundError as error:
        raise missing_package("zstandard") from error
    pieces, found = [], 0
    try:
        with zstandard.ZstdDecompressor(max_window_size=WINDOW).stream_reader(packed) as reader:
            while found <= n_bytes and (piece := reader.read(PIECE)):
                pieces.append(piece)
                found += len(piece)
    except zstandard.ZstdError as error:
        raise GolfError(f"payload: {error}; the file is damaged, export or fetch it again") from error
    return b"".join(pieces)


def _brotli(packed: bytes, n_bytes: int) -> bytes:
    try:
        import brotli
    except ModuleNotFoundError as error:
        raise missing_package("brotli") from error
    try:
        return brotli.Decompressor().process(packed, output_buffer_limit=n_bytes + 1)
    except brotli.error as error:
        raise GolfError(f"payload: {error}; the file is damaged, export or fetch it again") from error
