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
    C8,
    COLUMN,
    EXPECTED,
    EXPECTED2,
    FIELD,
    FIRST,
    FIRST2,
    KINDS,
    LENGTH,
    LENGTH2,
    MATCHING,
    PUNCTUATION,
    SEEN,
    WORD,
    WORD1,
    WORD2,
    WORD3,
)
from golfkit.compress.kernels.spec import Context, Follower, Selector, entries

OTHERS = (
    *cm_mid.OTHERS,
    Context("order 7", lambda r: hash2(r[C4], r[C8] & 0xFFFFFF)),
    Context("word, words 1 and 3 before", lambda r: hash2(hash2(r[WORD], r[C1]), hash2(r[WORD1], r[WORD3]))),
    Context("line's first two bytes, column", lambda r: hash2(r[FIRST2] | r[COLUMN] << 16, r[C1])),
    Context("punctuation, word", lambda r: hash2(r[PUNCTUATION], hash2(r[WORD], r[C1]))),
    Context("word, third before", lambda r: hash2(hash2(r[WORD], r[C1]), r[WORD3] + 991)),
    Context("kinds, word", lambda r: hash2(r[KINDS] & 0xFFFFFF, r[WORD])),
    Context("field, word before", lambda r: hash2(hash2(r[FIELD], r[C1]), r[WORD1])),
    Context("bytes 2-4", lambda r: r[C4] & 0xFFFFFF00),
)
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
    Selector("hash of order 2", 16384, lambda r: hash2(r[C4] & 0xFFFF, 1) & 16383),
    Selector("hash of word", 65536, lambda r: hash2(r[WORD], r[C1]) & 65535),
    Selector("hash of order 3", 65536, lambda r: hash2(r[C4] & 0xFFFFFF, 2) & 65535),
    Selector("bytes 2-3", 65536, lambda r: r[C4] >> 8 & 65535),
    Selector("hash of order 4", 65536, lambda r: hash2(r[C4], 3) & 65535),
    Selector("hash of word, word before", 65536, lambda r: hash2(hash2(r[WORD], r[C1]), r[WORD1]) & 65535),
    Selector("two words before", 65536, lambda r: hash2(hash2(r[WORD1], r[C1]), r[WORD2]) & 65535),
)
SETS = (
    *cm_mid.SETS,
    Selector("match", 34 * 8, lambda r: r[MATCHING] << 3 | r[SEEN]),
    Selector("last byte", 2048, lambda r: r[C1] << 3 | r[BITS]),
    Selector("line", 2048, lambda r: r[FIRST] << 7 | (r[BRACKET] & 15) << 3 | r[BITS]),
)
SPEC = cm_mid.SPEC._replace(
    others=OTHERS,
    sets=SETS,
    features=FEATURES,
    constants={
        **cm_mid.SPEC.constants,
        "N_RUNS": 12,
        "N_DIRECT": 6,
        "LAYERS": 2,
        "CELLS": 192,
        "LINES_LOG2": 4,
        "MAX_LOG2_LINES": 26,
        "PLACE_LOG2": 2,
        "DIRECT_LOG2": 3,
        "NET_RATE": 0.005,
    },
)

KERNELS = entries((layout, model), SPEC)
