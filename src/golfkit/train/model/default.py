"""The model: a spec, its parameter table, and one forward pass for every backend. The one file that is edited.

A decoder of grouped-query attention and squared leaky ReLU blocks between a tied embedding and a softcapped head, with
U-Net skips. Every technique is one switch in `Spec`; what each gained is in docs/tuning.md.
"""

from dataclasses import dataclass, replace
from typing import Any

from golfkit.train.model.ops import Ops
from golfkit.train.model.parameters import Parameter
from golfkit.train.model.recipe import Recipe

HASH = 1_000_003  # prime; spreads pairs of tokens over the rows of the pair table


@dataclass(frozen=True, kw_only=True)
class Spec(Recipe):
    """Shape, techniques (0 or False: off), optimiser and schedule; `--set KEY=VALUE` changes one."""

    # Shape
    n_layers: int = 11
    dim: int = 512
    n_heads: int = 8
    n_kv_heads: int = 4
    mlp_mult: float = 3.0  # hidden width of the MLP / dim

    # Techniques
    softcap: float = 30.0  # bound of the logits
    qk_gain: float = 1.5  # initial gain of normalised queries, learned per head
    rope_dims: int = 16  # rotated dimensions of each head (partial RoPE)
    rope_base: float = 10_000.0
    relu_slope: float = 0.5  # of negative inputs, before squaring
    unet: bool = True  # skips from each layer of the first half to its mirror
    embed_mix: bool = True  # every block may mix the embedding back in
    bigram_buckets: int = 65536  # rows of the hashed table of token pairs
    bigram_dim: int = 32
    trigram_buckets: int = 65536  # the same for three tokens
    smear: bool = True  # a gate adds the previous token's embedding
    attn_from: int = 1  # layers before it have no attention, but for the last
    conv_attn: int = 3  # positions before it that a causal depthwise convolution adds to each input of attention
    conv_mlp: int = 3  # the same for the MLP
    value_tables: int = 0  # attention's outer layers, from both ends, whose values get an embedding of their token
    untied: bool = True  # a head of its own, else the embedding's
    exclusive: bool = False  # attention output without its component along the own value
    parallel_from: int = 99  # layers from here on run attention and MLP side by side
    loop_from: int = 0  # first layer of the repeated span (depth recurrence)
    loop_to: int = 0  # one past its last layer
    loops: int = 0  # extra passes over the span

    # Optimiser, besides the recipe's
    table_rate: float = 0.2  # of the hashed and value tables, relative to the embedding's

    # Export
    matrix_bits: int = 6
    matrix_spread: float = 16.0  # clip of matrices, in root mean squares of each row
    table_bits: int = 5  # of the hashed and value tables
    table_spread: float = 24.0  # clip of the hashed and value tables, in root mean squares of the whole table
    embed_bits: int = 8  # of the embedding and the head

    def __post_init__(self) -> None:
        """Refuse shapes that cannot be."""
        if self.attn_from < 0:
            raise ValueError(f"attn_from {self.attn_from}: expected a layer, 0 or more")
        if not 0 <= self.loop_from <= self.loop_to <= self.n_layers:
            raise ValueError(f"loop_from {self.loop_from}, loop_to {self.loop_to}: expected a span of the layers")
        if self.dim % self.n_heads or self.n_heads % self.n_kv_heads:
            raise ValueError(f"{self.n_heads} heads must divide dim {self.dim}, and {self.n_kv_heads} kv heads them")


# The contest's: 8xH100, 10 minutes, 16,000,000 bytes. LOCAL is the same model at the size of a laptop.
FULL = Spec(embed_rate=0.03, warmdown=1.0, polar=True, normuon=True, adagrad=True)
LOCAL = replace(FULL, seq_len=256, n_layers=4, dim=192, n_heads=3, n_kv_heads=3, batch_tokens=8192, attn_from=2)


