"""One seed from first weights to score: train, export, read the artifact back, and score what is on disk."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from golfkit.train.data.accounting import Luts
from golfkit.train.engine.calibrate import compensated
from golfkit.train.engine.evaluate import Score, evaluate
from golfkit.train.engine.loop import Outcome, Plan, Step, Stream, prime, train
from golfkit.train.engine.schedule import Pace
from golfkit.train.model.parameters import initial
from golfkit.train.payload.container import pack, weights
from golfkit.train.payload.quantise import quantise

if TYPE_CHECKING:
    import numpy as np


CALIBRATION = 8192  # tokens of training text for error compensation


class Validation(NamedTuple):
    """What to score on, and which ways."""

    tokens: "np.ndarray"
    luts: Luts
    batch_tokens: int  # of all processes
    stride: int = 0  # sliding windows besides; 0: none
    ttt: bool = False  # test-time training besides


class Result(NamedTuple):
    """One seed's outcome; scores but the first are of the artifact re-read from disk."""

    outcome: Outcome
    pre_quant: Score
    score: Score
    sliding: Score | None
    ttt: Score | None
    payload_bytes: int


class Group(NamedTuple):
    """The processes that train together; these defaults are one alone."""

    rank: int = 0
    world_size: int = 1
    agree: Callable[[float], float] = lambda number: number
    combine: Callable[[list[float]], list[float]] = list
    wait: Callable[[], None] = lambda: None


ALONE = Group()


def run(
    backend: Any,
    model: Any,
    spec: Any,
    stream: Stream,
    validation: Validation,
    plan: Plan,
    payload: Path,
    *,
    seed: int,
    export: Callable[[dict[str, Any]], bytes] | None = None,
    restore: Callable[[bytes], dict[str, Any]] = weights,
    group: Group = ALONE,
    say: Callable[[str], None] = lambda line: None,
    on_step: Callable[[Step], None] = lambda step: None,
    on_tokens: Callable[[int], None] = lambda n: None,
) -> Result:
    """Train one seed and score its artifact.

    payload  the file to write, by the first process alone
    export   the payload's bytes from float32 weights, which `restore` undoes; by default those of `stored`
    say      takes the lines of the log, in the official forms
    """
    arrays = initial(model.parameters(spec), seed)
    prime(backend, spec, stream, plan, arrays)
    outcome = train(backend, spec, stream, plan, clock=time.perf_counter, agree=group.agree, on_step=on_step)
    if outcome.steps < plan.iterations:
        stopped = f"train_time:{outcome.train_s * 1000:.0f}ms step:{outcome.steps}/{plan.iterations}"
        say(f"stopping_early: wallclock_cap {stopped}")
    say(f"peak memory allocated: {backend.peak_memory() >> 20} MiB")
    trained = backend.weights()
    backend.load(trained)
    pre_quant = score(backend, spec, validation, group, on_tokens=on_tokens)
    say(f"step:{outcome.steps}/{plan.iterations} {shown(pre_quant)} train_time:{outcome.train_s * 1000:.0f}ms")
    if group.rank == 0:
        content = export(trained) if export else stored(backend, model, spec, stream, trained)
        part = payload.with_name(f".{payload.name}.part")
        try:
            part.write_bytes(content)
            part.replace(payload)
        finally:
            part.unlink(missing_ok=True)
    group.wait()
    data = payload.read_bytes()
    say(f"Serialized model {payload.suffixes[-2][1:]}: {len(data)} bytes")
    backend.load(restore(data))

    def final(label: str, **how: Any) -> Score:
        began = time.perf_counter()
        found = score(backend, spec, validation, group, on_tokens=on_tokens, **how)
        say(f"{label} {shown(found)} eval_time:{1000 * (time.perf_counter() - began):.0f}ms")
        return found

    stride = validation.stride
    scored = final("final_artifact_roundtrip_exact")
    sliding = final(f"final_sliding_window_exact stride:{stride}", stride=stride) if stride else None
    adapted = final("legal_ttt_exact", ttt=True) if validation.ttt else None
    return Result(outcome, pre_quant, scored, sliding, adapted, len(data))


def score(
    backend: Any,
    spec: Any,
    validation: Validation,
    group: Group = ALONE,
    *,
    stride: int = 0,
    ttt: bool = False,
    on_tokens: Callable[[int], None] = lambda n: None,
) -> Score:
    """Score the loaded weights; with `ttt` they are trained on every batch after it was scored."""
    adapt = None
    if ttt:
        gentle = Pace(spec.ttt_rate, spec.momentum, 1.0, 1.0, 0.0)

        def adapt(inputs: Any, targets: Any) -> None:
            backend.step(inputs, targets, gentle)

    return evaluate(
        backend.nll,
        validation.tokens,
        validation.luts,
        spec.seq_len,
        batch_tokens=validation.batch_tokens // group.world_size,
        stride=stride,
        part=(group.rank, group.world_size),
        combine=group.combine,
        adapt=adapt,
        on_tokens=on_tokens,
    )


def stored(backend: Any, model: Any, spec: Any, stream: Stream, arrays: "dict[str, np.ndarray]") -> bytes:
    """The payload of trained weights, which the backend holds, each quantised as the parameter table says.

    With `spec.gptq` matrices are compensated on the batch of training tokens that the stream gives next.
    """
    table = model.parameters(spec)
    if spec.gptq:
        rows = max(1, CALIBRATION // spec.seq_len) * spec.seq_len
        return pack(compensated(table, arrays, backend.moments(stream.batch(rows, spec.seq_len)[0])))
    return pack({row.name: quantise(arrays[row.name], row.bits, row.spread or None, row.shared) for row in table})


def shown(scored: Score) -> str:
    """A score in the words of the official logs."""
    return f"val_loss:{scored.val_loss:.8f} val_bpb:{scored.val_bpb:.8f}"


def n_tokens(spec: Any, validation: Validation) -> int:
    """Tokens that one pass of the validation scores."""
    return math.floor((len(validation.tokens) - 1) / spec.seq_len) * spec.seq_len
