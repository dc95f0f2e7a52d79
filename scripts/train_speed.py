"""Training tokens per second of every backend here, beside plain PyTorch: eager, float32, the same model and batch.

scripts/train-speed [--steps 5] [--threads 1] [--no-mlx]      the local model, whole steps (forward, backward, update)

Ways take turns, a step each, so that a busy machine slows all of them alike; medians, of CPU time too.
"""

import argparse
import importlib.util
import statistics
import sys
import time
from typing import Any

import numpy as np

from golfkit import output
from golfkit.train.engine.schedule import pace
from golfkit.train.model import default
from golfkit.train.model.parameters import initial

PLAIN = "torch float32 eager (plain PyTorch)"
MLX_SHARE = 8  # mlx takes an eighth of the batch: on a CPU it needs half a minute for a whole one


def main(arguments: argparse.Namespace) -> int:
    """Time the steps and print a table."""
    import torch

    torch.set_num_threads(arguments.threads)
    spec, ways = default.LOCAL, build(default.LOCAL, arguments)
    ids = np.random.default_rng(0).integers(0, spec.vocab_size, (spec.batch_tokens // spec.seq_len, spec.seq_len + 1))
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for step in range(arguments.steps + 2):  # two for compilers
        for name, backend in ways.items():
            rows = ids[: max(1, len(ids) // (MLX_SHARE if backend.name == "mlx" else 1))]
            began, spent = time.perf_counter(), time.process_time()
            backend.step(rows[:, :-1], rows[:, 1:], pace(spec, step, 0.0, 100))
            n_tokens = len(rows) * spec.seq_len
            if step >= 2:
                times[name].append(((time.perf_counter() - began) / n_tokens, (time.process_time() - spent) / n_tokens))
    medians = {
        name: [statistics.median(column) for column in zip(*found, strict=True)] for name, found in times.items()
    }
    rows = [
        [name, round(1 / wall), round(1 / cpu), round(medians[PLAIN][0] / wall, 2), round(medians[PLAIN][1] / cpu, 2)]
        for name, (wall, cpu) in medians.items()
    ]
    output.table(["backend", "tokens/s", "tokens/CPU s", "times plain", "times plain by CPU"], rows)
    return 0


def build(spec: Any, arguments: argparse.Namespace) -> dict[str, Any]:
    """The backends, loaded."""
    from golfkit.train.engine.torch_backend import TorchBackend

    ways: dict[str, Any] = {
        PLAIN: TorchBackend(default, spec),
        "torch bfloat16 eager": TorchBackend(default, spec, dtype="bfloat16"),
        "torch float32 compiled": TorchBackend(default, spec, compiled=True),
        "torch bfloat16 compiled": TorchBackend(default, spec, dtype="bfloat16", compiled=True),
    }
    if importlib.util.find_spec("mlx") and not arguments.no_mlx:
        from golfkit.train.engine.mlx_backend import MlxBackend

        ways["mlx float32"] = MlxBackend(default, spec)
    for backend in ways.values():
        backend.load(initial(default.parameters(spec), 0))
    return ways


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--no-mlx", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(parsed()))
