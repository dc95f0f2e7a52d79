"""Weights as small integers: symmetric, one float16 scale per row, the same codes on every machine.

A row is the last axis. Its scale is the one of a grid of clips that loses least squared error; or clip = `spread` *
root mean square of the row or of its matrix, which leaves the outer codes almost unused: an entropy coder charges a
code by how seldom it is, not by its bits, so that a wide clip costs nothing (docs/tuning.md, "Payload").

Sums are over integers (weights in 2^-18ths of the row's largest), so that no order of addition can change a code.
"""

import math
from typing import TYPE_CHECKING, NamedTuple

from golfkit.errors import GolfError

if TYPE_CHECKING:
    import numpy as np

CLIPS = [1 - n / 40 for n in range(33)]  # candidates, as parts of the row's largest weight
FINE = 1 << 18
ROWS_BLOCK = 1 << 18  # weights worked on at once, so that they stay in cache
MAX_HALF = 65504.0  # float16's largest
MAX_SCALE = 63488.0  # the largest with 4 bits of mantissa


class Quantised(NamedTuple):
    """A quantised tensor: weight = codes * scale, row by row."""

    codes: "np.ndarray"  # int8, the tensor's shape, each in -(2^(bits-1) - 1)..2^(bits-1) - 1
    scale: "np.ndarray"  # float16, the shape without its last axis
    bits: int  # 2..8


def quantise(
    weight: "np.ndarray", bits: int, spread: float | None = None, shared: bool = False
) -> "Quantised | np.ndarray":
    """A float32 tensor of any shape in `bits` bits; with 16 or 32 it stays an array of that float.

    spread  clip in root mean squares of the row; None searches for the least squared error
    shared  with spread: the root mean square of the row's whole matrix, so that all its rows have one scale
    """
    import numpy as np

    checked(weight)
    if bits >= 16:
        return np.clip(weight, -MAX_HALF, MAX_HALF).astype(np.float16) if bits == 16 else weight.astype(np.float32)
    scale = scales(weight, bits, spread, shared)
    return Quantised(codes_of(weight, scale, bits), scale, bits)


def dequantise(tensor: "Quantised | np.ndarray") -> "np.ndarray":
    """The float32 weights of a quantised or kept tensor."""
    import numpy as np

    if isinstance(tensor, np.ndarray):
        return tensor.astype(np.float32)
    return tensor.codes.astype(np.float32) * tensor.scale.astype(np.float32)[..., None]


def scales(weight: "np.ndarray", bits: int, spread: float | None = None, shared: bool = False) -> "np.ndarray":
    """The float16 scale of every row, shape weight.shape[:-1]; 0 for a row of zeros."""
    import numpy as np

    n_rows, columns = math.prod(weight.shape[:-1]), weight.shape[-1]
    rows, step = weight.reshape(n_rows, columns), max(1, ROWS_BLOCK // max(1, columns))
    blocks = [rows[i : i + step] for i in range(0, n_rows, step)]
    if spread is None:
        found = np.concatenate([np.zeros(0, np.float16), *(_searched(block, bits) for block in blocks)])
        return found.reshape(weight.shape[:-1])
    square = np.concatenate([np.zeros(0), *(_mean_square(block) for block in blocks)]).reshape(weight.shape[:-1])
    if shared and weight.ndim > 1:
        matrices = square.reshape(math.prod(weight.shape[:-2]), weight.shape[-2])
        level = [math.fsum(matrix) / max(1, len(matrix)) for matrix in matrices]
        square = np.repeat(level, matrices.shape[1]).reshape(square.shape)
    return _half(spread * np.sqrt(square) / _top(bits))


def codes_of(weight: "np.ndarray", scale: "np.ndarray", bits: int) -> "np.ndarray":
    """The nearest codes under given scales, ties to even, int8."""
    import numpy as np

    top, wide = _top(bits), scale.astype(np.float32)[..., None]
    ratio = np.divide(weight, wide, out=np.zeros(weight.shape, np.float32), where=wide > 0)
    return np.clip(np.rint(ratio), -top, top).astype(np.int8)


def checked(weight: "np.ndarray") -> None:
    """Refuse what has no rows or is not finite."""
    import numpy as np

    if weight.ndim == 0 or not np.isfinite(weight).all():
        what = "a scalar" if weight.ndim == 0 else "NaN or infinity"
        raise GolfError(
            f"weights: found {what}, expected rows of finite numbers; the training diverged, or see the plan"
        )


def _searched(rows: "np.ndarray", bits: int) -> "np.ndarray":
    """The scale of each row that loses least squared error."""
    import numpy as np

    largest = np.abs(rows).max(1, initial=0).astype(np.float64)
    unit = np.where(largest > 0, largest, 1)[:, None]
    best, least = np.zeros(len(rows), np.float16), np.full(len(rows), np.iinfo(np.int64).max)
    for clip in CLIPS:
        scale = _half(clip * largest / _top(bits))
        wrong = rows - codes_of(rows, scale, bits) * scale.astype(np.float32)[:, None]
        error = (np.rint(wrong / unit * FINE).astype(np.int64) ** 2).sum(1)
        best, least = np.where(error < least, scale, best), np.minimum(error, least)
    return best


def _mean_square(rows: "np.ndarray") -> "np.ndarray":
    import numpy as np

    largest = np.abs(rows).max(1, initial=0).astype(np.float64)
    unit = np.where(largest > 0, largest, 1)
    total = (np.rint(rows / unit[:, None] * FINE).astype(np.int64) ** 2).sum(1)
    return total / max(1, rows.shape[1]) * (unit / FINE) ** 2


def _top(bits: int) -> int:
    """The largest code of so many bits."""
    return 2 ** (bits - 1) - 1


def _half(scale: "np.ndarray") -> "np.ndarray":
    """Scales as float16 with 4 bits of mantissa: 3 % more or less clip costs nothing, and each bit is one per row."""
    import numpy as np

    exact = np.minimum(scale, MAX_SCALE).astype(np.float16).view(np.uint16)
    normal = exact >= 0x0400  # below, all bits are needed
    return np.where(normal, (exact + 0x20) & 0xFFC0, exact).astype(np.uint16).view(np.float16)