def parameters(spec: Spec) -> list[Parameter]:
    """The parameter table, in the order of the payload."""
    n, d, hidden = spec.n_layers, spec.dim, int(spec.mlp_mult * spec.dim)
    m = max(1, n - spec.attn_from)
    head = d // spec.n_heads
    kv = head * spec.n_kv_heads
    fan = d**-0.5
    matrix = {"bits": spec.matrix_bits, "spread": spec.matrix_spread}
    sparse = {"bits": spec.table_bits, "spread": spec.table_spread, "shared": True, "rate": spec.table_rate}
    table = [
        Parameter("embed", (spec.vocab_size, d), "normal", 0.005, "embed", spec.embed_bits),
        Parameter("attn.q", (m, d, d), "uniform", fan, "matrix", **matrix),
        Parameter("attn.k", (m, kv, d), "uniform", fan, "matrix", **matrix),
        Parameter("attn.v", (m, kv, d), "uniform", fan, "matrix", **matrix),
        Parameter("attn.out", (m, d, d), "constant", 0.0, "matrix", **matrix),
        Parameter("mlp.up", (n, hidden, d), "uniform", fan, "matrix", **matrix),
        Parameter("mlp.down", (n, d, hidden), "constant", 0.0, "matrix", **matrix),
        Parameter("attn.gain", (m, spec.n_heads), "constant", spec.qk_gain, "scalar", 16),
        Parameter("attn.scale", (m, d), "constant", 1.0, "scalar", 16),
        Parameter("mlp.scale", (n, d), "constant", 1.0, "scalar", 16),
    ]
    if spec.embed_mix:
        table.append(Parameter("mix.x", (n, d), "constant", 1.0, "scalar", 16))
        table.append(Parameter("mix.embed", (n, d), "constant", 0.0, "scalar", 16))
    if spec.unet:
        table.append(Parameter("skip", (n // 2, d), "constant", 1.0, "scalar", 16))
    if spec.bigram_buckets:
        table.append(Parameter("bigram", (spec.bigram_buckets, spec.bigram_dim), "constant", 0.0, "embed", **sparse))
        table.append(Parameter("bigram.out", (d, spec.bigram_dim), "orthogonal", 1.0, "matrix", **matrix))
    if spec.trigram_buckets:
        table.append(Parameter("trigram", (spec.trigram_buckets, spec.bigram_dim), "constant", 0.0, "embed", **sparse))
        table.append(Parameter("trigram.out", (d, spec.bigram_dim), "orthogonal", 1.0, "matrix", **matrix))
    if spec.smear:
        table.append(Parameter("smear", (d,), "constant", -3.0, "scalar", 16))
    if spec.conv_attn:
        table.append(Parameter("attn.conv", (m, spec.conv_attn, d), "constant", 0.0, "scalar", 16))
    if spec.conv_mlp:
        table.append(Parameter("mlp.conv", (n, spec.conv_mlp, d), "constant", 0.0, "scalar", 16))
    if spec.value_tables:
        table.append(
            Parameter("tables", (2 * spec.value_tables, spec.vocab_size, kv), "constant", 0.0, "embed", **sparse)
        )
    if spec.untied:
        table.append(Parameter("head", (spec.vocab_size, d), "constant", 0.0, "embed", spec.embed_bits))
    return table


def forward(ops: Ops, spec: Spec, weights: dict[str, Any], ids: Any) -> Any:
    """Logits float32 [B, T, V] of the token after each of ids[B, T]."""
    bank = {name: ops.unstack(array) for name, array in weights.items() if name.partition(".")[0] in STACKED}
    x = x0 = embedding(ops, spec, weights, ids)
    first, last = min(spec.attn_from, spec.n_layers - 1), spec.n_layers
    outer = [*range(first, first + spec.value_tables), *range(last - spec.value_tables, last)]
    values = dict(zip(outer, (ops.embed(table, ids) for table in bank.get("tables", ())), strict=True))
    half, skips = spec.n_layers // 2, {}
    for i in order(spec):
        layer = of_layer(bank, i - spec.n_layers)
        mirror = spec.n_layers - 1 - i
        if spec.unet and mirror in skips and mirror < i:
            x = x + bank["skip"][mirror] * skips[mirror]
        x = block(ops, spec, layer, i, x, x0, values.get(i))
        if spec.unet and i < half:
            skips[i] = x
    return ops.softcap(ops.linear(ops.rms_norm(x), weights["head" if spec.untied else "embed"]), spec.softcap)


LAYERED = ("attn", "mlp", "mix")  # first words of the names of banks with a row for each layer, or each of the last
STACKED = (*LAYERED, "skip", "tables")


def of_layer(bank: dict[str, Any], back: int) -> dict[str, Any]:
    """The weights of one layer, counted from the last, which is -1; the first ones lack attention."""
    layered = {name: rows for name, rows in bank.items() if name.startswith(LAYERED)}
    return {name: rows[back] for name, rows in layered.items() if -back <= len(rows)}


def order(spec: Spec) -> list[int]:
    """Layers in the order they run: depth recurrence passes over its span more than once."""
    span = list(range(spec.loop_from, spec.loop_to))
    return [*range(spec.loop_to), *(span * spec.loops), *range(spec.loop_to, spec.n_layers)]


def embedding(ops: Ops, spec: Spec, weights: dict[str, Any], ids: Any) -> Any:
    """The normalised input [B, T, D]: token, hashed pair and triple of tokens, and a share of the token before."""
    x = ops.embed(weights["embed"], ids)
    before = ops.delay(ids)
    if spec.bigram_buckets:
        pair = (before * (HASH % spec.bigram_buckets) + ids) % spec.bigram_buckets
        x = x + ops.linear(ops.embed(weights["bigram"], pair), weights["bigram.out"])
    if spec.trigram_buckets:
        pair = (ops.delay(before) * (HASH % spec.trigram_buckets) + before) % spec.trigram_buckets
        triple = (pair * (HASH % spec.vocab_size) + ids) % spec.trigram_buckets
        x = x + ops.linear(ops.embed(weights["trigram"], triple), weights["trigram.out"])
    x = ops.rms_norm(x)
    if spec.smear:
        x = x + ops.sigmoid(weights["smear"]) * ops.delay(x)
    return x


def block(ops: Ops, spec: Spec, w: dict[str, Any], i: int, x: Any, x0: Any, value: Any) -> Any:
    """One layer: x[B, T, D] after it.

    x0     the embedding
    value  what the layer's table adds to its values, [B, T, K * d]; None where it has none
    """
    if spec.embed_mix:
        x = w["mix.x"] * x + w["mix.embed"] * x0
    normed, mixed = ops.rms_norm(x), 0
    if "attn.q" in w:
        mixed = w["attn.scale"] * attention(ops, spec, w, convolve(ops, normed, w.get("attn.conv")), value)
        if i < spec.parallel_from:
            x = x + mixed
            normed, mixed = ops.rms_norm(x), 0
    return x + mixed + w["mlp.scale"] * mlp(ops, spec, w, convolve(ops, normed, w.get("mlp.conv")))


def attention(ops: Ops, spec: Spec, w: dict[str, Any], x: Any, value: Any) -> Any:
    """Grouped-query attention with normalised, gained queries and keys: [B, T, D]."""
    batch, length, dim = x.shape
    head = dim // spec.n_heads
    q = ops.linear(x, w["attn.q"]).reshape(batch, length, spec.n_heads, head)
    k = ops.linear(x, w["attn.k"]).reshape(batch, length, spec.n_kv_heads, head)
    v = ops.linear(x, w["attn.v"])
    v = (v if value is None else v + value).reshape(batch, length, spec.n_kv_heads, head)
    q = ops.rope(ops.rms_norm(q), spec.rope_dims, spec.rope_base) * w["attn.gain"].reshape(spec.n_heads, 1)
    k = ops.rope(ops.rms_norm(k), spec.rope_dims, spec.rope_base)
    y = ops.attention(q, k, v)
    if spec.exclusive:
        group = spec.n_heads // spec.n_kv_heads
        y = y.reshape(batch, length, spec.n_kv_heads, group, head)
        unit = (ops.rms_norm(v) * head**-0.5).reshape(batch, length, spec.n_kv_heads, 1, head)
        y = y - (y * unit).sum(-1)[..., None] * unit
    return ops.linear(y.reshape(batch, length, dim), w["attn.out"])


def convolve(ops: Ops, x: Any, weight: Any) -> Any:
    """x plus a weighted sum of the positions before, each dimension on its own."""
    if weight is None:
        return x
    y, past = x, x
    for j in range(weight.shape[0]):
        past = ops.delay(past)
        y = y + weight[j] * past
    return y


def mlp(ops: Ops, spec: Spec, w: dict[str, Any], x: Any) -> Any:
    """Two matrices around a squared leaky ReLU."""
    return ops.linear(ops.relu_squared(ops.linear(x, w["mlp.up"]), spec.relu_slope), w["mlp.down"])
