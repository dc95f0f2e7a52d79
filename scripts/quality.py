"""The default model against the contest's naive baseline: equal width, depth, batch and tokens, several seeds.

scripts/quality DATA TOKENIZER --out quality.jsonl [--iterations 400] [--seeds 1 2 3] [--only control|default]
                               [--rates 0.5 1 2 1:0.5 1:0.25] [--threads 1] [--speed]

DATA holds training shards and validation shards of other text. Every run is one JSON line of OUT; runs that OUT already
has are not made again, so that the work can be cut and shared between processes. The control's learning rates are swept
on the first seed (A multiplies all of them, A:B the embedding's by B besides), and its other seeds use the best. Both
are scored after quantisation from the file on disk by the same evaluation. A table of means comes last.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from golfkit import files, output
from golfkit.train import flatten
from golfkit.train.data import accounting, shards
from golfkit.train.engine import schedule, session
from golfkit.train.engine.loop import Plan
from golfkit.train.engine.torch_backend import TorchBackend
from golfkit.train.model import baseline, default
from golfkit.train.model.parameters import initial, n_params
from golfkit.train.payload import official
from golfkit.train.payload.container import pack

MODELS = {"control": baseline, "default": default}
SPEED_STEPS = 12  # timed, of each model, in turn


def main(arguments: argparse.Namespace) -> int:
    """Make the missing runs, then say what all of them show."""
    import torch

    torch.set_num_threads(arguments.threads)
    if arguments.speed:
        speed(arguments)
        return 0
    for name in [arguments.only] if arguments.only else MODELS:
        for seed, asked in wanted(name, arguments):
            rate = best_rate(of(name, done(arguments))) if asked is None else asked
            if not any((r["model"], r["seed"], r["rate"]) == (name, seed, rate) for r in done(arguments)):
                one(name, seed, rate, arguments)
    summary(done(arguments))
    return 0


def wanted(name: str, arguments: argparse.Namespace) -> list[tuple[int, str | None]]:
    """(seed, rate) of every run; a rate of None is the sweep's best."""
    first, *others = arguments.seeds
    if name == "default":
        return [(seed, "1") for seed in arguments.seeds]
    return [*((first, rate) for rate in arguments.rates), *((seed, None) for seed in others)]


def best_rate(runs: list[dict[str, Any]]) -> str:
    """The best learning rates of a sweep, whose runs are those of the first seed."""
    return min((run for run in runs if run["seed"] == runs[0]["seed"]), key=lambda run: run["val_bpb"])["rate"]


def spec_of(module: ModuleType, rate: str) -> Any:
    """The local spec with all learning rates multiplied."""
    spec = module.LOCAL
    every, _, embed = rate.partition(":")
    rates = {f"{group}_rate": getattr(spec, f"{group}_rate") * float(every) for group in ("matrix", "embed", "scalar")}
    rates["embed_rate"] *= float(embed or 1)
    return replace(spec, **rates)


def one(name: str, seed: int, rate: str, arguments: argparse.Namespace) -> None:
    """Train and score one seed of one model, and append its line."""
    module = MODELS[name]
    spec = spec_of(module, rate)
    backend = build(module, spec, arguments)
    code = flatten.flatten(Path(module.__file__).read_text(), base="LOCAL").packed  # type: ignore[arg-type]

    def own_export(arrays: dict[str, Any]) -> bytes:
        return pack(official.official_int8(arrays), compressors=("zlib",))

    output.note(f"{name} seed {seed} rates x{rate}: {n_params(module.parameters(spec)):,} parameters")
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        result = session.run(
            backend,
            module,
            spec,
            shards.TokenStream(shards.shard_files(arguments.data, "train")),
            validation(spec, arguments),
            Plan(arguments.iterations),
            Path(folder, "final_model.int6.ptz"),
            seed=seed,
            export=own_export if name == "control" else None,
            say=output.note,
            on_step=lambda step: output.note(f"  {step}") if step.step % 100 == 0 else None,
        )
    line = {
        "model": name,
        "seed": seed,
        "rate": rate,
        "val_bpb": result.score.val_bpb,
        "pre_quant": result.pre_quant.val_bpb,
        "sliding": result.sliding.val_bpb if result.sliding else None,
        "ttt": result.ttt.val_bpb if result.ttt else None,
        "artifact_bytes": result.payload_bytes + len(code.encode()),
        "payload_bytes": result.payload_bytes,
        "tokens": result.outcome.tokens_seen,
        "train_s": round(result.outcome.train_s, 1),
        "wall_s": round(time.perf_counter() - began, 1),
    }
    files.append_line(arguments.out, json.dumps(line))


