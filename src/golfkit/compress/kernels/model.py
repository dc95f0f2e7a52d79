"""The template of every context-mixing model: kernels/spec.py gives it a spec's contexts, weight sets, APMs and sizes.

The input is first transformed (kernels/transform.py). Each context finds a slot by hash for each nibble, in which each
bit has a history. The history (through an adaptive map) gives an input to the mixer; so may the run of the last byte in
this context, a direct probability, two match models, and an LSTM over features of the text. APMs refine the mixed
probability, and a binary arithmetic coder codes the bit. All inputs are stretched: ln(p / (1 - p)).

Protocol, the same for encoder and decoder: for each nibble `begin_nibble`, for each bit `predict`, code, `update`;
after each byte `end_byte`. Everything lives in one arena (layout.py), so a run can be hashed, sized and saved.
"""

from golfkit.compress.kernels.apm import BUCKETS, refine, update_apm
from golfkit.compress.kernels.coder import AT, begin_decode, decode_bit, encode_bit, encode_end, is_settled
from golfkit.compress.kernels.floats import LANES, f32, truncated
from golfkit.compress.kernels.jit import i64, jit, prefetch
from golfkit.compress.kernels.layout import (
    AT_CONTEXTS,
    AT_PENDING,
    CELLS,
    LAYERS,
    LOG2_NEAR,
    N_CTX,
    N_DIRECT,
    N_FEATURES,
    N_FOLLOWED,
    N_INPUTS,
    N_NEAR,
    N_PENDING,
    N_RESTORED,
    N_RUNS,
    N_SETS,
    N_SYMBOLS,
    P_MIXED,
    PLACE_LOG2,
    RUNS,
    ST,
    carve,
    log2_direct,
    log2_lines,
    log2_match,
    log2_ring,
)
from golfkit.compress.kernels.lines import (
    NODES,
    RUN_BYTE,
    RUN_COUNT,
    check_of,
    find_slot,
    is_new,
    node_of,
    note_run,
    seed,
    spare_slot,
)
from golfkit.compress.kernels.lstm import TOP
from golfkit.compress.kernels.lstm_learn import learn_byte
from golfkit.compress.kernels.lstm_predict import bit_stretch, predict_byte
from golfkit.compress.kernels.maps import P22_HALF, hash2, p22_of, update_map
from golfkit.compress.kernels.matches import EXPECTED_BYTE, find_match, predict_match, update_match
from golfkit.compress.kernels.mixing import mix, train
from golfkit.compress.kernels.parser import (
    BITS,
    C0,
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
    POS,
    RUN_FIRST,
    SEEN,
    WORDS_SEEN,
    read_byte,
)
from golfkit.compress.kernels.tables import squashed
from golfkit.compress.kernels.transform import forward, transform_bytes
from golfkit.compress.kernels.transform_restore import MAX_WORDS, POOL_BYTES, restore_byte

__all__ = ["forward", "transform_bytes"]  # entry points that come from elsewhere

# What a spec fills in, beside the names of layout.py: see spec.py
N_ORDERS = 1
N_WORDS = 0
N_FINALS = 1
N_APMS = 1
RATE = 0.001  # of layer 1: per unit of probability and of stretched input
FINAL_RATE = 0.002  # of layer 2
RATE_EXTRA = 0.02  # a row's rate is this much more at first, and half of this after it has learnt RATE_HALF times
RATE_HALF = 250.0
NET_RATE = 0.007  # of the LSTM
LEAST_ERROR = 0  # of a row of layer 1 that learns, in 1/65536ths
MAP_LIMIT = 1000  # counts: adaptive maps settle at a step of 1 / limit
RUN_LIMIT = 1000
DIRECT_LIMIT = 255
APM_RATE = 6
APM_SHARES = (8, 8)
MATCH_MIN, MATCH_MIN2 = 6, 12  # bytes

MOST_IDLE = MAX_WORDS + POOL_BYTES + 65536  # symbols beyond 4 for each restored byte: no encoder's stream has more


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


