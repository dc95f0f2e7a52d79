"""Match model: predicts the byte that followed the last occurrence of the last bytes, and goes on after an error.

    regs   int64[8]                    PTR, RUN (bytes that agreed since the match began or failed; -1: none), MISSES
                                       (of the last 8 bytes, which were predicted wrong), EXPECTED_BYTE, ENTRY, ENTRY2
    map    uint32[16 * 16 * 4]         adaptive P(1) by length bucket, misses and expected bit
    bytes  uint32[65536]               adaptive P(1) by expected byte and partial byte
    table  uint32[2^table_bits]        hash of the last bytes -> position
Positions count from the start; the last 2^n bytes are in `ring`. A match that failed is followed for up to 8 misses in
8 bytes (recovery), unless the table has a new one. Source: PAQ8's match model; lpaq1.
"""

from typing import Any, NamedTuple

from golfkit.compress.kernels.jit import MASK32, carver, i64, i64_view, jit, u32_view
from golfkit.compress.kernels.maps import P22_HALF, p22_of, update_map

PTR, RUN, MISSES, EXPECTED_BYTE, ENTRY, ENTRY2 = range(6)
MAX_VERIFIED = 32  # bytes compared when a match is found
MAX_RUN = 65535
N_BUCKETS = 16
MAP = 1024
HEAD_BYTES = 64 + 4 * MAP + 4 * 65536


class Match(NamedTuple):
    """Its arrays."""

    regs: Any
    map: Any
    bytes: Any
    table: Any


@jit
def match_bytes(table_bits):
    """Arena bytes."""
    return HEAD_BYTES + (4 << table_bits)


@carver
def match_at(arena, at, table_bits):
    """Views of a match model at byte `at`."""
    return Match(
        i64_view(arena, at, 8),
        u32_view(arena, at + 64, MAP),
        u32_view(arena, at + 64 + 4 * MAP, 65536),
        u32_view(arena, at + HEAD_BYTES, 1 << table_bits),
    )


@jit
def init_match(match):
    """A match of length bucket b is right with 1 - 1 / (2b + 4)."""
    for i in range(MAP):
        doubt = P22_HALF // ((i >> 6) + 2)
        match.map[i] = ((1 << 22) - doubt if i & 1 else doubt) << 10
    for i in range(65536):
        match.bytes[i] = P22_HALF << 10


@jit
def bucket_of(run):
    """1 to 15 for the length of a match; 0 for one that has just failed."""
    if run < 16:
        return run // 2 + (run & 1) if run < 8 else 4 + (run - 8) // 4 + 1
    if run < 32:
        return 7 + (run - 16) // 4
    return min(11 + (run - 32) // 32, 15)


@jit
def find_match(match, ring, mask, pos, slot, min_match):
    """Follow the match over the byte before `pos`, or look for a new one; returns the length's bucket + 1, or 0."""
    regs = match.regs
    ptr = regs[PTR]
    run = regs[RUN]
    if ptr > 0 and run >= 0:
        if i64(ring[ptr & mask]) == i64(ring[(pos - 1) & mask]):
            run = min(run + 1, MAX_RUN)
            regs[MISSES] = (regs[MISSES] << 1) & 255
        else:
            run = 0
            regs[MISSES] = (regs[MISSES] << 1 | 1) & 255
        ptr += 1
    else:
        run = -1
    if run < min_match:
        candidate = i64(match.table[slot])
        length = 0
        while length < min(MAX_VERIFIED, candidate) and i64(ring[(candidate - 1 - length) & mask]) == i64(
            ring[(pos - 1 - length) & mask]
        ):
            length += 1
        if length >= min_match:
            if length > run:
                ptr = candidate
                run = length
                regs[MISSES] = 0
        elif regs[MISSES] == 255:
            run = -1
    match.table[slot] = pos & MASK32
    regs[PTR] = ptr
    regs[RUN] = run
    regs[EXPECTED_BYTE] = i64(ring[ptr & mask])
    return bucket_of(run) + 1 if run >= 0 else 0


@jit
def predict_match(match, stretch, inputs, at, bucket, c0, n_bits):
    """Write two inputs; returns 2 * bucket + the expected bit, 0 where there is no match or it failed within this byte.

    bucket  what `find_match` returned
    """
    regs = match.regs
    expected = regs[EXPECTED_BYTE] | 256
    inputs[at] = 0.0
    inputs[at + 1] = 0.0
    regs[ENTRY] = -1
    if bucket == 0 or expected >> (8 - n_bits) != c0:
        return 0
    bit = (expected >> (7 - n_bits)) & 1
    misses = regs[MISSES]
    n_missed = (misses & 1) + (misses >> 1 & 1) + (misses >> 2 & 1) + (misses >> 3 & 1) + (1 if misses > 15 else 0)
    entry = ((bucket - 1) * 8 + min(n_missed, 7)) * 8 + (4 if n_bits == 0 else 0) + bit
    regs[ENTRY] = entry
    inputs[at] = stretch[p22_of(match.map, entry) >> 10]
    regs[ENTRY2] = (expected & 255) << 8 | c0
    inputs[at + 1] = stretch[p22_of(match.bytes, regs[ENTRY2]) >> 10]
    return 2 * bucket + bit


@jit
def update_match(match, bit, recip, limit):
    """Learn whether the match was right."""
    if match.regs[ENTRY] >= 0:
        update_map(match.map, match.regs[ENTRY], bit, recip, limit)
        update_map(match.bytes, match.regs[ENTRY2], bit, recip, limit)
