"""Entropy coder for quantised weights: adaptive histograms chosen by expected magnitude, interleaved rANS.

It exploits that a weight's magnitude is foretold by its row's and its column's. A tensor is walked in bands of rows,
column by column; every row of a band is a lane, so that numpy codes a column at a time.

context   expected |code| = row's mean so far * column's mean in the bands before / tensor's mean, in 1/64ths, on a
          logarithmic scale; one histogram each, per alphabet, symmetric in sign, refreshed every REFRESH columns
rANS      states in [2^24, 2^40), 16-bit words, probabilities in 1/65536ths; integers alone, so that every machine
          decodes the same codes

stream    per tensor its mean |code| in 1/64ths (2 bytes); per lane its first state (5 bytes); the words in the order
          in which the decoder takes them; all little-endian. A decoder ends with every state at 2^24.

Source: Duda, "Asymmetric numeral systems" (2013); Giesen, "Interleaved entropy coders" (2014).
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from golfkit.errors import GolfError

if TYPE_CHECKING:
    import numpy as np

    Take = Callable[[np.ndarray, int, slice], np.ndarray]  # (bounds, tensor, where) -> the symbols that lie there

MAX_LANES = 256  # rows coded at once
LANE_CODES = 1 << 13  # codes that a lane's state of 5 bytes is worth
LOW = 1 << 24  # smallest state
STATE_BYTES = 5
REFRESH = 16  # columns between two refreshes of the histograms
MEMORY = 1 << 20  # counts of a histogram before they are halved
SEEN = 32  # counts of one code seen
FIRST = 4096  # counts of a histogram before any code was seen
PRIOR = 32  # codes' worth of the tensor's mean in a row's or column's


class Grid(NamedTuple):
    """How one tensor's codes lie: n of them, in rows of `columns` (the last row may be short), each in -top..top."""

    n: int
    columns: int
    top: int


