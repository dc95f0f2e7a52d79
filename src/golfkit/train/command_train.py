"""`golf train-local`: one try on this machine, judged and recorded."""

import contextlib
import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from golfkit import output, settings
from golfkit.errors import Exit, GolfError
from golfkit.interrupts import stoppable

if TYPE_CHECKING:
    from golfkit.train.foreign.environment import Flags
    from golfkit.train.local import Try
    from golfkit.train.trial import Verdict

MODEL = "model.py"
BACKENDS = ("auto", "mlx", "torch")
ITERATIONS = 500
FIRST_SEED = 1337
VAL_TOKENS = 1 << 20  # scored unless asked otherwise: 2.5 MB of text; the whole official split takes an hour on a CPU

BackendOption = Annotated[str, typer.Option(help="auto, mlx or torch; auto measures where more than one could.")]
IterationsOption = Annotated[
    int | None,
    typer.Option(min=1, help=f"Steps; default {ITERATIONS}, without end with --minutes.", show_default=False),
]
MinutesOption = Annotated[
    float | None,
    typer.Option(min=0.001, help="Minutes of training; the schedule follows the clock.", show_default=False),
]
SeedsOption = Annotated[int, typer.Option(min=1, max=100, help="Runs with different seeds; 2 or more measure noise.")]
SeedOption = Annotated[int, typer.Option(min=0, help="The first seed.")]
ScriptOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Run this train_gpt.py instead of the workspace's model.", show_default=False),
]
DescriptionOption = Annotated[str, typer.Option(metavar="TEXT", help="What is tried; names the run.")]
ModelOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Default: model.py of the workspace.", show_default=False)
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Change one field of the spec; may be repeated.", show_default=False
    ),
]
FullFlag = Annotated[bool, typer.Option("--full", help="Train the contest's spec (FULL) instead of LOCAL.")]
DataOption = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Folder of shards; default: data_path.", show_default=False)
]
TokenizerOption = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Its .model, or bytes; default: tokenizer_path.", show_default=False),
]
ValTokensOption = Annotated[
    int, typer.Option(min=0, help="Validation tokens scored, from the first; 0: all of the split.")
]
StrideOption = Annotated[int, typer.Option(min=0, help="Score by sliding windows of this stride besides; 0: not.")]
TttFlag = Annotated[bool, typer.Option("--ttt", help="Score with test-time training besides: score first, then learn.")]
ProcessesOption = Annotated[int, typer.Option(min=1, help="With --script: processes, through torchrun.")]
WorkspaceOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder with golf.toml; default: here or a parent.", show_default=False),
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def run(
    backend: BackendOption = "auto",
    iterations: IterationsOption = None,
    minutes: MinutesOption = None,
    seeds: SeedsOption = 1,
    seed: SeedOption = FIRST_SEED,
    script: ScriptOption = None,
    description: DescriptionOption = "",
    model: ModelOption = None,
    change: SetOption = None,
    full: FullFlag = False,
    data: DataOption = None,
    tokenizer: TokenizerOption = None,
    val_tokens: ValTokensOption = VAL_TOKENS,
    stride: StrideOption = 0,
    ttt: TttFlag = False,
    processes: ProcessesOption = 1,
    workspace: WorkspaceOption = None,
    json: JsonFlag = False,
) -> None:
    """Train the workspace's model here, score its artifact, and record the try: keep, discard or crash.

    val_bpb is that of the artifact re-read from disk, by the contest's byte accounting.
    """
    if backend not in BACKENDS:
        raise GolfError(f"--backend {backend}: expected one of {', '.join(BACKENDS)}", Exit.USAGE)
    home = settings.require_workspace(Path.cwd(), os.environ, workspace)
    given = {"--backend": backend != "auto", "--seeds": seeds > 1, "--model": model, "--set": change, "--full": full}
    given |= {"--val-tokens": val_tokens != VAL_TOKENS, "--stride": stride, "--ttt": ttt}
    _refuse(script is not None, given, "with --script, which trains and scores by its own rules")
    _refuse(script is None, {"--processes": processes > 1}, "without --script")
    values = settings.load(os.environ, home)
    folder = data or home / values.data_path
    chosen = tokenizer or values.tokenizer_path
    if chosen != "bytes" and not tokenizer:
        chosen = str(home / chosen)
    if script is not None:
        from golfkit.train.foreign.environment import Flags

        flags = Flags(
            iterations=iterations or (ITERATIONS if minutes is None else None),
            minutes=minutes,
            seed=seed,
            data=folder,
            tokenizer=Path(chosen),
        )
        with stoppable_as_interrupt():
            _report(_run_script(script, description, home, values, flags, processes), json)
        return
    from golfkit.train import local
    from golfkit.train.engine import models

    loaded = models.load(model or home / MODEL)
    asked = local.Try(
        home=home,
        settings=values,
        description=description or (model or Path(MODEL)).stem,
        model=loaded,
        spec=models.spec_of(loaded, change or [], full=full),
        base="FULL" if full else "LOCAL",
        iterations=iterations or (ITERATIONS if minutes is None else 1_000_000),
        limit_s=None if minutes is None else minutes * 60,
        seeds=tuple(range(seed, seed + seeds)),
        stride=stride,
        ttt=ttt,
        command=tuple(sys.argv),
    )
    with stoppable_as_interrupt():
        _report(_train(asked, folder, chosen, val_tokens, backend), json)


