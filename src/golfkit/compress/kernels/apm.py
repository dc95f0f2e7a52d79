"""APM: refines a probability, given a small context, by interpolating between buckets.

    p16  uint16[n_contexts * BUCKETS]  P(1) in 1/65536ths at st8 = 256 * (bucket - 11), buckets 0 to 22, XOR the
                                       probability there that changes nothing: an untouched row is zeros.
                                       From COUNTS on: 4 bits for each bucket, how often it learnt

A row is one cache line, so that one prefetch brings it. The nearer of the two buckets learns: at first it is a mean of
the bits that came, what it began with being worth FIRST_SEEN of them; later its step is fixed.
Source: adaptive probability maps (secondary symbol estimation) as in Mahoney's PAQ8 and lpaq1.
"""

from golfkit.compress.kernels.jit import i64, jit
from golfkit.compress.kernels.tables import clamped, squashed

BUCKETS = 32  # of which 23 are used; 32 uint16 are 64 bytes
COUNTS = 24
MOST_COUNTED = 15
FIRST_SEEN = 6  # docs/tuning.md
ST_ZERO = 2816  # st8 = 0 lies 11 buckets up


@jit
def p16_at(p16, tables, row, bucket):
    """P(1) of a bucket."""
    return i64(p16[row + bucket]) ^ squashed(tables, clamped(bucket * 256 - ST_ZERO))


@jit
def refine(p16, tables, row, st):
    """P(1) in 1/65536ths of a prediction st8 in the context of `row` (context * BUCKETS)."""
    bucket = (st + ST_ZERO) >> 8
    weight = (st + ST_ZERO) & 255
    return (p16_at(p16, tables, row, bucket) * (256 - weight) + p16_at(p16, tables, row, bucket + 1) * weight) >> 8


@jit
def update_apm(p16, tables, row, st, bit, rate):
    """Move the nearer bucket towards the bit, by 1 / 2^rate once it has learnt MOST_COUNTED times."""
    bucket = (st + ST_ZERO + 128) >> 8
    at_count = row + COUNTS + (bucket >> 2)
    counts = i64(p16[at_count])
    shift = 4 * (bucket & 3)
    seen = counts >> shift & MOST_COUNTED
    p = p16_at(p16, tables, row, bucket)
    error = (bit << 16) - bit - p
    if seen < MOST_COUNTED:
        p16[at_count] = counts + (1 << shift)
        p += error * i64(tables.recip[FIRST_SEEN + seen]) >> 16
    else:
        p += error >> rate
    p16[row + bucket] = p ^ squashed(tables, clamped(bucket * 256 - ST_ZERO))
