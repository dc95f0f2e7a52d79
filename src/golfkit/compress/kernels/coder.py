"""Carryless binary arithmetic coder with a 32-bit range and 16-bit probabilities.

The coder's registers are three items of `regs` (int64): LOW, HIGH (the range, inclusive) and CODE (decoder: the 32
bits of payload in the range), and AT (decoder: next payload byte).
Encoder and decoder share `split`. Source: Mahoney, lpaq1 (2007); derived anew for 16-bit probabilities.
"""

from golfkit.compress.kernels.jit import MASK32, i64, jit

LOW, HIGH, CODE, AT = 0, 1, 2, 3
N_CODER_REGS = 4
TOP = 0xFF000000


@jit
def init_coder(regs):
    """The full range, nothing read."""
    regs[LOW] = 0
    regs[HIGH] = MASK32
    regs[CODE] = 0
    regs[AT] = -4  # four bytes are read before the first bit


@jit
def split(low, high, p16):
    """The last value of the part of [low, high] that stands for a 1; p16 = P(1) in 1..65535."""
    return low + (((high - low) * p16) >> 16)


@jit
def encode_bit(regs, bit, p16, out, n_out):
    """Code one bit; returns n_out after the bytes that became certain."""
    low = regs[LOW]
    high = regs[HIGH]
    middle = split(low, high, p16)
    if bit == 1:
        high = middle
    else:
        low = middle + 1
    while (low ^ high) & TOP == 0:
        out[n_out] = high >> 24
        n_out += 1
        low = (low << 8) & MASK32
        high = (high << 8) & MASK32 | 255
    regs[LOW] = low
    regs[HIGH] = high
    return n_out


@jit
def encode_end(regs, out):
    """The last four bytes: a value of the last range. The decoder has then read every payload byte and no more."""
    for k in range(4):
        out[k] = (regs[LOW] >> (24 - 8 * k)) & 255
    return 4


@jit
def next_byte(regs, payload, n_payload):
    """The next payload byte; 0 past the end (the digest tells)."""
    at = regs[AT]
    regs[AT] = at + 1
    return i64(payload[at]) if at < n_payload else 0


@jit
def begin_decode(regs, payload, n_payload):
    """Read the first four bytes, once."""
    if regs[AT] < 0:
        regs[AT] = 0
        for _ in range(4):
            regs[CODE] = regs[CODE] << 8 | next_byte(regs, payload, n_payload)


@jit
def is_settled(regs):
    """Whether the last four bytes read are those that `encode_end` wrote; any other value of the range is damage."""
    return regs[CODE] == regs[LOW]


@jit
def decode_bit(regs, p16, payload, n_payload):
    """The next bit, given P(1)."""
    low = regs[LOW]
    high = regs[HIGH]
    code = regs[CODE]
    middle = split(low, high, p16)
    bit = 0
    if code <= middle:
        bit = 1
        high = middle
    else:
        low = middle + 1
    while (low ^ high) & TOP == 0:
        low = (low << 8) & MASK32
        high = (high << 8) & MASK32 | 255
        code = (code << 8) & MASK32 | next_byte(regs, payload, n_payload)
    regs[LOW] = low
    regs[HIGH] = high
    regs[CODE] = code
    return bit
