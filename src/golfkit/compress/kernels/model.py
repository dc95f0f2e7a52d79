"""The template of every context-mixing model: kernels/spec.py gives it a spec's contexts, weight sets, APMs and sizes.

Each context finds a slot by hash for each nibble, in which each bit has a history. The history (through an adaptive
map) and the run of the last byte in this context each give an input to the mixer, match models give two each. APMs
refine the mixed probability, and a binary arithmetic coder codes the bit.

Protocol, the same for encoder and decoder: for each byte `begin_byte`, for each bit `predict`, code, `update`, then
`end_byte`. Everything lives in one arena (`carve`), so a run can be hashed, sized and saved. The codec's parameter
byte holds log2 of the lines of slots (bits 0-4) and log2 of the history ring less 20 (bits 5-7).
"""

from typing import Any, NamedTuple

from golfkit.compress.kernels.apm import BUCKETS, init_apm, refine, update_apm
from golfkit.compress.kernels.coder import (
    AT,
    N_CODER_REGS,
    begin_decode,
    decode_bit,
    encode_bit,
    encode_end,
    init_coder,
    is_settled,
)
from golfkit.compress.kernels.floats import f32, truncated
from golfkit.compress.kernels.jit import carver, f32_view, i64, i64_view, jit, prefetch, u8_view, u16_view, u32_view
from golfkit.compress.kernels.lines import (
    NODES,
    RUN_BYTE,
    RUN_COUNT,
    check_of,
    find_slot,
    lines_at,
    node_of,
    note_run,
)
from golfkit.compress.kernels.lstm import TOP, bit_stretch, init_lstm, lstm_at, lstm_bytes, predict_byte
from golfkit.compress.kernels.lstm_learn import learn_byte
from golfkit.compress.kernels.maps import P22_HALF, hash2, init_map, p22_of, update_map
from golfkit.compress.kernels.matches import find_match, init_match, match_at, match_bytes, predict_match, update_match
from golfkit.compress.kernels.mixing import init_mixing, mix, mixing_at, mixing_bytes, train
from golfkit.compress.kernels.parser import (
    BITS,
    C0,
    C1,
    C4,
    C8,
    C12,
    EXPECTED,
    EXPECTED2,
    LENGTH,
    LENGTH2,
    MATCHING,
    MATCHING2,
    NET,
    NET_TOP,
    PARSER_BYTES,
    POS,
    RUN_FIRST,
    SEEN,
    WORDS_SEEN,
    init_parser,
    parser_at,
    read_byte,
)
from golfkit.compress.kernels.states import HISTORIES_BYTES, histories_at, init_states
from golfkit.compress.kernels.tables import TABLES_BYTES, init_tables, squashed, tables_at

# What a spec fills in: see spec.py
N_CTX = 1
N_ORDERS = 1
N_WORDS = 0
N_DIRECT = 0
N_FEATURES = 0
N_FEATURE_ROWS = 0
LAYERS = 1  # of the LSTM: 1 or 2
CELLS = 0  # of each of its layers; 0: there is no LSTM
N_PAIRS = 0
PAIRS = (0, 0)
DIRECT_LIMIT = 255
DIRECT_LOG2 = 2
N_STATE_CLASSES = 1
N_INPUTS = 16
N_SETS = 1
N_FINALS = 1
N_APMS = 1
N_ROWS = 1
N_FINAL_ROWS = 1
N_APM_ROWS = 1
RATE = 0.004
RATE_EXTRA = 0.0
RATE_HALF = 1.0
FINAL_RATE = 0.002
WEIGHT = 0.2
MAP_LIMIT = 1000
RUN_LIMIT = 1000
APM_RATE = 6
APM_SHARES = (8, 8)
SLOTS_LOG2 = 2
MAX_LOG2_LINES = 25
MATCH_MIN, MATCH_MIN2 = 6, 12
MATCH_BITS = 20


@jit
def hash_contexts(r, hashes):
    """Every context's hash."""


@jit
def select(r, rows):
    """Rows of the weight sets of layer 1, then of layer 2."""


@jit
def select_apms(r, rows):
    """Rows of the APMs."""


@jit
def feature_rows(r, rows):
    """Rows of the LSTM's features."""


MIN_LOG2_LINES = 10
MIN_LOG2_RING = 20
P_MIXED, ST = range(N_CODER_REGS, N_CODER_REGS + 2)  # regs after the coder's: what `update` needs of `predict`
RATE_NOW = 0
RUNS = 64  # entries of the run map a context


