"""cm-fast: context mixing at about 2 microseconds a byte.

Each bit is predicted from 20 contexts: order 1 directly, 19 through hashed slots. A context gives a bit history, an
adaptive map turns that into a probability, and five selected weight sets and a second layer mix the stretched
probabilities with a match model's. Two APMs refine the result, and a binary arithmetic coder codes the bit.

Protocol, the same for encoder and decoder: for each byte `begin_byte`, for each bit `predict`, code, `update`, then
`end_byte`. Everything lives in one arena (`carve`), so a run can be hashed, sized and saved. The codec's parameter
byte holds log2 of the slot count (bits 0-4) and log2 of the history ring less 20 (bits 5-7).
Constants: docs/tuning.md.
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
from golfkit.compress.kernels.jit import carver, i64, i64_view, jit, prefetch, u8_view, u16_view, u32_view
from golfkit.compress.kernels.maps import hash2, init_map, p22_of, update_map
from golfkit.compress.kernels.match import (
    EXPECTED,
    LENGTH,
    MATCH_BYTES,
    find_match,
    init_match,
    match_at,
    predict_match,
    table_slot,
    update_match,
)
from golfkit.compress.kernels.mixer import init_mixer, mix, mixer_at, mixer_bytes, update_mixer
from golfkit.compress.kernels.slots import find_slot, node_of, slots_at
from golfkit.compress.kernels.states import HISTORIES_BYTES, histories_at, init_states
from golfkit.compress.kernels.tables import TABLES_BYTES, init_tables, squashed, tables_at
from golfkit.compress.kernels.text import (
    BRACKET,
    BRACKET_POS,
    C4,
    C8,
    CLASSES,
    FIRST,
    KINDS,
    LINE,
    LINK,
    POS,
    TEXT_BYTES,
    WORD,
    WORD1,
    WORD2,
    above,
    init_text,
    read_byte,
    text_at,
)

N_HASHED = 19
N_CTX = N_HASHED + 1  # order 1 is the last
N_INPUTS = 24  # N_CTX, the match model's two, a constant; to a multiple of 8
INPUT_ONE = 256  # the constant input, st8
WEIGHT = 19661  # 0.3: of every input at the start
RATE = 4  # 1/1024ths: layer 1 learns at 0.004
MAP_LIMIT = 1000  # counts: adaptive maps settle at a step of 1/1000
APM_CONTEXTS = 65536
APM_RATE = 6
SET_PARTIAL, SET_BYTE, SET_MATCH, SET_CLASSES, SET_LINE = 0, 256, 512, 704, 960  # first row of each weight set
N_SETS = 5
N_ROWS = 960 + 1536
MIN_LOG2_SLOTS, MAX_LOG2_SLOTS = 12, 26
MIN_LOG2_RING = 20

C0, P_MIXED, ROW1, ROW2, ST = range(N_CODER_REGS, N_CODER_REGS + 5)  # regs after the coder's: the partial byte, ...

AT_TABLES = 512
AT_HISTORIES = AT_TABLES + TABLES_BYTES
AT_MAPS = AT_HISTORIES + HISTORIES_BYTES
AT_TEXT = AT_MAPS + 1024 * N_CTX
AT_ORDER1 = AT_TEXT + TEXT_BYTES
AT_MIXER = AT_ORDER1 + 65536
AT_APM1 = AT_MIXER + mixer_bytes(N_INPUTS, N_ROWS)
AT_APM2 = AT_APM1 + 2 * APM_CONTEXTS * BUCKETS
AT_MATCH = AT_APM2 + 2 * APM_CONTEXTS * BUCKETS
AT_RING = AT_MATCH + MATCH_BYTES


class State(NamedTuple):
    """The arena's arrays."""

    regs: Any  # int64[16]: the coder's, then C0 and what `update` needs of `predict`
    hashes: Any  # uint32[32]: per context, of this byte
    base: Any  # uint32[32]: per context, byte offset of its slot, for this nibble
    tables: Any
    histories: Any
    maps: Any  # uint32[256 * N_CTX]: bit history -> probability
    text: Any
    order1: Any  # uint8[65536]: bit histories of order 1, by last byte and partial byte
    mixer: Any
    apm1: Any
    apm2: Any
    match: Any
    ring: Any  # uint8[2^log2_ring]: the last bytes
    slots: Any


@jit
def log2_slots(parameter):
    """log2 of the number of slots."""
    return parameter & 31


@jit
def log2_ring(parameter):
    """log2 of the bytes of history."""
    return (parameter >> 5) + MIN_LOG2_RING


