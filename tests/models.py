"""Both models, small and with every switch both ways; random weights and one batch; and each library's loss of them."""

from collections.abc import Callable
from dataclasses import fields, replace
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pytest

from golfkit.train.model import baseline, default
from golfkit.train.model.ops_mlx import MlxOps
from golfkit.train.model.ops_numpy import NumpyOps
from golfkit.train.model.ops_torch import TorchOps
from golfkit.train.model.recipe import Recipe

Arrays = dict[str, Any]

SHAPE: dict[str, Any] = {"vocab_size": 48, "seq_len": 12, "n_layers": 4, "dim": 32, "n_heads": 4, "n_kv_heads": 2}
SHAPE |= {"mlp_mult": 1.5, "softcap": 8.0, "rope_dims": 4, "relu_slope": 0.5, "bigram_buckets": 24, "bigram_dim": 8}
SHAPE |= {"trigram_buckets": 0}
SHAPE |= {"conv_attn": 0, "conv_mlp": 0, "value_tables": 0}
SHAPE |= {"parallel_from": 99, "loop_from": 0, "loop_to": 0, "loops": 0}
SMALL = replace(default.LOCAL, **SHAPE)
SMALL_BASELINE = replace(
    baseline.LOCAL, vocab_size=48, seq_len=12, n_layers=4, dim=32, n_heads=4, n_kv_heads=2, softcap=8.0
)
SHAPE_NAMES = {field.name for field in fields(default.Spec)} - {field.name for field in fields(Recipe)}
BOOLS = [name for name in sorted(SHAPE_NAMES) if isinstance(getattr(SMALL, name), bool)]
LOOPS = {"loop_from": 1, "loop_to": 3, "loops": 2}
CHANGES: dict[str, dict[str, Any]] = {
    "as-local": {},
    "nothing": {"bigram_buckets": 0, "relu_slope": 0.0} | dict.fromkeys(BOOLS, False),
    "everything": {"n_layers": 5, "parallel_from": 3, "conv_attn": 1, "conv_mlp": 2, **LOOPS}
    | dict.fromkeys(BOOLS, True),
    **{f"{name}-{'off' if getattr(SMALL, name) else 'on'}": {name: not getattr(SMALL, name)} for name in BOOLS},
    "bigram-off": {"bigram_buckets": 0},
    "bigram-other": {"bigram_buckets": 7, "bigram_dim": 3},
    "ungrouped": {"n_kv_heads": 4},
    "one-kv-head-of-two": {"n_heads": 2, "n_kv_heads": 1, "dim": 24, "mlp_mult": 2.0},
    "odd-layers": {"n_layers": 3},
    "one-layer": {"n_layers": 1, "attn_from": 0},
    "attention-in-every-layer": {"attn_from": 0},
    "attention-in-the-last-layer": {"attn_from": 9},
    "rope-whole-head": {"rope_dims": 8, "rope_base": 100.0},
    "relu": {"relu_slope": 0.0, "softcap": 3.0},
    "convolutions": {"conv_attn": 2, "conv_mlp": 3},
    "value-tables": {"value_tables": 1},
    "trigram": {"trigram_buckets": 50},
    "value-tables-of-all-layers": {"value_tables": 2, "attn_from": 0},
    "parallel": {"parallel_from": 0},
    "parallel-late": {"parallel_from": 2},
    "loops": LOOPS,
    "loops-from-0": {"loop_from": 0, "loop_to": 4, "loops": 1},
}
# Where training starts, and how weights are stored.
NOT_IN_FORWARD = {"table_rate", "table_bits", "qk_gain", "matrix_bits", "matrix_spread", "table_spread", "embed_bits"}


class Case(NamedTuple):
    """A model and a spec of it."""

    name: str
    model: ModuleType
    spec: Any


CASES = [Case(f"default-{name}", default, replace(SMALL, **change)) for name, change in CHANGES.items()] + [
    Case("baseline", baseline, SMALL_BASELINE),
    Case("baseline-ungrouped", baseline, replace(SMALL_BASELINE, n_kv_heads=4)),
    Case("baseline-odd-layers", baseline, replace(SMALL_BASELINE, n_layers=3, rope_base=100.0)),
    Case("baseline-one-layer", baseline, replace(SMALL_BASELINE, n_layers=1, mlp_mult=3)),
]
EVERYTHING = next(case for case in CASES if case.name == "default-everything")
each_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