def _train(asked: "Try", folder: Path, tokenizer: str, val_tokens: int, backend: str) -> "Verdict":
    from golfkit.train import local
    from golfkit.train.engine import choice, session

    choice.installed(backend)
    inputs = local.open_inputs(asked, folder, tokenizer, val_tokens)
    scored = session.n_tokens(asked.spec, inputs.validation)
    clock = asked.limit_s is not None  # then the bar counts its seconds
    total = math.ceil(asked.limit_s) if asked.limit_s is not None else asked.iterations
    with output.progress("train", len(asked.seeds) * total, unit="s" if clock else "step") as meter:
        shown, n = 0, 0

        def on_step(step: Any) -> None:
            nonlocal shown, n
            done = min(total, int(step.train_s)) if clock else step.step
            bpb = step.loss / math.log(2) / inputs.bytes_per_token
            rate = step.step * asked.spec.batch_tokens / step.train_s
            words = f"step {step.step}  loss {step.loss:.4f}  bpb about {bpb:.4f}  {rate:,.0f} tokens/s"
            meter.advance(done - (shown if step.step > 1 else 0), words)
            shown, n = done, 0

        def on_tokens(more: int) -> None:
            nonlocal n
            n += more
            meter.advance(0, f"scoring, pass {-(-n // scored)}: {n % scored or scored:,} of {scored:,} tokens")

        def choose() -> choice.Choice:
            return choice.choose(backend, asked.model.module, asked.spec, asked.iterations, asked.limit_s)

        return local.run(asked, inputs, choose, local.Hooks(output.note, on_step, on_tokens))


def _refuse(when: bool, given: dict[str, Any], why: str) -> None:
    """A flag that would be passed over is a usage error."""
    for name, value in given.items():
        if when and value:
            raise GolfError(f"{name} cannot be given {why}", Exit.USAGE)


def _run_script(
    script: Path, description: str, home: Path, values: settings.Settings, flags: "Flags", processes: int
) -> "Verdict":
    from golfkit.train.foreign import trial
    from golfkit.train.logs.steps import reading_of

    asked = trial.Script(
        home=home,
        settings=values,
        description=description or script.stem,
        path=script,
        flags=flags,
        processes=processes,
        command=tuple(sys.argv),
    )
    with output.progress(script.name, flags.iterations or 1, unit="step") as meter:
        done = 0

        def on_line(line: str) -> None:
            nonlocal done
            seen = reading_of(line)
            if seen is not None and seen.step > done:
                loss = "" if seen.train_loss is None else f"loss {seen.train_loss:.4f}"
                meter.advance(seen.step - done, loss)
                done = seen.step

        return trial.run(asked, os.environ, on_line, output.note)


def _report(verdict: "Verdict", as_json: bool) -> None:
    made, decided = verdict.record, verdict.decision
    first, weight = made.seeds[0], made.artifact
    facts: dict[str, Any] = {
        "run": made.run,
        "status": decided.status,
        "promotable": decided.promotable,
        "reason": decided.reason,
        "val_bpb": made.val_bpb,
        "pre_quant_val_bpb": _mean([one.pre_quant_val_bpb for one in made.seeds]),
        "noise_bpb": made.noise_bpb,
    }
    if first.sliding_val_bpb is not None:
        facts["sliding_val_bpb"] = _mean([one.sliding_val_bpb for one in made.seeds])
    if first.ttt_val_bpb is not None:
        facts["ttt_val_bpb"] = _mean([one.ttt_val_bpb for one in made.seeds])
    facts |= {
        "artifact_bytes": weight.artifact_bytes,
        "code_bytes": weight.code_bytes,
        "payload_bytes": weight.payload_bytes,
        "headroom": None if weight.artifact_bytes is None else (weight.limit or 0) - weight.artifact_bytes,
        "params": made.model.n_params,
        "steps": made.steps,
        "tokens_seen": made.tokens_seen,
        "train_seconds": made.train_seconds,
        "tokens_per_second": made.tokens_per_second,
        "backend": f"{made.backend} {made.device} {made.dtype}",
        "memory_gb": made.peak_memory_gb,
    }
    output.emit(facts, as_json=as_json)
    follow = "golf promote --tier runpod" if decided.promotable else "golf results show"
    output.note(f"next: {follow}")


def _mean(numbers: list[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return math.fsum(known) / len(known) if known else None


@contextlib.contextmanager
def stoppable_as_interrupt() -> Iterator[None]:
    """SIGTERM and SIGHUP end the block as ^C does, and with its exit code."""
    try:
        with stoppable():
            yield
    except SystemExit as error:
        raise KeyboardInterrupt from error
