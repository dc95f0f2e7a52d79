"""The contest's naive baseline, for comparison: the same interface as the default model.

Nine blocks with residual mixing and U-Net skips, ReLU^2 MLP of twice the width, rotary positions on whole heads, tied
embedding, int8 and zlib. Source: openai/parameter-golf, train_gpt.py (its README's "Naive Baseline", 1.2244).
"""

from dataclasses import dataclass, replace
from typing import Any

from golfkit.train.model.ops import Ops
from golfkit.train.model.parameters import Parameter
from golfkit.train.model.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Spec(Recipe):
    """The baseline's shape."""

    n_layers: int = 9
    dim: int = 512
    n_heads: int = 8
    n_kv_heads: int = 4
    mlp_mult: int = 2
    rope_base: float = 10_000.0
    softcap: float = 30.0
    qk_gain: float = 1.5


FULL = Spec(warmdown=0.087)  # 1,200 of its 13,780 steps
LOCAL = replace(
    FULL, seq_len=256, n_layers=4, dim=192, n_heads=3, n_kv_heads=3, batch_tokens=8192, warmdown=1.0
)  # 1,200 steps of warmdown are the whole of a short run
OFFICIAL_INT8 = True  # scored in its own export format


def parameters(spec: Spec) -> list[Parameter]:
    """The parameter table."""
    n, d, kv, hidden = spec.n_layers, spec.dim, spec.dim // spec.n_heads * spec.n_kv_heads, spec.mlp_mult * spec.dim
    fan = d**-0.5
    return [
        Parameter("embed", (spec.vocab_size, d), "normal", 0.005, "embed", 8),
        Parameter("attn.q", (n, d, d), "uniform", fan, "matrix", 8),
        Parameter("attn.k", (n, kv, d), "uniform", fan, "matrix", 8),
        Parameter("attn.v", (n, kv, d), "uniform", fan, "matrix", 8),
        Parameter("attn.out", (n, d, d), "constant", 0.0, "matrix", 8),
        Parameter("mlp.up", (n, hidden, d), "uniform", fan, "matrix", 8),
        Parameter("mlp.down", (n, d, hidden), "constant", 0.0, "matrix", 8),
        Parameter("q.gain", (n, spec.n_heads), "constant", spec.qk_gain, "scalar", 32),
        Parameter("attn.scale", (n, d), "constant", 1.0, "scalar", 32),
        Parameter("mlp.scale", (n, d), "constant", 1.0, "scalar", 32),
        Parameter("mix.x", (n, d), "constant", 1.0, "scalar", 32),
        Parameter("mix.embed", (n, d), "constant", 0.0, "scalar", 32),
        Parameter("skip", (n // 2, d), "constant", 1.0, "scalar", 32),
    ]


def forward(ops: Ops, spec: Spec, weights: dict[str, Any], ids: Any) -> Any:
    """Logits float32 [B, T, V] of the token after each of ids[B, T]."""
    x = x0 = ops.rms_norm(ops.embed(weights["embed"], ids))
    banks = {name: ops.unstack(array) for name, array in weights.items() if name not in ("embed", "skip")}
    skip, skips, half = ops.unstack(weights["skip"]), [], spec.n_layers // 2
    for i in range(spec.n_layers):
        if i >= half and skips:
            x = x + skip[i - half] * skips.pop()
        w = {name: bank[i] for name, bank in banks.items()}
        x = w["mix.x"] * x + w["mix.embed"] * x0
        x = x + w["attn.scale"] * _attention(ops, spec, w, ops.rms_norm(x))
        hidden = ops.relu_squared(ops.linear(ops.rms_norm(x), w["mlp.up"]), 0.0)
        x = x + w["mlp.scale"] * ops.linear(hidden, w["mlp.down"])
        if i < half:
            skips.append(x)
    return ops.softcap(ops.linear(ops.rms_norm(x), weights["embed"]), spec.softcap)


def _attention(ops: Ops, spec: Spec, w: dict[str, Any], x: Any) -> Any:
    batch, length, dim = x.shape
    head = dim // spec.n_heads
    q = ops.linear(x, w["attn.q"]).reshape(batch, length, spec.n_heads, head)
    k = ops.linear(x, w["attn.k"]).reshape(batch, length, spec.n_kv_heads, head)
    v = ops.linear(x, w["attn.v"]).reshape(batch, length, spec.n_kv_heads, head)
    q = ops.rope(ops.rms_norm(q), head, spec.rope_base) * w["q.gain"].reshape(spec.n_heads, 1)
    k = ops.rope(ops.rms_norm(k), head, spec.rope_base)
    return ops.linear(ops.attention(q, k, v).reshape(batch, length, dim), w["attn.out"])
