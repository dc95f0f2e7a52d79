"""Gated logistic mixing in two layers, in float32.

Layer 1 has several weight sets; each selects one row of weights by a small context, and predicts from the same
inputs. Layer 2 has several sets again, over layer 1's outputs; their average is the prediction. Every row learns from
its own error: w += rate * error * input, which descends the coding cost; its rate falls as it learns, as most rows of a
large set are met late and seldom. A row holds what it has learnt, to be added to the weights that all rows begin with,
so that an untouched row is zeros and costs nothing.

    inputs    float32[n_inputs]           stretched predictions, ln(p / (1 - p)); n_inputs is a multiple of 16
    weights   float32[(1 + n_rows) * n_inputs]   first those that all begin with
    selected  uint32[64]                  the row of each set for this bit: layer 1's, then layer 2's
    outputs   float32[16]                 layer 1's predictions, stretched; zeros behind them
    st8       int32[64]                   each prediction, stretched, 8 fractional bits: layer 1's, then layer 2's
    final     float32[(1 + n_final_rows) * 16]   the same of layer 2
    learnt    float32[n_rows]             how often each row of layer 1 learnt, up to 2^24
    final_learnt  float32[n_final_rows]   the same of layer 2
Source: Mahoney, "Adaptive Weighing of Context Models for Lossless Data Compression" (2005), and PAQ8.
"""

from typing import Any, NamedTuple

from golfkit.compress.kernels.floats import f32, fdot, ftrain, truncated
from golfkit.compress.kernels.jit import carver, f32_view, i32_view, i64, jit, u32_view
from golfkit.compress.kernels.tables import ST_LIMIT, squashed

OUTPUTS = 16
HEAD_BYTES = 64 + 256 + 256


class Mixing(NamedTuple):
    """Its arrays."""

    inputs: Any
    weights: Any
    selected: Any
    outputs: Any
    st8: Any
    final: Any
    learnt: Any
    final_learnt: Any


@jit
def mixing_bytes(n_inputs, n_rows, n_final_rows):
    """Arena bytes of a mixer, a multiple of 64."""
    return learnt_at(n_inputs, n_rows, n_final_rows) + whole_lines(n_rows) + whole_lines(n_final_rows)


@jit
def learnt_at(n_inputs, n_rows, n_final_rows):
    """Where the counts begin, from a mixer's first byte."""
    return HEAD_BYTES + 4 * n_inputs + 64 * (1 + n_final_rows) + 4 * (1 + n_rows) * n_inputs


@jit
def whole_lines(n):
    """Bytes of n floats, filled up to a multiple of 64."""
    return 4 * n + 63 & ~63


@carver
def mixing_at(arena, at, n_inputs, n_rows, n_final_rows):
    """Views of a mixer at byte `at`."""
    at_inputs = at + HEAD_BYTES
    at_final = at_inputs + 4 * n_inputs
    at_learnt = at + learnt_at(n_inputs, n_rows, n_final_rows)
    return Mixing(
        f32_view(arena, at_inputs, n_inputs),
        f32_view(arena, at_final + 64 * (1 + n_final_rows), (1 + n_rows) * n_inputs),
        u32_view(arena, at + 64, 64),
        f32_view(arena, at, OUTPUTS),
        i32_view(arena, at + 320, 64),
        f32_view(arena, at_final, (1 + n_final_rows) * OUTPUTS),
        f32_view(arena, at_learnt, n_rows),
        f32_view(arena, at_learnt + whole_lines(n_rows), n_final_rows),
    )


@jit
def init_mixing(mixing, n_inputs, n_outputs, weight):
    """Every input counts alike in layer 1 (`weight`, float32), every output in layer 2."""
    for i in range(n_inputs):
        mixing.weights[i] = weight
    for k in range(n_outputs):
        mixing.final[k] = f32(1.0 / n_outputs)


@jit
def to_st8(x):
    """A stretched probability in 1/256ths, within +-ST_LIMIT."""
    limit = f32(10.99)
    return truncated(f32(max(-limit, min(limit, x)) * f32(256.0)))


@jit
def mix(mixing, n_inputs, n_sets, n_finals):
    """The mixed prediction, st8."""
    common = fdot(mixing.weights, 0, mixing.inputs, n_inputs)
    for k in range(n_sets):
        x = fdot(mixing.weights, (1 + i64(mixing.selected[k])) * n_inputs, mixing.inputs, n_inputs)
        st8 = to_st8(f32(common + x))
        mixing.st8[k] = st8
        mixing.outputs[k] = f32(f32(st8) * f32(1.0 / 256.0))
    common = fdot(mixing.final, 0, mixing.outputs, OUTPUTS)
    total = 0
    for k in range(n_sets, n_sets + n_finals):
        x = fdot(mixing.final, (1 + i64(mixing.selected[k])) * OUTPUTS, mixing.outputs, OUTPUTS)
        st8 = to_st8(f32(common + x))
        mixing.st8[k] = st8
        total += st8
    return max(-ST_LIMIT, min(ST_LIMIT, total // n_finals))


@jit
def train(mixing, tables, n_inputs, n_sets, n_finals, bit, rate, final_rate, extra, half, least):
    """Learn from the bit; the rates (float32) are steps per unit of probability and of stretched input.

    extra, half  float32: every row begins at its layer's rate + `extra`, of which half is left after `half` times
    least        a row of layer 1 whose error is smaller, in 1/65536ths, is left as it is
    """
    for k in range(n_sets):
        error = error_of(mixing, tables, k, bit)
        if abs(error) >= least:
            row = i64(mixing.selected[k])
            step = step_of(mixing.learnt, row, error, rate, extra, half)
            ftrain(mixing.weights, (1 + row) * n_inputs, mixing.inputs, n_inputs, step)
    for k in range(n_sets, n_sets + n_finals):
        row = i64(mixing.selected[k])
        step = step_of(mixing.final_learnt, row, error_of(mixing, tables, k, bit), final_rate, extra, half)
        ftrain(mixing.final, (1 + row) * OUTPUTS, mixing.outputs, OUTPUTS, step)


@jit
def error_of(mixing, tables, k, bit):
    """What prediction k was off by, in 1/65536ths."""
    return (bit << 16) - squashed(tables, i64(mixing.st8[k]))


@jit
def step_of(learnt, row, error, rate, extra, half):
    """What an error in 1/65536ths moves a row's weights by for each unit of their inputs, float32; counts the row."""
    seen = learnt[row]
    learnt[row] = f32(seen + f32(1.0))
    now = f32(rate + f32(extra * f32(half / f32(half + seen))))
    return f32(f32(f32(error) * f32(1.0 / 65536.0)) * now)
