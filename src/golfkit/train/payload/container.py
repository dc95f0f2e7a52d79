"""The payload file: named tensors, quantised or float, as few bytes as the best of several compressors makes them.

    offset  size  field
         0     4  magic "gpay"
         4     1  version, 1
         5    13  index: compressor (1), bytes unpacked (4), bytes packed (4), crc32 of the unpacked bytes (4)
        18    13  codes: the same
        31        the packed index, then the packed codes

    index   tensors (2); each: name length (1), name, bits (1: 2..8, or 16 and 32 for floats), number of axes (1),
            their sizes (4 each); then the scales, the float16 and the float32 tensors, each group by byte planes:
            first every float's lowest byte, last every float's highest
    codes   the int8 codes of all quantised tensors in the order of the index

Integers and floats are little-endian. Compressors: 0 stored, 1 zlib, 2 lzma, 3 zstd, 4 brotli, 5 rans (codes alone).
"""

import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

from golfkit.errors import Exit, GolfError
from golfkit.train.payload.coder import Grid, decode_codes, encode_codes
from golfkit.train.payload.quantise import Quantised, dequantise
from golfkit.train.payload.streams import NUMBERS, compress, decompress

if TYPE_CHECKING:
    import numpy as np

PAYLOAD_MAGIC = b"gpay"
PAYLOAD_VERSION = 1
PAYLOAD_HEADER = struct.Struct("<4sB" + 2 * "BIII")
RANS = 5
PAYLOAD_LIMIT = 1 << 28  # unpacked bytes of a section: sixteen times a contest artifact; what says more is damaged
MAX_AXES = 8
FLOAT_BYTES = {8: 2, 16: 2, 32: 4}  # by an entry's bits: a quantised tensor's floats are its scales


