"""The arena of every context-mixing model: what is in it, where, and how it begins. Template, with kernels/model.py.

The codec's parameter byte holds log2 of the lines of slots (bits 0-4) and log2 of the history ring less 20 (bits 5-7).
"""

from typing import Any, NamedTuple

from golfkit.compress.kernels.apm import BUCKETS
from golfkit.compress.kernels.coder import N_CODER_REGS, init_coder
from golfkit.compress.kernels.floats import f32
from golfkit.compress.kernels.jit import carver, f32_view, i64, i64_view, jit, u8_view, u16_view, u32_view
from golfkit.compress.kernels.lines import lines_at
from golfkit.compress.kernels.lstm import init_lstm, lstm_at, lstm_bytes
from golfkit.compress.kernels.maps import init_map
from golfkit.compress.kernels.matches import init_match, match_at, match_bytes
from golfkit.compress.kernels.mixing import init_mixing, mixing_at, mixing_bytes
from golfkit.compress.kernels.parser import PARSER_BYTES, init_parser, parser_at
from golfkit.compress.kernels.states import HISTORIES_BYTES, histories_at, init_states
from golfkit.compress.kernels.tables import TABLES_BYTES, init_tables, tables_at
from golfkit.compress.kernels.transform_restore import RESTORE_BYTES, init_restore, restore_at

# What a spec fills in: see spec.py
N_CTX = 1
N_NEAR = 0  # of the last contexts: how many keep to a small region of the slots
N_RUNS = 1  # of the first contexts: how many give an input for their run
N_DIRECT = 0  # of the first contexts: how many give two inputs for a probability beside the history
N_FEATURES = 0
N_FOLLOWED = 0  # of the first contexts: in how many a feature may see what followed
N_FEATURE_ROWS = 0
LAYERS = 1  # of the LSTM: 1 or 2
CELLS = 0  # of each of its layers; 0: there is no LSTM
N_INPUTS = 16
N_SETS = 1
N_ROWS = 1
N_FINAL_ROWS = 1
N_APM_ROWS = 1
WEIGHT = 0.2  # of each input, at the start
LINES_LOG2 = 2  # log2 of the lines of slots for each byte of input
DIRECT_LOG2 = 2  # log2 of those for each line of direct probabilities
MAX_LOG2_LINES = 25
PLACE_LOG2 = 0  # at most 2: slots begin at multiples of 4 bytes
MATCH_BITS = 24  # log2 of the most entries of a match model's table

MIN_LOG2_LINES = 10
LOG2_NEAR = 16  # of the lines of that region, at most: the first of the table, shared with the other contexts
MIN_LOG2_RING = 20
RUNS = 64  # entries of the run map a context
P_MIXED, ST = range(N_CODER_REGS, N_CODER_REGS + 2)  # regs after the coder's: what `update` needs of `predict`
AT_CONTEXTS = 6  # inputs of the mixer before those of contexts: two of each match model, a constant, the LSTM's
N_PENDING, AT_PENDING, N_SYMBOLS, N_RESTORED = range(4)  # progress: of the decoder


class State(NamedTuple):
    """The arena's arrays."""

    regs: Any  # int64[16]: the coder's, then P_MIXED and ST
    apm_rows: Any  # uint32[16]
    direct_base: Any  # uint32[64]: per direct context, its line's first item, for this nibble
    progress: Any  # int64[8]
    pending: Any  # uint8[64]: restored bytes that were not asked for yet
    hashes: Any  # uint32[N_CTX]: per context, of this byte
    base: Any  # uint32[N_CTX]: per context, offset of its slot in units of 2^PLACE_LOG2 bytes, for this nibble
    first: Any  # uint32[N_CTX]: the same, of this byte's first nibble
    history: Any  # uint32[N_CTX]: per context, entry of `maps` for this bit
    entry: Any  # uint32[N_CTX]: per context, entry of `runs` for this bit; 0: none
    tables: Any
    stretch: Any  # float32[4096]: ln(p / (1 - p)) of P(1) = (i + 1/2) / 4096
    histories: Any
    maps: Any  # uint32[256 * N_CTX]: bit history -> probability
    runs: Any  # uint32[RUNS * N_CTX]: count of the run and expected bit -> probability
    parser: Any
    mixing: Any
    apms: Any  # uint16[N_APM_ROWS * BUCKETS]
    match: Any
    match2: Any
    restorer: Any
    net: Any
    ring: Any  # uint8[2^log2_ring]: the last bytes
    direct: Any  # uint32[16 << log2_direct]: lines of check, 15 adaptive probabilities
    lines: Any


@jit
def log2_lines(parameter):
    """log2 of the number of lines of slots."""
    return parameter & 31


@jit
def log2_direct(parameter):
    """log2 of the lines of direct probabilities."""
    return max(log2_lines(parameter) - DIRECT_LOG2, 0)


@jit
def log2_ring(parameter):
    """log2 of the bytes of history."""
    return (parameter >> 5) + MIN_LOG2_RING


@jit
def log2_match(parameter):
    """log2 of the entries of a match model's table: one for each two bytes of history, within its limit."""
    return min(log2_ring(parameter) - 1, MATCH_BITS)


