"""Bit histories of one nibble in one context, found by hash: three slots in a 64-byte cache line.

A slot has 20 bytes: check (2), run byte, run count, 15 states (node 1 at byte 4), 1 spare. Node 1 is the empty prefix,
2-3 one bit, 4-7 two, 8-15 three. All contexts share one table. A context that is in none of its line's slots takes the
one whose first state is lowest: states are numbered by their counts. In the slot of a byte's first nibble, the run is
the last byte seen in the context and how often it came in a row. A context that is new gets no slot for its second
nibble: many are never seen again, and when one is, its run tells what would be there.

    bytes  uint8[64 * n_lines + 64]: behind the lines is a spare one
    words  uint32[16 * n_lines + 16]  the same memory
Source: the nibble-based hash table of Mahoney's lpaq1 and the run model of his PAQ8 (2007); the layout is our own.
"""

from typing import Any, NamedTuple

from golfkit.compress.kernels.jit import MASK32, carver, i64, jit, u8_view, u32_view

NODES = 3  # a node n is at byte NODES + n of its slot
RUN_BYTE, RUN_COUNT = 2, 3
MAX_RUN = 255


class Lines(NamedTuple):
    """The table."""

    bytes: Any
    words: Any


@carver
def lines_at(arena, at, log2_lines):
    """Views of a table of 2^log2_lines lines at byte `at`."""
    return Lines(u8_view(arena, at, (64 << log2_lines) + 64), u32_view(arena, at, (16 << log2_lines) + 16))


@jit
def check_of(hashed):
    """16 bits of a context's hash that do not tell its line."""
    return ((hashed * 0x9E3779B1) & MASK32) >> 16


@jit
def find_slot(lines, at_line, check):
    """Byte offset of the slot of a context in the line at `at_line`: its own, else one made empty for it."""
    for k in range(3):
        at = at_line + 20 * k
        if i64(lines.words[at >> 2]) & 0xFFFF == check:
            return at
    at = at_line
    lowest = i64(lines.bytes[at_line + NODES + 1])
    for k in range(1, 3):
        priority = i64(lines.bytes[at_line + 20 * k + NODES + 1])
        if priority < lowest:
            lowest = priority
            at = at_line + 20 * k
    first = at >> 2
    lines.words[first] = check
    for k in range(1, 5):
        lines.words[first + k] = 0
    return at


@jit
def spare_slot(lines, n_lines):
    """Byte offset of the slot behind the table, emptied: that of contexts which no slot is spent on."""
    for k in range(5):
        lines.words[16 * n_lines + k] = 0
    return 64 * n_lines


@jit
def is_new(lines, at):
    """Whether no bit was seen in the slot at `at`."""
    return i64(lines.bytes[at + NODES + 1]) == 0


@jit
def seed(lines, histories, at, first, prefix):
    """Tell the new slot at `at` of a second nibble of the byte that came last in its context.

    first   byte offset of the first nibble's slot, which holds the run
    prefix  the first nibble, with a leading 1
    """
    expected = i64(lines.bytes[first + RUN_BYTE]) | 256
    if expected >> 4 == prefix:
        for n_bits in range(4, 8):
            node = node_of(expected >> (8 - n_bits), n_bits)
            lines.bytes[at + NODES + node] = histories.next_state[expected >> (7 - n_bits) & 1]


@jit
def note_run(lines, at, c):
    """Take a byte into the run of the slot at `at`."""
    count = i64(lines.bytes[at + RUN_COUNT])
    if count > 0 and i64(lines.bytes[at + RUN_BYTE]) == c:
        lines.bytes[at + RUN_COUNT] = min(count + 1, MAX_RUN)
    else:
        lines.bytes[at + RUN_BYTE] = c
        lines.bytes[at + RUN_COUNT] = 1


@jit
def node_of(c0, n_bits):
    """The node of a slot for the partial byte `c0` (leading 1), `n_bits` bits of which are known."""
    if n_bits < 4:
        return c0
    top = 1 << (n_bits - 4)
    return c0 & (top - 1) | top