def encode_codes(flats: "Sequence[np.ndarray]", grids: Sequence[Grid]) -> bytes:
    """The stream of one flat int8 array per grid."""
    import numpy as np

    steps: list[tuple[np.ndarray, np.ndarray]] = []  # start and size of each code's interval, a column at a time

    def take(bounds: "np.ndarray", tensor: int, where: slice) -> "np.ndarray":
        symbols = flats[tensor][where].astype(np.int64) + grids[tensor].top
        lanes = np.arange(len(symbols))
        start = bounds[lanes, symbols]
        steps.append((start.astype(np.uint32), (bounds[lanes, symbols + 1] - start).astype(np.uint32)))
        return symbols

    means = [64 * int(np.abs(flat, dtype=np.int64).sum()) // max(1, flat.size) for flat in flats]
    _walk(grids, means, take)
    x = np.full(_lanes(grids), LOW, np.uint64)
    words = []
    for start, size in reversed(steps):
        state, wide = x[: len(size)], size.astype(np.uint64)
        full = state >= wide << np.uint64(24)
        words.append((state[full] & np.uint64(0xFFFF)).astype("<u2"))
        state = np.where(full, state >> np.uint64(16), state)
        x[: len(size)] = (state // wide << np.uint64(16)) + state % wide + start
    states = x.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :STATE_BYTES]
    return b"".join([np.array(means, "<u2").tobytes(), states.tobytes(), *(word.tobytes() for word in words[::-1])])


def decode_codes(stream: bytes, grids: Sequence[Grid]) -> "list[np.ndarray]":
    """One flat int8 array per grid; a stream that does not end where it should is an error."""
    import numpy as np

    means_bytes, lanes = 2 * len(grids), _lanes(grids)
    head = means_bytes + STATE_BYTES * lanes
    if len(stream) < head or (len(stream) - head) % 2:
        raise GolfError(f"codes: {len(stream)} bytes, expected {head} and whole words; the payload is damaged")
    means = np.frombuffer(stream[:means_bytes], "<u2").tolist()
    states = np.zeros((lanes, 8), np.uint8)
    states[:, :STATE_BYTES] = np.frombuffer(stream[means_bytes:head], np.uint8).reshape(lanes, STATE_BYTES)
    x = states.view("<u8").reshape(lanes).astype(np.int64)
    words, used = np.frombuffer(stream, "<u2", offset=head), 0
    flats = [np.zeros(grid.n, np.int8) for grid in grids]

    def take(bounds: "np.ndarray", tensor: int, where: slice) -> "np.ndarray":
        nonlocal used
        n = len(bounds)
        rows, slot = np.arange(n), x[:n] & 0xFFFF
        symbols = (bounds[:, 1:] <= slot[:, None]).sum(1)
        start = bounds[rows, symbols]
        x[:n] = (bounds[rows, symbols + 1] - start) * (x[:n] >> 16) + slot - start
        low = np.flatnonzero(x[:n] < LOW)
        if used + len(low) > len(words):
            raise GolfError("codes: the stream ends before the last code; the payload is damaged")
        x[low] = x[low] << 16 | words[used : used + len(low)]
        used += len(low)
        flats[tensor][where] = symbols - grids[tensor].top
        return symbols

    _walk(grids, means, take)
    if used < len(words) or (x != LOW).any():
        raise GolfError("codes: the stream goes on after the last code; the payload is damaged")
    return flats


def _walk(grids: Sequence[Grid], means: Sequence[int], take: "Take") -> None:
    """Both directions: predict a column of a band, have it coded or decoded, learn from it."""
    import numpy as np

    edges, lanes = np.array(_edges()), _lanes(grids)
    histograms: dict[int, np.ndarray] = {}  # by top, int64[contexts, 2 top + 1]
    for tensor, (n, row, top) in enumerate(grids):
        few = n < row * lanes // 8  # rows: fold them, so that the lanes have work
        columns = max(1, -(-n // lanes) if few else row)
        mean = means[tensor] + 1
        counts = histograms.setdefault(top, _fresh(edges, top))
        bounds, fresh = _bounds(counts), []
        column_sum, rows_seen = np.zeros(columns, np.int64), 0
        for first in range(0, n, columns * lanes):
            last = min(n, first + columns * lanes)
            row_sum = np.zeros(-(-(last - first) // columns), np.int64)
            column_mean = (64 * column_sum + PRIOR * mean) // (rows_seen + PRIOR)
            for c in range(min(columns, last - first)):
                rows = -(-(last - first - c) // columns)  # those that reach as far as this column
                row_mean = (64 * row_sum[:rows] + PRIOR * mean) // (c + PRIOR)
                context = np.searchsorted(edges, row_mean * column_mean[c] // mean)
                symbols = take(bounds[context], tensor, slice(first + c, last, columns))
                fresh.append(context * (2 * top + 1) + symbols)
                size = np.abs(symbols - top)
                row_sum[:rows] += size
                column_sum[c] += size.sum()
                if len(fresh) == REFRESH:
                    _learn(counts, np.concatenate(fresh))
                    bounds, fresh = _bounds(counts), []
            rows_seen += len(row_sum)


def _lanes(grids: Sequence[Grid]) -> int:
    return max(1, min(MAX_LANES, sum(grid.n for grid in grids) // LANE_CODES))


def _edges() -> list[int]:
    """Where contexts change, in 1/64ths of a code: steps of an eighth, up to about the largest int8 code."""
    edges = [8]
    while edges[-1] < 64 * 100:
        edges.append(edges[-1] * 9 // 8 + 1)
    return edges


def _fresh(edges: "np.ndarray", top: int) -> "np.ndarray":
    """First histograms: a bell, (1 + code^2 / (25 mean^2))^-8, which is nearly Gaussian."""
    import numpy as np

    width = 25 * np.append(edges, edges[-1])[:, None] ** 2
    bell = (width << 15) // (width + (64 * np.arange(-top, top + 1)) ** 2)
    for _ in range(3):
        bell = bell * bell >> 15
    return FIRST * bell // bell.sum(1, keepdims=True) + 1


def _learn(counts: "np.ndarray", seen: "np.ndarray") -> None:
    import numpy as np

    new = np.bincount(seen, minlength=counts.size).reshape(counts.shape)
    counts += SEEN * (new + new[:, ::-1])
    full = counts.sum(1) > MEMORY
    counts[full] = (counts[full] + 1) >> 1


def _bounds(counts: "np.ndarray") -> "np.ndarray":
    """Cumulative probabilities in 1/65536ths, int64[contexts, size + 1]; every code keeps at least one."""
    import numpy as np

    size = counts.shape[1]
    total = counts.cumsum(1)
    return np.pad(total * (65536 - size) // total[:, -1:] + np.arange(1, size + 1), ((0, 0), (1, 0)))
