"""Codecs and the pipeline: what goes in comes out, and damage is refused in bounded memory."""

import contextlib
import hashlib
import io
import random
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golfkit.compress import codecs, pipeline
from golfkit.compress.codecs import Codec, Held, reference
from golfkit.compress.container import HEADER_BYTES, Header, pack, unpack
from golfkit.errors import Exit, GolfError

REFERENCE = ("gzip", "bzip2", "xz", "zstd", "brotli")
FAST = ("gzip", "bzip2", "zstd")  # fast enough on 64 MB of zeros
TEXT = b"It was the best of times, it was the worst of times, it was the age of wisdom. " * 40
INPUTS = {
    "empty": b"",
    "one byte": b"x",
    "zeros": bytes(300_000),
    "all bytes": bytes(range(256)) * 8,
    "random": random.Random(0).randbytes(70_000),
    "text": TEXT,
    "records": b"".join(i.to_bytes(4, "little") + b"\0\xff" for i in range(5_000)),
}


def nothing(n_in: int, n_out: int) -> None:
    """Nobody watches."""


def compressed(codec: Codec, data: bytes) -> bytes:
    sink = io.BytesIO()
    pipeline.compress_file(codec, io.BytesIO(data), sink, len(data), nothing)
    return sink.getvalue()


def restored(archive: bytes) -> bytes:
    source, sink = io.BytesIO(archive), io.BytesIO()
    header = pipeline.read_header(source, "a.bin")
    pipeline.decompress_file(source, header, sink, "a.bin", nothing)
    return sink.getvalue()


def rewrapped(archive: bytes, payload: bytes, **changes: object) -> bytes:
    """An archive with a header that is right about another payload."""
    header = unpack(archive[:HEADER_BYTES], len(archive), "a.bin")
    return pack(header._replace(payload_bytes=len(payload), **changes)) + payload


@pytest.fixture(params=REFERENCE)
def codec(request: pytest.FixtureRequest) -> Codec:
    return codecs.get(request.param)


@pytest.fixture(params=codecs.names())
def any_codec(request: pytest.FixtureRequest) -> Codec:
    return codecs.get(request.param)


@pytest.fixture(params=[name for name in codecs.names() if name != "cm-max"])
def quick_codec(request: pytest.FixtureRequest) -> Codec:
    """All but the one that takes 100 microseconds a byte: for inputs of hundreds of kilobytes, and for many of them."""
    return codecs.get(request.param)


@pytest.mark.parametrize("data", INPUTS.values(), ids=INPUTS.keys())
def test_every_kind_of_input_comes_back(quick_codec: Codec, data: bytes):
    archive = compressed(quick_codec, data)
    assert restored(archive) == data
    assert compressed(quick_codec, data) == archive


@pytest.mark.parametrize("name", ["gzip", "bzip2", "zstd"])
@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=2000))
def test_any_bytes_come_back(name: str, data: bytes):
    assert restored(compressed(codecs.get(name), data)) == data


def test_brotli_owes_output_after_it_took_all_input():
    """The library says that it can take more while megabytes are still to come."""
    archive = compressed(codecs.get("brotli"), bytes(8_000_000))
    assert len(restored(archive)) == 8_000_000


@pytest.mark.parametrize("name", FAST)
def test_64_mb_of_zeros_pass_in_bounded_memory(name: str):
    n_bytes, codec = 64_000_000, codecs.get(name)
    tracemalloc.start()
    archive, sink = io.BytesIO(), Discard()
    pipeline.compress_file(codec, Zeros(n_bytes), archive, n_bytes, nothing)
    header = pipeline.read_header(archive, "a.bin")
    pipeline.decompress_file(archive, header, sink, "a.bin", nothing)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sink.n_bytes == n_bytes
    assert peak < 24_000_000


def test_header_describes_the_original(any_codec: Codec):
    archive = compressed(any_codec, TEXT)
    made_by = (any_codec.codec_id, any_codec.version, any_codec.parameter(len(TEXT)))
    expected = Header(*made_by, len(TEXT), len(archive) - HEADER_BYTES, hashlib.sha256(TEXT).digest())
    assert unpack(archive[:HEADER_BYTES], len(archive), "a.bin") == expected


def test_progress_adds_up_to_both_sizes(quick_codec: Codec):
    steps, source, sink = [], io.BytesIO(INPUTS["random"]), io.BytesIO()
    pipeline.compress_file(quick_codec, source, sink, 70_000, lambda *step: steps.append(step))
    assert [sum(column) for column in zip(*steps, strict=True)] == [70_000, len(sink.getvalue()) - HEADER_BYTES]


def test_only_the_asked_prefix_is_read(any_codec: Codec):
    source, sink = io.BytesIO(TEXT), io.BytesIO()
    pipeline.compress_file(any_codec, source, sink, 100, nothing)
    assert source.tell() == 100
    assert restored(sink.getvalue()) == TEXT[:100]


def test_source_that_shrinks_is_an_error(any_codec: Codec):
    with pytest.raises(GolfError, match=r"input ended after 50 bytes, expected 60; it changed while it was read"):
        pipeline.compress_file(any_codec, io.BytesIO(bytes(50)), io.BytesIO(), 60, nothing)


def test_every_truncated_payload_is_refused(quick_codec: Codec):
    archive = compressed(quick_codec, TEXT)
    payload = archive[HEADER_BYTES:]
    for size in range(len(payload)):
        refused(rewrapped(archive, payload[:size]))


@pytest.mark.parametrize("tail", [b"\0", b"x" * 2000])
def test_bytes_after_the_stream_are_refused(any_codec: Codec, tail: bytes):
    archive = compressed(any_codec, TEXT)
    assert refused(rewrapped(archive, archive[HEADER_BYTES:] + tail)) == Exit.BAD_FILE


