"""Hashed slots of bit histories: 16 bytes for the 15 nodes of one nibble in one context.

A slot is [check, 15 states]; node 1 is the empty prefix, 2-3 one bit, 4-7 two, 8-15 three. Slots of all contexts
share one table. A context may lie in any of three slots of its 64-byte cache line; when it is in none, it takes the
one whose first state is lowest: states are numbered by their counts.

    states  uint8[16 * n_slots]
    words   uint64[2 * n_slots]  the same memory, to clear a slot with two stores
Source: the nibble-based hash table of Mahoney's lpaq1 (2007).
"""

from typing import Any, NamedTuple

from golfkit.compress.kernels.jit import carver, i64, jit, u8_view, u64_view


class Slots(NamedTuple):
    """The table."""

    states: Any
    words: Any


@carver
def slots_at(arena, at, log2_slots):
    """Views of a table of 2^log2_slots slots at byte `at`."""
    return Slots(u8_view(arena, at, 16 << log2_slots), u64_view(arena, at, 2 << log2_slots))


@jit
def find_slot(slots, hashed, mask):
    """Byte offset of the slot of a context: its own, else one made empty for it.

    mask  n_slots - 1, at most 2^26 - 1; the check is the hash's top 8 bits
    """
    check = hashed >> 24
    first = hashed & mask
    for k in range(3):
        at = (first ^ k) * 16
        if i64(slots.states[at]) == check:
            return at
    at = first
    lowest = i64(slots.states[first * 16 + 1])
    for k in range(1, 3):
        priority = i64(slots.states[(first ^ k) * 16 + 1])
        if priority < lowest:
            lowest = priority
            at = first ^ k
    slots.words[2 * at] = check
    slots.words[2 * at + 1] = 0
    return at * 16


@jit
def node_of(c0, n_bits):
    """The node of a slot for the partial byte `c0` (leading 1), `n_bits` bits of which are known."""
    if n_bits < 4:
        return c0
    top = 1 << (n_bits - 4)
    return c0 & (top - 1) | top