def weights_of(case: Case) -> Arrays:
    """Random float64 weights in every array: training's own start has zeros, behind which mistakes would hide."""
    rng = np.random.default_rng(1)
    spread = {"matrix": lambda row: row.shape[-1] ** -0.5, "embed": lambda row: 1.0, "scalar": lambda row: 1.0}
    return {row.name: rng.normal(0, spread[row.group](row), row.shape) for row in case.model.parameters(case.spec)}


def batch_of(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """ids and targets, int64[3, seq_len]."""
    ids = np.random.default_rng(2).integers(0, case.spec.vocab_size, (3, case.spec.seq_len + 1))
    return ids[:, :-1], ids[:, 1:]


def numpy_logits(case: Case, weights: Arrays, ids: np.ndarray) -> np.ndarray:
    """float64[B, T, V]."""
    return case.model.forward(NumpyOps(), case.spec, weights, ids)


def numpy_loss(case: Case, weights: Arrays) -> float:
    """Mean nats of the batch."""
    ids, targets = batch_of(case)
    return float(NumpyOps().cross_entropy(numpy_logits(case, weights, ids), targets).mean())


def torch_loss(case: Case, weights: Arrays, dtype: str = "float32") -> tuple[float, Arrays]:
    """Mean nats of the batch, and the gradient as float64 numpy arrays; master weights are never below float32."""
    torch = needs_torch()
    compute, held = getattr(torch, dtype), torch.float64 if dtype == "float64" else torch.float32
    leaves = {name: torch.tensor(array, dtype=held, requires_grad=True) for name, array in weights.items()}
    ids, targets = map(torch.tensor, batch_of(case))
    ops = TorchOps(compute)
    loss = ops.cross_entropy(case.model.forward(ops, case.spec, leaves, ids), targets).mean()
    grads = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True, materialize_grads=True)
    return loss.item(), {name: grad.double().numpy() for name, grad in zip(leaves, grads, strict=True)}


def mlx_loss(case: Case, weights: Arrays, dtype: str = "float32") -> tuple[float, Arrays]:
    """The same in MLX."""
    mx = needs_mlx()
    ids, targets = (mx.array(array.astype(np.int32)) for array in batch_of(case))
    ops = MlxOps(getattr(mx, dtype))

    def mean_nats(leaves: Arrays) -> Any:
        return ops.cross_entropy(case.model.forward(ops, case.spec, leaves, ids), targets).mean()

    loss, grads = mx.value_and_grad(mean_nats)({name: mx.array(a.astype(np.float32)) for name, a in weights.items()})
    return loss.item(), {name: np.array(grad, np.float64) for name, grad in grads.items()}


def needs_torch() -> ModuleType:
    """PyTorch, or the test is skipped."""
    return pytest.importorskip("torch", reason="PyTorch is not installed: scripts/setup test")


def needs_mlx() -> ModuleType:
    """mlx.core, or the test is skipped."""
    return pytest.importorskip("mlx.core", reason="MLX is not installed: scripts/setup test")


def apart(a: Any, b: Any) -> float:
    """The norm of a - b relative to that of b; 0 where both are 0."""
    return float(np.linalg.norm(np.subtract(a, b)) / max(np.linalg.norm(b), 1e-30))


class Library(NamedTuple):
    """An array library: its ops, and how floats and ids enter it and leave."""

    ops: Any
    floats: Callable[[Any], Any]
    ids: Callable[[Any], Any]
    leave: Callable[[Any], np.ndarray] = np.asarray


each_library = pytest.mark.parametrize("name", ["numpy", "torch", "mlx"])


def library(name: str) -> Library:
    """numpy in float64, torch or mlx in float32; the test is skipped where it is not installed."""
    if name == "numpy":
        return Library(NumpyOps(), lambda a: np.array(a, np.float64), np.array)
    if name == "torch":
        torch = needs_torch()
        return Library(TorchOps(torch.float32), lambda a: torch.tensor(a, dtype=torch.float32), torch.tensor)
    mx = needs_mlx()
    return Library(MlxOps(mx.float32), lambda a: mx.array(a, mx.float32), lambda a: mx.array(a, mx.int32))