def validation(spec: Any, arguments: argparse.Namespace) -> session.Validation:
    """The whole validation split, audited."""
    tokens = np.concatenate([shards.read_shard(path) for path in shards.shard_files(arguments.data, "val")])
    luts = accounting.byte_luts(arguments.tokenizer, spec.vocab_size)
    accounting.check_bytes_per_token(luts, tokens, arguments.tokenizer)
    return session.Validation(tokens, luts, 8192, arguments.stride, arguments.ttt)


def build(module: ModuleType, spec: Any, arguments: argparse.Namespace) -> TorchBackend:
    """The backend that both models use."""
    return TorchBackend(module, spec, dtype=arguments.dtype, compiled=not arguments.eager)


def speed(arguments: argparse.Namespace) -> None:
    """The default's step time over the control's: steps in turn, medians, on the same batch."""
    backends = {}
    stream = shards.TokenStream(shards.shard_files(arguments.data, "train"))
    inputs, targets = stream.batch(baseline.LOCAL.batch_tokens, baseline.LOCAL.seq_len)
    for name, module in MODELS.items():
        backends[name] = build(module, module.LOCAL, arguments)
        backends[name].load(initial(module.parameters(module.LOCAL), 0))
    wall: dict[str, list[float]] = {name: [] for name in MODELS}
    cpu: dict[str, list[float]] = {name: [] for name in MODELS}
    for step in range(SPEED_STEPS + 2):
        for name, backend in backends.items():
            began, spent = time.perf_counter(), time.process_time()
            backend.step(inputs, targets, schedule.pace(MODELS[name].LOCAL, step, 0.0, 100))
            if step >= 2:
                wall[name].append(time.perf_counter() - began)
                cpu[name].append(time.process_time() - spent)
    for name in MODELS:
        times = statistics.median(wall[name]), statistics.median(cpu[name])
        print(f"{name}: step {times[0]:.3f} s, cpu {times[1]:.3f} s")
    ratios = [statistics.median(times["default"]) / statistics.median(times["control"]) for times in (wall, cpu)]
    print(f"step_time_ratio: {ratios[0]:.3f} (cpu {ratios[1]:.3f})")


def summary(runs: list[dict[str, Any]]) -> None:
    """Means over the seeds; the control's at its best rates."""
    rows = []
    means = {}
    for name in MODELS:
        mine = of(name, runs)
        if not mine:
            return
        best = best_rate(mine)
        mine = [run for run in mine if run["rate"] == best]
        means[name] = statistics.fmean(run["val_bpb"] for run in mine)
        spread = statistics.stdev(run["val_bpb"] for run in mine) if len(mine) > 1 else None
        row = [name, best, len(mine), round(means[name], 4), None if spread is None else round(spread, 4)]
        for key in ("pre_quant", "sliding", "ttt"):
            known = [run[key] for run in mine if run[key] is not None]
            row.append(round(statistics.fmean(known), 4) if known else None)
        rows.append([*row, max(run["artifact_bytes"] for run in mine)])
    output.table(
        ["model", "rates", "seeds", "val_bpb", "sd", "pre_quant", "sliding", "ttt", "artifact_bytes (most)"], rows
    )
    print(f"gain: {100 * (1 - means['default'] / means['control']):.2f}%")


def of(name: str, runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The runs of one model, in their order."""
    return [run for run in runs if run["model"] == name]


def done(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """The runs of OUT that saw as many tokens as are asked for."""
    tokens = arguments.iterations * baseline.LOCAL.batch_tokens
    return [run for run in read(arguments.out) if run["tokens"] == tokens]


def read(out: Path) -> list[dict[str, Any]]:
    """The lines of OUT."""
    return [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("tokenizer")
    parser.add_argument("--out", type=Path, default=Path("quality.jsonl"))
    parser.add_argument("--iterations", type=int, default=400)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4])
    parser.add_argument("--rates", nargs="+", default=["0.5", "1", "2", "1:0.5", "1:0.25"])
    parser.add_argument("--only", choices=tuple(MODELS))
    parser.add_argument("--stride", type=int, default=0)
    parser.add_argument("--ttt", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--eager", action="store_true")
    parser.add_argument("--speed", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(parsed()))