@jit
def begin_nibble(s, parameter, n_bits):
    """Find the contexts' slots; before a byte also its matches and contexts, and what the net predicts."""
    r = s.parser.r
    if n_bits == 0:
        find_contexts(s, parameter)
    find_slots(s, parameter, 0 if n_bits == 0 else r[C0])  # one call: each copy makes the program longer
    if n_bits == 0:
        for i in range(N_CTX):
            s.first[i] = s.base[i]
        if CELLS > 0:
            for i in range(N_FOLLOWED):
                at = i64(s.base[i]) << PLACE_LOG2
                count = i64(s.lines.bytes[at + RUN_COUNT])
                r[RUN_FIRST + i] = 0 if count == 0 else i64(s.lines.bytes[at + RUN_BYTE]) + (1 if count == 1 else 257)
            feature_rows(r, s.net.rows)
            predict_byte(s.net, LAYERS, CELLS, N_FEATURES)
            r[NET_TOP] = s.net.regs[TOP]


@jit
def find_contexts(s, parameter):
    """Find the matches of the next byte, and hash its contexts."""
    r = s.parser.r
    mask = (1 << log2_ring(parameter)) - 1
    table_mask = (1 << log2_match(parameter)) - 1
    slot = hash2(r[C4], r[C8] & ((1 << (8 * MATCH_MIN - 32)) - 1)) & table_mask
    slot2 = hash2(hash2(r[C4], r[C8]), r[C12] & ((1 << (8 * MATCH_MIN2 - 64)) - 1)) & table_mask
    prefetch(s.match.table, slot)
    prefetch(s.match2.table, slot2)
    r[LENGTH] = find_match(s.match, s.ring, mask, r[POS], slot, MATCH_MIN)
    r[EXPECTED] = s.match.regs[EXPECTED_BYTE] if r[LENGTH] > 0 else 0
    r[LENGTH2] = find_match(s.match2, s.ring, mask, r[POS], slot2, MATCH_MIN2)
    r[EXPECTED2] = s.match2.regs[EXPECTED_BYTE] if r[LENGTH2] > 0 else 0
    hash_contexts(r, s.hashes)


@jit
def find_slots(s, parameter, prefix):
    """Find every context's slot for a nibble; prefix is 0, then the partial byte of the first nibble."""
    mask = (1 << log2_lines(parameter)) - 1
    for i in range(N_CTX):
        hashed = hash2(i64(s.hashes[i]), prefix)
        s.base[i] = hashed
        if prefix == 0 or is_known(s, i):
            prefetch(s.lines.bytes, at_line(hashed, i, mask))
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
    spare = spare_slot(s.lines, mask + 1)
    for i in range(N_CTX):
        hashed = i64(s.base[i])
        s.base[i] = spare >> PLACE_LOG2
        if prefix == 0 or is_known(s, i):
            at = find_slot(s.lines, at_line(hashed, i, mask), check_of(hashed))
            s.base[i] = at >> PLACE_LOG2
            if prefix > 0 and is_new(s.lines, at):
                seed(s.lines, s.histories, at, i64(s.first[i]) << PLACE_LOG2, prefix)


@jit
def at_line(hashed, i, mask):
    """Byte offset of a context's line: those that forget soon do not fill the table with what is of no further use."""
    return (hashed & (mask if i < N_CTX - N_NEAR else mask & ((1 << LOG2_NEAR) - 1))) * 64


@jit
def is_known(s, i):
    """Whether a context was seen before this byte; its first slot holds its run."""
    return i64(s.lines.bytes[(i64(s.first[i]) << PLACE_LOG2) + RUN_COUNT]) > 0