@jit
def parameter(n_bytes):
    """Table sizes for an input, within limits: 2^LINES_LOG2 lines an input byte, and a ring that holds it all."""
    log2_n = 0
    while 1 << log2_n < n_bytes:
        log2_n += 1
    ring = min(max(log2_n - MIN_LOG2_RING, 0), 7)
    return min(max(log2_n + LINES_LOG2, MIN_LOG2_LINES), MAX_LOG2_LINES) | ring << 5


@jit
def after(at, n_bytes):
    """Where the next array begins: at a multiple of 64."""
    return at + (n_bytes + 63 & ~63)


@jit
def places():
    """Where the arrays of fixed size begin, from `hashes` to `net`; then where they end."""
    hashes = 1024
    step = 4 * N_CTX
    base = after(hashes, step)
    first = after(base, step)
    history = after(first, step)
    entry = after(history, step)
    tables = after(entry, step)
    stretch = after(tables, TABLES_BYTES)
    histories = after(stretch, 16384)
    maps = after(histories, HISTORIES_BYTES)
    runs = after(maps, 256 * step)
    parser = after(runs, RUNS * step)
    mixing = after(parser, PARSER_BYTES)
    apms = after(mixing, mixing_bytes(N_INPUTS, N_ROWS, N_FINAL_ROWS))
    restorer = after(apms, 2 * N_APM_ROWS * BUCKETS)
    net = after(restorer, RESTORE_BYTES)
    end = after(net, lstm_bytes(LAYERS, CELLS, N_FEATURES, N_FEATURE_ROWS) if CELLS > 0 else 0)
    fixed = (hashes, base, first, history, entry, tables, stretch, histories, maps, runs)
    return fixed, (parser, mixing, apms, restorer, net, end)


@jit
def arena_bytes(parameter):
    """Size of the arena; 0 where there is no such parameter."""
    if parameter >> 8 != 0 or log2_lines(parameter) < MIN_LOG2_LINES or log2_lines(parameter) > MAX_LOG2_LINES:
        return 0
    direct = 64 << log2_direct(parameter) if N_DIRECT > 0 else 0
    history = 2 * match_bytes(log2_match(parameter)) + (1 << log2_ring(parameter))
    return places()[1][5] + history + direct + (64 << log2_lines(parameter)) + 64


@carver
def carve(arena, parameter):
    """The arrays of an arena (uint8[arena_bytes(parameter)], 64-byte aligned)."""
    (hashes, base, first, history, entry, tables, stretch, histories, maps, runs), others = places()
    parser, mixing, apms, restorer, net, match = others
    match2 = match + match_bytes(log2_match(parameter))
    ring = match2 + match_bytes(log2_match(parameter))
    direct = ring + (1 << log2_ring(parameter))
    n_direct = 16 << log2_direct(parameter) if N_DIRECT > 0 else 0
    return State(
        i64_view(arena, 0, 16),
        u32_view(arena, 128, 16),
        u32_view(arena, 256, 64),
        i64_view(arena, 512, 8),
        u8_view(arena, 576, 64),
        u32_view(arena, hashes, N_CTX),
        u32_view(arena, base, N_CTX),
        u32_view(arena, first, N_CTX),
        u32_view(arena, history, N_CTX),
        u32_view(arena, entry, N_CTX),
        tables_at(arena, tables),
        f32_view(arena, stretch, 4096),
        histories_at(arena, histories),
        u32_view(arena, maps, 256 * N_CTX),
        u32_view(arena, runs, RUNS * N_CTX),
        parser_at(arena, parser),
        mixing_at(arena, mixing, N_INPUTS, N_ROWS, N_FINAL_ROWS),
        u16_view(arena, apms, N_APM_ROWS * BUCKETS),
        match_at(arena, match, log2_match(parameter)),
        match_at(arena, match2, log2_match(parameter)),
        restore_at(arena, restorer),
        lstm_at(arena, net, LAYERS, CELLS, N_FEATURES, N_FEATURE_ROWS),
        u8_view(arena, ring, 1 << log2_ring(parameter)),
        u32_view(arena, direct, n_direct),
        lines_at(arena, direct + 4 * n_direct, log2_lines(parameter)),
    )


@jit
def start(arena, parameter):
    """Make an arena of zeros ready for the first byte."""
    s = carve(arena, parameter)
    init_coder(s.regs)
    init_tables(s.tables)
    for i in range(4096):
        s.stretch[i] = f32(f32(i64(s.tables.stretch[i])) * f32(1.0 / 256.0))
    init_states(s.histories)
    for i in range(256 * N_CTX):
        init_map(s.maps, i, i64(s.histories.n0[i & 255]), i64(s.histories.n1[i & 255]))
    for i in range(RUNS * N_CTX):
        count = (i % RUNS) // 2
        init_map(s.runs, i, 0 if i & 1 else count, count if i & 1 else 0)
    init_mixing(s.mixing, N_INPUTS, N_SETS + (1 if CELLS > 0 else 0), f32(WEIGHT))
    init_match(s.match)
    init_match(s.match2)
    init_parser(s.parser)
    init_restore(s.restorer)
    if CELLS > 0:
        init_lstm(s.net, LAYERS, CELLS, N_FEATURES, N_FEATURE_ROWS)
