"""Arithmetic in binary32 (float32) that gives the same bits everywhere.

Rules: every operation rounds once, to the nearest, ties to even; nothing is fused or reordered, except that `fma`
rounds once where a product and a sum would round twice. Sums run in LANES lanes, each in order of the index; the lanes
are then added in pairs: lane i to lane i + 8, then + 4, + 2, + 1. That is what any machine with 8 or 16 lanes does.

Interpreted runs compute in float64 and round to float32: for one sum, product, quotient or root of two float32 that is
the float32 result (float64 has more than twice the digits plus two). Source: Figueroa, "When is double rounding
innocuous?" (1995). runtimes/lowering_floats.py has the compiled form.
"""

from typing import Any

LANES = 16
_ROUNDED = memoryview(bytearray(4)).cast("f")


def f32(value: float) -> float:
    """`value` (an int64, float32 or float64) rounded to float32."""
    _ROUNDED[0] = value
    return _ROUNDED[0]


def truncated(value: float) -> int:
    """A float32 within +-2^62 as int64, rounded towards zero."""
    return int(value)


def fdot(weights: Any, at: int, inputs: Any, n: int) -> float:
    """Sum over j < n of weights[at + j] * inputs[j], float32.

    weights  float32[...]; inputs  float32[n]; n  a multiple of LANES
    """
    lanes = [0.0] * LANES
    for j in range(n):
        lanes[j % LANES] = f32(lanes[j % LANES] + f32(weights[at + j] * inputs[j]))
    return _added(lanes)


def ftrain(weights: Any, at: int, inputs: Any, n: int, step: float) -> None:
    """weights[at + j] += inputs[j] * step for j < n, float32; n is a multiple of LANES."""
    for j in range(n):
        weights[at + j] = f32(weights[at + j] + f32(inputs[j] * step))


def _added(lanes: list[float]) -> float:
    """The lanes' sum."""
    while len(lanes) > 1:
        half = len(lanes) // 2
        lanes = [f32(lanes[i] + lanes[half + i]) for i in range(half)]
    return lanes[0]
