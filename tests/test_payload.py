"""The payload file: round trips, every compressor, damage, hostile headers, and the own entropy coder."""

import ast
import re
import struct
import sys
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import golfkit
from golfkit.errors import Exit, GolfError
from golfkit.measure import artifact
from golfkit.train.payload import container
from golfkit.train.payload.coder import Grid, decode_codes, encode_codes
from golfkit.train.payload.container import PAYLOAD_HEADER, pack, unpack, weights
from golfkit.train.payload.quantise import Quantised, dequantise, quantise

NUMBERS = {"zlib": 1, "lzma": 2, "zstd": 3, "brotli": 4, "rans": 5}  # in the file
SHAPES = st.lists(st.integers(0, 12), min_size=1, max_size=3).map(tuple)


def gaussian(*shape: int, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal(shape) * 0.05).astype(np.float32)


def small() -> dict:
    """A model with every kind of tensor."""
    return {
        "tok_emb": quantise(gaussian(12, 8), 8),
        "blocks.attn": quantise(gaussian(2, 8, 8, seed=1), 6, 9.0),
        "blocks.q_gain": quantise(gaussian(2, 3, seed=2), 32),
        "skips": quantise(gaussian(7, seed=3), 16),
        "vector": quantise(gaussian(9, seed=4), 4),
        "scalar": np.float32(0.5).reshape(()),
        "none": quantise(np.zeros((0, 5), np.float32), 2),
    }


def same(left: dict, right: dict) -> None:
    assert list(left) == list(right)
    for name, tensor in left.items():
        parts = zip(tensor, right[name], strict=True) if isinstance(tensor, Quantised) else [(tensor, right[name])]
        for one, other in parts:
            np.testing.assert_array_equal(one, other, strict=True)


@settings(max_examples=40)
@given(st.lists(st.tuples(SHAPES, st.sampled_from([2, 3, 4, 5, 6, 7, 8, 16, 32])), max_size=4), st.integers(0, 9))
def test_any_tensors_survive(tensors, seed):
    given = {f"layer {i}": quantise(gaussian(*shape, seed=seed), bits) for i, (shape, bits) in enumerate(tensors)}
    data = pack(given, compressors=("rans", "lzma"))
    same(unpack(data), given)
    same(weights(data), {name: dequantise(tensor) for name, tensor in given.items()})


@pytest.mark.parametrize("name", NUMBERS)
def test_every_compressor_gives_the_same_tensors_and_the_same_bytes_twice(name):
    given = {"w": quantise(gaussian(64, 512), 6, 12.0), "half": quantise(gaussian(500), 16)}
    data = pack(given, compressors=(name,))
    assert data[18] == NUMBERS[name]
    assert data == pack(given, compressors=(name,))
    same(unpack(data), given)


def test_the_smallest_wins_and_it_is_the_own_coder_on_weights():
    given = {"w": quantise(gaussian(256, 256), 6, 12.0)}
    sizes = {name: len(pack(given, compressors=(name,))) for name in NUMBERS}
    assert len(pack(given)) <= min(sizes.values())
    assert sizes["rans"] < 0.995 * min(size for name, size in sizes.items() if name != "rans")


@pytest.mark.parametrize("package", ["zstandard", "brotli"])
def test_a_missing_package_is_not_tried_and_is_named_when_needed(package, monkeypatch):
    name = {"zstandard": "zstd"}.get(package, package)
    given = {"w": quantise(gaussian(64, 256), 6)}
    data = pack(given, compressors=(name,))
    monkeypatch.setitem(sys.modules, package, None)
    assert pack(given, compressors=(name,))[18] == NUMBERS["lzma"]
    with pytest.raises(GolfError, match=package) as caught:
        unpack(data)
    assert caught.value.exit_code == Exit.MISSING_PACKAGE


@pytest.mark.parametrize("name", NUMBERS)
def test_every_flipped_byte_is_an_error_or_changes_no_weight(name):
    given = small()
    data = pack(given, compressors=(name,))
    for at in range(len(data)):
        bent = bytearray(data)
        bent[at] ^= (1, 0x80, 0xFF)[at % 3]
        try:
            found = unpack(bytes(bent))
        except GolfError as error:
            assert error.exit_code == Exit.BAD_FILE  # noqa: PT017 (both endings are right)
        else:
            same(found, given)


@pytest.mark.parametrize("n_bytes", [0, 3, 30, 31, 200, -1])
def test_a_short_file_is_refused(n_bytes):
    with pytest.raises(GolfError, match=r"^payload: "):
        unpack(pack(small())[:n_bytes])


def test_appended_bytes_are_refused():
    with pytest.raises(GolfError, match="payload: header"):
        unpack(pack(small()) + b"\0")


def hostile(shapes: list[tuple[int, ...]], bits: int = 6, codes: bytes = b"", n_codes: int | None = None) -> bytes:
    """A file whose checks are right and whose index is not."""
    index = struct.pack("<H", len(shapes))
    for i, shape in enumerate(shapes):
        index += struct.pack(f"<B1sBB{len(shape)}I", 1, b"%d" % i, bits, len(shape), *shape)
    first = (0, len(index), len(index), zlib.crc32(index))
    second = (0, len(codes) if n_codes is None else n_codes, len(codes), zlib.crc32(codes))
    return PAYLOAD_HEADER.pack(b"gpay", 1, *first, *second) + index + codes


