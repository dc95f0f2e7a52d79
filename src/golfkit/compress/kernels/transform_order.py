"""Words in an order in which neighbours are used alike, so that the first bytes of a name say what kind of word it is.

Each word has the square roots of how often each of SIDE tokens stands before it and after it. A set of words is split
in two along the first principal direction of these (power iteration), improved by going on with the difference of the
halves' means; then each half in the same way, down to LEAF words, which are sorted by spelling: that makes the list
cheaper. All in integers, so that every runtime finds the same order. The arrays start as zeros.

    features  int32[n_words * DIMS]  counts, then sqrt(share) in 1/4096ths; by row
    direction int32[DIMS]            at most 4095 in size
    sums      int64[DIMS]
    keys      int64[n_words]         score and row, for sorting; big enough for what else is to be sorted
    order     uint32[n_words]        rows
    stack     int64[64]              sets that are still to be split: begin, end

Source: the ordering by recursive bisection is our own; the distance is Hellinger's (1909).
"""

from typing import Any, NamedTuple

from golfkit.compress.kernels.jit import carver, dot, i32_view, i64, i64_view, jit, u32_view
from golfkit.compress.kernels.maps import hash2

SIDE = 128  # tokens: 64 words, 64 kinds of other bytes
DIMS = 2 * SIDE
LEAF = 32  # words; 16 to 128 are within 0.05 %
N_POWER, N_MEANS = 12, 6  # iterations
FULL = 4095  # largest component of a direction
KEY_BITS = 16  # of a row, in a key
SCORE_ZERO = 1 << 40


class Order(NamedTuple):
    """Its arrays."""

    features: Any
    direction: Any
    sums: Any
    keys: Any
    order: Any
    stack: Any


@jit
def order_bytes(n_words, n_keys):
    """Bytes for so many words, and so many keys."""
    return 12 * DIMS + 512 + 8 * n_keys + 4 * DIMS * n_words + 4 * n_words + 64


@carver
def order_at(arena, at, n_words, n_keys):
    """Views at byte `at`."""
    at_keys = at + 12 * DIMS + 512
    at_features = at_keys + 8 * n_keys
    return Order(
        i32_view(arena, at_features, DIMS * n_words),
        i32_view(arena, at + 8 * DIMS, DIMS),
        i64_view(arena, at, DIMS),
        i64_view(arena, at_keys, n_keys),
        u32_view(arena, at_features + 4 * DIMS * n_words, n_words),
        i64_view(arena, at + 12 * DIMS, 64),
    )


@jit
def sort(keys, n):
    """Sort keys[0:n], smallest first (heap sort)."""
    for i in range(n // 2):
        sift(keys, n // 2 - 1 - i, n)
    for i in range(n):
        last = n - 1 - i
        key = keys[0]
        keys[0] = keys[last]
        keys[last] = key
        sift(keys, 0, last)


@jit
def sift(keys, at, n):
    """Let the key at `at` sink in a heap of n."""
    key = keys[at]
    child = 2 * at + 1
    while child < n:
        if child + 1 < n and keys[child + 1] > keys[child]:
            child += 1
        if keys[child] <= key:
            child = n  # done: its place is found
        else:
            keys[at] = keys[child]
            at = child
            child = 2 * at + 1
    keys[at] = key


@jit
def root(x):
    """The whole part of the square root of a number below 2^26."""
    r = 0
    for i in range(13):
        t = r | 4096 >> i
        if t * t <= x:
            r = t
    return r


@jit
def take_roots(order, n_words):
    """Turn the counts of each side into sqrt(share)."""
    features = order.features
    for side in range(2 * n_words):
        total = 0
        for i in range(side * SIDE, side * SIDE + SIDE):
            total += i64(features[i])
        if total > 0:
            for i in range(side * SIDE, side * SIDE + SIDE):
                if i64(features[i]) > 0:
                    features[i] = root((i64(features[i]) << 24) // total)


@jit
def arrange(order, begin, end, leaf):
    """Put order[begin:end] into an order in which like words are neighbours, in aligned sets of `leaf` (2^n)."""
    stack = order.stack
    stack[0] = begin
    stack[1] = end
    n = 2
    while n > 0:
        n -= 2
        begin = stack[n]
        end = stack[n + 1]
        if end - begin > leaf:
            half = leaf  # the first part: the largest power of two that leaves something
            while 2 * half < end - begin:
                half *= 2
            split(order, begin, begin + half, end)
            stack[n] = begin
            stack[n + 1] = begin + half
            stack[n + 2] = begin + half
            stack[n + 3] = end
            n += 4


@jit
def split(order, begin, middle, end):
    """Sort order[begin:end] so that [begin:middle] and [middle:end] differ most."""
    n = end - begin
    for j in range(DIMS):
        order.direction[j] = (hash2(j, 1) & 2047) - 1024
    for step in range(N_POWER + N_MEANS + 1):
        mean = project(order, begin, end) // n
        if step >= N_POWER:
            sort(order.keys, n)
            for i in range(n):
                order.order[begin + i] = order.keys[i] & ((1 << KEY_BITS) - 1)
        for i in range(n):
            row = order.keys[i] & ((1 << KEY_BITS) - 1)
            if step < N_POWER:
                add_row(order, row, (order.keys[i] >> KEY_BITS) - SCORE_ZERO - mean)
            else:
                add_row(order, row, middle - begin if begin + i >= middle else middle - end)
        aim(order)


@jit
def project(order, begin, end):
    """Fill the keys with the scores of order[begin:end] along the direction; returns their sum."""
    total = 0
    for i in range(end - begin):
        row = i64(order.order[begin + i])
        score = i64(dot(order.features, row * DIMS, order.direction, DIMS))
        total += score
        order.keys[i] = (score + SCORE_ZERO) << KEY_BITS | row
    return total


@jit
def add_row(order, row, weight):
    """sums += weight * features of a row."""
    for j in range(DIMS):
        order.sums[j] += weight * i64(order.features[row * DIMS + j])


@jit
def aim(order):
    """Make the sums the direction, scaled to FULL (where all are zero it stays), and clear them."""
    largest = 0
    for j in range(DIMS):
        largest = max(largest, abs(order.sums[j]))
    if largest > 0:
        scale = largest // FULL + 1
        for j in range(DIMS):
            order.direction[j] = order.sums[j] // scale
            order.sums[j] = 0
