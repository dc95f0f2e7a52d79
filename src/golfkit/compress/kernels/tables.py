"""Fixed tables of the logistic domain, made by integer arithmetic so that every runtime has the same ones.

    squash   uint16[2 * ST_LIMIT + 1]  P(1) in 1/65536ths for st8 = -ST_LIMIT .. ST_LIMIT (index st8 + ST_LIMIT)
    stretch  int16[4096]               st8 of P(1) = (i + 1/2) / 4096
    recip    int32[256]                65536 / (n + 1.5), the step of an adaptive probability seen n times

st8 = ln(p / (1 - p)) with 8 fractional bits; +-11 covers 16-bit probabilities.
"""

from golfkit.compress.kernels.jit import i64, jit

ST_LIMIT = 2815  # 11 * 256 - 1: squash is 65535 / 65536 there
E_STEP_Q23 = 8421440  # e^(1/256) * 2^23
N_RECIP = 256


@jit
def init_tables(squash, stretch, recip):
    """Fill the three tables."""
    power = 1 << 24  # e^(i / 256) in 1/2^24ths; 2^39.9 at the limit, so the product below stays under 2^64
    for i in range(ST_LIMIT + 1):
        p = (power << 16) // (power + (1 << 24))
        squash[ST_LIMIT + i] = min(p, 65535)
        squash[ST_LIMIT - i] = max(65536 - p, 1)
        power = (power * E_STEP_Q23) >> 23
    st = -ST_LIMIT
    for i in range(4096):
        while st < ST_LIMIT and i64(squash[st + ST_LIMIT]) < i * 16 + 8:
            st += 1
        stretch[i] = st
    for n in range(N_RECIP):
        recip[n] = 131072 // (2 * n + 3)