@pytest.mark.parametrize(
    "data",
    [
        hostile([(2**32 - 1, 2**32 - 1)]),
        hostile([(0, *[2**32 - 1] * 5)]),
        hostile([(2**31, 0)]),
        hostile([(2**32 - 1,)], n_codes=2**32 - 1),
        hostile([(2**27,)], n_codes=2**27),
        hostile([(2**30,)], bits=32),
        hostile([()]),
        hostile([(1,)], bits=9),
        hostile([(0,)] * 2).replace(b"\x011", b"\x010"),
        hostile([(1,) * 9]),
    ],
)
def test_a_hostile_index_is_refused(data):
    with pytest.raises(GolfError, match=r"^payload: "):
        unpack(data)


@pytest.mark.parametrize("name", ["zlib", "lzma", "zstd", "brotli"])
def test_a_bomb_does_not_grow_past_what_the_header_says(name):
    import tracemalloc

    data = bytearray(
        pack({"w": Quantised(np.zeros((1, 1 << 24), np.int8), np.zeros(1, np.float16), 8)}, compressors=(name,))
    )
    data[19:23] = struct.pack("<I", 1000)
    tracemalloc.start()
    with pytest.raises(GolfError, match=r"^payload: "):
        unpack(bytes(data))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 23


def test_what_does_not_go_together_is_not_packed():
    tensor = quantise(gaussian(4, 4), 8)
    for bad in (tensor._replace(bits=4), tensor._replace(scale=tensor.scale[1:]), np.zeros(3, np.int64)):
        with pytest.raises(GolfError, match=r"^w: "):
            pack({"w": bad})


def test_an_unknown_compressor_is_refused():
    with pytest.raises(GolfError, match="expected rans, zlib, lzma, zstd, brotli"):
        pack({}, compressors=("zstandard",))


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.integers(0, 700), st.integers(1, 90), st.sampled_from([1, 3, 31, 127])), max_size=4),
    st.floats(0.01, 60),
    st.integers(0, 99),
)
def test_the_own_coder_restores_any_codes(tensors, size, seed):
    rng = np.random.default_rng(seed)
    grids = [Grid(n, columns, top) for n, columns, top in tensors]
    flats = [np.clip(np.rint(rng.standard_cauchy(g.n) * size), -g.top, g.top).astype(np.int8) for g in grids]
    for found, flat in zip(decode_codes(encode_codes(flats, grids), grids), flats, strict=True):
        np.testing.assert_array_equal(found, flat)


@pytest.mark.parametrize("top", [1, 31, 127])
def test_many_lanes_and_extreme_codes_come_back(top):
    rng = np.random.default_rng(0)
    flats = [np.full(300_000, top, np.int8), rng.integers(-top, top + 1, 100_003).astype(np.int8), np.zeros(9, np.int8)]
    grids = [Grid(300_000, 500, top), Grid(100_003, 77, top), Grid(9, 3, top)]
    for found, flat in zip(decode_codes(encode_codes(flats, grids), grids), flats, strict=True):
        np.testing.assert_array_equal(found, flat)


def test_the_own_coder_is_at_the_entropy_of_gaussian_codes():
    codes = quantise(gaussian(512, 512), 6, 12.85).codes
    part = np.array(list(Counter(codes.reshape(-1).tolist()).values())) / codes.size
    entropy_bytes = -(part * np.log2(part)).sum() * codes.size / 8
    found = len(encode_codes([codes.reshape(-1)], [Grid(codes.size, 512, 31)]))
    assert found < 1.004 * entropy_bytes


def test_the_own_coder_gains_from_columns_of_different_size():
    weight = gaussian(1024, 128) * np.exp(0.5 * np.random.default_rng(1).standard_normal(128)).astype(np.float32)
    codes = quantise(weight, 6, 12.85).codes
    part = np.array(list(Counter(codes.reshape(-1).tolist()).values())) / codes.size
    entropy_bytes = -(part * np.log2(part)).sum() * codes.size / 8
    assert len(encode_codes([codes.reshape(-1)], [Grid(codes.size, 128, 31)])) < 0.96 * entropy_bytes


def test_bytes_are_what_they_were():
    codes = (np.arange(6000) * 2654435761 % 65537 % 31 - 15).astype(np.int8).reshape(60, 100)
    data = pack({"w": Quantised(codes, np.ones(60, np.float16), 6)}, compressors=("rans", "zlib"))
    assert f"{zlib.crc32(encode_codes([codes.reshape(-1)], [Grid(6000, 100, 31)])):08x}" == "c7383a93"
    assert data[:5] == b"gpay\x01"


def test_measure_counts_a_payload_as_it_lies(tmp_path: Path):
    script, payload = tmp_path / "train_gpt.py", tmp_path / "final_model.int6.ptz"
    script.write_bytes(b"x" * 10)
    payload.write_bytes(pack(small()))
    assert not artifact.is_compressed(payload.read_bytes())  # by its name alone
    weight = artifact.weigh(script, [payload], 16_000_000)
    assert (weight.artifact_bytes, weight.weights[0].estimate) == (10 + payload.stat().st_size, False)


PAYLOAD = sorted(Path(container.__file__).parent.glob("*.py"))


def test_the_payloads_modules_stand_in_one_file_together():
    names: Counter[str] = Counter()
    for path in PAYLOAD:
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                names[node.name] += 1
            elif isinstance(node, ast.Assign):
                names.update(target.id for target in node.targets if isinstance(target, ast.Name))
            elif isinstance(node, ast.ImportFrom) and node.module.startswith("golfkit"):
                assert re.fullmatch(r"golfkit\.(errors|train\.payload\.\w+)", node.module), path
    assert not [name for name, times in names.items() if times > 1]
    assert Path(golfkit.__file__).parent in PAYLOAD[0].parents
