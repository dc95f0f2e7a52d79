"""Quantisation with error compensation: what a column loses is made up by the columns that come after it.

The layer's output error is trace(E H E^T), with H = sum of x x^T over the layer's inputs x. Columns are rounded one by
one; the rest of the row moves by the least-squares answer to each rounding error, which the upper Cholesky factor of
H's inverse holds ready.

Source: Frantar, Ashkboos, Hoefler, Alistarh, "GPTQ" (2022), written from the paper.
"""

from typing import TYPE_CHECKING

from golfkit.errors import GolfError
from golfkit.train.payload.quantise import Quantised, checked, codes_of, scales

if TYPE_CHECKING:
    import numpy as np

GPTQ_COLUMNS = 128  # columns between two updates of all that follow; only speed depends on it


def gptq(
    weight: "np.ndarray",
    hessian: "np.ndarray",
    bits: int,
    *,
    damp: float = 0.01,
    spread: float | None = None,
    shared: bool = False,
    order: bool = True,
) -> Quantised:
    """A matrix float32[rows, columns] in `bits` bits, the scales being those of `quantise`.

    hessian  float64[columns, columns], sum of x x^T over inputs from training data, never from validation
    damp     part of the mean diagonal that is added to the diagonal
    order    take columns with the largest inputs first, while there is most left to make up for them
    """
    import numpy as np

    checked(weight)
    rows, columns = weight.shape
    if hessian.shape != (columns, columns) or not np.isfinite(hessian).all():
        raise GolfError(
            f"hessian: {hessian.shape}, expected {(columns, columns)} of finite numbers; calibrate the layer again"
        )
    scale = scales(weight, bits, spread, shared)
    diagonal = np.diag(hessian)
    taken = np.argsort(-diagonal, kind="stable") if order else np.arange(columns)
    upper = _upper(hessian[np.ix_(taken, taken)], damp * (diagonal.mean() if columns else 0.0))
    left = weight.T[taken].astype(np.float64)  # [columns, rows]: the weights still to be rounded
    codes = np.zeros((columns, rows), np.int8)
    wide = scale.astype(np.float64)
    for first in range(0, columns, GPTQ_COLUMNS):
        last = min(first + GPTQ_COLUMNS, columns)
        errors = np.zeros((last - first, rows))
        for i in range(first, last):
            codes[i] = codes_of(left[i][:, None], scale, bits)[:, 0]
            errors[i - first] = (left[i] - codes[i] * wide) / upper[i, i]
            left[i + 1 : last] -= upper[i, i + 1 : last, None] * errors[i - first]
        left[last:] -= upper[first:last, last:].T @ errors
    out = np.zeros((rows, columns), np.int8)
    out[:, taken] = codes.T
    return Quantised(out, scale, bits)


def _upper(hessian: "np.ndarray", damp: float) -> "np.ndarray":
    """The upper Cholesky factor of the inverse of a damped Hessian: of H = R R^T with R upper, it is R's inverse."""
    import numpy as np

    damped = (hessian + hessian.T) / 2 + (damp if damp > 0 else 1.0) * np.eye(len(hessian))
    try:
        return _inverse(np.linalg.cholesky(damped[::-1, ::-1]))[::-1, ::-1]
    except np.linalg.LinAlgError as error:
        raise GolfError(f"hessian: {error}, expected a sum of x x^T; damp more or calibrate the layer again") from error


def _inverse(lower: "np.ndarray") -> "np.ndarray":
    """The inverse of a lower triangular matrix, by halves: a sixth of the work of a general one."""
    import numpy as np

    half = len(lower) // 2
    if half < GPTQ_COLUMNS:
        return np.linalg.inv(lower)
    first, last = _inverse(lower[:half, :half]), _inverse(lower[half:, half:])
    return np.block([[first, np.zeros((half, len(last)))], [-last @ lower[half:, :half] @ first, last]])
