"""Adaptive probabilities, and the hash that finds things.

A map is uint32[n]: P(1) in 22 bits, then a 10-bit count of how often it was seen. Its step is 1 / (count + 1.5), down
to about 1 / limit. Source: the adaptive probability map of Mahoney's lpaq1 (2007).
"""

from golfkit.compress.kernels.jit import MASK32, i64, jit

P22_HALF = 1 << 21  # P(1) = 1/2
COUNT_MASK = 1023


@jit
def hash2(a, b):
    """A 32-bit hash of two numbers of up to 32 bits."""
    h = (a * 0x9E3779B1 + b * 0x85EBCA6B) & MASK32
    h ^= h >> 15
    h = (h * 0x2C1B3C6D) & MASK32
    return h ^ (h >> 13)


@jit
def p22_of(maps, at):
    """P(1) of one entry, in 1/2^22ths."""
    return i64(maps[at]) >> 10


@jit
def init_map(maps, at, n0, n1):
    """P(1) from counts of zeros and ones, weakly held."""
    maps[at] = (((n1 * 10 + 4) << 22) // ((n0 + n1) * 10 + 8)) << 10


@jit
def update_map(maps, at, bit, recip, limit):
    """Move one entry towards the bit just coded."""
    entry = i64(maps[at])
    count = entry & COUNT_MASK
    p22 = entry >> 10
    p22 = min(p22 + ((((bit << 22) - p22) * i64(recip[count])) >> 16), (1 << 22) - 1)
    maps[at] = p22 << 10 | (count + 1 if count < limit else count)
