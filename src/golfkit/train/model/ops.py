"""The dozen operations that a model is written against; each array library implements them once.

Beside them, arrays of numpy, torch and mlx share what Python itself spells: + - * / ** @ [] reshape, comparisons, and
integer arithmetic on ids. Shapes: B sequences, T positions, D width, H query heads, K key/value heads, V vocabulary.
"""

from collections.abc import Sequence
from typing import Any, Protocol

NORM_EPS = 1e-6  # added to the mean square; torch's own default depends on the dtype, so ours is explicit


class Ops(Protocol):
    """What a model's `forward` may call; arrays are the library's own."""

    def linear(self, x: Any, weight: Any) -> Any:
        """x[..., in] times weight[out, in] transposed, in the compute dtype."""

    def embed(self, table: Any, ids: Any) -> Any:
        """Rows of table[n, D] by ids[B, T]: [B, T, D] in the compute dtype."""

    def rms_norm(self, x: Any) -> Any:
        """x / sqrt(mean(x^2) + NORM_EPS) over the last axis; no weights."""

    def rope(self, x: Any, dims: int, base: float) -> Any:
        """Rotate the first `dims` of x[B, T, H, d] by position: (j, j + dims / 2) turn by t * base^(-2j / dims)."""

    def attention(self, q: Any, k: Any, v: Any) -> Any:
        """Causal softmax attention, scale d^-0.5: q[B, T, H, d], k and v[B, T, K, d] give [B, T, H, d]; K divides H."""

    def relu_squared(self, x: Any, slope: float) -> Any:
        """max(x, slope * x)^2: slope 0 is ReLU^2, 0.5 the leaky one."""

    def sigmoid(self, x: Any) -> Any:
        """1 / (1 + exp(-x))."""

    def softcap(self, x: Any, cap: float) -> Any:
        """cap * tanh(x / cap), in float32."""

    def delay(self, x: Any) -> Any:
        """x[B, T, ...] one position later: position t holds what t - 1 had, position 0 holds zeros."""

    def unstack(self, bank: Any) -> Sequence[Any]:
        """The layers of a bank[L, ...]."""

    def cross_entropy(self, logits: Any, targets: Any) -> Any:
        """-log softmax(logits)[target], nats, float32 [B, T]."""

    def low(self, x: Any) -> Any:
        """x in the compute dtype."""

    def high(self, x: Any) -> Any:
        """x in the dtype of weights: float32."""
