"""The words of a text, in lower case, counted in a hash table.

A word here is a run of letters that one case flag can describe: `word`, `Word`, `WORD`; `McDonald` is two of them.
With `high` = 128 the bytes from 128 on count as letters, with 256 they do not. The table has open addressing and starts
as zeros:

    place   uint32[n]  1 + where the word first occurs in the input; 0: the entry is empty
    count   uint32[n]  how often it occurs
    row     uint32[n]  1 + its row among the words chosen, later its name's number; 0: not chosen
    length  uint8[n]   its bytes
    regs    int64[8]   N_ENTRIES
"""

from typing import Any, NamedTuple

from golfkit.compress.kernels.jit import carver, i64, i64_view, jit, u8_view, u32_view
from golfkit.compress.kernels.maps import hash2
from golfkit.compress.kernels.transform_restore import CAPITAL, CAPITALS, MAX_WORD

N_ENTRIES = 0
MIN_LOG2, MAX_LOG2 = 8, 22


class Words(NamedTuple):
    """The table's arrays."""

    regs: Any
    place: Any
    count: Any
    row: Any
    length: Any


@jit
def log2_entries(n_bytes):
    """log2 of the table's entries for an input: about one for 8 bytes of it, within limits."""
    log2 = MIN_LOG2
    while log2 < MAX_LOG2 and 8 << log2 < n_bytes:
        log2 += 1
    return log2


@jit
def words_bytes(log2):
    """Bytes of a table."""
    return 64 + (13 << log2)


@carver
def words_at(arena, at, log2):
    """Views at byte `at`."""
    return Words(
        i64_view(arena, at, 8),
        u32_view(arena, at + 64, 1 << log2),
        u32_view(arena, at + 64 + (4 << log2), 1 << log2),
        u32_view(arena, at + 64 + (8 << log2), 1 << log2),
        u8_view(arena, at + 64 + (12 << log2), 1 << log2),
    )


@jit
def is_capital(c):
    """A to Z."""
    return 65 <= c <= 90


@jit
def is_lower(c):
    """The letters a to z."""
    return 97 <= c <= 122


@jit
def folded(c):
    """A byte in lower case."""
    return c + 32 if is_capital(c) else c


@jit
def lower_end(source, end, limit, high):
    """Where a run of lower-case letters (and bytes from `high` on) ends."""
    while end < limit and (is_lower(i64(source[end])) or i64(source[end]) >= high):
        end += 1
    return end


@jit
def word_end(source, n, at, high):
    """The end of the word that begins at `at`, at most MAX_WORD bytes on; `at` where none does."""
    limit = min(n, at + MAX_WORD)
    end = at
    while end < limit and is_capital(i64(source[end])):
        end += 1
    if end - at < 2:
        return lower_end(source, end, limit, high)
    return end - 1 if end < n and is_lower(i64(source[end])) else end  # in USAir the A belongs to Air


@jit
def case_of(source, at, end):
    """The case flag of a word: 0, CAPITAL or CAPITALS."""
    if not is_capital(i64(source[at])):
        return 0
    return CAPITALS if end - at > 1 and is_capital(i64(source[at + 1])) else CAPITAL


@jit
def find_word(words, mask, source, at, end):
    """The entry of a word, or the empty one where it belongs."""
    h = end - at
    for i in range(at, end):
        h = hash2(h, folded(i64(source[i])))
    slot = h & mask
    while i64(words.place[slot]) != 0 and not same_word(words, slot, source, at, end):
        slot = (slot + 1) & mask
    return slot


@jit
def same_word(words, slot, source, at, end):
    """Whether an entry's word is source[at:end], case apart."""
    if i64(words.length[slot]) != end - at:
        return False
    place = i64(words.place[slot]) - 1
    i = 0
    while i < end - at and folded(i64(source[place + i])) == folded(i64(source[at + i])):
        i += 1
    return i == end - at


@jit
def row_of(words, mask, source, at, end):
    """A word's `row`; 0 where there is no such word."""
    return i64(words.row[find_word(words, mask, source, at, end)]) if end - at > 1 else 0


@jit
def count_words(words, log2, source, n, high):
    """Count every word of two bytes or more; new ones only until the table is three quarters full."""
    mask = (1 << log2) - 1
    at = 0
    while at < n:
        end = word_end(source, n, at, high)
        if end - at > 1:
            slot = find_word(words, mask, source, at, end)
            if i64(words.place[slot]) == 0 and words.regs[N_ENTRIES] < 3 << (log2 - 2):
                words.place[slot] = at + 1
                words.length[slot] = end - at
                words.regs[N_ENTRIES] += 1
            if i64(words.place[slot]) != 0:
                words.count[slot] = i64(words.count[slot]) + 1
        at = max(end, at + 1)
