"""The rows of a model's parameter table, and the arrays that they start from."""

from collections.abc import Sequence
from typing import Any, NamedTuple

GROUPS = ("matrix", "embed", "scalar")


class Parameter(NamedTuple):
    """One array of a model; layers of equal shape lie in one bank, along the first axis."""

    name: str
    shape: tuple[int, ...]
    init: str  # orthogonal, uniform, normal, constant
    scale: float  # orthogonal: gain; uniform: half width; normal: standard deviation; constant: the value
    group: str  # its optimiser rule: matrix (Muon), embed or scalar (Adam)
    bits: int = 6  # width in the payload: 2 to 8 per-row integers, 16 or 32 floats
    rate: float = 1.0  # learning rate relative to its group's
    spread: float = 0.0  # clip of the integers in root mean squares of the row; 0: the one that loses least
    shared: bool = False  # with spread: one scale for a whole matrix, so that small rows become zeros


def n_params(table: Sequence[Parameter]) -> int:
    """How many numbers a model has."""
    total = 0
    for row in table:
        size = 1
        for length in row.shape:
            size *= length
        total += size
    return total


def initial(table: Sequence[Parameter], seed: int) -> dict[str, Any]:
    """The float32 arrays that training starts from, by name; every row draws from its own stream of `seed`, so that
    another row does not change them.
    """
    import zlib

    import numpy as np

    arrays = {}
    for row in table:
        rng = np.random.default_rng([seed, zlib.crc32(row.name.encode())])
        arrays[row.name] = _draw(row, rng).astype(np.float32)
    return arrays


def _draw(row: Parameter, rng: Any) -> Any:
    import numpy as np

    if row.init == "constant":
        return np.full(row.shape, row.scale)
    if row.init == "normal":
        return rng.normal(0, row.scale, row.shape)
    if row.init == "uniform":
        return rng.uniform(-row.scale, row.scale, row.shape)
    if row.init == "orthogonal":
        return row.scale * _orthogonal(rng.normal(size=row.shape))
    raise ValueError(f"{row.name}: init is {row.init!r}, expected orthogonal, uniform, normal or constant")


def _orthogonal(gaussian: Any) -> Any:
    """Matrices whose shorter side is orthonormal, scaled as sqrt(max(1, rows / cols)); over the last two axes."""
    import numpy as np

    rows, cols = gaussian.shape[-2:]
    tall = gaussian if rows >= cols else np.swapaxes(gaussian, -1, -2)
    q, r = np.linalg.qr(tall)
    q = q * np.sign(np.diagonal(r, axis1=-2, axis2=-1))[..., None, :]
    return (q if rows >= cols else np.swapaxes(q, -1, -2)) * max(1, rows / cols) ** 0.5
