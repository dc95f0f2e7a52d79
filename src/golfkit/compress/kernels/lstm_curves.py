"""Smooth functions for the byte model, of additions, products and quotients only: no libm, the same bits everywhere.

Each is a polynomial on a short interval, and exact scaling by a power of two. Errors: tests/test_kernels_lstm.py.
"""

from golfkit.compress.kernels.floats import (
    f32,
    fbits,
    of_fbits,
    vadd,
    vdiv,
    vfma,
    vmax,
    vmin,
    vmul,
    vpower,
    vsplat,
    vsub,
)
from golfkit.compress.kernels.jit import jit

LOG2_E = 1.44269502
LN_2 = 0.69314718
ROUNDER = 12582912.0  # 1.5 * 2^23: adding it leaves no fractional bits
ROOT_HALF_BITS = 0x3F3504F3  # of the float32 nearest sqrt(1/2)


@jit
def exp2(x):
    """2^x by a minimax polynomial for the fraction; x is clamped to +-86, so that no result is denormal."""
    x = vmax(vmin(x, vsplat(86.0)), vsplat(-86.0))
    whole = vsub(vadd(x, vsplat(ROUNDER)), vsplat(ROUNDER))
    part = vsub(x, whole)  # within +-1/2
    p = vfma(vsplat(0.00132764724), part, vsplat(0.00967554096))
    p = vfma(p, part, vsplat(0.0555071309))
    p = vfma(p, part, vsplat(0.240221202))
    p = vfma(p, part, vsplat(0.693146944))
    p = vfma(p, part, vsplat(1.0))
    return vmul(p, vpower(whole))


@jit
def sigmoid(x):
    """1 / (1 + e^-x)."""
    return vdiv(vsplat(1.0), vadd(vsplat(1.0), exp2(vmul(x, vsplat(-LOG2_E)))))


@jit
def tanh(x):
    """1 - 2 / (1 + e^2x)."""
    return vsub(vsplat(1.0), vdiv(vsplat(2.0), vadd(vsplat(1.0), exp2(vmul(x, vsplat(2 * LOG2_E))))))


@jit
def ln(x):
    """Natural logarithm of a positive normal float32, float32.

    With x = 2^n m and m between sqrt(1/2) and sqrt(2): n ln 2 + 2 artanh s, where s = (m - 1) / (m + 1).
    """
    scaled = fbits(x) - ROOT_HALF_BITS
    n = scaled >> 23
    m = of_fbits((scaled & 0x7FFFFF) + ROOT_HALF_BITS)
    s = f32(f32(m - 1.0) / f32(m + 1.0))
    square = f32(s * s)
    p = f32(f32(f32(1.0 / 9.0) * square) + f32(1.0 / 7.0))
    p = f32(f32(p * square) + f32(1.0 / 5.0))
    p = f32(f32(p * square) + f32(1.0 / 3.0))
    p = f32(f32(f32(p * square) * s) + s)
    return f32(f32(p + p) + f32(f32(n) * f32(LN_2)))
