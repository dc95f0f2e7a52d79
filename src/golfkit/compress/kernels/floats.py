"""Arithmetic in binary32 (float32) that gives the same bits everywhere.

Rules: every operation rounds once, to the nearest, ties to even; nothing is fused or reordered, except that `fma`
rounds once where a product and a sum would round twice. Sums run in LANES lanes, each in order of the index; the lanes
are then added in pairs: lane i to lane i + 8, then + 4, + 2, + 1. That is what any machine with 8 or 16 lanes does.

Interpreted runs compute in float64 and round to float32: for one sum, product, quotient or root of two float32 that is
the float32 result (float64 has more than twice the digits plus two). Source: Figueroa, "When is double rounding
innocuous?" (1995). A fused product and sum is rounded to odd first (Boldo and Melquiond, "Emulation of a FMA and
correctly rounded sums", 2008). runtimes/lowering_floats.py has the compiled form.

Vectors are LANES float32: a tuple here, registers when compiled. They live in local variables, are passed to kernels
and returned by them, and are neither kept in records nor indexed. A function of vectors works lane by lane.
"""

from typing import Any

LANES = 16
ROOT_GUESS = 0x5F3759DF  # of bits; origin: docstring of vroot_guess
_ROUNDED = memoryview(bytearray(4)).cast("f")
_ROUNDED_BITS = _ROUNDED.cast("B").cast("I")
_WIDE = memoryview(bytearray(8)).cast("d")
_WIDE_BITS = _WIDE.cast("B").cast("q")

Vector = tuple[float, ...]


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
    return vsum(tuple(lanes))


def ftrain(weights: Any, at: int, inputs: Any, n: int, step: float) -> None:
    """weights[at + j] += inputs[j] * step for j < n, float32; n is a multiple of LANES."""
    for j in range(n):
        weights[at + j] = f32(weights[at + j] + f32(inputs[j] * step))


def froot(value: float) -> float:
    """Square root of a float32, float32."""
    return f32(value**0.5)


def fbits(value: float) -> int:
    """The 32 bits of a float32 as int64."""
    _ROUNDED[0] = value
    return _ROUNDED_BITS[0]


def of_fbits(bits: int) -> float:
    """The float32 that has these 32 bits (0 <= bits < 2^32)."""
    _ROUNDED_BITS[0] = bits
    return _ROUNDED[0]


def vload(array: Any, at: int) -> Vector:
    """The vector array[at : at + LANES] of a float32 array."""
    return tuple(array[at : at + LANES])


def vstore(array: Any, at: int, a: Vector) -> None:
    """array[at : at + LANES] = a."""
    for i, value in enumerate(a):
        array[at + i] = value


def vsplat(value: float) -> Vector:
    """`value`, rounded to float32, in every lane."""
    return (f32(value),) * LANES


def vspread(array: Any, at: int) -> Vector:
    """array[at] of a float32 array in every lane."""
    return (array[at],) * LANES


def vadd(a: Vector, b: Vector) -> Vector:
    """a + b."""
    return tuple(f32(x + y) for x, y in zip(a, b, strict=True))


def vsub(a: Vector, b: Vector) -> Vector:
    """a - b."""
    return tuple(f32(x - y) for x, y in zip(a, b, strict=True))


def vmul(a: Vector, b: Vector) -> Vector:
    """a * b."""
    return tuple(f32(x * y) for x, y in zip(a, b, strict=True))


def vdiv(a: Vector, b: Vector) -> Vector:
    """a / b; no lane of b is zero."""
    return tuple(f32(x / y) for x, y in zip(a, b, strict=True))


def vfma(a: Vector, b: Vector, c: Vector) -> Vector:
    """a * b + c, rounded once."""
    return tuple(map(_fused, a, b, c))


def vmax(a: Vector, b: Vector) -> Vector:
    """The greater one."""
    return tuple(x if x > y else y for x, y in zip(a, b, strict=True))


def vmin(a: Vector, b: Vector) -> Vector:
    """The lesser one."""
    return tuple(x if x < y else y for x, y in zip(a, b, strict=True))


def vpower(a: Vector) -> Vector:
    """2^a for whole numbers from -126 to 127."""
    return tuple(2.0**x for x in a)


def vroot_guess(a: Vector) -> Vector:
    """1 / sqrt(a) within 3.5 %, for positive normal numbers.

    Half of the exponent, negated; the fraction follows. Source: Walsh's constant, as analysed by Lomont, "Fast Inverse
    Square Root" (2003).
    """
    return tuple(of_fbits(ROOT_GUESS - (fbits(x) >> 1)) for x in a)


def vsum(a: Vector) -> float:
    """The sum of the lanes, in pairs as above."""
    while len(a) > 1:
        half = len(a) // 2
        a = tuple(f32(a[i] + a[half + i]) for i in range(half))
    return a[0]


def vpeak(a: Vector) -> float:
    """The greatest lane."""
    while len(a) > 1:
        half = len(a) // 2
        a = vmax(a[:half], a[half:])
    return a[0]


def _fused(a: float, b: float, c: float) -> float:
    """a * b + c of float32, rounded once to float32."""
    product = a * b  # exact: 48 digits
    total = product + c
    part = total - product
    lost = (product - (total - part)) + (c - part)  # exactly what rounding `total` took away (Knuth's two-sum)
    if lost:
        _WIDE[0] = total
        if not _WIDE_BITS[0] & 1:  # of the two float64 around the exact sum, the odd one cannot mislead f32
            _WIDE_BITS[0] += 1 if (lost > 0) == (total > 0) else -1
            total = _WIDE[0]
    return f32(total)
