"""The training loop: batches in, weights in the backend out; stops by iterations, by the clock, or when it diverges."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from golfkit.errors import Exit, GolfError
from golfkit.train.engine.schedule import pace

SETTLED = 20  # steps in which a loss may leap and come back, as it does under high rates for embeddings
DIVERGED = 2.0  # nats above the first step's loss


class Diverged(GolfError):
    """The loss is NaN, infinite, or far above where it began; the run ends at once."""


class Plan(NamedTuple):
    """How long to train, and where this process stands."""

    iterations: int
    limit_s: float | None = None  # training seconds; the schedule then follows the clock
    rank: int = 0
    world_size: int = 1


class Step(NamedTuple):
    """What one step reports."""

    step: int  # done so far
    loss: float  # mean over the batch before the update, nats a token
    train_s: float  # since the first step began


class Outcome(NamedTuple):
    """What a training gave."""

    steps: int
    tokens_seen: int
    train_s: float
    loss: float  # of the last step


class Stream(Protocol):
    """Where batches come from: train.data.shards.TokenStream."""

    position: int

    def batch(self, global_tokens: int, seq_len: int, rank: int = 0, world_size: int = 1) -> tuple[Any, Any]:
        """The next inputs and targets of this rank."""


def train(
    backend: Any,
    spec: Any,
    stream: Stream,
    plan: Plan,
    *,
    clock: Callable[[], float],
    agree: Callable[[float], float] = lambda seconds: seconds,
    on_step: Callable[[Step], None] = lambda step: None,
) -> Outcome:
    """Train a loaded backend.

    clock  seconds; called before the first step and after each
    agree  the first process's number, in every process: all must stop at the same step
    """
    began, elapsed, first = clock(), 0.0, math.nan
    loss, step = math.nan, 0
    while step < plan.iterations:
        progress = step / plan.iterations
        if plan.limit_s is not None:
            progress = max(progress, elapsed / plan.limit_s)
            if progress >= 1 or (step and elapsed + elapsed / step > plan.limit_s):  # no room for one step more
                break
        inputs, targets = stream.batch(spec.batch_tokens, spec.seq_len, plan.rank, plan.world_size)
        loss = backend.step(inputs, targets, pace(spec, step, progress, plan.iterations))
        step, first = step + 1, loss if step == 0 else first
        elapsed = agree(clock() - began)
        if not math.isfinite(loss) or (step > SETTLED and loss > first + DIVERGED):
            raise Diverged(
                f"step {step}: loss {loss:.4f} after {first:.4f} at first; it diverged, lower the learning rates",
                Exit.NO,
            )
        on_step(Step(step, loss, elapsed))
    return Outcome(step, step * spec.batch_tokens, elapsed, loss)


def prime(backend: Any, spec: Any, stream: Stream, plan: Plan, arrays: dict[str, Any]) -> None:
    """Let compilers work before the clock starts: one step, then everything as it was."""
    position = stream.position
    inputs, targets = stream.batch(spec.batch_tokens, spec.seq_len, plan.rank, plan.world_size)
    stream.position = position
    backend.load(arrays)
    backend.step(inputs, targets, pace(spec, 0, 0.0, plan.iterations))
    backend.load(arrays)
