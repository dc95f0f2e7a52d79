"""One try on this machine, from the workspace's model.py to its row of results.tsv and its run folder."""

import hashlib
import math
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from golfkit import files
from golfkit.errors import GolfError
from golfkit.settings import Settings
from golfkit.train import flatten, trial
from golfkit.train.data import accounting, dataset, shards, tokenizers
from golfkit.train.engine import models, session
from golfkit.train.engine.choice import Choice
from golfkit.train.engine.evaluate import windows
from golfkit.train.engine.loop import Plan, Step
from golfkit.train.model.parameters import n_params
from golfkit.train.runs import record
from golfkit.train.runs.record import RunRecord, SeedResult

PAYLOAD = "final_model.int6.ptz"
EDGE = 1 << 20  # bytes at each end of a shard that its fingerprint covers


@dataclass(frozen=True, kw_only=True)
class Try:
    """What was asked for."""

    home: Path
    settings: Settings
    description: str
    model: models.Model
    spec: Any
    base: str  # LOCAL or FULL: the spec that the changes are made to
    iterations: int
    limit_s: float | None
    seeds: tuple[int, ...]
    stride: int
    ttt: bool
    command: tuple[str, ...]


class Inputs(NamedTuple):
    """The data of a try, opened and audited."""

    data: dataset.Dataset
    tokenizer: tokenizers.Tokenizer
    validation: session.Validation
    bytes_per_token: float


def open_inputs(asked: Try, folder: Path, tokenizer: str, val_tokens: int) -> Inputs:
    """Open shards and tokenizer, refuse what does not go together with the model, and audit the count of bytes.

    val_tokens  how many of the validation tokens to score, from the first; 0: all
    """
    import numpy as np

    models.table_of(asked.model, asked.spec)
    found = dataset.load_dataset(folder)
    read = tokenizers.load_tokenizer(tokenizer)
    dataset.check_dataset(found, read, asked.spec.vocab_size)
    luts = accounting.byte_luts(tokenizer, asked.spec.vocab_size)
    tokens = np.concatenate([shards.read_shard(path) for path in found.val])
    if val_tokens:
        tokens = tokens[: val_tokens + 1]
    windows(len(tokens), asked.spec.seq_len, asked.stride)
    n_train = shards.TokenStream(found.train).n_tokens
    if n_train <= asked.spec.seq_len:
        needed = asked.spec.seq_len + 1
        raise GolfError(f"{folder}: {n_train} training tokens, expected at least {needed}: one sequence; use more text")
    count = accounting.check_bytes_per_token(luts, tokens, tokenizer)
    batch = max(asked.spec.seq_len, min(asked.spec.batch_tokens, 65_536))
    validation = session.Validation(tokens, luts, batch, asked.stride, asked.ttt)
    return Inputs(found, read, validation, count.bytes_per_token)


class Hooks(NamedTuple):
    """Who is told what."""

    note: Callable[[str], None]
    on_step: Callable[[Step], None]
    on_tokens: Callable[[int], None]


def run(asked: Try, inputs: Inputs, choose: Callable[[], Choice], hooks: Hooks) -> trial.Verdict:
    """Train and score every seed, then write the record and append the row; whatever happens, there is one row.

    choose  the backend; it may run the model, and so fail as training may
    """
    began = time.perf_counter()
    rows, _ = trial.before(asked.home)
    code = flatten.flatten(asked.model.source, _changes(asked), base=asked.base, where=str(asked.model.path)).packed
    made = _record(asked, inputs)
    folder = record.reserve(asked.home / "runs", "local", asked.description, (row.commit for row in rows))
    made = replace(made, run=folder.name)
    seeds: list[SeedResult] = []
    failure: GolfError | None = trial.interrupted(folder)
    try:
        files.atomic_write(folder / "train_gpt.py", code)
        files.atomic_write(folder / "model.py", asked.model.source)
        choice = choose()
        hooks.note(choice.why)
        made = replace(
            made, backend=choice.name, device=choice.device, dtype=choice.dtype, versions=_versions(choice.name)
        )
        made = _train(asked, inputs, choice, folder, made, seeds, hooks)
        failure = None
    except GolfError as error:
        failure = error
    except models.FAILURES as error:
        failure = models.broken(asked.model.path, error)
    except MemoryError as error:
        failure = GolfError("out of memory; lower batch_tokens or the model's size")
        failure.__cause__ = error
    except OSError as error:
        failure = trial.stopped(folder, error)
    finally:  # also of ^C, and of what nobody named
        made = replace(record.scored(made, seeds), wall_seconds=round(time.perf_counter() - began, 3))
        verdict = trial.finish(asked.home, asked.settings, made, failure)
    if failure is not None:
        raise failure
    return verdict