class State(NamedTuple):
    """The arena's arrays."""

    regs: Any  # int64[16]: the coder's, then P_MIXED and ST
    rates: Any  # float32[16]: RATE_NOW
    hashes: Any  # uint32[N_CTX]: per context, of this byte
    base: Any  # uint32[N_CTX]: per context, byte offset of its slot, for this nibble
    first: Any  # uint32[N_CTX]: the same, of this byte's first nibble
    states: Any  # uint8[N_CTX]: per context, the history of this bit
    pair_entry: Any  # uint32[16]: per pair, entry of `pairs` for this bit
    direct_base: Any  # uint32[32]: per direct context, its line's first item, for this nibble
    entry: Any  # uint32[N_CTX]: per context, entry of `runs` for this bit; 0: none
    apm_rows: Any  # uint32[16]
    tables: Any
    stretch: Any  # float32[4096]: ln(p / (1 - p)) of P(1) = (i + 1/2) / 4096
    histories: Any
    maps: Any  # uint32[256 * N_CTX]: bit history -> probability
    runs: Any  # uint32[RUNS * N_CTX]: count of the run and expected bit -> probability
    pairs: Any  # uint32[65536 * N_PAIRS]: histories of two contexts -> probability
    direct: Any  # uint32[16 << log2]: lines of check, 15 adaptive probabilities
    net: Any
    parser: Any
    mixing: Any
    apms: Any  # uint16[N_APM_ROWS * BUCKETS]
    match: Any
    match2: Any
    ring: Any  # uint8[2^log2_ring]: the last bytes
    lines: Any


@jit
def log2_lines(parameter):
    """log2 of the number of lines of slots."""
    return parameter & 31


@jit
def log2_ring(parameter):
    """log2 of the bytes of history."""
    return (parameter >> 5) + MIN_LOG2_RING


@jit
def parameter(n_bytes):
    """Table sizes for an input, within limits: 2^SLOTS_LOG2 lines an input byte, and a ring that holds it all."""
    log2_n = 0
    while 1 << log2_n < n_bytes:
        log2_n += 1
    ring = min(max(log2_n - MIN_LOG2_RING, 0), 7)
    return min(max(log2_n + SLOTS_LOG2, MIN_LOG2_LINES), MAX_LOG2_LINES) | ring << 5


@jit
def padded(n):
    """A multiple of 64."""
    return (n + 63) & ~63


@jit
def at_parser():
    """Where the parser lies, after the fixed part."""
    return at_contexts() + 5 * padded(4 * N_CTX) + 256


@jit
def at_contexts():
    """Where the arrays of the contexts lie."""
    return 256 + TABLES_BYTES + 16384 + HISTORIES_BYTES


@jit
def at_maps():
    """Where the maps lie."""
    return at_parser() + padded(PARSER_BYTES)


@jit
def at_mixing():
    """Where the mixer lies."""
    return at_maps() + 4 * (256 + RUNS) * N_CTX + 262144 * N_PAIRS


@jit
def at_apms():
    """Where the APMs lie."""
    return at_mixing() + padded(mixing_bytes(N_INPUTS, N_ROWS, N_FINAL_ROWS))


@jit
def at_match():
    """Where the match models lie."""
    return at_apms() + 2 * N_APM_ROWS * BUCKETS


@jit
def at_ring():
    """Where the ring lies; the lines follow it."""
    return at_match() + 2 * padded(match_bytes(MATCH_BITS))


@jit
def log2_direct(parameter):
    """log2 of the lines of direct probabilities."""
    return max(log2_lines(parameter) - DIRECT_LOG2, 0)


@jit
def at_direct(parameter):
    """Where the direct probabilities lie."""
    return at_ring() + (1 << log2_ring(parameter)) + (64 << log2_lines(parameter))


@jit
def at_net(parameter):
    """Where the LSTM lies."""
    return at_direct(parameter) + (64 << log2_direct(parameter))


@jit
def arena_bytes(parameter):
    """Size of the arena; 0 where there is no such parameter."""
    if parameter >> 8 != 0 or log2_lines(parameter) < MIN_LOG2_LINES or log2_lines(parameter) > MAX_LOG2_LINES:
        return 0
    return at_net(parameter) + (lstm_bytes(LAYERS, CELLS, N_FEATURES, N_FEATURE_ROWS) if CELLS > 0 else 0)


