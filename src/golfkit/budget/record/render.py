"""The texts of a record folder. Pure. Unknown is null or a dash, and nothing is claimed that was not measured."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from golfkit.budget.record.checks import EVALUATION_SECONDS, GRACE_S
from golfkit.budget.record.folder import OTHER_TRACK
from golfkit.budget.record.seed_runs import Experiment, SeedRun
from golfkit.budget.record.seeds import SEEDS
from golfkit.files import neutralise

NOT_CHECKED = ("no_slot", "no_pre_quant_ttt", "no_etlb", "no_ngram_cache", "score_first_ttt")  # by nobody here


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What was asked for."""

    name: str
    track: str
    date: str  # 2026-05-01, UTC
    author: str | None
    github_id: str | None
    limit: int  # bytes
    training_seconds: float


def submission(made: Experiment, asked: Wishes) -> dict[str, Any]:
    """The table of submission.json."""
    scores = [seed.val_bpb for seed in made.seeds]
    losses = [seed.said.log.val_loss for seed in made.seeds]
    known = [loss for loss in losses if loss is not None]
    return {
        "author": asked.author,
        "github_id": asked.github_id,
        "name": asked.name,
        "blurb": neutralise(made.first.description or ""),
        "date": asked.date,
        "track": asked.track,
        "val_loss": statistics.fmean(known) if len(known) == len(losses) else None,
        "val_bpb": statistics.fmean(scores),
        "val_bpb_std": statistics.stdev(scores) if len(scores) > 1 else None,
        "seeds": [seed.seed for seed in made.seeds],
        "seed_results": {str(seed.seed): _seed(seed, len(made.script)) for seed in made.seeds},
        "bytes_total": made.artifact_bytes,
        "bytes_code": len(made.script),
        "hardware": hardware(made),
        "pytorch_version": versions(made).get("torch"),
        "technique_summary": neutralise(made.first.description or ""),
        "compliance": _compliance(made, asked),
    }


def _seed(seed: SeedRun, code_bytes: int) -> dict[str, Any]:
    log = seed.said.log
    return {
        "val_bpb": log.val_bpb,
        "val_loss": log.val_loss,
        "artifact_bytes": code_bytes + seed.payload_bytes,
        "steps": log.steps,
        "train_seconds": log.train_seconds,
        "eval_seconds": log.eval_seconds,
    }


def _compliance(made: Experiment, asked: Wishes) -> dict[str, bool | None]:
    training = [seed.said.log.train_seconds for seed in made.seeds]
    evaluation = [seed.said.log.eval_seconds for seed in made.seeds]
    return {
        "train_under_600s": _within(training, asked.training_seconds),
        "artifact_under_16mb": made.artifact_bytes <= asked.limit,
        "eval_under_600s": _within(evaluation, EVALUATION_SECONDS),
        "three_seeds": len(made.seeds) >= SEEDS,
        **dict.fromkeys(NOT_CHECKED),
    }


def _within(seconds: Sequence[float | None], limit: float) -> bool | None:
    """Whether all are within the limit; None where one is unknown and none is over it."""
    over = any(value is not None and value > limit + GRACE_S for value in seconds)
    return None if None in seconds and not over else not over


def hardware(made: Experiment) -> str | None:
    """The machine: as nvidia-smi says in a log, else as run.json does where it names a GPU."""
    gpus = made.seeds[0].said.gpus
    if gpus:
        return f"{len(gpus)}x {gpus[0]}"
    device = made.first.device
    return f"{made.seeds[0].said.log.world_size or 1}x {device}" if device and "NVIDIA" in device else None


def versions(made: Experiment) -> dict[str, str]:
    """The packages' versions that run.json recorded, and PyTorch's by the log."""
    torch = made.seeds[0].said.torch
    return {**(made.first.versions or {}), **({"torch": torch} if torch else {})}


def readme(made: Experiment, asked: Wishes) -> str:
    """The text of README.md."""
    table = submission(made, asked)
    log = made.seeds[0].said.log
    rows = [f"| {seed.seed} | {' | '.join(_cells(seed, made))} |" for seed in made.seeds]
    spread = f" +- {table['val_bpb_std']:.5f} (sample standard deviation)" if table["val_bpb_std"] is not None else ""
    facts = {
        "Hardware": table["hardware"],
        "PyTorch": table["pytorch_version"],
        "Parameters": f"{made.first.model.n_params or log.n_params or 0:,}",
        "Code": f"{len(made.script):,} bytes, `train_gpt.py` as it lies here",
        "Artifact": f"{made.artifact_bytes:,} of {asked.limit:,} bytes with the largest payload",
        "Tokenizer": made.first.data.tokenizer,
        "Training data": _digest(made.first.data.train_sha256),
        "Validation data": _digest(made.first.data.val_sha256),
    }
    sections = [
        f"# {neutralise(asked.name)}",
        f"**val_bpb {table['val_bpb']:.5f}**{spread}, mean of {len(rows)} seed{'' if len(rows) == 1 else 's'}.",
        *(["A submission for the non-record track."] if asked.track == OTHER_TRACK else []),
        neutralise(made.first.description or ""),
        "\n".join(["## Results", "", _HEAD, *rows]),
        "\n".join(["## Facts", "", *(f"- {key}: {value}" for key, value in facts.items() if value not in (None, "0"))]),
        f"## Command\n\n```bash\n{_command(made)}\n```",
    ]
    for title, spec in (("Spec", made.first.model.spec), ("Changes of the spec", made.first.model.changes)):
        if spec:
            sections.append(f"## {title}\n\n```json\n{json.dumps(spec, indent=2)}\n```")
    return "\n\n".join(section for section in sections if section) + "\n"


_HEAD = """| seed | val_bpb | val_loss | steps | training, s | evaluation, s | payload, bytes | artifact, bytes |
|---:|---:|---:|---:|---:|---:|---:|---:|"""


def _cells(seed: SeedRun, made: Experiment) -> list[str]:
    log = seed.said.log
    cells = [
        f"{seed.val_bpb:.8f}",
        "-" if log.val_loss is None else f"{log.val_loss:.8f}",
        *("-" if value is None else f"{value:,}" for value in (log.steps, log.train_seconds, log.eval_seconds)),
    ]
    return [*cells, f"{seed.payload_bytes:,}", f"{len(made.script) + seed.payload_bytes:,}"]


def _command(made: Experiment) -> str:
    n_processes = made.seeds[0].said.log.world_size or 1
    seeds = " ".join(str(seed.seed) for seed in made.seeds)
    limits = {"ITERATIONS": made.first.iterations, "MAX_WALLCLOCK_SECONDS": made.first.limit_seconds}
    given = "".join(f"{name}={value:g} " for name, value in limits.items() if value is not None)
    return (
        "pip install -r requirements.txt\n"
        f"for seed in {seeds}; do\n"
        f"  SEED=$seed {given}torchrun --standalone --nproc_per_node={n_processes} train_gpt.py\n"
        "done"
    )


def _digest(digest: str | None) -> str | None:
    return f"sha256 `{digest}`" if digest else None