class Entry(NamedTuple):
    """One tensor of the index."""

    name: str
    bits: int
    shape: tuple[int, ...]

    @property
    def n(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def grid(self) -> Grid:
        """How the coder sees a quantised tensor."""
        return Grid(self.n, self.shape[-1], 2 ** (self.bits - 1) - 1)


def pack(
    tensors: "Mapping[str, Quantised | np.ndarray]",
    *,
    compressors: Sequence[str] = ("rans", "lzma", "zstd", "brotli"),
) -> bytes:
    """The payload file of quantised, float16 and float32 tensors.

    compressors  tried, smallest wins; those whose package is missing are left out, and lzma stands in for none
    """
    import numpy as np

    if unknown := set(compressors) - {"rans", *NUMBERS}:
        raise GolfError(f"compressors: {min(unknown)!r}, expected rans, {', '.join(NUMBERS)}", Exit.USAGE)
    entries = [_entry(name, tensor) for name, tensor in tensors.items()]
    quantised = [tensor for tensor in tensors.values() if isinstance(tensor, Quantised)]
    floats = [tensor for tensor in tensors.values() if not isinstance(tensor, Quantised)]
    flats = [tensor.codes.reshape(-1) for tensor in quantised]
    planes = [_planes([tensor.scale for tensor in quantised], 2)]
    planes += [_planes([array for array in floats if array.itemsize == width], width) for width in (2, 4)]
    index = b"".join([struct.pack("<H", len(entries)), *map(_render, entries), *planes])
    codes = np.concatenate([np.zeros(0, np.int8), *flats]).tobytes()
    if max(len(index), len(codes)) > PAYLOAD_LIMIT:
        raise GolfError(
            f"payload: {len(index) + len(codes)} bytes before compression, expected at most {PAYLOAD_LIMIT} a part"
        )
    packed_index = compress(index, compressors)
    packed_codes = compress(codes, compressors)
    if "rans" in compressors:
        own = encode_codes(flats, [entry.grid for entry in entries if entry.bits <= 8])
        packed_codes = min(packed_codes, (RANS, own), key=lambda choice: len(choice[1]))
    header = PAYLOAD_HEADER.pack(
        PAYLOAD_MAGIC, PAYLOAD_VERSION, *_section(index, packed_index), *_section(codes, packed_codes)
    )
    return header + packed_index[1] + packed_codes[1]


def unpack(data: bytes) -> "dict[str, Quantised | np.ndarray]":
    """The tensors of a payload file; anything that is not exactly right is an error."""
    import numpy as np

    if len(data) < PAYLOAD_HEADER.size or data[:4] != PAYLOAD_MAGIC:
        raise GolfError(f"payload: byte 0: {data[:4]!r}, expected {PAYLOAD_MAGIC!r}; this is not a golf payload")
    _, version, *fields = PAYLOAD_HEADER.unpack_from(data)
    if version != PAYLOAD_VERSION:
        raise GolfError(f"payload: byte 4: version {version}, expected {PAYLOAD_VERSION}; update golfkit")
    (index_by, index_n, index_size, index_crc), (codes_by, codes_n, codes_size, codes_crc) = fields[:4], fields[4:]
    if max(index_n, codes_n) > PAYLOAD_LIMIT or len(data) != PAYLOAD_HEADER.size + index_size + codes_size:
        raise _damaged("header", f"{len(data)} bytes with parts of {index_size} and {codes_size}")
    middle = PAYLOAD_HEADER.size + index_size
    index = _checked("index", decompress(index_by, data[PAYLOAD_HEADER.size : middle], index_n), index_n, index_crc)
    entries, at = _parse(index)
    whole = [entry for entry in entries if entry.bits <= 8]
    if sum(entry.n for entry in whole) != codes_n:
        raise _damaged("index", f"shapes of {sum(entry.n for entry in whole)} codes, {codes_n} in the header")
    if codes_by == RANS:
        flats = decode_codes(data[middle:], [entry.grid for entry in whole])
        codes = b"".join(flat.tobytes() for flat in flats)
    else:
        codes = decompress(codes_by, data[middle:], codes_n)
    flat = np.frombuffer(_checked("codes", codes, codes_n, codes_crc), np.int8)
    return _tensors(entries, index[at:], flat)


def weights(data: bytes) -> "dict[str, np.ndarray]":
    """The float32 weights of a payload file, by name."""
    return {name: dequantise(tensor) for name, tensor in unpack(data).items()}


def _entry(name: str, tensor: "Quantised | np.ndarray") -> Entry:
    import numpy as np

    if isinstance(tensor, Quantised):
        top = 2 ** (tensor.bits - 1) - 1
        fits = 2 <= tensor.bits <= 8 and tensor.codes.dtype == np.int8 and tensor.scale.dtype == np.float16
        if not fits or tensor.scale.shape != tensor.codes.shape[:-1] or (np.abs(tensor.codes.astype(int)) > top).any():
            raise GolfError(f"{name}: codes, scale and {tensor.bits} bits do not go together; quantise it again")
        entry = Entry(name, tensor.bits, tensor.codes.shape)
    elif tensor.dtype in (np.float16, np.float32):
        entry = Entry(name, 8 * tensor.itemsize, tensor.shape)
    else:
        raise GolfError(f"{name}: {tensor.dtype}, expected float16, float32 or quantised weights")
    if len(name.encode()) > 255 or len(entry.shape) > MAX_AXES:
        raise GolfError(f"{name}: expected a name of at most 255 bytes and at most {MAX_AXES} axes")
    return entry


def _render(entry: Entry) -> bytes:
    name, axes = entry.name.encode(), len(entry.shape)
    return struct.pack(f"<B{len(name)}sBB{axes}I", len(name), name, entry.bits, axes, *entry.shape)


def _parse(index: bytes) -> tuple[list[Entry], int]:
    """The entries of an index, and where its planes begin."""
    entries: list[Entry] = []
    try:
        (count,), at = struct.unpack_from("<H", index), 2
        for _ in range(count):
            size = index[at]
            name, bits, axes = struct.unpack_from(f"<{size}sBB", index, at + 1)
            at += size + 3
            entries.append(Entry(name.decode(), bits, struct.unpack_from(f"<{axes}I", index, at)))
            at += 4 * axes
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise _damaged("index", f"{error} in entry {len(entries)}") from error
    for entry in entries:
        known = entry.bits in (16, 32) or (2 <= entry.bits <= 8 and entry.shape)
        if not known or len(entry.shape) > MAX_AXES or math.prod(max(1, n) for n in entry.shape) > PAYLOAD_LIMIT:
            raise _damaged("index", f"{entry.bits} bits and shape {entry.shape} of {entry.name}")
    if len({entry.name for entry in entries}) < len(entries):
        raise _damaged("index", "a name twice")
    return entries, at


def _tensors(entries: list[Entry], planes: bytes, codes: "np.ndarray") -> "dict[str, Quantised | np.ndarray]":
    """Entries filled from the planes of floats and the codes."""
    import numpy as np

    quantised = [entry.shape for entry in entries if entry.bits <= 8]
    shapes = {bits: [entry.shape for entry in entries if entry.bits == bits] for bits in (16, 32)}
    shapes[8] = [shape[:-1] for shape in quantised]
    sizes = {bits: FLOAT_BYTES[bits] * sum(map(math.prod, shapes[bits])) for bits in FLOAT_BYTES}
    if sum(sizes.values()) != len(planes):
        raise _damaged("index", f"{len(planes)} bytes of floats, {sum(sizes.values())} by its shapes")
    floats, at = {}, 0
    for bits, width in FLOAT_BYTES.items():
        part = np.frombuffer(planes[at : at + sizes[bits]], np.uint8).reshape(width, -1).T
        floats[bits] = _cut(part.reshape(-1).view(f"<f{width}").astype(f"f{width}"), shapes[bits])
        at += sizes[bits]
    integers = _cut(codes, quantised)
    return {
        entry.name: Quantised(next(integers), next(floats[8]), entry.bits)
        if entry.bits <= 8
        else next(floats[entry.bits])
        for entry in entries
    }


def _cut(flat: "np.ndarray", shapes: Sequence[tuple[int, ...]]) -> "Iterator[np.ndarray]":
    at = 0
    for shape in shapes:
        n = math.prod(shape)
        yield flat[at : at + n].reshape(shape)
        at += n


def _planes(arrays: "Sequence[np.ndarray]", size: int) -> bytes:
    """All elements of some float arrays, first every element's lowest byte, last every element's highest."""
    import numpy as np

    flat = np.concatenate([np.zeros(0, f"<f{size}"), *(array.reshape(-1) for array in arrays)]).astype(f"<f{size}")
    return flat.view(np.uint8).reshape(-1, size).T.tobytes()


def _section(unpacked: bytes, packed: tuple[int, bytes]) -> tuple[int, int, int, int]:
    return packed[0], len(unpacked), len(packed[1]), crc32(unpacked)


def _checked(part: str, unpacked: bytes, n_bytes: int, check: int) -> bytes:
    if len(unpacked) != n_bytes or crc32(unpacked) != check:
        raise _damaged(part, f"{len(unpacked)} bytes with crc32 {crc32(unpacked):08x}, not {n_bytes} with {check:08x}")
    return unpacked


def _damaged(part: str, found: str) -> GolfError:
    return GolfError(f"payload: {part}: found {found}; the file is damaged, export or fetch it again")
