"""One kernel source, three runtimes: the same archive from each, and what the engines refuse."""

import io
import lzma
import os
from pathlib import Path

import pytest
import samples

from golfkit.compress.codecs.cm import CM_FAST
from golfkit.compress.container import Header
from golfkit.compress.runtimes import engines, native, stream
from golfkit.errors import Exit, GolfError
from golfkit.settings import cache_folder

N_BYTES = 20_000  # of text, for the comparison


def engine(name: str) -> engines.Engine:
    return CM_FAST.engine_of(name, cache_folder(os.environ))


def payload_of(engine: engines.Engine, data: bytes) -> bytes:
    parameter = engine.entries["parameter"](len(data))
    return b"".join(coded for _, coded in stream.encoded(engine, parameter, io.BytesIO(data), len(data)))


def restored(engine: engines.Engine, data: bytes, payload: bytes) -> bytes:
    header = Header(1, 1, engine.entries["parameter"](len(data)), len(data), len(payload), bytes(32))
    return b"".join(stream.decoded(engine, header, io.BytesIO(payload)))


@pytest.fixture(scope="module")
def text() -> bytes:
    """The start of enwik8, where that lies in ../shared; else of Python's own documentation."""
    if samples.ENWIK8_XZ.exists():
        with lzma.open(samples.ENWIK8_XZ) as source:
            return source.read(N_BYTES)
    return samples.text(N_BYTES)


def test_native_and_jit_make_the_same_archive(native_programs: native.Built, text: bytes):
    for data in (text, samples.mixed(200_000) + samples.noise(70_000)):
        assert payload_of(engine("native"), data) == payload_of(engine("jit"), data)


def test_the_interpreted_kernel_makes_the_same_archive(text: bytes):
    assert payload_of(engine("interpreted"), text) == payload_of(engine("auto"), text)


def test_each_runtime_opens_what_another_made(native_programs: native.Built, text: bytes):
    data = text[:1500]
    payload = payload_of(engine("interpreted"), data)
    for name in ("native", "jit", "interpreted"):
        assert restored(engine(name), data, payload) == data


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
    assert folder.name == f"jit-{native.kernels_digest()}"
    assert list(folder.rglob("*.nbi"))


def test_an_engine_without_a_cache_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import numba

    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    assert engines.jitted("cm_fast", None).entries["parameter"](1000) > 0
    assert not list(tmp_path.iterdir())
