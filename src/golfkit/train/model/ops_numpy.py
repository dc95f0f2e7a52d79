"""The ops in float64 numpy: the formulas of ops.py, slow and obvious; what the others are held to."""

from typing import Any

from golfkit.train.model.ops import NORM_EPS


class NumpyOps:
    """Ops on numpy arrays, float64 throughout; integer ids stay integers."""

    def __init__(self) -> None:
        """Nothing to choose."""
        import numpy as np

        self.np = np

    def linear(self, x: Any, weight: Any) -> Any:
        """x times weight transposed."""
        return self._double(x) @ self._double(weight).T

    def embed(self, table: Any, ids: Any) -> Any:
        """Rows of a table."""
        return self._double(table)[ids]

    def rms_norm(self, x: Any) -> Any:
        """x over its root mean square."""
        return x / self.np.sqrt((x * x).mean(-1, keepdims=True) + NORM_EPS)

    def rope(self, x: Any, dims: int, base: float) -> Any:
        """Rotary positions, one pair of dimensions at a time."""
        rotated, t, half = x.copy(), self.np.arange(x.shape[1])[:, None], dims // 2
        for j in range(half):
            angle = t * base ** (-2 * j / dims)
            cos, sin = self.np.cos(angle), self.np.sin(angle)
            a, b = x[..., j], x[..., j + half]
            rotated[..., j], rotated[..., j + half] = a * cos - b * sin, a * sin + b * cos
        return rotated

    def attention(self, q: Any, k: Any, v: Any) -> Any:
        """Causal attention, one query head at a time over the whole matrix of scores."""
        np, group = self.np, q.shape[2] // k.shape[2]
        future = np.triu(np.ones((q.shape[1], q.shape[1]), bool), 1)
        y = np.empty(q.shape)
        for head in range(q.shape[2]):
            keys, values = k[:, :, head // group], v[:, :, head // group]
            scores = q[:, :, head] @ keys.swapaxes(1, 2) * q.shape[-1] ** -0.5
            scores[:, future] = -np.inf
            share = np.exp(scores - scores.max(-1, keepdims=True))
            y[:, :, head] = share / share.sum(-1, keepdims=True) @ values
        return y

    def relu_squared(self, x: Any, slope: float) -> Any:
        """The squared leaky ReLU."""
        return self.np.maximum(x, slope * x) ** 2

    def sigmoid(self, x: Any) -> Any:
        """The logistic function."""
        return 1 / (1 + self.np.exp(-self._double(x)))

    def softcap(self, x: Any, cap: float) -> Any:
        """Bounded logits."""
        return cap * self.np.tanh(x / cap)

    def delay(self, x: Any) -> Any:
        """One position later."""
        late = self.np.zeros_like(x)
        late[:, 1:] = x[:, :-1]
        return late

    def unstack(self, bank: Any) -> Any:
        """The layers of a bank."""
        return list(self._double(bank))

    def cross_entropy(self, logits: Any, targets: Any) -> Any:
        """Nats of each target, float64."""
        top = logits.max(-1, keepdims=True)
        log_sum = self.np.log(self.np.exp(logits - top).sum(-1)) + top[..., 0]
        return log_sum - self.np.take_along_axis(logits, targets[..., None], -1)[..., 0]

    def low(self, x: Any) -> Any:
        """Nothing is lower here."""
        return self._double(x)

    def high(self, x: Any) -> Any:
        """Nothing is higher here."""
        return x

    def _double(self, x: Any) -> Any:
        return self.np.asarray(x, self.np.float64)
