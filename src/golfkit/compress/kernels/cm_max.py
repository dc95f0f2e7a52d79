"""cm-max: everything that pays, at about 100 microseconds a byte. Its tables are cm-mid's, and these."""

from golfkit.compress.kernels import cm_mid, layout, model
from golfkit.compress.kernels.maps import hash2
from golfkit.compress.kernels.parser import (
    ABOVE,
    BITS,
    BRACKET,
    C1,
    C2,
    C4,
    COLUMN,
    EXPECTED,
    EXPECTED2,
    FIRST,
    LENGTH,
    LENGTH2,
    MATCHING,
    SEEN,
    WORD,
    WORD1,
    WORD2,
)
from golfkit.compress.kernels.spec import Follower, Selector, entries

FEATURES = (
    Selector("last byte", 256, lambda r: r[C1]),
    Selector("match", 2048, lambda r: r[EXPECTED] + 256 * min(r[LENGTH] // 2, 7) if r[LENGTH] > 0 else 0),
    Selector("byte 2", 256, lambda r: r[C2]),
    Selector("byte 3", 256, lambda r: r[C4] >> 16 & 255),
    Selector("byte above", 256, lambda r: r[ABOVE]),
    Selector(
        "first class, bracket, column",
        4096,
        lambda r: r[FIRST] | (r[BRACKET] & 15) << 4 | min(r[COLUMN] // 2, 15) << 8,
    ),
    Follower("order 2"),
    Follower("order 3"),
    Follower("order 4"),
    Follower("order 5"),
    Follower("order 6"),
    Follower("word"),
    Follower("word, word before"),
    Follower("bytes 1, 3, 4"),
    Selector("longer match", 2048, lambda r: r[EXPECTED2] + 256 * min(r[LENGTH2] // 2, 7) if r[LENGTH2] > 0 else 0),
    Selector("order 2", 16384, lambda r: hash2(r[C4] & 0xFFFF, 1) & 16383),
    Selector("word", 65536, lambda r: hash2(r[WORD], r[C1]) & 65535),
    Selector("order 3", 65536, lambda r: hash2(r[C4] & 0xFFFFFF, 2) & 65535),
    Selector("bytes 2-3", 65536, lambda r: r[C4] >> 8 & 65535),
    Selector("order 4", 65536, lambda r: hash2(r[C4], 3) & 65535),
    Selector("word, word before", 65536, lambda r: hash2(hash2(r[WORD], r[C1]), r[WORD1]) & 65535),
    Selector("two words before", 65536, lambda r: hash2(hash2(r[WORD1], r[C1]), r[WORD2]) & 65535),
)
SETS = (
    *cm_mid.SETS,
    Selector("match", 34 * 8, lambda r: r[MATCHING] << 3 | r[SEEN]),
    Selector("last byte", 2048, lambda r: r[C1] << 3 | r[BITS]),
    Selector("line", 2048, lambda r: r[FIRST] << 7 | (r[BRACKET] & 15) << 3 | r[BITS]),
)
SPEC = cm_mid.SPEC._replace(
    sets=SETS,
    features=FEATURES,
    constants={
        **cm_mid.SPEC.constants,
        "LAYERS": 2,
        "CELLS": 192,
        "LINES_LOG2": 4,
        "MAX_LOG2_LINES": 26,
        "NET_RATE": 0.005,
    },
)

KERNELS = entries((layout, model), SPEC)
