"""The own codecs, natively: what comes back, what is refused, and what it takes."""

import io
import os
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
import samples

from golfkit.compress import codecs, pipeline
from golfkit.compress.codecs import DamagedError
from golfkit.compress.codecs.cm import CM_FAST, CM_MAX, CM_MID, ContextMixing
from golfkit.compress.container import HEADER_BYTES, Header, pack
from golfkit.compress.kernels import layout, model
from golfkit.compress.kernels.transform_restore import CAPITALS, LITERALS, MAX_WORDS, POOL_BYTES
from golfkit.compress.runtimes import engines, native, stream
from golfkit.errors import GolfError
from golfkit.settings import cache_folder

OWN = [codec for codec in codecs.every() if codec.own]
NAMES = {codec: codec.model.name for codec in OWN}
ARENA_MOST = {CM_FAST: 1_500_000_000, CM_MID: 5_000_000_000, CM_MAX: 9_000_000_000}  # bytes, for any input
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
    "one byte more than a transformed block": samples.noise(engines.BLOCK),
    "4 kB": samples.mixed(4000),
}
FEW = {CM_MID: ("empty", "one byte", "one byte more than a transformed block"), CM_MAX: ("empty", "one byte", "4 kB")}
CASES = [(codec, name) for codec in OWN for name in FEW.get(codec, INPUTS)]


@pytest.fixture(scope="module")
def engine(native_programs: native.Built) -> engines.Engine:
    return engines.native(native_programs.library)


def archive_of(data: bytes, codec: ContextMixing = CM_FAST) -> bytes:
    sink = io.BytesIO()
    pipeline.compress_file(codec, io.BytesIO(data), sink, len(data), lambda n_in, n_out: None)
    return sink.getvalue()


def restore(archive: bytes) -> bytes:
    source, sink = io.BytesIO(archive), io.BytesIO()
    pipeline.decompress_file(source, pipeline.read_header(source, "it"), sink, "it", lambda n_in, n_out: None)
    return sink.getvalue()


@pytest.fixture
def programs(request: pytest.FixtureRequest, codec: ContextMixing) -> native.Built:
    """The native programs of a test's `codec`."""
    return request.getfixturevalue({CM_FAST: "native_programs", CM_MID: "native_mid", CM_MAX: "native_max"}[codec])


@pytest.mark.parametrize(("codec", "name"), CASES, ids=[f"{codec.name}, {name}" for codec, name in CASES])
def test_the_programs_do_what_the_library_does(programs: native.Built, codec: ContextMixing, name: str, tmp_path: Path):
    data = INPUTS[name]
    (tmp_path / "in").write_bytes(data)
    subprocess.run([programs.compress, "in", "archive"], cwd=tmp_path, env={}, check=True)
    assert (tmp_path / "archive").read_bytes() == archive_of(data, codec)
    subprocess.run([programs.decompress, "archive", "out"], cwd=tmp_path, env={}, check=True)
    assert (tmp_path / "out").read_bytes() == data
    assert sorted(os.listdir(tmp_path)) == ["archive", "in", "out"]


def test_noise_grows_little(engine: engines.Engine):
    assert len(archive_of(INPUTS["noise"])) < 1.02 * 100_000


def test_the_most_compressible_input_stays_within_the_plausible_size(native_programs: native.Built, tmp_path: Path):
    """Decoders refuse an archive of less than one byte for 65536 symbols: see stream.check for why none is."""
    n_bytes = 2_000_000
    (tmp_path / "in").write_bytes(bytes(n_bytes))
    subprocess.run([native_programs.compress, "in", "archive"], cwd=tmp_path, env={}, check=True)
    payload_bytes = (tmp_path / "archive").stat().st_size - HEADER_BYTES
    assert n_bytes / 45_427 < payload_bytes < n_bytes / 10_000
    subprocess.run([native_programs.decompress, "archive", "out"], cwd=tmp_path, env={}, check=True)
    assert (tmp_path / "out").read_bytes() == bytes(n_bytes)


