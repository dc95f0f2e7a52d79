"""Floats of the mixers, binary32 in the stated order: compiled, interpreted, and by the formulas."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from golfkit.compress.kernels import floats
from golfkit.compress.kernels.floats import LANES
from golfkit.compress.runtimes import engines

N = 3 * LANES
TINY = 2.0**-149  # the least float32: nothing is flushed to zero
NUMBER = st.one_of(
    st.floats(-1e6, 1e6, width=32, allow_subnormal=True), st.sampled_from([0.0, -0.0, 1.0, -1.0, TINY, -TINY])
)
NUMBERS = st.lists(NUMBER, min_size=N, max_size=N)
MORE = st.lists(NUMBER, min_size=N + 5, max_size=N + 5)


class Compiled(NamedTuple):
    """The primitives inside compiled functions."""

    fdot: Callable[..., float]
    ftrain: Callable[..., None]
    truncated: Callable[..., int]
    f32: Callable[..., float]


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    import numba

    from golfkit.compress.runtimes import lowering

    lowering.register(engines.KERNELS)
    return Compiled(*(numba.njit(**lowering.OPTIONS)(function) for function in (fdot, ftrain, truncated, f32)))


def fdot(weights, at, inputs, n):
    return floats.fdot(weights, at, inputs, n)


def ftrain(weights, at, inputs, n, step):
    floats.ftrain(weights, at, inputs, n, step)


def truncated(value):
    return floats.truncated(floats.f32(value))


def f32(value):
    return floats.f32(value)


def bits(value: float) -> bytes:
    return np.float32(value).tobytes()


def plain(values: list[float]) -> memoryview:
    return memoryview(bytearray(np.array(values, np.float32))).cast("f")


@given(MORE, NUMBERS, st.integers(0, 5))
@example([1.0] * (N + 5), [TINY] * N, 3)
@example([-0.0] * (N + 5), [1.0] * N, 0)
@example([1e6] * N + [0.0] * 5, [1e6, 1.0, -1e6] * LANES, 0)
def test_fdot_adds_lane_by_lane_and_is_the_same_compiled(
    compiled: Compiled, weights: list[float], inputs: list[float], at: int
):
    w, x = np.array(weights, np.float32), np.array(inputs, np.float32)
    lanes = np.zeros(LANES, np.float32)
    for j in range(0, N, LANES):
        lanes = lanes + w[at + j : at + j + LANES] * x[j : j + LANES]
    while len(lanes) > 1:
        lanes = lanes[: len(lanes) // 2] + lanes[len(lanes) // 2 :]
    expected = bits(lanes[0])
    assert bits(floats.fdot(plain(weights), at, plain(inputs), N)) == expected
    assert bits(compiled.fdot(w, at, x, N)) == expected


@given(MORE, NUMBERS, NUMBER, st.integers(0, 5))
@example([1.0] * (N + 5), [2.0**-12 + 1] * N, 2.0**-12 + 1, 1)  # a fused product and sum would differ
@example([0.0] * (N + 5), [TINY] * N, 0.5, 0)
def test_ftrain_rounds_product_and_sum_and_is_the_same_compiled(
    compiled: Compiled, weights: list[float], inputs: list[float], step: float, at: int
):
    expected = np.array(weights, np.float32)
    expected[at : at + N] += np.array(inputs, np.float32) * np.float32(step)
    fast, slow = np.array(weights, np.float32), plain(weights)
    compiled.ftrain(fast, at, np.array(inputs, np.float32), N, np.float32(step))
    floats.ftrain(slow, at, plain(inputs), N, step)
    assert fast.tobytes() == bytes(slow) == expected.tobytes()


@given(st.one_of(st.floats(-(2.0**62), 2.0**62, width=32), st.floats(-3, 3, width=32)))
@example(-0.5)
@example(2.0**62)
@example(-(2.0**62))
def test_truncation_is_towards_zero_compiled(compiled: Compiled, value: float):
    assert compiled.truncated(value) == floats.truncated(value) == math.trunc(value)


@given(st.integers(-(2**53), 2**53))
@example(2**24 + 1)  # a tie: to even
@example(2**24 + 3)
def test_a_whole_number_is_rounded_once_compiled(compiled: Compiled, value: int):
    assert bits(compiled.f32(value)) == bits(floats.f32(value)) == bits(np.float32(value))


@given(st.floats(-1e30, 1e30))
@example(1 + 2.0**-24)
@example(1 + 3 * 2.0**-24)
def test_a_double_is_rounded_to_nearest_even_compiled(compiled: Compiled, value: float):
    assert bits(compiled.f32(value)) == bits(floats.f32(value)) == bits(np.float32(value))
