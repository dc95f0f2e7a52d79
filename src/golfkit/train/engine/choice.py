"""Which backend trains here, in which precision: measured on the model itself where more than one could."""

import importlib.util
import shutil
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from golfkit.errors import Exit, GolfError, missing_package
from golfkit.train.engine.schedule import pace
from golfkit.train.model.parameters import initial

CPU_WAYS = (("torch", "float32"), ("torch", "bfloat16"), ("mlx", "float32"))
PROBE_TOKENS = 512  # of a timed step, or one sequence; mlx on a CPU makes some 300 tokens/s
COMPILE_S = 150.0  # training time on a CPU from which torch.compile (about a minute at first) pays


class Choice(NamedTuple):
    """A backend, ready to be built."""

    name: str
    device: str
    dtype: str
    compiled: bool
    why: str

    def build(self, model: Any, spec: Any) -> Any:
        """The backend for a model."""
        if self.name == "mlx":
            from golfkit.train.engine.mlx_backend import MlxBackend

            return MlxBackend(model, spec, dtype=self.dtype)
        from golfkit.train.engine.torch_backend import TorchBackend

        return TorchBackend(model, spec, device=self.device, dtype=self.dtype, compiled=self.compiled)


def choose(wanted: str, model: Any, spec: Any, iterations: int, limit_s: float | None) -> Choice:
    """The backend to train with.

    wanted  auto: mlx on macOS, torch where CUDA is present, else what makes the fastest steps here
    """
    found = installed(wanted)
    if sys.platform == "darwin" and "mlx" in found and wanted != "torch":
        return Choice("mlx", "gpu", "bfloat16", False, "mlx: this is a Mac")
    if "torch" in found and wanted != "mlx" and (gpu := _cuda()):
        return Choice("torch", "cuda", "bfloat16", True, f"torch: {gpu}")
    ways = [way for way in CPU_WAYS if way[0] in found and wanted in ("auto", way[0])]
    if len(ways) == 1:
        return Choice(ways[0][0], "cpu", ways[0][1], False, f"{ways[0][0]}: no other is installed or asked for")
    return _fastest(ways, model, spec, iterations, limit_s)


def installed(wanted: str) -> list[str]:
    """The backends that are installed; an error where what is wanted is not among them."""
    found = [name for name in ("torch", "mlx") if importlib.util.find_spec(name) is not None]
    if wanted != "auto" and wanted not in found:
        raise missing_package(wanted, wanted)
    if not found:
        raise GolfError(
            "neither torch nor mlx is installed; run: pip install 'golfkit[torch]' (or 'golfkit[mlx]')",
            Exit.MISSING_PACKAGE,
        )
    return found


def _fastest(ways: list[tuple[str, str]], model: Any, spec: Any, iterations: int, limit_s: float | None) -> Choice:
    rates = {}
    for name, dtype in ways:
        choice = Choice(name, "cpu", dtype, False, "")
        rates[name, dtype] = tokens_per_second(choice.build(model, spec), model, spec)
    (name, dtype), rate = max(rates.items(), key=lambda item: item[1])
    told = ", ".join(f"{name} {dtype} {rate:,.0f}" for (name, dtype), rate in rates.items())
    expected_s = min(limit_s or float("inf"), iterations * spec.batch_tokens / rate)
    compiled = name == "torch" and expected_s >= COMPILE_S and shutil.which("g++") is not None
    return Choice(name, "cpu", dtype, compiled, f"{name} {dtype}: the fastest here, tokens/s of a short step: {told}")


def tokens_per_second(
    backend: Any, model: Any, spec: Any, clock: Callable[[], float] = time.perf_counter, steps: int = 1
) -> float:
    """The rate of training steps of PROBE_TOKENS; the best of `steps` after a first one."""
    import numpy as np

    rows = max(1, PROBE_TOKENS // spec.seq_len)
    ids = np.random.default_rng(0).integers(0, spec.vocab_size, (rows, spec.seq_len + 1))
    backend.load(initial(model.parameters(spec), 0))
    best = float("inf")
    for step in range(steps + 1):
        began = clock()
        backend.step(ids[:, :-1], ids[:, 1:], pace(spec, step, 0.0, steps + 1))
        if step:
            best = min(best, clock() - began)
    return rows * spec.seq_len / best


def _cuda() -> str | None:
    """The name of the GPU that torch can use."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else None