def _train(
    asked: Try, inputs: Inputs, choice: Choice, folder: Path, made: RunRecord, seeds: list[SeedResult], hooks: Hooks
) -> RunRecord:
    """The record after all seeds; their results are appended to `seeds` as they come."""
    code_bytes = (folder / "train_gpt.py").stat().st_size
    backend = choice.build(asked.model.module, asked.spec)
    seconds, steps = [], made.steps
    for seed in asked.seeds:
        log = folder / ("train.log" if seed == asked.seeds[0] else f"train.{seed}.log")
        payload = folder / (PAYLOAD if seed == asked.seeds[0] else f"seed{seed}.{PAYLOAD}")
        with log.open("w", encoding="utf-8") as sink:

            def say(line: str, sink: Any = sink) -> None:
                print(line, file=sink, flush=True)

            say(f"seed:{seed} backend:{backend.name} device:{backend.device} dtype:{backend.dtype}")

            def on_step(step: Step, say: Callable[[str], None] = say) -> None:
                words = f"step:{step.step}/{asked.iterations} train_loss:{step.loss:.4f}"
                say(f"{words} train_time:{step.train_s * 1000:.0f}ms step_avg:{step.train_s * 1000 / step.step:.2f}ms")
                hooks.on_step(step)

            result = session.run(
                backend,
                asked.model.module,
                asked.spec,
                shards.TokenStream(inputs.data.train),
                inputs.validation,
                Plan(asked.iterations, asked.limit_s),
                payload,
                seed=seed,
                say=say,
                on_step=on_step,
                on_tokens=hooks.on_tokens,
            )
            say(f"Code size: {code_bytes} bytes")
            say(f"Total submission size int6: {code_bytes + result.payload_bytes} bytes")
        steps = result.outcome.steps
        seconds.append(result.outcome.train_s)
        seeds.append(_seed_result(seed, result, code_bytes))
        made = replace(
            made,
            steps=steps,
            tokens_seen=result.outcome.tokens_seen,
            train_seconds=round(math.fsum(seconds) / len(seconds), 3),
            tokens_per_second=round(result.outcome.tokens_seen / result.outcome.train_s, 1),
            val_tokens=result.score.tokens,
            val_bytes=result.score.bytes,
            peak_memory_gb=round(backend.peak_memory() / trial.LEDGER_GB, 3),
        )
    largest = max(seed.payload_bytes or 0 for seed in seeds)
    weight = record.Artifact(
        code_bytes=code_bytes,
        payload_bytes=largest,
        artifact_bytes=code_bytes + largest,
        limit=asked.settings.artifact_limit,
        payload=PAYLOAD,
    )
    return replace(made, artifact=weight)


def _seed_result(seed: int, result: session.Result, code_bytes: int) -> SeedResult:
    return SeedResult(
        seed=seed,
        val_bpb=result.score.val_bpb,
        val_loss=result.score.val_loss,
        pre_quant_val_bpb=result.pre_quant.val_bpb,
        sliding_val_bpb=result.sliding.val_bpb if result.sliding else None,
        ttt_val_bpb=result.ttt.val_bpb if result.ttt else None,
        artifact_bytes=code_bytes + result.payload_bytes,
        payload_bytes=result.payload_bytes,
    )


def _record(asked: Try, inputs: Inputs) -> RunRecord:
    """What is known of a try before it starts, but for its id."""
    table = asked.model.module.parameters(asked.spec)
    return RunRecord(
        run="new",
        tier="local",
        source="train-local",
        description=asked.description,
        started=trial.now(),
        model=record.Model(
            file=asked.model.path.name,
            sha256=asked.model.sha256,
            spec=asdict(asked.spec),
            n_params=n_params(table),
            base=asked.base,
            changes=_changes(asked),
        ),
        data=record.Data(
            train=str(inputs.data.folder),
            val=str(inputs.data.folder),
            tokenizer=inputs.tokenizer.name,
            tokenizer_sha256=inputs.tokenizer.sha256,
            val_sha256=fingerprint(inputs.data.val),
            train_sha256=fingerprint(inputs.data.train),
        ),
        iterations=asked.iterations,
        limit_seconds=asked.limit_s,
        batch_tokens=asked.spec.batch_tokens,
        seq_len=asked.spec.seq_len,
        git_commit=trial.git_commit(asked.home),
        command=asked.command,
    )


def fingerprint(paths: Sequence[Path]) -> str:
    """A sha256 that tells shards apart without reading all of them: of each, its size and 1 MiB at both ends."""
    state = hashlib.sha256()
    for path in paths:
        size = path.stat().st_size
        with path.open("rb") as source:
            state.update(size.to_bytes(8, "little") + source.read(EDGE))
            source.seek(max(0, size - EDGE))
            state.update(source.read())
    return state.hexdigest()


def _changes(asked: Try) -> dict[str, object]:
    """The fields of the spec that differ from its base, for the flattened script."""
    base = asdict(getattr(asked.model.module, asked.base))
    return {key: value for key, value in asdict(asked.spec).items() if value != base[key]}


def _versions(backend: str) -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in ("golfkit", "numpy", backend):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:  # run from a folder that was never installed
            continue
    return found