def test_words_repeated_for_ever_are_restored_however_small_their_archive(
    native_programs: native.Built, tmp_path: Path
):
    """Two symbols stand for 32 bytes here, so that there are more than 2^16 bytes for each of the payload."""
    data = b"abcdefghijklmnopqrstuvwxyzabcde " * (1 << 18)
    (tmp_path / "in").write_bytes(data)
    subprocess.run([native_programs.compress, "in", "archive"], cwd=tmp_path, env={}, check=True)
    assert (tmp_path / "archive").stat().st_size - HEADER_BYTES < len(data) >> 16
    subprocess.run([native_programs.decompress, "archive", "out"], cwd=tmp_path, env={}, check=True)
    assert (tmp_path / "out").read_bytes() == data


def test_a_size_that_no_payload_can_have_is_refused_before_anything_is_decoded(engine: engines.Engine):
    header = Header(1, 1, engine.entries["parameter"](0), 11 << 21, 10, bytes(32))
    with pytest.raises(DamagedError, match="23068672 bytes cannot be in 10"):
        next(stream.decoded(engine, header, io.BytesIO(bytes(10))))


@pytest.mark.parametrize("payload", [b"", b"\0", bytes(5)])
def test_a_payload_that_is_too_short_or_too_long_is_refused(engine: engines.Engine, payload: bytes):
    header = Header(1, 1, engine.entries["parameter"](0), 0, len(payload), bytes(32))
    with pytest.raises(DamagedError, match="bytes of payload, 4 of them used"):
        list(stream.decoded(engine, header, io.BytesIO(payload)))
    with pytest.raises(DamagedError, match=r"ends early|of them used"):
        list(stream.decoded(engine, header._replace(original_bytes=60_000), io.BytesIO(payload)))


def test_both_runtimes_know_the_same_parameters(engine: engines.Engine):
    kernels = engines.kernels_of("cm_fast")
    sizes = [kernels["arena_bytes"](parameter) for parameter in range(256)]
    assert [engine.entries["arena_bytes"](parameter) for parameter in range(256)] == sizes


@pytest.mark.parametrize("codec", OWN, ids=NAMES.values())
def test_every_parameter_byte_is_refused_or_has_a_bounded_arena(codec: ContextMixing):
    arena_bytes = engines.kernels_of(codec.model.name)["arena_bytes"]
    sizes = [arena_bytes(parameter) for parameter in range(256)]
    assert min(sizes) == 0
    assert max(sizes) < ARENA_MOST[codec]
    assert all(arena_bytes(parameter) == 0 for parameter in (-1, 256, 1 << 40))


def test_a_refused_parameter_is_damage(engine: engines.Engine):
    refused = next(parameter for parameter in range(256) if not engine.entries["arena_bytes"](parameter))
    with pytest.raises(DamagedError, match=f"parameter {refused}"):
        next(stream.decoded(engine, Header(1, 1, refused, 10, 10, bytes(32)), io.BytesIO(bytes(10))))


@pytest.mark.parametrize("codec", OWN, ids=NAMES.values())
@pytest.mark.parametrize("n_bytes", [0, 1, 1000, 4_000_000, 100_000_000, 1 << 30, 1 << 45])
def test_every_input_has_a_parameter_that_is_taken_and_memory_is_bounded(codec: ContextMixing, n_bytes: int):
    kernels = engines.kernels_of(codec.model.name)
    parameter = kernels["parameter"](n_bytes)
    assert 0 <= parameter <= 255
    assert 0 < kernels["arena_bytes"](parameter) < ARENA_MOST[codec]
    assert kernels["arena_bytes"](parameter) % 64 == 0
    ring = 1 << kernels["log2_ring"](parameter)
    assert ring >= min(n_bytes, 1 << 27)  # a match is found however far back, up to 128 MiB


