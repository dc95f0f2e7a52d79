"""The kernels' SHA-256 against hashlib's."""

import hashlib
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from golfkit.compress.kernels import sha256
from golfkit.compress.runtimes import emit, engines, native

Digest = Callable[[list[bytes]], bytes]
LENGTHS = (0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 129, 1000)  # around the padding and the blocks


def interpreted(parts: list[bytes]) -> bytes:
    arena, digest = memoryview(bytearray(sha256.CONTEXT_BYTES)), memoryview(bytearray(32))
    sha256.sha_start(arena)
    for part in parts:
        sha256.sha_update(arena, part, len(part))
    sha256.sha_end(arena, digest)
    return bytes(digest)


@pytest.fixture(scope="module")
def compiled(native_programs: native.Built) -> Digest:
    entries = engines.library(native_programs.library, emit.SHA_ENTRIES)

    def digest_of(parts: list[bytes]) -> bytes:
        arena, digest = bytearray(sha256.CONTEXT_BYTES), bytearray(32)
        entries["sha_start"](engines.address(arena))
        for part in parts:
            entries["sha_update"](engines.address(arena), engines.address(bytearray(part)), len(part))
        entries["sha_end"](engines.address(arena), engines.address(digest))
        return bytes(digest)

    return digest_of


@pytest.mark.parametrize("length", LENGTHS)
def test_interpreted_digest_is_that_of_hashlib_at_every_edge(length: int):
    data = bytes(i * 7 & 255 for i in range(length))
    assert interpreted([data]) == hashlib.sha256(data).digest()


@hypothesis_settings(max_examples=40)
@given(st.lists(st.binary(max_size=150), max_size=4))
def test_interpreted_digest_of_any_parts_is_that_of_hashlib(parts: list[bytes]):
    assert interpreted(parts) == hashlib.sha256(b"".join(parts)).digest()


@given(st.lists(st.binary(max_size=300), max_size=6))
@example([b"a" * 1_000_000])
@example([b"abc"])
def test_native_digest_of_any_parts_is_that_of_hashlib(compiled: Digest, parts: list[bytes]):
    assert compiled(parts) == hashlib.sha256(b"".join(parts)).digest()


def test_round_constants_are_exact():
    """The 32 bits used lie well inside a double: compared with integer roots."""
    primes = [n for n in range(2, 312) if all(n % d for d in range(2, n))]
    for prime in primes:
        cube = _root(prime << 96, 3)
        assert sha256.root_bits(prime, 3) == cube & 0xFFFFFFFF
    for prime in primes[:8]:
        assert sha256.root_bits(prime, 2) == _root(prime << 64, 2) & 0xFFFFFFFF


def _root(value: int, power: int) -> int:
    """The integer root, rounded down, by bisection."""
    low, high = 0, 1 << (value.bit_length() // power + 1)
    while low < high - 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**power <= value else (low, middle)
    return low
