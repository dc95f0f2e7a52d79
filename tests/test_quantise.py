"""Quantisation: error bounds, exact rows, determinism, and the contest's int8 against a slow reference."""

import hashlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfkit.errors import GolfError
from golfkit.train.payload.official import official_int8
from golfkit.train.payload.quantise import Quantised, dequantise, quantise

SHAPES = st.lists(st.integers(0, 9), min_size=1, max_size=3).map(tuple)


def gaussian(*shape: int, seed: int = 0, size: float = 0.05) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal(shape) * size).astype(np.float32)


def squared_error(weight: np.ndarray, tensor) -> float:
    return float(((dequantise(tensor) - weight).astype(np.float64) ** 2).sum())


@given(
    SHAPES, st.integers(2, 8), st.sampled_from([None, 1.5, 12.0]), st.booleans(), st.floats(-30, 4), st.integers(0, 99)
)
def test_a_weight_inside_the_clip_is_off_by_half_a_scale_at_most(shape, bits, spread, shared, exponent, seed):
    weight = gaussian(*shape, seed=seed, size=2.0**exponent)
    found = quantise(weight, bits, spread, shared)
    assert (found.codes.dtype, found.codes.shape, found.scale.dtype) == (np.int8, shape, np.float16)
    assert found.scale.shape == shape[:-1]
    top = 2 ** (bits - 1) - 1
    assert np.abs(found.codes.astype(int)).max(initial=0) <= top
    scale = np.broadcast_to(found.scale.astype(np.float64)[..., None], shape)
    inside = np.abs(weight) <= top * scale
    wrong = np.abs(dequantise(found) - weight)
    assert (wrong <= scale / 2 * (1 + 1e-5))[inside].all()
    assert np.isfinite(dequantise(found)).all()


@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("spread", [None, 2.0])
def test_rows_of_zeros_stay_zeros_beside_others(bits, spread):
    weight = gaussian(4, 16)
    weight[1] = 0
    assert not dequantise(quantise(weight, bits, spread))[1].any()
    assert dequantise(quantise(weight, bits, spread))[0].any()


@pytest.mark.parametrize("size", [1e-4, 1e-2, 1.0, 1e3])
def test_no_row_loses_its_levels_however_small_it_is(size):
    weight = gaussian(8, 512, size=size)
    assert squared_error(weight, quantise(weight, 8)) < 2e-4 * float((weight.astype(np.float64) ** 2).sum())


@pytest.mark.parametrize("bits", [2, 3, 4, 6])
def test_the_searched_clip_loses_no_more_than_clipping_nothing(bits):
    weight = np.random.default_rng(1).standard_t(4, (32, 256)).astype(np.float32)
    largest = np.abs(weight).max(1) / (2 ** (bits - 1) - 1)
    plain = np.rint(weight / largest[:, None]) * largest[:, None]
    assert squared_error(weight, quantise(weight, bits)) < float(((plain - weight) ** 2).sum())


def test_a_shared_scale_is_one_per_matrix_of_a_stack():
    weight = gaussian(3, 8, 16) * np.array([1, 2, 4], np.float32)[:, None, None]
    scale = quantise(weight, 6, 10.0, shared=True).scale
    assert [len(set(matrix)) for matrix in scale.tolist()] == [1, 1, 1]
    assert scale[2, 0] == 4 * scale[0, 0] or abs(scale[2, 0] / scale[0, 0] - 4) < 0.6


def test_codes_are_what_they_were():
    weight = (np.arange(6144) * 2654435761 % 65537 - 32768).astype(np.float32).reshape(64, 96) / 2**17
    found = [quantise(weight, bits, spread, shared) for bits, spread, shared in [(6, None, False), (4, 9.0, True)]]
    digest = hashlib.sha256(b"".join(t.codes.tobytes() + t.scale.tobytes() for t in found)).hexdigest()
    assert digest == "c17b633b5f1826ff8e4073d146db9ff7dcb9d8801bb393d91033750315c44f4f"


def test_sixteen_and_thirty_two_bits_are_floats():
    weight = np.array([1e9, -1e9, 0.1], np.float32)
    assert quantise(weight, 16).tolist() == [65504.0, -65504.0, np.float16(0.1)]
    assert quantise(weight, 32).dtype == np.float32
    assert (dequantise(quantise(weight, 32)) == weight).all()


@pytest.mark.parametrize("weight", [np.array([[1, np.nan]]), np.array([np.inf]), np.array(1.0)])
def test_what_has_no_rows_or_is_not_finite_is_refused(weight):
    with pytest.raises(GolfError, match=r"found (NaN|a scalar)"):
        quantise(weight.astype(np.float32), 6)


def slow_int8(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The contest's rule for one matrix, row by row, in plain Python with one rounding to float32 at each step."""
    f32, codes, scales = np.float32, [], []
    for row in weight.tolist():
        ordered = sorted(abs(value) for value in row)
        rank = f32(f32(0.9999984) * f32(len(row) - 1))
        low, high = f32(ordered[math.floor(rank)]), f32(ordered[math.ceil(rank)])
        part = f32(rank - f32(math.floor(rank)))
        clip = f32(low + part * (high - low)) if part < 0.5 else f32(high - (high - low) * (f32(1) - part))
        scale = max(f32(clip / f32(127)), f32(1 / 127))
        clipped = [max(-clip, min(clip, f32(value))) for value in row]
        codes.append([max(-127, min(127, round(float(f32(value / scale))))) for value in clipped])
        scales.append(scale)
    return np.array(codes, np.int8), np.array(scales).astype(np.float16)


@pytest.mark.parametrize("size", [0.05, 0.5, 20.0])
def test_official_int8_is_the_slow_reference(size):
    weight = gaussian(200, 400, size=size)
    found = official_int8({"w": weight})["w"]
    codes, scale = slow_int8(weight)
    np.testing.assert_array_equal(found.codes, codes)
    np.testing.assert_array_equal(found.scale, scale)


def test_official_int8_clips_where_torch_does():
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    weight = gaussian(80, 1000, size=300.0)
    clip = torch.quantile(torch.from_numpy(weight).abs(), 0.9999984, dim=1)
    expected = (clip / 127).to(torch.float16).numpy()
    np.testing.assert_array_equal(official_int8({"w": weight})["w"].scale, expected)


def test_official_int8_keeps_small_tensors_and_its_floor_of_the_scale():
    weights = {
        "blocks.0.attn_scale": gaussian(256),
        "head": gaussian(256, 256),
        "big": gaussian(256, 257),
        "stack": gaussian(2, 256, 256),
        "vector": gaussian(70_000, size=1.0),
    }
    found = official_int8(weights)
    assert [found[name].dtype for name in ("blocks.0.attn_scale", "head", "stack")] == [np.float32, *[np.float16] * 2]
    assert isinstance(found["big"], Quantised)
    assert set(found["big"].scale.tolist()) == {float(np.float16(1 / 127))}
    assert found["vector"].scale.shape == ()
    assert np.abs(found["vector"].codes.astype(int)).max() == 127
