"""The integer primitives that Numba gets in other words: dot and the views, compiled and interpreted."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from golfkit.compress.kernels import jit
from golfkit.compress.runtimes import engines

N = 24  # inputs
W_MOST, X_MOST = 524_287, 4095  # the bounds that the docstring states


def numbers(most: int, n: int) -> st.SearchStrategy[list[int]]:
    one = st.one_of(st.integers(-most, most), st.sampled_from([-most, -1, 0, 1, most]))
    return st.lists(one, min_size=n, max_size=n)


class Compiled(NamedTuple):
    """The primitives inside compiled functions."""

    dot: Callable[..., int]
    views: Callable[..., int]


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    import numba

    from golfkit.compress.runtimes import lowering

    lowering.register(engines.KERNELS)
    return Compiled(*(numba.njit(**lowering.CARVER_OPTIONS)(function) for function in (dot, views)))


def dot(weights, at, inputs, n):
    return jit.dot(weights, at, inputs, n)


def views(arena):
    jit.i16_view(arena, 2, 1)[0] = -2
    jit.u64_view(arena, 8, 1)[0] = 0x0102030405060708
    return (
        jit.i64(jit.u8_view(arena, 2, 2)[1])
        + (jit.i64(jit.u16_view(arena, 2, 1)[0]) << 8)
        + (jit.i64(jit.u32_view(arena, 8, 2)[1]) << 24)
        + jit.i64(jit.i32_view(arena, 0, 1)[0])
        + jit.i64_view(arena, 8, 1)[0]
    )


@given(numbers(W_MOST, 2 * N), numbers(X_MOST, N), st.integers(0, N))
@example([-W_MOST] * 2 * N, [X_MOST] * N, 0)
@example([W_MOST] * 2 * N, [X_MOST] * N, N)
@example([-1] * 2 * N, [1] * N, 0)
def test_dot_is_the_same_compiled(compiled: Compiled, weights: list[int], inputs: list[int], at: int):
    expected = sum((w * x) >> 8 for w, x in zip(weights[at:], inputs, strict=False))
    assert jit.dot(weights, at, inputs, N) == expected
    assert compiled.dot(np.array(weights, np.int32), at, np.array(inputs, np.int32), N) == expected


def test_views_see_the_same_little_endian_bytes_compiled(compiled: Compiled):
    fast, slow = bytearray(range(16)), bytearray(range(16))
    assert compiled.views(np.frombuffer(fast, np.uint8)) == views(memoryview(slow))
    assert fast == slow == bytes([0, 1, 254, 255, 4, 5, 6, 7, 8, 7, 6, 5, 4, 3, 2, 1])


def test_an_interpreted_store_that_does_not_fit_is_an_error():
    with pytest.raises(ValueError, match=r"invalid value|out of range|bytes must be in"):
        jit.u8_view(memoryview(bytearray(8)), 0, 8)[0] = 256
