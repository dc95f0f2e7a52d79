"""Bit histories: a byte that says how often a context was followed by 0 and by 1, and by what last.

A state is (n0, n1, last). Representable pairs are bounded, so that 8 bits are enough: with the smaller count 0, 1, 2,
3 or 4 the larger is at most 41, 40, 12, 5 or 4. `last` is kept while both counts are positive and their sum is under
16. States are numbered by n0 + n1, so that a state's number is its priority in a slot.

On a bit, its count grows by one, the other is discounted when above 2 (old evidence counts less), and a pair out of
bounds shrinks in proportion. Source: the bounds published for Mahoney's PAQ8; the generator is our own.

    next_state  uint8[512]  [2 * state + bit]
    n0, n1      uint8[256]  the counts of a state
    last        uint8[256]  its last bit, where that is kept
"""

from typing import Any, NamedTuple

from golfkit.compress.kernels.jit import carver, i64, jit, u8_view

MAX_SUM = 41
HISTORIES_BYTES = 1280


class Histories(NamedTuple):
    """The state machine."""

    next_state: Any
    n0: Any
    n1: Any
    last: Any


@carver
def histories_at(arena, at):
    """Views of the state machine at byte `at`."""
    return Histories(
        u8_view(arena, at, 512),
        u8_view(arena, at + 512, 256),
        u8_view(arena, at + 768, 256),
        u8_view(arena, at + 1024, 256),
    )


@jit
def _bound(smaller):
    """The largest count beside a given smaller one; -1 where there is none."""
    if smaller == 0:
        return 41
    if smaller == 1:
        return 40
    if smaller == 2:
        return 12
    if smaller == 3:
        return 5
    return 4 if smaller == 4 else -1


@jit
def _discount(count):
    """What is left of a count after the opposite bit."""
    if count < 3:
        return count
    if count < 5:
        return 2
    if count < 8:
        return 3
    if count < 14:
        return 4
    return 5 if count < 26 else 6


@jit
def _find(histories, n_states, a, b, bit):
    """The number of state (a, b, bit); `n_states` when it is not there."""
    kept = bit if a > 0 and b > 0 and a + b < 16 else 0
    for state in range(n_states):
        if i64(histories.n0[state]) == a and i64(histories.n1[state]) == b and i64(histories.last[state]) == kept:
            return state
    return n_states


@jit
def init_states(histories):
    """Number the states and fill their transitions; returns how many there are (at most 256)."""
    n_states = 0
    for total in range(MAX_SUM + 1):
        for a in range(total + 1):
            b = total - a
            if max(a, b) <= _bound(min(a, b)):
                for bit in range(2 if a > 0 and b > 0 and total < 16 else 1):
                    histories.n0[n_states] = a
                    histories.n1[n_states] = b
                    histories.last[n_states] = bit
                    n_states += 1
    for state in range(n_states):
        for bit in range(2):
            a = i64(histories.n0[state])
            b = i64(histories.n1[state])
            if bit == 1:
                a = _discount(a)
                b += 1
            else:
                a += 1
                b = _discount(b)
            while max(a, b) > _bound(min(a, b)):
                if a > b:
                    if b > 1:
                        a = (a * (b - 1) + b // 2) // b
                        b -= 1
                    else:
                        a -= 1
                elif a > 1:
                    b = (b * (a - 1) + a // 2) // a
                    a -= 1
                else:
                    b -= 1
            histories.next_state[2 * state + bit] = _find(histories, n_states, a, b, bit)
    return n_states
