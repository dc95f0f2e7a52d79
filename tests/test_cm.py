"""The own codecs, natively: what comes back, what is refused, and what it takes."""

import io
import os
import subprocess
from pathlib import Path

import pytest
import samples

from golfkit.compress import codecs, pipeline
from golfkit.compress.codecs import DamagedError
from golfkit.compress.codecs.cm import CM_FAST
from golfkit.compress.container import HEADER_BYTES, Header
from golfkit.compress.runtimes import engines, native, stream
from golfkit.errors import GolfError
from golfkit.settings import cache_folder

ARENA_MOST = 1_500_000_000  # bytes, for 100 MB of input
INPUTS = {
    "empty": b"",
    "one byte": b"x",
    "zeros": bytes(100_000),
    "noise": samples.noise(100_000),
    "text": samples.text(100_000),
    "mixed": samples.mixed(300_000),
    "one byte less than a block": samples.mixed(engines.BLOCK - 1),
    "one block": samples.mixed(engines.BLOCK),
    "one byte more than a block": samples.mixed(engines.BLOCK + 1),
}


@pytest.fixture(scope="module")
def engine(native_programs: native.Built) -> engines.Engine:
    return engines.native(native_programs.library)


def archive_of(data: bytes) -> bytes:
    sink = io.BytesIO()
    pipeline.compress_file(CM_FAST, io.BytesIO(data), sink, len(data), lambda n_in, n_out: None)
    return sink.getvalue()


def restore(archive: bytes) -> bytes:
    source, sink = io.BytesIO(archive), io.BytesIO()
    pipeline.decompress_file(source, pipeline.read_header(source, "it"), sink, "it", lambda n_in, n_out: None)
    return sink.getvalue()


@pytest.mark.parametrize("data", INPUTS.values(), ids=INPUTS)
def test_the_programs_do_what_the_library_does(native_programs: native.Built, tmp_path: Path, data: bytes):
    (tmp_path / "in").write_bytes(data)
    subprocess.run([native_programs.compress, "in", "archive"], cwd=tmp_path, env={}, check=True)
    assert (tmp_path / "archive").read_bytes() == archive_of(data)
    subprocess.run([native_programs.decompress, "archive", "out"], cwd=tmp_path, env={}, check=True)
    assert (tmp_path / "out").read_bytes() == data
    assert sorted(os.listdir(tmp_path)) == ["archive", "in", "out"]


def test_noise_grows_little(engine: engines.Engine):
    assert len(archive_of(INPUTS["noise"])) < 1.02 * 100_000


def test_the_most_compressible_input_stays_within_the_plausible_size(native_programs: native.Built, tmp_path: Path):
    """Decoders refuse an archive of less than one byte for 65536: see stream.decoded for why none is."""
    n_bytes = 2_000_000
    (tmp_path / "in").write_bytes(bytes(n_bytes))
    subprocess.run([native_programs.compress, "in", "archive"], cwd=tmp_path, env={}, check=True)
    payload_bytes = (tmp_path / "archive").stat().st_size - HEADER_BYTES
    assert n_bytes / 45_427 < payload_bytes < n_bytes / 10_000
    subprocess.run([native_programs.decompress, "archive", "out"], cwd=tmp_path, env={}, check=True)
    assert (tmp_path / "out").read_bytes() == bytes(n_bytes)


def test_a_size_that_no_payload_can_have_is_refused_before_anything_is_decoded(engine: engines.Engine):
    header = Header(1, 1, engine.entries["parameter"](0), 11 << 16, 10, bytes(32))
    with pytest.raises(DamagedError, match="720896 bytes cannot be in 10"):
        next(stream.decoded(engine, header, io.BytesIO(bytes(10))))


@pytest.mark.parametrize("payload", [b"", b"\0", bytes(5)])
def test_a_payload_that_is_too_short_or_too_long_is_refused(engine: engines.Engine, payload: bytes):
    header = Header(1, 1, engine.entries["parameter"](0), 0, len(payload), bytes(32))
    with pytest.raises(DamagedError, match="bytes of payload, 4 of them used"):
        list(stream.decoded(engine, header, io.BytesIO(payload)))
    with pytest.raises(DamagedError, match=r"ends early|of them used"):
        list(stream.decoded(engine, header._replace(original_bytes=60_000), io.BytesIO(payload)))


def test_every_parameter_byte_is_refused_or_has_a_bounded_arena(engine: engines.Engine):
    kernels = engines.kernels_of("cm_fast")
    sizes = [kernels["arena_bytes"](parameter) for parameter in range(256)]
    assert [engine.entries["arena_bytes"](parameter) for parameter in range(256)] == sizes
    assert 0 in sizes
    assert min(sizes) == 0
    assert max(sizes) < ARENA_MOST


def test_a_refused_parameter_is_damage(engine: engines.Engine):
    refused = next(parameter for parameter in range(256) if not engine.entries["arena_bytes"](parameter))
    with pytest.raises(DamagedError, match=f"parameter {refused}"):
        next(stream.decoded(engine, Header(1, 1, refused, 10, 10, bytes(32)), io.BytesIO(bytes(10))))


@pytest.mark.parametrize("n_bytes", [0, 1, 1000, 4_000_000, 100_000_000, 1 << 30, 1 << 45])
def test_every_input_has_a_parameter_that_is_taken_and_memory_is_bounded(n_bytes: int):
    kernels = engines.kernels_of("cm_fast")
    parameter = kernels["parameter"](n_bytes)
    assert 0 <= parameter <= 255
    assert 0 < kernels["arena_bytes"](parameter) < ARENA_MOST
    assert kernels["arena_bytes"](parameter) % 64 == 0


def test_an_input_that_ends_early_is_an_error(engine: engines.Engine):
    with pytest.raises(GolfError, match="input ended after 5 bytes, expected 9"):
        list(stream.encoded(engine, engine.entries["parameter"](9), io.BytesIO(b"12345"), 9))


def test_the_default_codec_is_an_own_one_with_a_self_contained_bundle(native_programs: native.Built):
    bundle = codecs.default().bundle()
    assert (bundle.self_contained, bundle.root) == (True, "empty")
    assert bundle.programs["decompress"] == bundle.decompressor["decompress"]


def test_the_engine_is_made_once(native_programs: native.Built):
    again = CM_FAST.engine_of("native", cache_folder(os.environ))
    assert CM_FAST.engine is CM_FAST.engine
    assert again.runtime == "native"


@pytest.mark.parametrize("original", [b"", b"a text, a text, and that is all"], ids=["empty", "text"])
def test_every_flipped_bit_of_an_archive_is_refused(native_programs: native.Built, original: bytes):
    sound = archive_of(original)
    for at in range(8 * len(sound)):
        damaged = bytearray(sound)
        damaged[at // 8] ^= 1 << at % 8
        with pytest.raises(GolfError):
            restore(bytes(damaged))