@carver
def carve(arena, parameter):
    """The arrays of an arena (uint8[arena_bytes(parameter)], 64-byte aligned)."""
    at = at_contexts()
    step = padded(4 * N_CTX)
    return State(
        i64_view(arena, 0, 16),
        f32_view(arena, 128, 16),
        u32_view(arena, at, N_CTX),
        u32_view(arena, at + step, N_CTX),
        u32_view(arena, at + 2 * step, N_CTX),
        u8_view(arena, at + 4 * step, N_CTX),
        u32_view(arena, at + 5 * step, 16),
        u32_view(arena, at + 5 * step + 64, 32),
        u32_view(arena, at + 3 * step, N_CTX),
        u32_view(arena, 192, 16),
        tables_at(arena, 256),
        f32_view(arena, 256 + TABLES_BYTES, 4096),
        histories_at(arena, 256 + TABLES_BYTES + 16384),
        u32_view(arena, at_maps(), 256 * N_CTX),
        u32_view(arena, at_maps() + 1024 * N_CTX, RUNS * N_CTX),
        u32_view(arena, at_maps() + 4 * (256 + RUNS) * N_CTX, 65536 * N_PAIRS),
        u32_view(arena, at_direct(parameter), 16 << log2_direct(parameter)),
        lstm_at(arena, at_net(parameter), LAYERS, CELLS, N_FEATURES, N_FEATURE_ROWS),
        parser_at(arena, at_parser()),
        mixing_at(arena, at_mixing(), N_INPUTS, N_ROWS, N_FINAL_ROWS),
        u16_view(arena, at_apms(), N_APM_ROWS * BUCKETS),
        match_at(arena, at_match(), MATCH_BITS),
        match_at(arena, at_match() + padded(match_bytes(MATCH_BITS)), MATCH_BITS),
        u8_view(arena, at_ring(), 1 << log2_ring(parameter)),
        lines_at(arena, at_ring() + (1 << log2_ring(parameter)), log2_lines(parameter)),
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
    for i in range(65536 * N_PAIRS):
        a = (i >> 8) & 255
        b = i & 255
        n0 = i64(s.histories.n0[a]) + i64(s.histories.n0[b])
        init_map(s.pairs, i, n0, i64(s.histories.n1[a]) + i64(s.histories.n1[b]))
    init_mixing(s.mixing, N_INPUTS, N_SETS + (1 if CELLS > 0 else 0), f32(WEIGHT))
    init_apm(s.apms, N_APM_ROWS, s.tables)
    init_match(s.match)
    init_match(s.match2)
    init_parser(s.parser)
    if CELLS > 0:
        init_lstm(s.net, LAYERS, CELLS, N_FEATURES, N_FEATURE_ROWS)


@jit
def begin_byte(s, parameter):
    """Find the matches of the next byte, hash its contexts, and find their slots."""
    r = s.parser.r
    mask = (1 << log2_ring(parameter)) - 1
    table_mask = (1 << MATCH_BITS) - 1
    slot = hash2(r[C4], r[C8] & ((1 << (8 * MATCH_MIN - 32)) - 1)) & table_mask
    slot2 = hash2(hash2(r[C4], r[C8]), r[C12] & ((1 << (8 * MATCH_MIN2 - 64)) - 1)) & table_mask
    prefetch(s.match.table, slot)
    prefetch(s.match2.table, slot2)
    r[LENGTH] = find_match(s.match, s.ring, mask, r[POS], slot, MATCH_MIN)
    r[EXPECTED] = s.match.regs[3] if r[LENGTH] > 0 else 0
    r[LENGTH2] = find_match(s.match2, s.ring, mask, r[POS], slot2, MATCH_MIN2)
    r[EXPECTED2] = s.match2.regs[3] if r[LENGTH2] > 0 else 0
    hash_contexts(r, s.hashes)
    find_slots(s, parameter, 0)
    for i in range(N_CTX):
        at = i64(s.base[i])
        s.first[i] = at
        count = i64(s.lines.bytes[at + RUN_COUNT])
        r[RUN_FIRST + i] = 0 if count == 0 else i64(s.lines.bytes[at + RUN_BYTE]) + (1 if count == 1 else 257)
    if CELLS > 0:
        feature_rows(r, s.net.rows)
        predict_byte(s.net, LAYERS, CELLS, N_FEATURES)
        r[NET_TOP] = s.net.regs[TOP]
    fade = f32(f32(RATE_HALF) / f32(f32(r[POS]) + f32(RATE_HALF)))
    s.rates[RATE_NOW] = f32(f32(RATE) + f32(f32(RATE_EXTRA) * fade))


@jit
def find_slots(s, parameter, prefix):
    """Find every context's slot for a nibble; prefix is 0, then the partial byte of the first nibble."""
    mask = (1 << log2_lines(parameter)) - 1
    for i in range(N_CTX):
        hashed = hash2(i64(s.hashes[i]), prefix)
        s.base[i] = hashed
        prefetch(s.lines.bytes, (hashed & mask) * 64)
    if N_DIRECT > 0:
        direct_mask = (1 << log2_direct(parameter)) - 1
        for i in range(N_DIRECT):
            prefetch(s.direct, (i64(s.base[i]) >> 3 & direct_mask) * 16)
        for i in range(N_DIRECT):
            hashed = i64(s.base[i])
            at = (hashed >> 3 & direct_mask) * 16
            s.direct_base[i] = at
            if i64(s.direct[at]) != hashed:
                s.direct[at] = hashed
                for j in range(1, 16):
                    s.direct[at + j] = P22_HALF << 10
    for i in range(N_CTX):
        hashed = i64(s.base[i])
        s.base[i] = find_slot(s.lines, (hashed & mask) * 64, check_of(hashed))


@jit
def read_contexts(s, n_bits):
    """Two inputs of each context; counts what was seen before."""
    r = s.parser.r
    c0 = r[C0]
    inputs = s.mixing.inputs
    stretch = s.stretch
    node = NODES + node_of(c0, n_bits)
    n_orders = 0
    n_words = 0
    for i in range(N_CTX):
        state = i64(s.lines.bytes[i64(s.base[i]) + node])
        if state == 0:
            inputs[2 * i] = 0.0
        else:
            inputs[2 * i] = stretch[p22_of(s.maps, i * 256 + state) >> 10]
            if i < N_ORDERS:
                n_orders += 1
            elif i < N_ORDERS + N_WORDS:
                n_words += 1
        at = i64(s.first[i])
        expected = i64(s.lines.bytes[at + RUN_BYTE]) | 256
        count = i64(s.lines.bytes[at + RUN_COUNT])
        entry = 0
        if count > 0 and expected >> (8 - n_bits) == c0:
            entry = i * RUNS + 2 * min(count, RUNS // 2 - 1) + ((expected >> (7 - n_bits)) & 1)
            inputs[2 * i + 1] = stretch[p22_of(s.runs, entry) >> 10]
        else:
            inputs[2 * i + 1] = 0.0
        s.entry[i] = entry
        s.states[i] = state
    at = 2 * N_CTX + 5
    for k in range(N_PAIRS):
        a = i64(s.states[PAIRS[2 * k]])
        b = i64(s.states[PAIRS[2 * k + 1]])
        entry = k << 16 | a << 8 | b
        s.pair_entry[k] = entry
        inputs[at + k] = stretch[p22_of(s.pairs, entry) >> 10] if a + b > 0 else f32(0.0)
    at += N_PAIRS
    for i in range(N_DIRECT):
        item = i64(s.direct[i64(s.direct_base[i]) + node - NODES])
        inputs[at + 2 * i] = stretch[item >> 20]
        count = min(item & 1023, 30)
        inputs[at + 2 * i + 1] = f32(f32((item >> 10) - P22_HALF) * f32(count)) * f32(0.1 / 4194304.0)
    r[SEEN] = n_orders
    r[WORDS_SEEN] = n_words


@jit
def predict(s, n_bits):
    """P(next bit = 1) in 1/65536ths; n_bits of this byte are known."""
    r = s.parser.r
    c0 = r[C0]
    r[BITS] = n_bits
    read_contexts(s, n_bits)
    inputs = s.mixing.inputs
    r[MATCHING] = predict_match(s.match, s.stretch, inputs, 2 * N_CTX, r[LENGTH], c0, n_bits)
    r[MATCHING2] = predict_match(s.match2, s.stretch, inputs, 2 * N_CTX + 2, r[LENGTH2], c0, n_bits)
    inputs[2 * N_CTX + 4] = f32(0.3)
    if CELLS > 0:
        x = bit_stretch(s.net, c0)
        inputs[2 * N_CTX + 5 + N_PAIRS + 2 * N_DIRECT] = x
        s.mixing.outputs[N_SETS] = x
        r[NET] = truncated(f32(x + f32(12.0)))
    select_apms(r, s.apm_rows)
    for k in range(N_APMS):
        prefetch(s.apms, i64(s.apm_rows[k]) * BUCKETS)
    select(r, s.mixing.selected)
    st = mix(s.mixing, N_INPUTS, N_SETS, N_FINALS)
    p_mixed = squashed(s.tables, st)
    s.regs[P_MIXED] = p_mixed
    s.regs[ST] = st
    p = p_mixed * APM_SHARES[0] + 8
    for k in range(N_APMS):
        p += refine(s.apms, i64(s.apm_rows[k]) * BUCKETS, st) * APM_SHARES[k + 1]
    return max(1, min(65535, p >> 4))


@jit
def update(s, n_bits, bit):
    """Learn the bit that was coded."""
    r = s.parser.r
    c0 = r[C0]
    recip = s.tables.recip
    train(s.mixing, s.tables, N_INPUTS, N_SETS, N_FINALS, bit, s.rates[RATE_NOW], f32(FINAL_RATE))
    node = NODES + node_of(c0, n_bits)
    for i in range(N_CTX):
        at = i64(s.base[i]) + node
        state = i64(s.lines.bytes[at])
        update_map(s.maps, i * 256 + state, bit, recip, MAP_LIMIT)
        s.lines.bytes[at] = s.histories.next_state[2 * state + bit]
        entry = i64(s.entry[i])
        if entry > 0:
            update_map(s.runs, entry, bit, recip, RUN_LIMIT)
    for k in range(N_PAIRS):
        update_map(s.pairs, i64(s.pair_entry[k]), bit, recip, MAP_LIMIT)
    for i in range(N_DIRECT):
        update_map(s.direct, i64(s.direct_base[i]) + node - NODES, bit, recip, DIRECT_LIMIT)
    update_match(s.match, bit, recip, MAP_LIMIT)
    update_match(s.match2, bit, recip, MAP_LIMIT)
    for k in range(N_APMS):
        update_apm(s.apms, i64(s.apm_rows[k]) * BUCKETS, s.regs[ST], bit, APM_RATE)
    r[C0] = c0 << 1 | bit


@jit
def end_byte(s, parameter):
    """Take the finished byte into the history."""
    r = s.parser.r
    c = r[C0] & 255
    mask = (1 << log2_ring(parameter)) - 1
    for i in range(N_CTX):
        note_run(s.lines, i64(s.first[i]), c)
    if CELLS > 0:
        learn_byte(s.net, LAYERS, CELLS, N_FEATURES, c)
    s.ring[r[POS] & mask] = c
    read_byte(s.parser, s.ring, mask, c)
    return c


@jit
def encode(arena, parameter, block, n, out):
    """Code block[0:n] into `out`; returns the payload bytes that became certain."""
    s = carve(arena, parameter)
    n_out = 0
    for k in range(n):
        byte = i64(block[k])
        begin_byte(s, parameter)
        for n_bits in range(8):
            if n_bits == 4:
                find_slots(s, parameter, s.parser.r[C0])
            p16 = predict(s, n_bits)
            bit = (byte >> (7 - n_bits)) & 1
            n_out = encode_bit(s.regs, bit, p16, out, n_out)
            update(s, n_bits, bit)
        end_byte(s, parameter)
    return n_out


@jit
def finish(arena, parameter, out):
    """Write the payload's last bytes; returns how many."""
    s = carve(arena, parameter)
    return encode_end(s.regs, out)


@jit
def decode(arena, parameter, payload, n_payload, out, n):
    """Restore the next n bytes into `out`; returns how many payload bytes were used so far."""
    s = carve(arena, parameter)
    begin_decode(s.regs, payload, n_payload)
    for k in range(n):
        begin_byte(s, parameter)
        for n_bits in range(8):
            if n_bits == 4:
                find_slots(s, parameter, s.parser.r[C0])
            p16 = predict(s, n_bits)
            update(s, n_bits, decode_bit(s.regs, p16, payload, n_payload))
        out[k] = end_byte(s, parameter)
    return s.regs[AT]


@jit
def settle(arena, parameter, payload, n_payload):
    """After the last byte: the payload bytes used in all, -1 when they do not end as the encoder ends them."""
    s = carve(arena, parameter)
    begin_decode(s.regs, payload, n_payload)
    return s.regs[AT] if is_settled(s.regs) else -1
