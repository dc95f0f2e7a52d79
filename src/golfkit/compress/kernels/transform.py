"""The text transform: a dictionary made for the input; names of one to three bytes for its words, flags for capitals.

transform_restore.py undoes it, and says what the stream looks like. In the dictionary are the words whose score, count
times (2 length - 3), pays for spelling them once. The most frequent have names of one byte, the next of two, the rest
of three. Within each of these classes transform_order.py puts them in the order of their use.
"""

from typing import Any, NamedTuple

from golfkit.compress.kernels.jit import MASK32, carver, i64, i64_view, jit, u32_view
from golfkit.compress.kernels.transform_order import (
    DIMS,
    LEAF,
    SIDE,
    Order,
    arrange,
    order_at,
    order_bytes,
    sort,
    take_roots,
)
from golfkit.compress.kernels.transform_restore import (
    CAPITAL,
    FIRST_CODE,
    LITERALS,
    MAX_WORD,
    MAX_WORDS,
    N_CODES,
    NEWLINE,
    POOL_BYTES,
    QUOTE,
)
from golfkit.compress.kernels.transform_words import (
    Words,
    case_of,
    count_words,
    folded,
    log2_entries,
    row_of,
    word_end,
    words_at,
    words_bytes,
)

RAW, TEXT = 0, 1  # KIND of a stream
MAX_BYTES = MASK32  # of an input: places are 32 bits
MIN_COUNT, MIN_SCORE = 8, 300  # of a word in the dictionary; see docs/tuning.md
SLOT_BITS = 22  # of an entry of the table, in a key
MAX_NAMES_1 = 48  # names of one byte, where there are words enough
NEAR_WORDS = 64  # the most frequent words: tokens of their own to transform_order

N_NAMED, N_ONE, N_THREE, IN_LITERALS, HIGH = range(5)  # regs


class Work(NamedTuple):
    """The work memory's arrays."""

    regs: Any  # int64[16]: words in the dictionary; the stream's N_ONE and N_THREE; writing: bytes from 128 on run
    slots: Any  # uint32[max_words]: the table's entry of each word chosen, by row
    words: Words
    order: Order


