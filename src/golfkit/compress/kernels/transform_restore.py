"""The text transform undone, byte by byte: words of a dictionary, capitals, escaped bytes.

A transformed stream is one byte KIND. 0: the input follows as it is. 1: two bytes N_ONE and N_THREE, the dictionary
(words that end with a newline, the last one empty), and the text, in which

    CAPITAL       the next letter is a capital          CAPITALS   all letters are, up to the next byte that is none
    LITERALS      the bytes from 128 on that follow stand for themselves, up to a byte below 128 or LITERALS again
    QUOTE         the next byte stands for itself
    128 to 255    a word: the first N_ONE of these bytes name one each, the last N_THREE begin names of three bytes, the
                  others names of two; a name's later bytes count by 7 bits. Names are given in the dictionary's order.

Any stream is safe to restore: what makes no sense gives no bytes.

    regs    int64[16]             N_ONE to QUOTED
    starts  uint32[MAX_WORDS + 8] where each word begins in `pool`; one more: where the last ends
    pool    uint8[POOL_BYTES]     the words

Source: the word replacing transform of Skibinski, Grabowski and Deorowicz (2005), with a dictionary made for the input.
"""

from typing import Any, NamedTuple

from golfkit.compress.kernels.jit import carver, i64, i64_view, jit, u8_view, u32_view

CAPITAL, CAPITALS, LITERALS, QUOTE = 1, 2, 3, 4  # bytes with a meaning; codes start at FIRST_CODE
FIRST_CODE, N_CODES = 128, 128
NEWLINE = 10
MAX_WORD = 32  # bytes
MAX_OUT = MAX_WORD  # bytes that one transformed byte can stand for
MAX_WORDS = 1 << 16
POOL_BYTES = 1 << 20
RESTORE_BYTES = 128 + 4 * (MAX_WORDS + 8) + POOL_BYTES

KIND, N_ONE, N_THREE = range(3)  # the stream's first bytes: register i holds byte i
IN_WORDS, IN_TEXT, IN_RAW = 3, 4, 5  # STAGE, after one for each of those
STAGE, N_WORDS, N_POOL = 3, 4, 5
CASE = 6  # 0, or CAPITAL or CAPITALS: of the letters that come
LEFT, NAME, BASE = 7, 8, 9  # of a name: bytes to come, the number so far, and what to add to it
LITERAL, QUOTED = 10, 11  # whether bytes from 128 on, the next byte, stand for themselves


class Restorer(NamedTuple):
    """Its arrays."""

    regs: Any
    starts: Any
    pool: Any


@jit
def restore_bytes():
    """Size of the arena."""
    return RESTORE_BYTES


@carver
def restore_at(arena, at):
    """Views at byte `at`."""
    return Restorer(
        i64_view(arena, at, 16),
        u32_view(arena, at + 128, MAX_WORDS + 8),
        u8_view(arena, at + 128 + 4 * (MAX_WORDS + 8), POOL_BYTES),
    )


@jit
def init_restore(state):
    """Ready for the first byte."""
    for i in range(16):
        state.regs[i] = 0
    state.starts[0] = 0


@jit
def restore_byte(state, byte, out, n_out):
    """Take the next transformed byte, write what it stands for at out[n_out]; returns the new n_out.

    out  uint8[n], n >= n_out + MAX_OUT
    """
    regs = state.regs
    stage = regs[STAGE]
    if stage == IN_TEXT:
        return restore_text(state, byte, out, n_out)
    if stage == IN_RAW:
        out[n_out] = byte
        return n_out + 1
    if stage == IN_WORDS:
        read_dictionary(state, byte)
    else:
        regs[stage] = byte
        regs[STAGE] = stage + 1 if regs[KIND] != 0 else IN_RAW
    return n_out


@jit
def read_dictionary(state, byte):
    """The next byte of the dictionary."""
    regs = state.regs
    at = regs[N_POOL]
    n = at - i64(state.starts[regs[N_WORDS]])
    if byte == NEWLINE:
        if n == 0 or regs[N_WORDS] == MAX_WORDS:
            regs[STAGE] = IN_TEXT
        else:
            regs[N_WORDS] += 1
            state.starts[regs[N_WORDS]] = at
    elif n < MAX_WORD and at < POOL_BYTES:
        state.pool[at] = byte
        regs[N_POOL] = at + 1


@jit
def restore_text(state, byte, out, n_out):
    """The next byte of the text."""
    regs = state.regs
    literal = regs[LITERAL]
    if regs[LEFT] > 0 or (byte >= FIRST_CODE and literal == 0):
        return put_word(state, number_of(regs, byte), out, n_out)
    if byte < FIRST_CODE:
        regs[LITERAL] = 0
        if CAPITAL <= byte <= QUOTE and regs[QUOTED] == 0:
            if byte == QUOTE:
                regs[QUOTED] = 1
            elif byte == LITERALS:
                regs[LITERAL] = 1 - literal
            else:
                regs[CASE] = byte
            return n_out
    regs[QUOTED] = 0
    return put(regs, byte, out, n_out)


@jit
def number_of(regs, byte):
    """The number of the word whose name ends with this byte; -1: more bytes of the name are to come."""
    if regs[LEFT] > 0:
        regs[LEFT] -= 1
        regs[NAME] = regs[NAME] << 7 | byte & 127
        return regs[BASE] + regs[NAME] if regs[LEFT] == 0 else -1
    n_one = regs[N_ONE]
    three = N_CODES - regs[N_THREE]
    code = byte - FIRST_CODE
    if code < n_one:
        return code
    is_long = code >= three
    regs[LEFT] = 2 if is_long else 1
    regs[NAME] = code - (three if is_long else n_one)
    regs[BASE] = n_one + ((three - n_one) * N_CODES if is_long else 0)
    return -1


@jit
def put_word(state, number, out, n_out):
    """A word of the dictionary."""
    if 0 <= number < state.regs[N_WORDS]:
        for at in range(i64(state.starts[number]), i64(state.starts[number + 1])):
            n_out = put(state.regs, i64(state.pool[at]), out, n_out)
    return n_out


@jit
def put(regs, c, out, n_out):
    """One byte of the text, a capital where that was asked for."""
    case = regs[CASE]
    is_lower = 97 <= c <= 122
    out[n_out] = c - 32 if is_lower and case != 0 else c
    if not is_lower or case == CAPITAL:
        regs[CASE] = 0
    return n_out + 1