@jit
def read_histories(s, n_bits):
    """Note each context's history of the next bit, as an entry of `maps`; count what was seen before."""
    r = s.parser.r
    node = NODES + node_of(r[C0], n_bits)
    n_orders = n_words = 0
    for i in range(N_CTX):
        state = i64(s.lines.bytes[(i64(s.base[i]) << PLACE_LOG2) + node])
        s.history[i] = i * 256 + state
        if state > 0:
            if i < N_ORDERS:
                n_orders += 1
            elif i < N_ORDERS + N_WORDS:
                n_words += 1
    r[SEEN] = n_orders
    r[WORDS_SEEN] = n_words


@jit
def read_contexts(s, n_bits):
    """The inputs of the contexts, from item AT_CONTEXTS on."""
    c0 = s.parser.r[C0]
    inputs = s.mixing.inputs
    for i in range(N_CTX):
        entry = i64(s.history[i])
        x = s.stretch[p22_of(s.maps, entry) >> 10]
        inputs[AT_CONTEXTS + i] = x if entry & 255 > 0 else f32(0.0)
    for i in range(N_RUNS):
        inputs[AT_CONTEXTS + N_CTX + i] = read_run(s, i, c0, n_bits)
    node = node_of(c0, n_bits)
    at = AT_CONTEXTS + N_CTX + N_RUNS
    for i in range(N_DIRECT):
        item = i64(s.direct[i64(s.direct_base[i]) + node])
        inputs[at + 2 * i] = s.stretch[item >> 20]
        sure = f32(f32((item >> 10) - P22_HALF) * f32(0.1 / 4194304.0))
        inputs[at + 2 * i + 1] = f32(sure * f32(min(item & 1023, 30)))


