"""Match model: predicts the byte that followed the most recent occurrence of the last MIN_MATCH bytes.

    regs   int64[8]                PTR, LENGTH (of the match; 0 none), EXPECTED (byte), BUCKET (of the length, this
                                   bit; 0 when there is no match or it failed within this byte), ENTRY (of `map`)
    map    uint32[128]             adaptive P(1) by length bucket and expected bit
    table  uint32[2^TABLE_BITS]    hash of the last MIN_MATCH bytes -> position
Positions count from the start; the last 2^n bytes are in `ring`.
"""

from typing import Any, NamedTuple

from golfkit.compress.kernels.jit import MASK32, carver, i64, i64_view, jit, u32_view
from golfkit.compress.kernels.maps import P22_HALF, hash2, p22_of, update_map

PTR, LENGTH, EXPECTED, BUCKET, ENTRY = range(5)
TABLE_BITS = 20
MIN_MATCH = 7
MAX_VERIFIED = 32  # bytes compared when a match is found
MAX_LENGTH = 65535
N_BUCKETS = 64
MATCH_BYTES = 64 + 512 + (4 << TABLE_BITS)
MAP_LIMIT = 1000  # counts; see docs/tuning.md


class Match(NamedTuple):
    """Its arrays."""

    regs: Any
    map: Any
    table: Any


@carver
def match_at(arena, at):
    """Views of a match model at byte `at`."""
    return Match(
        i64_view(arena, at, 8), u32_view(arena, at + 64, 2 * N_BUCKETS), u32_view(arena, at + 576, 1 << TABLE_BITS)
    )


@jit
def init_match(match):
    """A match of length bucket b is right with 1 - 1 / (2b + 4)."""
    for i in range(2 * N_BUCKETS):
        doubt = P22_HALF // (i // 2 + 2)
        match.map[i] = ((1 << 22) - doubt if i & 1 else doubt) << 10


@jit
def table_slot(c4, c8):
    """The table's slot for the last 7 bytes."""
    return hash2(c4, c8 & 0xFFFFFF) & ((1 << TABLE_BITS) - 1)


@jit
def find_match(match, ring, mask, pos, slot):
    """Follow the match over the byte before `pos`, or look for a new one; sets EXPECTED."""
    regs = match.regs
    ptr = regs[PTR]
    length = regs[LENGTH]
    if length > 0:
        if i64(ring[ptr & mask]) == i64(ring[(pos - 1) & mask]):
            length = min(length + 1, MAX_LENGTH)
            ptr += 1
        else:
            length = 0
    if length == 0:
        ptr = i64(match.table[slot])
        while length < min(MAX_VERIFIED, ptr) and i64(ring[(ptr - 1 - length) & mask]) == i64(
            ring[(pos - 1 - length) & mask]
        ):
            length += 1
        if length < MIN_MATCH:
            length = 0
    match.table[slot] = pos & MASK32
    regs[PTR] = ptr
    regs[LENGTH] = length
    regs[EXPECTED] = i64(ring[ptr & mask])


@jit
def predict_match(match, stretch, inputs, at, c0, n_bits):
    """Write two inputs (stretch and plain probability); returns the bucket of the length, 0 for none."""
    regs = match.regs
    length = regs[LENGTH]
    expected = regs[EXPECTED] | 256
    bucket = 0
    inputs[at] = 0
    inputs[at + 1] = 0
    if length > 0 and expected >> (8 - n_bits) == c0:
        bucket = length if length < 16 else min(16 + (length - 16) // 4, N_BUCKETS - 1)
        entry = 2 * bucket + ((expected >> (7 - n_bits)) & 1)
        regs[ENTRY] = entry
        p22 = p22_of(match.map, entry)
        inputs[at] = stretch[p22 >> 10]
        inputs[at + 1] = (p22 - P22_HALF) >> 11
    regs[BUCKET] = bucket
    return bucket


@jit
def update_match(match, bit, recip):
    """Learn whether the match was right."""
    if match.regs[BUCKET] > 0:
        update_map(match.map, match.regs[ENTRY], bit, recip, MAP_LIMIT)