def test_an_input_that_ends_early_is_an_error(engine: engines.Engine):
    with pytest.raises(GolfError, match="input ended after 5 bytes, expected 9"):
        list(stream.encoded(engine, engine.entries["parameter"](9), io.BytesIO(b"12345"), 9))


def test_an_own_codec_has_a_self_contained_bundle(native_programs: native.Built):
    bundle = CM_FAST.bundle()
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


class Endless(NamedTuple):
    """A transformed stream that no encoder writes: it goes on, and restores nothing."""

    start: bytes
    ever: bytes


ENDLESS = {
    "a word without end": Endless(b"\1\0\0", b"x"),
    "words without end": Endless(b"\1\0\0", b"x\n"),
    "capitals without a letter": Endless(b"\1\0\0\n", bytes([CAPITALS])),
    "literals, on and off": Endless(b"\1\0\0\n", bytes([LITERALS])),
    "names of no words": Endless(b"\1\x80\0\n", b"\x80"),
    "long names of no words": Endless(b"\1\0\x80\n", b"\xff\xff\xff"),
}


def payload_of(engine: engines.Engine, stream: bytes, parameter: int) -> bytes:
    """What an encoder without our transform would write."""
    session = engines.Session(engine, parameter)
    blocks = [stream[at : at + engines.BLOCK] for at in range(0, len(stream), engines.BLOCK)]
    return b"".join(map(session.encode, blocks)) + session.finish()


@pytest.mark.parametrize("stream_of", ENDLESS.values(), ids=ENDLESS)
def test_a_payload_that_restores_nothing_is_refused_where_no_encoder_s_would_go_on(
    monkeypatch: pytest.MonkeyPatch, stream_of: Endless
):
    most = 60  # symbols; in earnest a million
    kernels = engines.kernels_of("cm_fast")
    monkeypatch.setitem(kernels, "MOST_IDLE", most)
    slow, parameter = engines.interpreted("cm_fast"), kernels["parameter"](0)
    payload = payload_of(slow, stream_of.start + stream_of.ever * 2 * most + b"more than enough text", parameter)
    session = engines.Session(slow, parameter)
    assert session.decode(payload, len(payload), 10)[1] == len(payload) + 1
    progress = kernels["carve"](session.memory, parameter).progress
    assert (progress[layout.N_SYMBOLS], progress[layout.N_RESTORED]) == (most + 1, 0)
    header = Header(1, 1, parameter, 10, len(payload), bytes(32))
    with pytest.raises(DamagedError, match="the payload ends early"):
        list(stream.decoded(slow, header, io.BytesIO(payload)))


def test_a_payload_that_has_ended_is_refused_at_once():
    slow, kernels = engines.interpreted("cm_fast"), engines.kernels_of("cm_fast")
    parameter = kernels["parameter"](0)
    payload = payload_of(slow, b"\1\0\0" + samples.noise(60), parameter)
    session = engines.Session(slow, parameter)
    assert session.decode(payload, len(payload), 1000)[1] > len(payload)
    assert kernels["carve"](session.memory, parameter).progress[layout.N_SYMBOLS] < 200


def test_the_largest_dictionary_is_no_idling():
    assert model.MOST_IDLE > MAX_WORDS + POOL_BYTES + 4


def test_the_program_refuses_a_payload_that_restores_nothing_for_ever(
    native_programs: native.Built, engine: engines.Engine, tmp_path: Path
):
    parameter = engine.entries["parameter"](0)
    payload = payload_of(engine, b"\1\0\0" + b"x" * (model.MOST_IDLE + 70_000), parameter)
    archive = pack(Header(1, CM_FAST.version, parameter, 10, len(payload), bytes(32))) + payload
    (tmp_path / "archive").write_bytes(archive)
    command = [native_programs.decompress, "archive", "out"]
    done = subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "damaged archive\n")
    assert os.listdir(tmp_path) == ["archive"]
    with pytest.raises(GolfError, match="the payload ends early"):
        restore(archive)
