"""APM: refines a probability, given a small context, by interpolating between buckets.

    p16  uint16[n_contexts * BUCKETS]  P(1) in 1/65536ths at st8 = 256 * (bucket - 11), buckets 0 to 22

A row is one cache line, so that one prefetch brings it. The nearer of the two buckets learns.
Source: adaptive probability maps (secondary symbol estimation) as in Mahoney's PAQ8 and lpaq1.
"""

from golfkit.compress.kernels.jit import i64, jit
from golfkit.compress.kernels.tables import clamped, squashed

BUCKETS = 32  # of which 23 are used; 32 uint16 are 64 bytes
ST_ZERO = 2816  # st8 = 0 lies 11 buckets up


@jit
def init_apm(p16, n_contexts, tables):
    """The identity."""
    for i in range(n_contexts * BUCKETS):
        p16[i] = squashed(tables, clamped((i % BUCKETS) * 256 - ST_ZERO))


@jit
def refine(p16, row, st):
    """P(1) in 1/65536ths of a prediction st8 in the context of `row` (context * BUCKETS)."""
    at = row + ((st + ST_ZERO) >> 8)
    weight = (st + ST_ZERO) & 255
    return (i64(p16[at]) * (256 - weight) + i64(p16[at + 1]) * weight) >> 8


@jit
def update_apm(p16, row, st, bit, rate):
    """Move the nearer bucket towards the bit by 1 / 2^rate."""
    at = row + ((st + ST_ZERO + 128) >> 8)
    p = i64(p16[at])
    p16[at] = p + (((bit << 16) - bit - p) >> rate)
