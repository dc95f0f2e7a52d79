"""Dense layers of the byte model: forward, backward, and a gradient step that never stores the gradient.

    weights  float32[n_panels * n * 16]  panel after panel of 16 columns; in a panel, a row of 16 for each of n inputs
    squares  float32, like weights       decayed sum of squared gradients

A `Dense` may hold several such matrices, one after the other: w is where the one that is meant begins.
Every loop streams through the weights in the order in which they lie, and keeps its sums in registers: 16 registers of
8 lanes hold four vectors of sums and what they are made of. n is a multiple of 4.
"""

from typing import Any, NamedTuple

from golfkit.compress.kernels.floats import vadd, vfma, vload, vmul, vroot_guess, vsplat, vspread, vstore
from golfkit.compress.kernels.jit import carver, f32_view, i64, jit

LANES = 16
DECAY = 0.9999  # of `squares` per update; docs/tuning.md
LEAST_SQUARE = 1e-12  # added to every square: keeps the root normal where the gradient is zero


class Dense(NamedTuple):
    """Weights and their squares."""

    weights: Any
    squares: Any


@carver
def dense_at(arena, at, n):
    """Views of n weights and n squares at byte `at`; 8 n bytes."""
    return Dense(f32_view(arena, at, n), f32_view(arena, at + 4 * n, n))


@jit
def column_sums(weights, w, inputs, x, n, panel, total):
    """total + sum over j < n of inputs[x + j] * weights of input j, for the 16 columns of a panel."""
    first = w + panel * n * LANES
    b = vsplat(0.0)
    c = vsplat(0.0)
    d = vsplat(0.0)
    for i in range(n >> 2):
        j = 4 * i
        at = first + LANES * j
        total = vfma(vspread(inputs, x + j), vload(weights, at), total)
        b = vfma(vspread(inputs, x + j + 1), vload(weights, at + LANES), b)
        c = vfma(vspread(inputs, x + j + 2), vload(weights, at + 2 * LANES), c)
        d = vfma(vspread(inputs, x + j + 3), vload(weights, at + 3 * LANES), d)
    return vadd(vadd(total, b), vadd(c, d))


@jit
def row_sums(weights, w, n, errors, e, panels, first, n_panels, sums, s, n_sums):
    """sums[16 (s + j) ...] += the products of row j with errors[e ...], still in 16 lanes, for j < n_sums.

    n       rows of a panel; to begin at a later row than the first, w begins there
    panels  uint32, those that are meant, from panels[first] on
    Two panels at a time, so that each load and store of a sum serves two products.
    """
    for i in range((n_panels + 1) >> 1):
        p = i64(panels[first + 2 * i])
        q = i64(panels[first + min(2 * i + 1, n_panels - 1)])
        left = vload(errors, e + LANES * p)
        right = vload(errors, e + LANES * q) if q != p else vsplat(0.0)
        for j in range(n_sums):
            total = vfma(left, vload(weights, w + (p * n + j) * LANES), vload(sums, (s + j) * LANES))
            vstore(sums, (s + j) * LANES, vfma(right, vload(weights, w + (q * n + j) * LANES), total))


@jit
def descend(dense, w, inputs, x, x_stride, n, errors, e, e_stride, n_panels, lists, k, k_stride, rate, correction):
    """One step of the weights along their gradient, which is summed over times and never stored.

    x, x_stride, n         inputs of time t begin at x + x_stride t
    e, e_stride, n_panels  errors of time t begin at e + e_stride t
    lists, k, k_stride     of panel p, how many times there are, lists[k + k_stride p], and behind it which
    """
    for p in range(n_panels):
        at_list = k + k_stride * p
        n_times = i64(lists[at_list])
        for i in range(n >> 2 if n_times > 0 else 0):
            j = 4 * i
            a = vsplat(0.0)
            b = vsplat(0.0)
            c = vsplat(0.0)
            d = vsplat(0.0)
            for u in range(n_times):
                t = i64(lists[at_list + 1 + u])
                error = vload(errors, e + t * e_stride + LANES * p)
                i_x = x + t * x_stride + j
                a = vfma(vspread(inputs, i_x), error, a)
                b = vfma(vspread(inputs, i_x + 1), error, b)
                c = vfma(vspread(inputs, i_x + 2), error, c)
                d = vfma(vspread(inputs, i_x + 3), error, d)
            at = w + (p * n + j) * LANES
            step(dense.weights, at, dense.squares, at, a, rate, correction)
            step(dense.weights, at + LANES, dense.squares, at + LANES, b, rate, correction)
            step(dense.weights, at + 2 * LANES, dense.squares, at + 2 * LANES, c, rate, correction)
            step(dense.weights, at + 3 * LANES, dense.squares, at + 3 * LANES, d, rate, correction)


@jit
def step(weights, w, squares, s, gradient, rate, correction):
    """16 weights take one step: -rate * gradient / root of its mean square.

    rate        float32, negated
    correction  float32, what makes a mean of a decayed sum, (1 - DECAY) / (1 - DECAY^updates)
    The root is a guess and one step of Newton's, 0.2 % low: far below what the rate is known to.
    Source: RMSprop, Hinton's lecture 6e (2012), with the correction of Adam, Kingma and Ba (2015), and no momentum.
    """
    square = vfma(gradient, gradient, vfma(vload(squares, s), vsplat(DECAY), vsplat(LEAST_SQUARE)))
    vstore(squares, s, square)
    mean = vmul(square, vsplat(correction))
    guess = vroot_guess(mean)
    better = vmul(guess, vfma(vmul(vmul(mean, vsplat(-0.5)), guess), guess, vsplat(1.5)))
    vstore(weights, w, vfma(vmul(gradient, vsplat(rate)), better, vload(weights, w)))
