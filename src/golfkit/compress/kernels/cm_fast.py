"""cm-fast."""

from typing import NamedTuple

from golfkit.compress.kernels.coder import AT, N_CODER_REGS, begin_decode, decode_bit, encode_bit, encode_end, init_coder
from golfkit.compress.kernels.jit import MASK32, carver, dot, i64, jit, prefetch, train, i16_view, i32_view, i64_view, u8_view, u16_view, u32_view, u64_view
from golfkit.compress.kernels.states import init_states
from golfkit.compress.kernels.tables import N_RECIP, ST_LIMIT, init_tables

N_HASHED = 9  # contexts in the slot table
N_CTX = N_HASHED + 1  # and order 1
N_INPUTS = 24
SETS = (256, 2048, 2048, 2048, 2048)
N_SETS = 5
SET_AT = (0, 256, 2304, 4352, 6400)
N_WEIGHT_SETS = 8448
N_BUCKETS = 45
APM1 = 65536
APM2 = 65536
MATCH_BITS = 20
MIN_MATCH = 6
MAX_MATCH = 65535
LIMIT = 255
RATE1 = 3
RATE2 = 2

C0, C4, C8, POS, WORD0, WORD1, MATCH_PTR, MATCH_LEN, EXPECTED, HITS, CLASSES, ST1, ST2, P_FINAL, P_MIX, A1, A2, WSEL, MIDX, WORD2, FIRST, LINE = range(
    N_CODER_REGS, N_CODER_REGS + 22
)


class State(NamedTuple):
    regs: object
    squash: object
    stretch: object
    recip: object
    next_state: object
    n0: object
    n1: object
    last: object
    maps: object
    hashes: object
    base: object
    order1: object
    inputs: object
    used: object
    weights: object
    sel: object
    outs: object
    weights2: object
    apm1: object
    apm2: object
    match_map: object
    match_table: object
    cls: object
    ring: object
    slots: object
    words: object


COUNTS = State(
    64, 2 * ST_LIMIT + 1, 4096, N_RECIP, 512, 256, 256, 256, N_CTX * 256, 16, 16, 65536, N_INPUTS, 16,
    N_WEIGHT_SETS * N_INPUTS, 8, 8, 2048 * 8, APM1 * N_BUCKETS, APM2 * N_BUCKETS, 128, 1 << MATCH_BITS, 256, 0, 0, 0,
)
CODES = State("q", "H", "h", "i", "B", "B", "B", "B", "I", "I", "i", "B", "i", "i", "i", "i", "i", "i", "H", "H", "I", "i", "B", "B", "B", "Q")
WIDTH = {"B": 1, "H": 2, "h": 2, "I": 4, "i": 4, "Q": 8, "q": 8}


def _offsets():
    at, offsets = 0, []
    for n, code in zip(COUNTS, CODES):
        offsets.append(at)
        at += (n * WIDTH[code] + 63) // 64 * 64
    return State(*offsets)


AT_ = _offsets()


@jit
def log2_slots(parameter):
    return parameter & 31


@jit
def log2_ring(parameter):
    return (parameter >> 5) + 20


@jit
def parameter(n_bytes):
    """Table sizes for an input: about 8 slots a byte."""
    log2_n = 0
    while 1 << log2_n < n_bytes:
        log2_n += 1
    return min(max(log2_n + 2, 12), 25) | max(log2_n - 20, 0) << 5 if log2_n < 28 else 25 | 7 << 5


@jit
def arena_bytes(parameter):
    if log2_slots(parameter) < 12 or log2_slots(parameter) > 25:
        return 0
    return AT_.ring + (1 << log2_ring(parameter)) + (16 << log2_slots(parameter))


@carver
def carve(arena, parameter):
    slots_at = AT_.ring + (1 << log2_ring(parameter))
    return State(
        i64_view(arena, AT_.regs, COUNTS.regs),
        u16_view(arena, AT_.squash, COUNTS.squash),
        i16_view(arena, AT_.stretch, COUNTS.stretch),
        i32_view(arena, AT_.recip, COUNTS.recip),
        u8_view(arena, AT_.next_state, COUNTS.next_state),
        u8_view(arena, AT_.n0, COUNTS.n0),
        u8_view(arena, AT_.n1, COUNTS.n1),
        u8_view(arena, AT_.last, COUNTS.last),
        u32_view(arena, AT_.maps, COUNTS.maps),
        u32_view(arena, AT_.hashes, COUNTS.hashes),
        u32_view(arena, AT_.base, COUNTS.base),
        u8_view(arena, AT_.order1, COUNTS.order1),
        i32_view(arena, AT_.inputs, COUNTS.inputs),
        u32_view(arena, AT_.used, COUNTS.used),
        i32_view(arena, AT_.weights, COUNTS.weights),
        u32_view(arena, AT_.sel, COUNTS.sel),
        i32_view(arena, AT_.outs, COUNTS.outs),
        i32_view(arena, AT_.weights2, COUNTS.weights2),
        u16_view(arena, AT_.apm1, COUNTS.apm1),
        u16_view(arena, AT_.apm2, COUNTS.apm2),
        u32_view(arena, AT_.match_map, COUNTS.match_map),
        u32_view(arena, AT_.match_table, COUNTS.match_table),
        u8_view(arena, AT_.cls, COUNTS.cls),
        u8_view(arena, AT_.ring, 1 << log2_ring(parameter)),
        u8_view(arena, slots_at, 16 << log2_slots(parameter)),
        u64_view(arena, slots_at, 2 << log2_slots(parameter)),
    )


