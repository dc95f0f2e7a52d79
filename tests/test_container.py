"""The container's header: every damage to it is refused before anything is decoded."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfkit.compress.container import HEADER_BYTES, Header, pack, unpack
from golfkit.errors import Exit, GolfError

BYTE = st.integers(0, 255)
LENGTH = st.integers(0, 2**64 - 1)
HEADERS = st.builds(Header, BYTE, BYTE, BYTE, LENGTH, st.integers(0, 2**63), st.binary(min_size=32, max_size=32))
EXAMPLE = Header(1, 1, 22, 4_000_000, 850_000, hashlib.sha256(b"text").digest())


def archive_bytes(header: Header) -> int:
    return HEADER_BYTES + header.payload_bytes


@given(HEADERS)
def test_header_survives_packing(header: Header):
    packed = pack(header)
    assert len(packed) == HEADER_BYTES
    assert unpack(packed, archive_bytes(header), "a") == header


def test_header_bytes_never_change():
    assert pack(EXAMPLE).hex() == (
        "676f6c6601010116" + "00093d0000000000" + "50f80c0000000000" + EXAMPLE.sha256.hex() + "f7c2e42a"
    )


@pytest.mark.parametrize("bit", range(HEADER_BYTES * 8))
def test_any_flipped_bit_is_refused(bit: int):
    packed = bytearray(pack(EXAMPLE))
    packed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(GolfError) as caught:
        unpack(bytes(packed), archive_bytes(EXAMPLE), "a.bin")
    assert caught.value.exit_code == Exit.BAD_FILE
    assert str(caught.value).startswith("a.bin: ")


@pytest.mark.parametrize("size", range(HEADER_BYTES))
def test_any_truncated_header_is_refused(size: int):
    with pytest.raises(GolfError, match="expected a golf archive of at least 60"):
        unpack(pack(EXAMPLE)[:size], size, "a.bin")


@given(HEADERS, st.integers(0, 2**64))
def test_payload_of_another_length_is_refused(header: Header, found: int):
    if found != header.payload_bytes:
        with pytest.raises(GolfError, match="truncated or extended"):
            unpack(pack(header), HEADER_BYTES + found, "a.bin")


def test_newer_container_version_is_named():
    fields = bytearray(pack(EXAMPLE)[:56])
    fields[4] = 2
    newer = bytes(fields) + hashlib.sha256(fields).digest()[:4]
    with pytest.raises(GolfError, match="byte 4: container version 2, expected 1; update golfkit"):
        unpack(newer, archive_bytes(EXAMPLE), "a.bin")