@jit
def parameter(n_bytes):
    """Table sizes for an input, within limits: 64 bytes of slots an input byte, and a ring that holds it all."""
    log2_n = 0
    while 1 << log2_n < n_bytes:
        log2_n += 1
    ring = min(max(log2_n - MIN_LOG2_RING, 0), 7)
    return min(max(log2_n + 2, MIN_LOG2_SLOTS), MAX_LOG2_SLOTS) | ring << 5


@jit
def arena_bytes(parameter):
    """Size of the arena; 0 where there is no such parameter."""
    if parameter >> 8 != 0 or log2_slots(parameter) < MIN_LOG2_SLOTS or log2_slots(parameter) > MAX_LOG2_SLOTS:
        return 0
    return AT_RING + (1 << log2_ring(parameter)) + (16 << log2_slots(parameter))


@carver
def carve(arena, parameter):
    """The arrays of an arena (uint8[arena_bytes(parameter)], 64-byte aligned)."""
    return State(
        i64_view(arena, 0, 16),
        u32_view(arena, 128, 32),
        u32_view(arena, 256, 32),
        tables_at(arena, AT_TABLES),
        histories_at(arena, AT_HISTORIES),
        u32_view(arena, AT_MAPS, 256 * N_CTX),
        text_at(arena, AT_TEXT),
        u8_view(arena, AT_ORDER1, 65536),
        mixer_at(arena, AT_MIXER, N_INPUTS, N_ROWS),
        u16_view(arena, AT_APM1, APM_CONTEXTS * BUCKETS),
        u16_view(arena, AT_APM2, APM_CONTEXTS * BUCKETS),
        match_at(arena, AT_MATCH),
        u8_view(arena, AT_RING, 1 << log2_ring(parameter)),
        slots_at(arena, AT_RING + (1 << log2_ring(parameter)), log2_slots(parameter)),
    )


@jit
def start(arena, parameter):
    """Make an arena of zeros ready for the first byte."""
    s = carve(arena, parameter)
    init_coder(s.regs)
    s.regs[C0] = 1
    init_tables(s.tables)
    init_states(s.histories)
    for i in range(256 * N_CTX):
        init_map(s.maps, i, i64(s.histories.n0[i & 255]), i64(s.histories.n1[i & 255]))
    init_mixer(s.mixer, N_INPUTS, N_ROWS, N_SETS, WEIGHT)
    init_apm(s.apm1, APM_CONTEXTS, s.tables)
    init_apm(s.apm2, APM_CONTEXTS, s.tables)
    init_match(s.match)
    init_text(s.text)


@jit
def begin_byte(s, parameter):
    """Hash the contexts of the next byte, and find its match."""
    t = s.text.regs
    c4 = t[C4]
    c8 = t[C8]
    c1 = c4 & 255
    word = t[WORD]
    mask = (1 << log2_ring(parameter)) - 1
    slot = table_slot(c4, c8)
    prefetch(s.match.table, slot)
    h = s.hashes
    h[0] = hash2(c4 & 0xFFFF, 1)
    h[1] = hash2(c4 & 0xFFFFFF, t[FIRST] | t[BRACKET] << 8 | 2 << 16)
    h[2] = hash2(c4, 3)
    h[3] = hash2(c4, c8 & 0xFF | 4 << 8)
    h[4] = hash2(c4, c8 & 0xFFFF | 5 << 16)
    h[5] = hash2(c4, hash2(c8, 6))
    h[6] = hash2(word, c1 | 7 << 8)
    h[7] = hash2(word, hash2(t[WORD1], c1 | 8 << 8))
    h[8] = hash2(word, hash2(t[WORD2], c1 | 9 << 8))
    h[9] = hash2(hash2(word, c1 | 10 << 8), hash2(t[WORD1], t[WORD2]))
    h[10] = hash2(t[CLASSES], c1 | 11 << 8)
    h[11] = hash2(t[KINDS] & 0xFFFFFF, word ^ 12)
    h[12] = hash2(c4 & 0xFFFF00, 13)
    h[13] = hash2(above(s.text, s.ring, mask) | min(t[POS] - t[LINE], 255) << 8, c1 | 14 << 8)
    h[14] = hash2(t[BRACKET] | min(t[POS] - t[BRACKET_POS], 15) << 8, c1 | 15 << 8)
    h[15] = hash2(t[LINK], c1 | 16 << 8)
    h[16] = hash2(i64(s.text.follow1[c1]) & 0xFFFF, c1 | 17 << 8)
    h[17] = hash2(i64(s.text.follow2[c4 & 0xFFFF]) & 0xFFFF, c1 | 18 << 8)
    find_match(s.match, s.ring, mask, t[POS], slot)
    length = s.match.regs[LENGTH]
    h[18] = hash2(s.match.regs[EXPECTED] | min(length, 15) << 8 if length > 0 else 0, c1 | 19 << 8)
    find_slots(s, parameter, 0)