@jit
def start(arena, parameter):
    s = carve(arena, parameter)
    init_coder(s.regs)
    init_tables(s.squash, s.stretch, s.recip)
    init_states(s.next_state, s.n0, s.n1, s.last)
    for i in range(N_CTX * 256):
        a = i64(s.n0[i & 255])
        b = i64(s.n1[i & 255])
        s.maps[i] = (((b * 10 + 4) << 22) // ((a + b) * 10 + 8)) << 10
    for i in range(N_WEIGHT_SETS * N_INPUTS):
        s.weights[i] = 65536 * 22 // 100
    for i in range(2048 * 8):
        s.weights2[i] = 65536 // N_SETS
    for i in range(APM1 * N_BUCKETS):
        st = min(max((i % N_BUCKETS) * 128 - 2816, -ST_LIMIT), ST_LIMIT)
        s.apm1[i] = s.squash[st + ST_LIMIT]
        s.apm2[i] = s.squash[st + ST_LIMIT]
    for i in range(128):
        n = i // 2 + 2
        s.match_map[i] = (((1 << 22) - (1 << 21) // n) if i & 1 else (1 << 21) // n) << 10
    for c in range(256):
        k = 0
        if 97 <= c <= 122:
            k = 1
        elif 65 <= c <= 90:
            k = 2
        elif 48 <= c <= 57:
            k = 3
        elif c >= 128:
            k = 4
        elif c == 32:
            k = 5
        elif c == 10:
            k = 6
        elif c == 91 or c == 93 or c == 124 or c == 123 or c == 125:
            k = 7
        elif c == 60 or c == 62 or c == 38 or c == 61 or c == 42 or c == 35:
            k = 8
        elif c == 46 or c == 44 or c == 59 or c == 58:
            k = 9
        elif c == 40 or c == 41 or c == 34 or c == 39:
            k = 10
        else:
            k = 11
        s.cls[c] = k
    s.regs[C0] = 1


@jit
def hash2(a, b):
    h = (a * 0x9E3779B1 + b * 0x85EBCA6B) & MASK32
    h ^= h >> 15
    h = (h * 0x2C1B3C6D) & MASK32
    return h ^ (h >> 13)


@jit
def find_slot(s, i, h, mask):
    check = (h >> 24) & 255
    first = h & mask
    for k in range(3):
        at = first ^ k
        if i64(s.slots[at * 16]) == check:
            return at * 16
    best = first
    low = i64(s.slots[first * 16 + 1])
    for k in range(1, 3):
        at = first ^ k
        pri = i64(s.slots[at * 16 + 1])
        if pri < low:
            low = pri
            best = at
    s.words[best * 2] = check
    s.words[best * 2 + 1] = 0
    return best * 16


@jit
def set_slots(s, parameter, c0):
    mask = (1 << log2_slots(parameter)) - 1
    for i in range(N_HASHED):
        h = hash2(i64(s.hashes[i]), c0)
        s.base[i] = h
        prefetch(s.slots, (h & mask) * 16)
    for i in range(N_HASHED):
        s.base[i] = find_slot(s, i, i64(s.base[i]), mask)


@jit
def predict(s, bit):
    regs = s.regs
    c0 = regs[C0]
    c4 = regs[C4]
    c1 = c4 & 255
    nib = c0 if bit < 4 else (c0 & ((1 << (bit - 4)) - 1)) | (1 << (bit - 4))
    # order 1
    at = c1 << 8 | c0
    s.used[N_HASHED] = at
    state = i64(s.order1[at])
    p = i64(s.maps[N_HASHED * 256 + state]) >> 10
    s.inputs[2 * N_HASHED] = s.stretch[p >> 10]
    s.inputs[2 * N_HASHED + 1] = (p - (1 << 21)) >> 12
    hits = 0
    for i in range(N_HASHED):
        at = i64(s.base[i]) + nib
        s.used[i] = at
        state = i64(s.slots[at])
        if state == 0:
            s.inputs[2 * i] = 0
            s.inputs[2 * i + 1] = 0
        else:
            p = i64(s.maps[i * 256 + state]) >> 10
            s.inputs[2 * i] = s.stretch[p >> 10]
            s.inputs[2 * i + 1] = (p - (1 << 21)) >> 12
            if i >= 1 and i < 5:
                hits += 1
    # match
    length = regs[MATCH_LEN]
    expected = regs[EXPECTED] | 256
    bucket = 0
    if length > 0 and (expected >> (8 - bit)) == c0:
        ebit = (expected >> (7 - bit)) & 1
        bucket = length if length < 16 else min(16 + (length - 16) // 4, 63)
        j = bucket * 2 + ebit
        regs[MIDX] = j
        p = i64(s.match_map[j]) >> 10
        s.inputs[2 * N_CTX] = s.stretch[p >> 10]
        s.inputs[2 * N_CTX + 1] = (p - (1 << 21)) >> 11
    else:
        regs[MIDX] = -1
        s.inputs[2 * N_CTX] = 0
        s.inputs[2 * N_CTX + 1] = 0
    s.inputs[2 * N_CTX + 2] = 256
    # selectors
    c2 = (c4 >> 8) & 255
    k1 = i64(s.cls[c1])
    k2 = i64(s.cls[c2])
    s.sel[0] = SET_AT[0] + c0
    s.sel[1] = SET_AT[1] + (c1 << 3) + bit
    s.sel[2] = SET_AT[2] + ((min(bucket, 31) if bucket < 16 else 16 + min((bucket - 16) // 4, 15)) << 3 | bit) + (hits << 8)
    s.sel[3] = SET_AT[3] + (k1 << 7 | k2 << 3 | bit)
    s.sel[4] = SET_AT[4] + (regs[FIRST] << 7 | hits << 4 | (8 if bucket > 0 else 0) | bit)
    st2 = 0
    for k in range(N_SETS):
        row = i64(s.sel[k]) * N_INPUTS
        st = dot(s.weights, row, s.inputs, N_INPUTS) >> 8
        st = max(-ST_LIMIT, min(ST_LIMIT, st))
        s.outs[k] = st
        st2 += st * i64(s.weights2[c0 * 8 + k])
    st2 = max(-ST_LIMIT, min(ST_LIMIT, st2 >> 16))
    p_mix = i64(s.squash[st2 + ST_LIMIT])
    regs[P_MIX] = p_mix
    # apm
    w = (st2 + 2816) & 127
    b = (st2 + 2816) >> 7
    a1 = (c1 << 8 | c0) * N_BUCKETS + b
    a2 = (hash2(c4 & 0xFFFFFF, c0) & 0xFFFF) * N_BUCKETS + b
    p1 = (i64(s.apm1[a1]) * (128 - w) + i64(s.apm1[a1 + 1]) * w) >> 7
    p2 = (i64(s.apm2[a2]) * (128 - w) + i64(s.apm2[a2 + 1]) * w) >> 7
    regs[A1] = a1 + (w >> 6)
    regs[A2] = a2 + (w >> 6)
    p = (2 * p_mix + p1 + p2 + 2) >> 2
    return max(1, min(65535, p))


@jit
def update_map(maps, at, bit, recip, limit):
    e = i64(maps[at])
    n = e & 1023
    p = e >> 10
    p += (((bit << 22) - p) * i64(recip[n])) >> 16
    p = min(p, (1 << 22) - 1)
    maps[at] = p << 10 | (n + 1 if n < limit else n)


@jit
def update(s, bit, y):
    regs = s.regs
    c0 = regs[C0]
    for k in range(N_SETS):
        st = i64(s.outs[k])
        err = (y << 16) - i64(s.squash[st + ST_LIMIT])
        train(s.weights, i64(s.sel[k]) * N_INPUTS, s.inputs, N_INPUTS, (err * RATE1) >> 4)
    err2 = ((y << 16) - regs[P_MIX]) * RATE2
    for k in range(N_SETS):
        s.weights2[c0 * 8 + k] = i64(s.weights2[c0 * 8 + k]) + ((i64(s.outs[k]) * err2 + (1 << 17)) >> 18)
    for i in range(N_HASHED):
        at = i64(s.used[i])
        state = i64(s.slots[at])
        update_map(s.maps, i * 256 + state, y, s.recip, LIMIT)
        s.slots[at] = s.next_state[2 * state + y]
    at = i64(s.used[N_HASHED])
    state = i64(s.order1[at])
    update_map(s.maps, N_HASHED * 256 + state, y, s.recip, LIMIT)
    s.order1[at] = s.next_state[2 * state + y]
    j = regs[MIDX]
    if j >= 0:
        update_map(s.match_map, j, y, s.recip, LIMIT)
    a1 = regs[A1]
    a2 = regs[A2]
    s.apm1[a1] = i64(s.apm1[a1]) + (((y << 16) - y - i64(s.apm1[a1])) >> 6)
    s.apm2[a2] = i64(s.apm2[a2]) + (((y << 16) - y - i64(s.apm2[a2])) >> 6)
    regs[C0] = c0 << 1 | y


@jit
def begin_byte(s, parameter):
    regs = s.regs
    c4 = regs[C4]
    c8 = regs[C8]
    w0 = regs[WORD0]
    s.hashes[0] = hash2(c4 & 0xFFFF, 2)
    s.hashes[1] = hash2(c4 & 0xFFFFFF, 3)
    s.hashes[2] = hash2(c4, 4)
    s.hashes[3] = hash2(c4, hash2(c8 & 0xFF, 5))
    s.hashes[4] = hash2(c4, hash2(c8 & 0xFFFF, 6))
    s.hashes[5] = hash2(w0, c4 & 255 | 0x700)
    s.hashes[6] = hash2(w0, hash2(regs[WORD1], c4 & 255 | 0x800))
    s.hashes[7] = hash2(w0, hash2(regs[WORD2], c4 & 255 | 0x900))
    s.hashes[8] = hash2(c4 & 0xFFFF | regs[FIRST] << 16, 10)
    # match
    rmask = (1 << log2_ring(parameter)) - 1
    pos = regs[POS]
    ptr = regs[MATCH_PTR]
    length = regs[MATCH_LEN]
    if length > 0:
        if i64(s.ring[ptr & rmask]) == c4 & 255:
            length = min(length + 1, MAX_MATCH)
            ptr += 1
        else:
            length = 0
    slot = hash2(c4, c8 & 0xFFFF) & ((1 << MATCH_BITS) - 1)
    if length == 0:
        ptr = i64(s.match_table[slot])
        if ptr > 0:
            while length < 32 and length < ptr and i64(s.ring[(ptr - 1 - length) & rmask]) == i64(s.ring[(pos - 1 - length) & rmask]):
                length += 1
            if length < MIN_MATCH:
                length = 0
    s.match_table[slot] = pos & MASK32
    regs[MATCH_PTR] = ptr
    regs[MATCH_LEN] = length
    regs[EXPECTED] = i64(s.ring[ptr & rmask])


@jit
def end_byte(s, parameter):
    regs = s.regs
    c = regs[C0] & 255
    regs[C0] = 1
    pos = regs[POS]
    s.ring[pos & ((1 << log2_ring(parameter)) - 1)] = c
    regs[POS] = pos + 1
    regs[C8] = (regs[C8] << 8 | regs[C4] >> 24) & MASK32
    regs[C4] = (regs[C4] << 8 | c) & MASK32
    k = i64(s.cls[c])
    lower = c + 32 if k == 2 else c
    if k == 1 or k == 2 or k == 4:
        regs[WORD0] = hash2(regs[WORD0], lower + 1)
    elif regs[WORD0] != 0:
        regs[WORD2] = regs[WORD1]
        regs[WORD1] = regs[WORD0]
        regs[WORD0] = 0
    if regs[LINE] == 1:
        regs[FIRST] = k
        regs[LINE] = 0
    if c == 10:
        regs[LINE] = 1


@jit
def encode(arena, parameter, block, n, out):
    s = carve(arena, parameter)
    n_out = 0
    for k in range(n):
        byte = i64(block[k])
        begin_byte(s, parameter)
        set_slots(s, parameter, 0)
        for bit in range(8):
            if bit == 4:
                set_slots(s, parameter, s.regs[C0])
            p16 = predict(s, bit)
            y = (byte >> (7 - bit)) & 1
            n_out = encode_bit(s.regs, y, p16, out, n_out)
            update(s, bit, y)
        end_byte(s, parameter)
    return n_out


@jit
def finish(arena, parameter, out):
    s = carve(arena, parameter)
    return encode_end(s.regs, out)


@jit
def decode(arena, parameter, payload, n_payload, out, n):
    s = carve(arena, parameter)
    begin_decode(s.regs, payload, n_payload)
    for k in range(n):
        begin_byte(s, parameter)
        set_slots(s, parameter, 0)
        for bit in range(8):
            if bit == 4:
                set_slots(s, parameter, s.regs[C0])
            p16 = predict(s, bit)
            y = decode_bit(s.regs, p16, payload, n_payload)
            update(s, bit, y)
        out[k] = s.regs[C0] & 255
        end_byte(s, parameter)
    return s.regs[AT]
