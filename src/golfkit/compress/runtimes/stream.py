"""The coding loops of the own codecs, block by block: what the library and the Python bundle share.

Standard library only: this file is part of a Python bundle.
"""

from collections.abc import Iterator
from typing import BinaryIO

from golfkit.compress.codecs import DamagedError, cut_short
from golfkit.compress.container import Header
from golfkit.compress.runtimes import engines

CHUNK = 1 << 20  # bytes read at a time
_START_BYTES = 4  # of payload, read before the first bit


def encoded(engine: engines.Engine, parameter: int, source: BinaryIO, n_bytes: int) -> Iterator[tuple[int, bytes]]:
    """The payload of the next `n_bytes` of `source`, in parts, as `encoded_on` gives them."""
    text = engines.transformed(engine, read(source, n_bytes))
    yield from encoded_on(engines.Session(engine, parameter), text, 0)


def read(source: BinaryIO, n_bytes: int) -> bytearray:
    """The next `n_bytes` of `source`: the transform looks at them as a whole."""
    whole = bytearray()
    while left := n_bytes - len(whole):
        part = source.read(min(CHUNK, left))
        if not part:
            raise cut_short(n_bytes, left)
        whole += part
    return whole


def encoded_on(session: engines.Session, text: memoryview, n_done: int) -> Iterator[tuple[int, bytes]]:
    """The payload of a transformed input, by a session that has coded its first `n_done` bytes.

    Yields bytes done in all, and the payload bytes that became certain.
    """
    for at in range(n_done, len(text), engines.BLOCK):
        block = bytes(text[at : at + engines.BLOCK])
        yield at + len(block), session.encode(block)
    yield len(text), session.finish()


def decoded(engine: engines.Engine, header: Header, source: BinaryIO) -> Iterator[bytes]:
    """What the payload in `source` stands for, in blocks; the payload is held in memory."""
    check(engine, header)
    yield from decoded_on(engines.Session(engine, header.parameter), engine, header, source, 0)


def check(engine: engines.Engine, header: Header) -> None:
    """Refuse a header that no encoder writes, before memory or time is spent on it.

    The bound refuses no sound archive, and ends the work that a forged header can ask for. The model's p16 stays in
    1..65535, so of the r + 1 values in the coder's range a bit gives up at least one in 65537: for a 1 that is
    ceil(r / 65536) values, for a 0 it is 1 + floor(r / 65536), and r >= 1. So a bit costs at least
    log2(65537 / 65536) bits and a byte 1 / 5678 of a bit. The range holds 32 bits, the last four bytes of payload cover
    what of them is left: n bytes need more than n / 45427 bytes of payload. Those are bytes of the transformed input,
    each of which stands for at most 32 of the original (transform_restore.MAX_OUT). 2^21 is above 32 * 45427.
    """
    if not engine.entries["arena_bytes"](header.parameter):
        raise DamagedError(f"byte 7: parameter {header.parameter} is none of this codec")
    if header.original_bytes >> 21 > header.payload_bytes:
        raise DamagedError(f"byte 8: {header.original_bytes} bytes cannot be in {header.payload_bytes}")


def decoded_on(
    session: engines.Session, engine: engines.Engine, header: Header, source: BinaryIO, n_done: int
) -> Iterator[bytes]:
    """`decoded` by a session that has restored the first `n_done` bytes; `source` stands at the payload."""
    payload = engine.wrap(bytearray(source.read(header.payload_bytes)))
    left, used = header.original_bytes - n_done, _START_BYTES
    while left:
        block, used = session.decode(payload, header.payload_bytes, min(engines.BLOCK, left))
        if used > header.payload_bytes:
            raise DamagedError("the payload ends early")
        left -= len(block)
        yield block
    if session.settle(payload, header.payload_bytes) != header.payload_bytes:
        raise DamagedError(f"{header.payload_bytes} bytes of payload, {used} of them used; or its end is damaged")