@jit
def find_slots(s, parameter, prefix):
    """Find every context's slot for a nibble; prefix is 0, then the partial byte of the first nibble."""
    mask = (1 << log2_slots(parameter)) - 1
    for i in range(N_HASHED):
        hashed = hash2(i64(s.hashes[i]), prefix)
        s.base[i] = hashed
        prefetch(s.slots.states, (hashed & mask) * 16)
    for i in range(N_HASHED):
        s.base[i] = find_slot(s.slots, i64(s.base[i]), mask)


@jit
def predict(s, n_bits):
    """P(next bit = 1) in 1/65536ths; n_bits of this byte are known."""
    regs = s.regs
    t = s.text.regs
    c0 = regs[C0]
    c1 = t[C4] & 255
    row1 = (c1 << 8 | c0) * BUCKETS
    row2 = (hash2(t[C4] & 0xFFFFFF, c0) & (APM_CONTEXTS - 1)) * BUCKETS
    prefetch(s.apm1, row1)  # mixing takes long enough for these to arrive
    prefetch(s.apm2, row2)
    inputs = s.mixer.inputs
    stretch = s.tables.stretch
    state = i64(s.order1[c1 << 8 | c0])
    inputs[N_HASHED] = stretch[p22_of(s.maps, N_HASHED * 256 + state) >> 10]
    node = node_of(c0, n_bits)
    n_seen = 0  # of the orders 3 to 8, how many were seen before here
    for i in range(N_HASHED):
        state = i64(s.slots.states[i64(s.base[i]) + node])
        if state == 0:
            inputs[i] = 0
        else:
            inputs[i] = stretch[p22_of(s.maps, i * 256 + state) >> 10]
            if 1 <= i <= 5:
                n_seen += 1
    bucket = predict_match(s.match, stretch, inputs, N_CTX, c0, n_bits)
    inputs[N_CTX + 2] = INPUT_ONE
    select_rows(s, n_bits, n_seen, bucket)
    st = mix(s.mixer, N_INPUTS, N_SETS, c0)
    p_mixed = squashed(s.tables, st)
    regs[P_MIXED] = p_mixed
    regs[ROW1] = row1
    regs[ROW2] = row2
    regs[ST] = st
    p = (p_mixed + 2 * refine(s.apm1, row1, st) + 5 * refine(s.apm2, row2, st) + 4) >> 3
    return max(1, min(65535, p))


@jit
def select_rows(s, n_bits, n_seen, bucket):
    """The weight sets' rows."""
    t = s.text.regs
    chosen = s.mixer.selected
    chosen[0] = SET_PARTIAL + s.regs[C0]
    chosen[1] = SET_BYTE + (t[C4] & 255)
    chosen[2] = SET_MATCH + (bucket if bucket < 16 else 16 + min((bucket - 16) // 4, 15)) + (n_seen << 5)
    chosen[3] = SET_CLASSES + (t[CLASSES] & 255)
    chosen[4] = SET_LINE + (t[FIRST] << 7 | n_seen << 4 | (8 if bucket > 0 else 0) | n_bits)


@jit
def update(s, n_bits, bit):
    """Learn the bit that was coded."""
    regs = s.regs
    c0 = regs[C0]
    recip = s.tables.recip
    update_mixer(s.mixer, s.tables, N_INPUTS, N_SETS, c0, bit, regs[P_MIXED], RATE)
    node = node_of(c0, n_bits)
    for i in range(N_HASHED):
        at = i64(s.base[i]) + node
        state = i64(s.slots.states[at])
        update_map(s.maps, i * 256 + state, bit, recip, MAP_LIMIT)
        s.slots.states[at] = s.histories.next_state[2 * state + bit]
    at = (s.text.regs[C4] & 255) << 8 | c0
    state = i64(s.order1[at])
    update_map(s.maps, N_HASHED * 256 + state, bit, recip, MAP_LIMIT)
    s.order1[at] = s.histories.next_state[2 * state + bit]
    update_match(s.match, bit, recip)
    update_apm(s.apm1, regs[ROW1], regs[ST], bit, APM_RATE)
    update_apm(s.apm2, regs[ROW2], regs[ST], bit, APM_RATE)
    regs[C0] = c0 << 1 | bit


@jit
def end_byte(s, parameter):
    """Take the finished byte into the history."""
    c = s.regs[C0] & 255
    s.regs[C0] = 1
    s.ring[s.text.regs[POS] & ((1 << log2_ring(parameter)) - 1)] = c
    read_byte(s.text, c)
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
                find_slots(s, parameter, s.regs[C0])
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
                find_slots(s, parameter, s.regs[C0])
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
