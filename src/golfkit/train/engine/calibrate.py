"""Second moments of what every matrix is applied to, for error-compensated quantisation."""

from collections.abc import Callable
from typing import Any

from golfkit.train.payload.gptq import gptq
from golfkit.train.payload.quantise import Quantised, quantise


class RecordingOps:
    """Ops that pass everything on, and add up x x^T of each product with a layer of a bank.

    ops      the backend's, uncompiled
    weights  the model's arrays, of the backend
    host     makes a numpy array of one
    """

    def __init__(self, ops: Any, weights: dict[str, Any], host: Callable[[Any], Any]) -> None:
        self._ops, self._host = ops, host
        self._names = {id(array): name for name, array in weights.items()}
        self._layers: dict[int, tuple[str, int, Any]] = {}  # the slice is held, so that its id stays its own
        self.moments: dict[tuple[str, int], Any] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ops, name)

    def unstack(self, bank: Any) -> Any:
        """The layers, remembered by their bank's name."""
        layers = self._ops.unstack(bank)
        name = self._names[id(bank)]
        self._layers |= {id(layer): (name, i, layer) for i, layer in enumerate(layers)}
        return layers

    def linear(self, x: Any, weight: Any) -> Any:
        """The product, after x was added to the moments of its weight."""
        layer = self._layers.get(id(weight))
        key = layer[:2] if layer else (self._names[id(weight)], -1)
        rows = self._host(self._ops.high(x)).reshape(-1, x.shape[-1]).astype("float64")
        self.moments[key] = self.moments.get(key, 0.0) + rows.T @ rows
        return self._ops.linear(x, weight)


def moments(
    model: Any, spec: Any, ops: Any, weights: dict[str, Any], ids: Any, host: Callable[[Any], Any]
) -> dict[tuple[str, int], Any]:
    """float64[in, in] by (name, layer) for every matrix that the forward pass applies; layer -1: not in a bank.

    ids   [B, T] of training tokens, an array of the backend
    host  makes a numpy array of one of the backend's
    """
    recording = RecordingOps(ops, weights, host)
    model.forward(recording, spec, weights, ids)
    return recording.moments


def compensated(table: Any, arrays: dict[str, Any], found: dict[tuple[str, int], Any]) -> dict[str, Any]:
    """The quantised tensors of trained weights, matrices with compensation where their inputs are known."""
    import numpy as np

    tensors: dict[str, Any] = {}
    for row in table:
        weight = arrays[row.name]
        keys = [(row.name, i) for i in (range(len(weight)) if weight.ndim == 3 else [-1])]
        if row.group != "matrix" or row.bits > 8 or any(key not in found for key in keys):
            tensors[row.name] = quantise(weight, row.bits, row.spread or None, row.shared)
            continue
        layers = weight if weight.ndim == 3 else weight[None]
        done = [
            gptq(layer, found[key], row.bits, spread=row.spread or None)
            for layer, key in zip(layers, keys, strict=True)
        ]
        codes, scale = np.stack([part.codes for part in done]), np.stack([part.scale for part in done])
        tensors[row.name] = Quantised(codes.reshape(weight.shape), scale.reshape(weight.shape[:-1]), row.bits)
    return tensors