@jit
def max_words(n_bytes):
    """Words in a dictionary at most: a word that pays has MIN_SCORE, so at least MIN_SCORE / 2 bytes of the input."""
    return min(MAX_WORDS, n_bytes // (MIN_SCORE // 2) + LEAF)


@jit
def transform_bytes(n_bytes):
    """Bytes of work memory."""
    log2 = log2_entries(n_bytes)
    n = (max_words(n_bytes) + 15) // 16 * 16
    return 128 + 4 * n + words_bytes(log2) + order_bytes(n, max(n, 1 << log2))


@carver
def work_at(arena, n_bytes):
    """Views of uint8[transform_bytes(n_bytes)]."""
    log2 = log2_entries(n_bytes)
    n = (max_words(n_bytes) + 15) // 16 * 16
    at_words = 128 + 4 * n
    return Work(
        i64_view(arena, 0, 16),
        u32_view(arena, 128, n),
        words_at(arena, at_words, log2),
        order_at(arena, at_words + words_bytes(log2), n, max(n, 1 << log2)),
    )


@jit
def forward(work, source, n_bytes, out):
    """Transform source[0:n_bytes] into `out`; returns how many bytes that gave. Where they are no fewer: kept as it is.

    work  uint8[transform_bytes(n_bytes)], zeros, 64-byte aligned;  out  uint8[2 * n_bytes + 1000]
    """
    if n_bytes >= MAX_BYTES:
        return keep(source, n_bytes, out)
    w = work_at(work, n_bytes)
    log2 = log2_entries(n_bytes)
    w.regs[HIGH] = first_high(source, n_bytes)
    count_words(w.words, log2, source, n_bytes, w.regs[HIGH])
    choose(w, log2, max_words(n_bytes))
    count_neighbours(w, log2, source, n_bytes)
    arrange_all(w)
    give_names(w, source)
    n = write_dictionary(w, source, out)
    n = write_text(w, log2, source, n_bytes, out, n)
    return n if n < n_bytes else keep(source, n_bytes, out)


@jit
def keep(source, n_bytes, out):
    """The input as it is."""
    out[0] = RAW
    for i in range(n_bytes):
        out[i + 1] = source[i]
    return n_bytes + 1


@jit
def first_high(source, n_bytes):
    """The first byte above the letters that counts as one: 128 where every 16th byte or more is such, else none."""
    n = 0
    for i in range(n_bytes):
        if i64(source[i]) >= FIRST_CODE:
            n += 1
    return FIRST_CODE if 16 * n >= n_bytes else 256


@jit
def choose(w, log2, limit):
    """Take the words of the best scores, at most `limit`, as many as the restorer can hold; most frequent first."""
    keys = w.order.keys
    n = 0
    for slot in range(1 << log2):
        count = i64(w.words.count[slot])
        score = count * (2 * i64(w.words.length[slot]) - 3)
        if count >= MIN_COUNT and score >= MIN_SCORE:
            keys[n] = -score << SLOT_BITS | slot
            n += 1
    sort(keys, n)
    n = min(n, limit)
    n_taken = 0
    n_pool = 0
    while n_taken < n and n_pool <= POOL_BYTES - MAX_WORD:
        slot = keys[n_taken] & ((1 << SLOT_BITS) - 1)
        n_pool += i64(w.words.length[slot])
        keys[n_taken] = -i64(w.words.count[slot]) << SLOT_BITS | slot
        n_taken += 1
    sort(keys, n_taken)
    for row in range(n_taken):
        slot = keys[row] & ((1 << SLOT_BITS) - 1)
        w.slots[row] = slot
        w.words.row[slot] = row + 1
    share_out(w.regs, n_taken)


@jit
def share_out(regs, n):
    """Which first bytes begin names of one, two and three bytes, for a dictionary of `n` words."""
    n_one = min(n, MAX_NAMES_1)
    if n <= N_CODES:
        n_one = n
    n_three = 0
    while n_one + (N_CODES - n_one - n_three) * N_CODES + n_three * N_CODES * N_CODES < n:
        n_three += 1
    regs[N_NAMED] = n
    regs[N_ONE] = n_one
    regs[N_THREE] = n_three


@jit
def count_neighbours(w, log2, source, n_bytes):
    """Count the tokens on both sides of each word chosen; spaces are none."""
    features = w.order.features
    mask = (1 << log2) - 1
    before = NEWLINE + NEAR_WORDS
    row_before = 0
    at = 0
    while at < n_bytes:
        c = i64(source[at])
        end = word_end(source, n_bytes, at, w.regs[HIGH])
        row = row_of(w.words, mask, source, at, end)
        token = row - 1 if 0 < row <= NEAR_WORDS else kind_of(c, end > at)
        if c != 32:
            if row > 0:
                count(features, (row - 1) * DIMS + before)
            if row_before > 0:
                count(features, (row_before - 1) * DIMS + SIDE + token)
            before = token
            row_before = row
        at = max(end, at + 1)
    take_roots(w.order, w.regs[N_NAMED])


@jit
def kind_of(c, is_word):
    """The token of a word that is not near, of a digit, or of another byte."""
    if is_word or c >= FIRST_CODE:
        return SIDE - 1 if is_word else SIDE - 2
    return NEAR_WORDS + (48 if 48 <= c <= 57 else c & 63)


@jit
def count(features, at):
    """One more."""
    features[at] = i64(features[at]) + 1


@jit
def arrange_all(w):
    """Order each class of names by use."""
    n = w.regs[N_NAMED]
    one = w.regs[N_ONE]
    two = min(n, one + (N_CODES - one - w.regs[N_THREE]) * N_CODES)
    for row in range(n):
        w.order.order[row] = row
    arrange(w.order, 0, one, 1)
    arrange(w.order, one, two, LEAF)
    arrange(w.order, two, n, LEAF)


@jit
def give_names(w, source):
    """Sort each leaf of the longer names by spelling, and note every word's number in its entry."""
    order = w.order.order
    one = w.regs[N_ONE]
    for i in range(one, w.regs[N_NAMED]):
        start = i - (i - one) % LEAF
        j = i
        moving = i64(order[i])
        while j > start and is_before(w, source, moving, i64(order[j - 1])):
            order[j] = order[j - 1]
            j -= 1
        order[j] = moving
    for i in range(w.regs[N_NAMED]):
        w.words.row[i64(w.slots[i64(order[i])])] = i + 1


@jit
def is_before(w, source, row, other):
    """Whether a word comes before another in the order of bytes."""
    slot = i64(w.slots[row])
    at = i64(w.words.place[slot]) - 1
    n = i64(w.words.length[slot])
    slot = i64(w.slots[other])
    other_at = i64(w.words.place[slot]) - 1
    both = min(n, i64(w.words.length[slot]))
    i = 0
    while i < both and folded(i64(source[at + i])) == folded(i64(source[other_at + i])):
        i += 1
    if i == both:
        return n == both and n < i64(w.words.length[slot])
    return folded(i64(source[at + i])) < folded(i64(source[other_at + i]))


@jit
def write_dictionary(w, source, out):
    """The stream's first bytes and its words; returns how many bytes."""
    out[0] = TEXT
    out[1] = w.regs[N_ONE]
    out[2] = w.regs[N_THREE]
    n_out = 3
    for i in range(w.regs[N_NAMED]):
        slot = i64(w.slots[i64(w.order.order[i])])
        at = i64(w.words.place[slot]) - 1
        for j in range(at, at + i64(w.words.length[slot])):
            out[n_out] = folded(i64(source[j]))
            n_out += 1
        out[n_out] = NEWLINE
        n_out += 1
    out[n_out] = NEWLINE
    return n_out + 1


@jit
def write_text(w, log2, source, n_bytes, out, n_out):
    """The transformed text; returns the end of `out`, n_bytes or more where it gave up."""
    mask = (1 << log2) - 1
    w.regs[IN_LITERALS] = 0
    at = 0
    while at < n_bytes and n_out < n_bytes:
        end = word_end(source, n_bytes, at, w.regs[HIGH])
        if end == at:
            n_out = write_byte(w.regs, i64(source[at]), out, n_out)
        else:
            case = case_of(source, at, end)
            if case != 0:
                out[n_out] = case
                n_out += 1
                w.regs[IN_LITERALS] = 0
            number = row_of(w.words, mask, source, at, end) - 1
            if number >= 0:
                n_out = write_name(w.regs, number, out, n_out)
            else:
                for i in range(at, end):
                    n_out = write_byte(w.regs, folded(i64(source[i])), out, n_out)
        at = max(end, at + 1)
    return n_out


@jit
def write_byte(regs, c, out, n_out):
    """A byte that stands for itself, with what it takes to say so."""
    if c >= FIRST_CODE:
        if regs[IN_LITERALS] == 0:
            out[n_out] = LITERALS
            n_out += 1
        regs[IN_LITERALS] = 1
    else:
        regs[IN_LITERALS] = 0
        if CAPITAL <= c <= QUOTE:
            out[n_out] = QUOTE
            n_out += 1
    out[n_out] = c
    return n_out + 1


@jit
def write_name(regs, number, out, n_out):
    """A word's name."""
    if regs[IN_LITERALS] != 0:
        out[n_out] = LITERALS
        n_out += 1
        regs[IN_LITERALS] = 0
    one = regs[N_ONE]
    two = (N_CODES - one - regs[N_THREE]) * N_CODES
    if number < one:
        out[n_out] = FIRST_CODE + number
        return n_out + 1
    number -= one
    if number < two:
        out[n_out] = FIRST_CODE + one + number // N_CODES
    else:
        number -= two
        out[n_out] = FIRST_CODE + N_CODES - regs[N_THREE] + number // (N_CODES * N_CODES)
        n_out += 1
        out[n_out] = FIRST_CODE + number // N_CODES % N_CODES
    out[n_out + 1] = FIRST_CODE + number % N_CODES
    return n_out + 2