@jit
def read_run(s, i, c0, n_bits):
    """The input of a context's run: 0 where the byte that came last in it is not the one that is being coded."""
    at = i64(s.first[i]) << PLACE_LOG2
    expected = i64(s.lines.bytes[at + RUN_BYTE]) | 256
    count = i64(s.lines.bytes[at + RUN_COUNT])
    s.entry[i] = 0
    if count == 0 or expected >> (8 - n_bits) != c0:
        return f32(0.0)
    entry = i * RUNS + 2 * min(count, RUNS // 2 - 1) + ((expected >> (7 - n_bits)) & 1)
    s.entry[i] = entry
    return s.stretch[p22_of(s.runs, entry) >> 10]


@jit
def predict(s, n_bits):
    """P(next bit = 1) in 1/65536ths; n_bits of this byte are known."""
    r = s.parser.r
    c0 = r[C0]
    r[BITS] = n_bits
    inputs = s.mixing.inputs
    read_histories(s, n_bits)
    r[MATCHING] = predict_match(s.match, s.stretch, inputs, 0, r[LENGTH], c0, n_bits)
    r[MATCHING2] = predict_match(s.match2, s.stretch, inputs, 2, r[LENGTH2], c0, n_bits)
    inputs[4] = f32(0.3)
    if CELLS > 0:
        x = bit_stretch(s.net, c0)
        inputs[5] = x
        s.mixing.outputs[N_SETS] = x
        r[NET] = truncated(f32(x + f32(12.0)))
    select_apms(r, s.apm_rows)
    for k in range(N_APMS):
        prefetch(s.apms, i64(s.apm_rows[k]) * BUCKETS)
    select(r, s.mixing.selected)
    for k in range(N_SETS):  # memory brings the rows of weights while the contexts are read
        for j in range(N_INPUTS // LANES):
            prefetch(s.mixing.weights, (1 + i64(s.mixing.selected[k])) * N_INPUTS + LANES * j)
    read_contexts(s, n_bits)
    st = mix(s.mixing, N_INPUTS, N_SETS, N_FINALS)
    p_mixed = squashed(s.tables, st)
    s.regs[P_MIXED] = p_mixed
    s.regs[ST] = st
    p = p_mixed * APM_SHARES[0] + 8
    for k in range(N_APMS):
        p += refine(s.apms, s.tables, i64(s.apm_rows[k]) * BUCKETS, st) * APM_SHARES[k + 1]
    return max(1, min(65535, p >> 4))


@jit
def update(s, n_bits, bit):
    """Learn the bit that was coded."""
    r = s.parser.r
    c0 = r[C0]
    recip = s.tables.recip
    rates = f32(RATE), f32(FINAL_RATE), f32(RATE_EXTRA), f32(RATE_HALF)
    train(s.mixing, s.tables, N_INPUTS, N_SETS, N_FINALS, bit, *rates, LEAST_ERROR)
    node = NODES + node_of(c0, n_bits)
    for i in range(N_CTX):
        entry = i64(s.history[i])
        update_map(s.maps, entry, bit, recip, MAP_LIMIT)
        s.lines.bytes[(i64(s.base[i]) << PLACE_LOG2) + node] = s.histories.next_state[2 * (entry & 255) + bit]
    for i in range(N_RUNS):
        entry = i64(s.entry[i])
        if entry > 0:
            update_map(s.runs, entry, bit, recip, RUN_LIMIT)
    for i in range(N_DIRECT):
        update_map(s.direct, i64(s.direct_base[i]) + node - NODES, bit, recip, DIRECT_LIMIT)
    update_match(s.match, bit, recip, MAP_LIMIT)
    update_match(s.match2, bit, recip, MAP_LIMIT)
    for k in range(N_APMS):
        update_apm(s.apms, s.tables, i64(s.apm_rows[k]) * BUCKETS, s.regs[ST], bit, APM_RATE)
    r[C0] = c0 << 1 | bit


@jit
def end_byte(s, parameter):
    """Take the finished byte into the history."""
    r = s.parser.r
    c = r[C0] & 255
    mask = (1 << log2_ring(parameter)) - 1
    for i in range(N_CTX):
        note_run(s.lines, i64(s.first[i]) << PLACE_LOG2, c)
    if CELLS > 0:
        learn_byte(s.net, LAYERS, CELLS, N_FEATURES, c, f32(NET_RATE))
    s.ring[r[POS] & mask] = c
    read_byte(s.parser, s.ring, mask, c)
    return c


@jit
def encode(arena, parameter, block, n, out):
    """Code block[0:n] of the transformed input into `out`; returns the payload bytes that became certain."""
    s = carve(arena, parameter)
    n_out = 0
    for k in range(n):
        byte = i64(block[k])
        for n_bits in range(8):
            if n_bits & 3 == 0:
                begin_nibble(s, parameter, n_bits)
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
    """Restore the next n bytes into `out`; returns how many payload bytes were used so far.

    More than there are, n_payload + 1, where it ended early or stands for symbols that restore next to nothing.
    """
    s = carve(arena, parameter)
    begin_decode(s.regs, payload, n_payload)
    done = s.progress
    for k in range(n):
        while done[AT_PENDING] == done[N_PENDING]:
            done[AT_PENDING] = 0
            done[N_PENDING] = restore_byte(s.restorer, decode_byte(s, parameter, payload, n_payload), s.pending, 0)
            done[N_SYMBOLS] += 1
            if s.regs[AT] > n_payload or done[N_SYMBOLS] > 4 * done[N_RESTORED] + MOST_IDLE:
                return n_payload + 1
        out[k] = s.pending[done[AT_PENDING]]
        done[AT_PENDING] += 1
        done[N_RESTORED] += 1
    return s.regs[AT]


@jit
def decode_byte(s, parameter, payload, n_payload):
    """The next byte of the transformed input."""
    for n_bits in range(8):
        if n_bits & 3 == 0:
            begin_nibble(s, parameter, n_bits)
        p16 = predict(s, n_bits)
        update(s, n_bits, decode_bit(s.regs, p16, payload, n_payload))
    return end_byte(s, parameter)


@jit
def settle(arena, parameter, payload, n_payload):
    """After the last byte: the payload bytes used in all, -1 when they do not end as the encoder ends them."""
    s = carve(arena, parameter)
    begin_decode(s.regs, payload, n_payload)
    return s.regs[AT] if is_settled(s.regs) else -1
