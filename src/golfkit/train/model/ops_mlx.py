"""The ops in MLX: on Apple's GPUs, and on CPUs where PyTorch is not wanted; the same split of dtypes as in PyTorch."""

from typing import Any

from golfkit.train.model.ops import NORM_EPS


class MlxOps:
    """Ops on MLX arrays; `dtype` is the compute dtype, weights may be of another. float32 is the fast one on a CPU."""

    def __init__(self, dtype: Any) -> None:
        """Take the compute dtype (mlx.core.float32, mlx.core.bfloat16, ...)."""
        import mlx.core as mx

        self.mx, self.dtype = mx, dtype

    def linear(self, x: Any, weight: Any) -> Any:
        """x times weight transposed."""
        return x.astype(self.dtype) @ weight.astype(self.dtype).T

    def embed(self, table: Any, ids: Any) -> Any:
        """Rows of a table."""
        return table[ids].astype(self.dtype)

    def rms_norm(self, x: Any) -> Any:
        """x over its root mean square."""
        return self.mx.fast.rms_norm(x, None, NORM_EPS)

    def rope(self, x: Any, dims: int, base: float) -> Any:
        """Rotary positions on the first dims of each head."""
        mx, half = self.mx, dims // 2
        turn = base ** (mx.arange(half, dtype=mx.float32) * (-2 / dims))
        angle = mx.outer(mx.arange(x.shape[1], dtype=mx.float32), turn)[:, None, :]
        cos, sin = mx.cos(angle).astype(x.dtype), mx.sin(angle).astype(x.dtype)
        a, b = x[..., :half], x[..., half:dims]
        return mx.concatenate((a * cos - b * sin, a * sin + b * cos, x[..., dims:]), -1)

    def attention(self, q: Any, k: Any, v: Any) -> Any:
        """Causal attention over [B, T, heads, d]."""
        heads_first = (part.swapaxes(1, 2).astype(self.dtype) for part in (q, k, v))
        y = self.mx.fast.scaled_dot_product_attention(*heads_first, scale=q.shape[-1] ** -0.5, mask="causal")
        return y.swapaxes(1, 2)

    def relu_squared(self, x: Any, slope: float) -> Any:
        """The squared leaky ReLU."""
        return self.mx.square(self.mx.maximum(x, slope * x if slope else 0))

    def sigmoid(self, x: Any) -> Any:
        """The logistic function."""
        return self.mx.sigmoid(x)

    def softcap(self, x: Any, cap: float) -> Any:
        """Bounded logits in float32."""
        return cap * self.mx.tanh(x.astype(self.mx.float32) / cap)

    def delay(self, x: Any) -> Any:
        """One position later."""
        return self.mx.concatenate((self.mx.zeros_like(x[:, :1]), x[:, :-1]), 1)

    def unstack(self, bank: Any) -> Any:
        """The layers of a bank; by one split, whose gradient is one concatenation."""
        return [part.squeeze(0) for part in self.mx.split(bank, len(bank))] if len(bank) else []

    def cross_entropy(self, logits: Any, targets: Any) -> Any:
        """Nats of each target."""
        logits = logits.astype(self.mx.float32)
        chosen = self.mx.take_along_axis(logits, targets[..., None], -1).squeeze(-1)
        return self.mx.logsumexp(logits, -1) - chosen

    def low(self, x: Any) -> Any:
        """In the compute dtype."""
        return x.astype(self.dtype)

    def high(self, x: Any) -> Any:
        """In float32."""
        return x.astype(self.mx.float32)
