"""One kernel source, three runtimes: the same archive from each, and what the engines refuse."""

import io
import lzma
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest
import samples
import small_model

from golfkit.compress import codecs
from golfkit.compress.codecs.cm import CM_FAST, CM_MAX, CM_MID, ContextMixing
from golfkit.compress.container import Header
from golfkit.compress.kernels import layout, model
from golfkit.compress.kernels.lstm import HORIZON
from golfkit.compress.kernels.parser import C1
from golfkit.compress.kernels.spec import Follower, Selector, entries
from golfkit.compress.kernels.transform import TEXT
from golfkit.compress.runtimes import engines, native, stream
from golfkit.errors import Exit, GolfError
from golfkit.settings import cache_folder

OWN = [codec for codec in codecs.every() if codec.own]
N_TEXT = {CM_FAST: 20_000, CM_MID: 8000, CM_MAX: 2000}  # bytes of text, and of
N_OTHER = {CM_FAST: 270_000, CM_MID: 70_000, CM_MAX: 1500}  # the rest, for the comparison of what is compiled
WORDS = b"The internationalisation of internationalisation, " * 6  # makes a dictionary and flags for capitals
N_INTERPRETED = {CM_FAST: 500, CM_MID: HORIZON + 4}  # bytes of text; of cm-max one takes a second
NET = "a_small_net"  # the name of a model that is none of golf's


def engine(name: str, codec: ContextMixing = CM_FAST) -> engines.Engine:
    return codec.engine_of(name, cache_folder(os.environ))


def payload_of(engine: engines.Engine, data: bytes) -> bytes:
    parameter = engine.entries["parameter"](len(data))
    return b"".join(coded for _, coded in stream.encoded(engine, parameter, io.BytesIO(data), len(data)))


def restored(engine: engines.Engine, data: bytes, payload: bytes) -> bytes:
    header = Header(1, 1, engine.entries["parameter"](len(data)), len(data), len(payload), bytes(32))
    return b"".join(stream.decoded(engine, header, io.BytesIO(payload)))


@pytest.fixture(scope="module")
def text() -> bytes:
    """The start of enwik8, where that lies in ../shared; else of Python's own documentation."""
    n_bytes = max(N_TEXT.values())
    if samples.ENWIK8_XZ.exists():
        with lzma.open(samples.ENWIK8_XZ) as source:
            return source.read(n_bytes)
    return samples.text(n_bytes)


@pytest.fixture
def native_codec(request: pytest.FixtureRequest) -> ContextMixing:
    """One of the own codecs, built; ask for it by `indirect`."""
    request.getfixturevalue({CM_FAST: "native_programs", CM_MID: "native_mid", CM_MAX: "native_max"}[request.param])
    return request.param


every_own = pytest.mark.parametrize("native_codec", OWN, indirect=True, ids=lambda codec: codec.name)


@every_own
def test_native_and_jit_make_the_same_archive_and_open_it(native_codec: ContextMixing, text: bytes):
    native_engine, jitted = engine("native", native_codec), engine("jit", native_codec)
    other = samples.mixed(N_OTHER[native_codec]) + samples.noise(N_OTHER[native_codec] // 4)
    for data in (text[: N_TEXT[native_codec]], other):
        payload = payload_of(native_engine, data)
        assert payload_of(jitted, data) == payload
        assert restored(jitted, data, payload) == data
        assert restored(native_engine, data, payload) == data


@pytest.mark.parametrize("codec", N_INTERPRETED, ids=lambda codec: codec.name)
def test_the_interpreted_kernel_makes_the_same_archive(codec: ContextMixing, text: bytes):
    data = text[: N_INTERPRETED[codec]]
    assert payload_of(engine("interpreted", codec), data) == payload_of(engine("auto", codec), data)


def test_the_interpreted_kernel_opens_what_has_a_dictionary():
    slow, fast = engine("interpreted"), engine("auto")
    assert engines.transformed(slow, bytearray(WORDS))[0] == TEXT
    payload = payload_of(fast, WORDS)
    assert payload_of(slow, WORDS) == payload
    assert restored(slow, WORDS, payload) == WORDS


def test_a_model_with_a_net_is_the_same_interpreted_and_jitted(monkeypatch: pytest.MonkeyPatch, text: bytes):
    """Every float of the template: mixers, and the net through a step of learning."""
    features = (Selector("last byte", 256, lambda r: r[C1]), Follower("order 2"))
    constants = {**small_model.SPEC.constants, "CELLS": 16}
    small = small_model.SPEC._replace(features=features, constants=constants)
    module = ModuleType(f"{engines.KERNELS}.{NET}")
    module.KERNELS = entries((layout, model), small)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    data = text[: HORIZON + 10]
    payload = payload_of(engines.interpreted(NET), data)
    assert payload_of(engines.jitted(NET, None), data) == payload
    assert restored(engines.interpreted(NET), data, payload) == data


def test_an_interpreted_run_asks_for_the_kernels_of_its_model_alone():
    kernels = engines.kernels_of("cm_fast")
    assert all(engine("interpreted").entries[name] is kernels[name] for name in engines.ENTRIES)


def test_auto_is_native_where_that_can_be_had(native_programs: native.Built, tmp_path: Path):
    assert CM_FAST.engine_of("auto", cache_folder(os.environ)).runtime == "native"


def test_auto_is_jit_without_cc_and_asking_for_native_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(engines, "jitted", lambda name, cache: engines.interpreted(name)._replace(runtime="jit"))
    assert CM_FAST.engine_of("auto", tmp_path / "cache").runtime == "jit"
    with pytest.raises(GolfError, match=r"GOLF_RUNTIME=native: .*cc|GOLF_RUNTIME=native: this ") as caught:
        CM_FAST.engine_of("native", tmp_path / "cache")
    assert caught.value.exit_code == Exit.MISSING_PACKAGE


def test_a_library_cut_short_is_an_error_that_names_it(tmp_path: Path):
    (tmp_path / "kernels.so").write_bytes(b"\x7fELF")
    with pytest.raises(GolfError, match=r"kernels\.so: cannot be loaded .*GOLF_CACHE") as caught:
        engines.native(tmp_path / "kernels.so")
    assert caught.value.exit_code == Exit.MISSING_PACKAGE


def test_compiled_code_is_kept_in_a_folder_named_by_the_digest_of_all_kernels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import numba

    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    assert CM_FAST.engine_of("jit", tmp_path).entries["parameter"](1000) > 0
    (folder,) = tmp_path.iterdir()
    assert folder.name == f"jit-cm_fast-{native.kernels_digest()}"
    assert list(folder.rglob("*.nbi"))


def test_an_engine_without_a_cache_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import numba

    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    assert engines.jitted("cm_fast", None).entries["parameter"](1000) > 0
    assert not list(tmp_path.iterdir())
