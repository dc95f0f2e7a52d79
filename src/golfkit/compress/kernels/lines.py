"""Bit histories of one nibble in one context, found by hash: three slots in a 64-byte cache line.

A slot has 20 bytes: check (2), run byte, run count, 15 states (node 1 at byte 4), 1 spare. Node 1 is the empty prefix,
2-3 one bit, 4-7 two, 8-15 three. All contexts share one table. A context that is in none of its line's slots takes the
one whose first state is lowest: states are numbered by their counts. In the slot of a byte's first nibble, the run is
the last byte seen in the context and how often it came in a row.

    bytes  uint8[64 * n_lines]
    words  uint32[16 * n_lines]  the same memory
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
    return Lines(u8_view(arena, at, 64 << log2_lines), u32_view(arena, at, 16 << log2_lines))


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