def test_second_stream_after_the_first_is_refused(codec: Codec):
    archive = compressed(codec, TEXT)
    assert refused(rewrapped(archive, archive[HEADER_BYTES:] * 2, original_bytes=2 * len(TEXT))) == Exit.BAD_FILE


def test_any_flipped_payload_bit_is_refused_or_harmless(codec: Codec):
    """Harmless: the tools' own headers hold bits, such as gzip's operating system, that no decoder reads."""
    archive, rng = compressed(codec, INPUTS["records"]), random.Random(1)
    for _ in range(150):
        mutated = bytearray(archive)
        mutated[rng.randrange(HEADER_BYTES, len(archive))] ^= 1 << rng.randrange(8)
        with contextlib.suppress(GolfError):
            assert restored(bytes(mutated)) == INPUTS["records"]


def test_stream_longer_than_the_header_says_is_cut_off_before_it_is_written(codec: Codec):
    archive = compressed(codec, INPUTS["zeros"])
    source, sink = io.BytesIO(rewrapped(archive, archive[HEADER_BYTES:], original_bytes=10)), io.BytesIO()
    header = pipeline.read_header(source, "a.bin")
    with pytest.raises(GolfError, match="restores more than the 10 bytes") as caught:
        pipeline.decompress_file(source, header, sink, "a.bin", nothing)
    assert caught.value.exit_code == Exit.BAD_FILE
    assert sink.getvalue() == b""


def test_bomb_is_refused_in_bounded_memory(codec: Codec):
    archive = compressed(codec, bytes(40_000_000)) if codec.name in FAST else compressed(codec, bytes(8_000_000))
    bomb = rewrapped(archive, archive[HEADER_BYTES:], original_bytes=100)
    tracemalloc.start()
    assert refused(bomb) == Exit.BAD_FILE
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < (80_000_000 if codec.name == "xz" else 20_000_000)  # xz: its 64 MiB dictionary


def test_other_content_is_a_digest_mismatch(any_codec: Codec):
    archive = compressed(any_codec, TEXT)
    other = compressed(any_codec, TEXT.swapcase())
    assert refused(rewrapped(archive, other[HEADER_BYTES:])) == Exit.NO


def test_stream_shorter_than_the_header_says_is_refused(any_codec: Codec):
    archive = compressed(any_codec, TEXT)
    assert refused(rewrapped(archive, archive[HEADER_BYTES:], original_bytes=len(TEXT) + 1)) == Exit.BAD_FILE


def test_payload_of_another_tool_is_refused(codec: Codec):
    archive = compressed(codec, TEXT)
    assert refused(rewrapped(archive, zlib.compress(TEXT))) == Exit.BAD_FILE


def test_unknown_codec_id_and_version_are_bad_archives():
    archive = compressed(codecs.get("gzip"), TEXT)
    for changes, found in [
        ({"codec_id": 77}, "codec id 77, expected one of"),
        ({"codec_version": 9}, "version 9 of gzip"),
    ]:
        with pytest.raises(GolfError, match=found) as caught:
            restored(rewrapped(archive, archive[HEADER_BYTES:], **changes))
        assert caught.value.exit_code == Exit.BAD_FILE


def test_unknown_codec_name_is_a_usage_error_that_lists_the_names():
    with pytest.raises(GolfError, match=r"found 'rar', expected one of .*cm-fast.*gzip.*brotli") as caught:
        codecs.get("rar")
    assert caught.value.exit_code == Exit.USAGE


def test_own_names_and_ids_are_those_that_archives_hold_and_the_default_is_the_middle_one():
    own = {"cm-fast": 1, "cm-mid": 2, "cm-max": 3}
    assert {codec.name: codec.codec_id for codec in codecs.every() if codec.own} == own
    assert codecs.default() is codecs.get("cm-mid")


def test_memory_is_that_of_the_model_and_of_what_is_held():
    codec = codecs.get("cm-fast")
    parameter = codec.parameter(1_000_000)
    bare = codec.memory_bytes(parameter, Held())
    assert bare > codec.engine.entries["arena_bytes"](parameter)
    assert codec.memory_bytes(parameter, Held(n_payload=1000)) == bare + 2000
    work = codec.engine.entries["transform_bytes"](1_000_000)
    assert codec.memory_bytes(parameter, Held(n_input=1_000_000)) == bare + work + 3_000_000


def test_names_and_ids_are_those_that_archives_hold():
    assert {name: codecs.get(name).codec_id for name in REFERENCE} == {
        "gzip": 101,
        "bzip2": 102,
        "xz": 103,
        "zstd": 104,
        "brotli": 105,
    }
    assert all(codecs.get(name).name == name and not codecs.get(name).own for name in REFERENCE)


def test_zstd_stream_opens_without_asking_for_more_window():
    import zstandard

    packer = reference.ZSTD.packer(1_000_000_000)
    start = packer.compress(TEXT) + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    frame = zstandard.get_frame_parameters(start)
    assert frame.window_size == 1 << 27  # what `zstd -d` takes unasked
    assert frame.content_size == 1_000_000_000


def refused(archive: bytes) -> Exit:
    with pytest.raises(GolfError) as caught:
        restored(archive)
    return caught.value.exit_code


class Zeros(io.RawIOBase):
    """A long input that takes no room."""

    def __init__(self, n_bytes: int) -> None:
        self.left = n_bytes

    def read(self, size: int = -1) -> bytes:
        size = min(size, self.left)
        self.left -= size
        return bytes(size)


class Discard(io.RawIOBase):
    """Counts what it is given."""

    n_bytes = 0

    def write(self, chunk: bytes) -> int:
        self.n_bytes += len(chunk)
        return len(chunk)
