"""Gated logistic mixing in two layers.

Layer 1 has several weight sets; each selects one row of weights by a small context, and predicts from the same
inputs. Layer 2 mixes their predictions with weights selected by the partial byte. Every row learns from its own
error: w += rate * error * input, which descends the coding cost.

    inputs    int32[n_inputs]            stretched predictions, st8; n_inputs is a multiple of 8
    weights   int32[n_rows * n_inputs]   16 fractional bits, within +-8
    selected  uint32[8]                  the row of each set for this bit
    outputs   int32[8]                   each set's prediction, st8
    final     int32[256 * 8]             weights of layer 2, 16 fractional bits
Source: Mahoney, "Adaptive Weighing of Context Models for Lossless Data Compression" (2005), and PAQ8.
"""

from typing import Any, NamedTuple

from golfkit.compress.kernels.jit import carver, dot, i32_view, i64, jit, train, u32_view
from golfkit.compress.kernels.tables import clamped, squashed

MAX_SETS = 8
FINAL_ROWS = 256


class Mixer(NamedTuple):
    """Its arrays."""

    inputs: Any
    weights: Any
    selected: Any
    outputs: Any
    final: Any


def mixer_bytes(n_inputs: int, n_rows: int) -> int:
    """Arena bytes of a mixer."""
    return 8448 + 4 * n_rows * n_inputs


@carver
def mixer_at(arena, at, n_inputs, n_rows):
    """Views of a mixer at byte `at`."""
    return Mixer(
        i32_view(arena, at, n_inputs),
        i32_view(arena, at + 8448, n_rows * n_inputs),
        u32_view(arena, at + 128, MAX_SETS),
        i32_view(arena, at + 192, MAX_SETS),
        i32_view(arena, at + 256, FINAL_ROWS * MAX_SETS),
    )


@jit
def init_mixer(mixer, n_inputs, n_rows, n_sets, weight):
    """Every input counts alike in layer 1 (`weight`, 16 fractional bits), every set in layer 2."""
    for i in range(n_rows * n_inputs):
        mixer.weights[i] = weight
    for i in range(FINAL_ROWS * MAX_SETS):
        mixer.final[i] = 65536 // n_sets


@jit
def mix(mixer, n_inputs, n_sets, final_row):
    """The mixed prediction, st8."""
    total = 0
    for k in range(n_sets):
        st = clamped(dot(mixer.weights, i64(mixer.selected[k]) * n_inputs, mixer.inputs, n_inputs) >> 8)
        mixer.outputs[k] = st
        total += st * i64(mixer.final[final_row * MAX_SETS + k])
    return clamped(total >> 16)


@jit
def update_mixer(mixer, tables, n_inputs, n_sets, final_row, bit, p_mixed, rate):
    """Learn from the bit.

    p_mixed  squash of what `mix` returned
    rate     learning rate of layer 1 in 1/1024ths; layer 2's is 1/512
    """
    for k in range(n_sets):
        error = (bit << 16) - squashed(tables, i64(mixer.outputs[k]))
        train(mixer.weights, i64(mixer.selected[k]) * n_inputs, mixer.inputs, n_inputs, (error * rate) >> 4)
    error = (bit << 17) - 2 * p_mixed
    for k in range(n_sets):
        at = final_row * MAX_SETS + k
        mixer.final[at] = i64(mixer.final[at]) + ((i64(mixer.outputs[k]) * error + (1 << 17)) >> 18)
