"""val_bpb of a model over a stream of validation tokens: whole windows, sliding windows, and test-time training.

Sums are float64. Every target is scored exactly once, and never after an update has seen it (condition C3 of the
contest's community rules: score before update).
Source: openai/parameter-golf, train_gpt.py, eval_val (windows of the training length that do not overlap).
"""

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from golfkit.errors import Exit, GolfError
from golfkit.train.data.accounting import Luts, bits_per_byte, target_bytes

if TYPE_CHECKING:
    import numpy as np

Nll = Callable[[Any, Any], Any]  # (inputs int64[B, T], targets int64[B, T]) -> nats float32[B, T]


class Score(NamedTuple):
    """What an evaluation found."""

    val_loss: float  # nats a token
    val_bpb: float  # bits a byte
    tokens: int
    bytes: int


class Window(NamedTuple):
    """Inputs tokens[start : end], of which the targets from `fresh` on are new; positions in the stream."""

    start: int
    fresh: int
    end: int


def windows(n_tokens: int, seq_len: int, stride: int = 0) -> list[Window]:
    """Windows that cover every whole sequence of a stream of `n_tokens` once.

    stride  targets scored by each window after the first, 1 to seq_len; 0: seq_len, windows that do not overlap.
    The official cut: floor((n_tokens - 1) / seq_len) * seq_len targets.
    """
    stride = stride or seq_len
    if not 1 <= stride <= seq_len:
        raise GolfError(f"a stride of {stride} tokens, expected 1 to the sequence length {seq_len}", Exit.USAGE)
    end = (n_tokens - 1) // seq_len * seq_len
    if end <= 0:
        raise GolfError(f"{n_tokens} validation tokens, expected at least {seq_len + 1}: one sequence; use more text")
    found, scored = [], 0
    while scored < end:
        stop = min(end, scored + (stride if scored else seq_len))
        found.append(Window(stop - seq_len, scored, stop))
        scored = stop
    return found


def evaluate(
    nll: Nll,
    tokens: "np.ndarray",
    luts: Luts,
    seq_len: int,
    *,
    batch_tokens: int,
    stride: int = 0,
    part: tuple[int, int] = (0, 1),
    combine: Callable[[list[float]], list[float]] = list,
    adapt: Callable[[Any, Any], None] | None = None,
    on_tokens: Callable[[int], None] = lambda n: None,
) -> Score:
    """Score a stream.

    tokens        integers [n]; the first one is no target
    batch_tokens  inputs of one call of `nll`
    part          (rank, world size): this process takes every world_size-th batch
    combine       adds up each number over the processes
    adapt         called with a batch after all of it was scored (test-time training), in every process as often: not
                  after the last round of batches, from which nothing could gain; needs windows without overlap
    """
    import numpy as np

    if adapt is not None and stride not in (0, seq_len):
        raise GolfError(f"a stride of {stride} tokens with test-time training, expected windows that do not overlap")
    nats, n_tokens, n_bytes = 0.0, 0, 0
    batches = list(_batches(windows(len(tokens), seq_len, stride), batch_tokens // seq_len))
    last = len(batches) - 1
    for i, batch in enumerate(batches):
        if i % part[1] != part[0]:
            continue
        inputs = np.stack([tokens[w.start : w.end] for w in batch]).astype(np.int64)
        targets = np.stack([tokens[w.start + 1 : w.end + 1] for w in batch]).astype(np.int64)
        losses = np.asarray(nll(inputs, targets), np.float64)
        for row, w in enumerate(batch):
            fresh = slice(w.fresh - w.start, None)
            nats += float(losses[row, fresh].sum())
            n_tokens += targets[row, fresh].size
            n_bytes += target_bytes(luts, inputs[row, fresh], targets[row, fresh])
        if adapt is not None and i // part[1] < last // part[1]:
            adapt(inputs, targets)
        on_tokens(sum(w.end - w.fresh for w in batch))
    nats, total, size = combine([nats, float(n_tokens), float(n_bytes)])
    if not math.isfinite(nats):
        raise GolfError("the validation loss is not finite; the model or its artifact is broken")
    return Score(nats / total, bits_per_byte(nats, int(total), int(size)), int(total), int(size))


def _batches(all_windows: list[Window], rows: int) -> Iterator[list[Window]]:
    for start in range(0, len(all_windows), max(1, rows)):
        yield all_windows[start : start + max(1, rows)]
