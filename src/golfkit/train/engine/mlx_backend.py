"""Training in MLX: Apple silicon, and CPUs."""

from typing import Any

from golfkit.train.engine.calibrate import moments
from golfkit.train.engine.schedule import Pace
from golfkit.train.model.optimiser import new_state, update


class MlxBackend:
    """A model's weights, its optimiser's state, and the compiled step.

    model         the module with parameters() and forward()
    dtype         word: float32 or bfloat16
    micro_tokens  inputs of one forward pass; a larger batch is summed over several
    """

    name = "mlx"

    def __init__(self, model: Any, spec: Any, *, dtype: str = "float32", micro_tokens: int = 8192) -> None:
        import mlx.core as mx

        from golfkit.train.model.ops_mlx import MlxOps

        self.mx, self.model, self.spec, self.micro_tokens = mx, model, spec, micro_tokens
        self.device = "gpu" if mx.default_device().type == mx.DeviceType.gpu else "cpu"
        self.dtype = dtype
        self.table = model.parameters(spec)
        self.ops = MlxOps(getattr(mx, dtype))
        self._gradient = mx.compile(mx.value_and_grad(self._mean_loss))
        self._nll, self._update = mx.compile(self._losses), mx.compile(self._new_weights)

    def load(self, arrays: dict[str, Any]) -> None:
        """Take these weights, and start the optimiser anew."""
        self.parameters = {name: self.mx.array(array) for name, array in arrays.items()}
        self.state = new_state(self.table, self.parameters)
        self.averages = dict(self.parameters) if self.spec.ema else {}

    def step(self, inputs: Any, targets: Any, pace: Pace) -> float:
        """One update; the mean loss before it, in nats."""
        mx = self.mx
        rows = max(1, self.micro_tokens // inputs.shape[1])
        total: Any = 0.0
        grads: dict[str, Any] = {}
        for start in range(0, len(inputs), rows):
            x, y = mx.array(inputs[start : start + rows]), mx.array(targets[start : start + rows])
            loss, part = self._gradient(self.parameters, x, y)
            share = len(x) / len(inputs)
            total = total + share * loss
            grads = {name: share * grad + grads.get(name, 0.0) for name, grad in part.items()}
            mx.eval(total, grads)
        scalars = Pace(*(mx.array(value, dtype=mx.float32) for value in pace))
        self.parameters, self.state, self.averages = self._update(
            self.parameters, grads, self.state, self.averages, scalars
        )
        mx.eval(self.parameters, self.state, self.averages)
        return total.item()

    def nll(self, inputs: Any, targets: Any) -> Any:
        """Loss of every target in nats, float32[B, T]."""
        import numpy as np

        return np.array(self._nll(self.parameters, self.mx.array(inputs), self.mx.array(targets)))

    def moments(self, inputs: Any) -> Any:
        """Second moments of what every matrix is applied to."""
        import numpy as np

        return moments(self.model, self.spec, self.ops, self.parameters, self.mx.array(inputs), np.array)

    def weights(self) -> dict[str, Any]:
        """The weights to export, float32."""
        import numpy as np

        return {name: np.array(array) for name, array in (self.averages or self.parameters).items()}

    def peak_memory(self) -> int:
        """Most bytes in use so far: of the GPU, or of this process."""
        if self.device == "gpu":
            return self.mx.get_peak_memory()
        import resource
        import sys

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

    def _losses(self, weights: Any, inputs: Any, targets: Any) -> Any:
        return self.ops.cross_entropy(self.model.forward(self.ops, self.spec, weights, inputs), targets)

    def _mean_loss(self, weights: Any, inputs: Any, targets: Any) -> Any:
        return self._losses(weights, inputs, targets).mean()

    def _new_weights(self, old: Any, grads: Any, state: Any, averages: Any, pace: Any) -> Any:
        new, state = update(self.spec, self.table, old, grads, state, pace, self.ops)
        averages = {name: new[name] + pace.decay * (mean - new[name]) for name, mean in averages.items()}
        return new, state, averages
