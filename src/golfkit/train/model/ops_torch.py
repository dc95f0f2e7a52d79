"""The ops in PyTorch: on CUDA and on CPUs, matrix products in `dtype`, sums that need it in float32."""

from typing import Any

from golfkit.train.model.ops import NORM_EPS


class TorchOps:
    """Ops on torch tensors; `dtype` is the compute dtype, weights may be of another."""

    def __init__(self, dtype: Any) -> None:
        """Take the compute dtype (torch.float32, torch.bfloat16, ...)."""
        import torch

        self.torch, self.dtype = torch, dtype

    def linear(self, x: Any, weight: Any) -> Any:
        """x times weight transposed."""
        return self.torch.nn.functional.linear(x.to(self.dtype), weight.to(self.dtype))

    def embed(self, table: Any, ids: Any) -> Any:
        """Rows of a table."""
        return self.torch.nn.functional.embedding(ids, table).to(self.dtype)

    def rms_norm(self, x: Any) -> Any:
        """x over its root mean square."""
        return self.torch.nn.functional.rms_norm(x, x.shape[-1:], eps=NORM_EPS)

    def rope(self, x: Any, dims: int, base: float) -> Any:
        """Rotary positions on the first dims of each head."""
        torch, half = self.torch, dims // 2
        t = torch.arange(x.shape[1], device=x.device, dtype=torch.float32)
        turn = base ** (torch.arange(half, device=x.device, dtype=torch.float32) * (-2 / dims))
        angle = torch.outer(t, turn)[:, None, :]
        cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
        a, b = x[..., :half], x[..., half:dims]
        return torch.cat((a * cos - b * sin, a * sin + b * cos, x[..., dims:]), -1)

    def attention(self, q: Any, k: Any, v: Any) -> Any:
        """Causal attention over [B, T, heads, d]."""
        heads_first = (part.transpose(1, 2).to(self.dtype) for part in (q, k, v))
        y = self.torch.nn.functional.scaled_dot_product_attention(
            *heads_first, is_causal=True, enable_gqa=q.shape[2] != k.shape[2]
        )
        return y.transpose(1, 2)

    def relu_squared(self, x: Any, slope: float) -> Any:
        """The squared leaky ReLU."""
        functional = self.torch.nn.functional
        return (functional.leaky_relu(x, slope) if slope else functional.relu(x)).square()

    def sigmoid(self, x: Any) -> Any:
        """The logistic function."""
        return self.torch.sigmoid(x)

    def softcap(self, x: Any, cap: float) -> Any:
        """Bounded logits in float32."""
        return cap * self.torch.tanh(x.float() / cap)

    def delay(self, x: Any) -> Any:
        """One position later."""
        return self.torch.cat((self.torch.zeros_like(x[:, :1]), x[:, :-1]), 1)

    def unstack(self, bank: Any) -> Any:
        """The layers of a bank."""
        return bank.unbind(0)

    def cross_entropy(self, logits: Any, targets: Any) -> Any:
        """Nats of each target."""
        flat = self.torch.nn.functional.cross_entropy(
            logits.reshape(-1, logits.shape[-1]).float(), targets.reshape(-1), reduction="none"
        )
        return flat.reshape(targets.shape)

    def low(self, x: Any) -> Any:
        """In the compute dtype."""
        return x.to(self.dtype)

    def high(self, x: Any) -> Any:
        """In float32."""
        return x.float()
