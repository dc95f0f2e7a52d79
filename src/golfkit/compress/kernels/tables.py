"""Fixed tables of the logistic domain, made by integer arithmetic so that every runtime has the same ones.

    squash   uint16[2 * ST_LIMIT + 1]  P(1) in 1/65536ths for st8 = -ST_LIMIT .. ST_LIMIT (index st8 + ST_LIMIT)
    stretch  int16[4096]               st8 of P(1) = (i + 1/2) / 4096
    recip    int32[N_RECIP]            65536 / (n + 1.5), the step of an adaptive probability seen n times

st8 = ln(p / (1 - p)) with 8 fractional bits; +-11 covers 16-bit probabilities.
"""

from typing import Any, NamedTuple

from golfkit.compress.kernels.jit import carver, i16_view, i32_view, i64, jit, u16_view

ST_LIMIT = 2815  # 11 * 256 - 1: squash is 65534 / 65536 there
E_STEP_Q23 = 8421440  # e^(1/256) * 2^23
N_RECIP = 1024
TABLES_BYTES = 24000 - 24000 % 64 + 64


class Tables(NamedTuple):
    """The three tables."""

    squash: Any
    stretch: Any
    recip: Any


@carver
def tables_at(arena, at):
    """Views of the tables at byte `at`."""
    return Tables(
        u16_view(arena, at, 2 * ST_LIMIT + 1),
        i16_view(arena, at + 11264, 4096),
        i32_view(arena, at + 19456, N_RECIP),
    )


@jit
def init_tables(tables):
    """Fill them."""
    squash = tables.squash
    power = 1 << 24  # e^(i / 256) in 1/2^24ths; 2^39.9 at the limit, so the products below stay under 2^63
    for i in range(ST_LIMIT + 1):
        p = (power << 16) // (power + (1 << 24))
        squash[ST_LIMIT + i] = min(p, 65535)
        squash[ST_LIMIT - i] = max(65536 - p, 1)
        power = (power * E_STEP_Q23) >> 23
    st = -ST_LIMIT
    for i in range(4096):
        while st < ST_LIMIT and i64(squash[st + ST_LIMIT]) < i * 16 + 8:
            st += 1
        tables.stretch[i] = st
    for n in range(N_RECIP):
        tables.recip[n] = 131072 // (2 * n + 3)


@jit
def squashed(tables, st):
    """P(1) in 1/65536ths of an st8 within +-ST_LIMIT."""
    return i64(tables.squash[st + ST_LIMIT])


@jit
def clamped(st):
    """An st8 brought within +-ST_LIMIT."""
    return max(-ST_LIMIT, min(ST_LIMIT, st))
