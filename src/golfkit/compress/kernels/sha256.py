"""SHA-256 (FIPS 180-4), so that the native decompressor can check what it restored.

Its constants are computed: the fractional bits of the roots of the first primes, by Newton's method in IEEE doubles
(no libm; 32 of 53 bits are used), which is smaller than the table. State is one small context:

    length  int64[1]    bytes hashed so far
    h       uint32[8]   chaining value
    k       uint32[64]  round constants
    w       uint32[64]  message schedule
    block   uint8[64]   the block being filled
"""

from typing import Any, NamedTuple

from golfkit.compress.kernels.jit import MASK32, carver, i64, i64_view, jit, u8_view, u32_view

CONTEXT_BYTES = 704


class Context(NamedTuple):
    """The arrays of a context."""

    length: Any
    h: Any
    k: Any
    w: Any
    block: Any


@carver
def context(arena):
    """The views of a context in uint8[CONTEXT_BYTES]."""
    return Context(
        i64_view(arena, 0, 1),
        u32_view(arena, 64, 8),
        u32_view(arena, 128, 64),
        u32_view(arena, 384, 64),
        u8_view(arena, 640, 64),
    )


@jit
def root_bits(prime, power):
    """The first 32 fractional bits of the square (power 2) or cube (power 3) root of a prime."""
    x = prime * 0.5
    for _ in range(40):
        step = x * x if power == 3 else x
        x -= (step * x - prime) / (power * step)
    return i64((x - i64(x)) * 4294967296.0)


@jit
def sha_start(arena):
    """Begin a digest."""
    c = context(arena)
    c.length[0] = 0
    prime = 1
    for i in range(64):
        prime += 1
        divisor = 2
        while divisor * divisor <= prime:
            if prime % divisor == 0:
                prime += 1
                divisor = 1
            divisor += 1
        c.k[i] = root_bits(prime, 3)
        if i < 8:
            c.h[i] = root_bits(prime, 2)


@jit
def rotr(x, n):
    """x, 32 bits, rotated right."""
    return (x >> n | x << (32 - n)) & MASK32


@jit
def compress_block(c):
    """Take the full block into the chaining value."""
    for i in range(16):
        j = 4 * i
        c.w[i] = i64(c.block[j]) << 24 | i64(c.block[j + 1]) << 16 | i64(c.block[j + 2]) << 8 | i64(c.block[j + 3])
    for i in range(16, 64):
        x = i64(c.w[i - 15])
        y = i64(c.w[i - 2])
        s0 = rotr(x, 7) ^ rotr(x, 18) ^ x >> 3
        s1 = rotr(y, 17) ^ rotr(y, 19) ^ y >> 10
        c.w[i] = (i64(c.w[i - 16]) + s0 + i64(c.w[i - 7]) + s1) & MASK32
    a, b, d, e = i64(c.h[0]), i64(c.h[1]), i64(c.h[2]), i64(c.h[3])
    f, g, m, n = i64(c.h[4]), i64(c.h[5]), i64(c.h[6]), i64(c.h[7])
    for i in range(64):
        s1 = rotr(f, 6) ^ rotr(f, 11) ^ rotr(f, 25)
        t1 = n + s1 + (f & g ^ ~f & m) + i64(c.k[i]) + i64(c.w[i])
        s0 = rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)
        t2 = s0 + (a & b ^ a & d ^ b & d)
        n, m, g, f = m, g, f, (e + t1) & MASK32
        e, d, b, a = d, b, a, (t1 + t2) & MASK32
    c.h[0] = (i64(c.h[0]) + a) & MASK32
    c.h[1] = (i64(c.h[1]) + b) & MASK32
    c.h[2] = (i64(c.h[2]) + d) & MASK32
    c.h[3] = (i64(c.h[3]) + e) & MASK32
    c.h[4] = (i64(c.h[4]) + f) & MASK32
    c.h[5] = (i64(c.h[5]) + g) & MASK32
    c.h[6] = (i64(c.h[6]) + m) & MASK32
    c.h[7] = (i64(c.h[7]) + n) & MASK32


@jit
def put_byte(c, byte):
    """Hash one byte."""
    at = c.length[0] & 63
    c.block[at] = byte
    c.length[0] += 1
    if at == 63:
        compress_block(c)


@jit
def sha_update(arena, data, n):
    """Hash data[0:n]."""
    c = context(arena)
    for i in range(n):
        put_byte(c, i64(data[i]))


@jit
def sha_end(arena, digest):
    """Write the 32 bytes of the digest."""
    c = context(arena)
    n_bits = c.length[0] * 8
    put_byte(c, 128)
    while c.length[0] & 63 != 56:
        put_byte(c, 0)
    for i in range(8):
        put_byte(c, (n_bits >> (56 - 8 * i)) & 255)
    for i in range(32):
        digest[i] = (i64(c.h[i >> 2]) >> (24 - 8 * (i & 3))) & 255
