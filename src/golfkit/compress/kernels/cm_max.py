"""cm-max: everything that pays, at about 100 microseconds a byte. Its tables are cm-mid's, and these."""

from golfkit.compress.kernels import cm_mid, layout, model
from golfkit.compress.kernels.maps import hash2
from golfkit.compress.kernels.parser import (
    ABOVE,
    BITS,
    BRACKET,
    C0,
    C1,
    C2,
    C4,
    C8,
    CLASSES,
    COLUMN,
    DEPTH,
    EXPECTED,
    EXPECTED2,
    FIELD,
    FIRST,
    FIRST2,
    KINDS,
    LENGTH,
    LENGTH2,
    POS,
    PUNCTUATION,
    SEEN,
    SENTENCE,
    SHAPE,
    TAG,
    WORD,
    WORD1,
    WORD2,
    WORD_LENGTH,
)
from golfkit.compress.kernels.spec import Context, Follower, Selector, entries

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
OTHERS = (
    *cm_mid.OTHERS,
    Context("order 7", lambda r: hash2(r[C4], r[C8] & 0xFFFFFF)),
    Context("tag, word", lambda r: hash2(hash2(r[WORD], r[C1]), r[TAG] + 5)),
    Context("punctuation, word", lambda r: hash2(r[PUNCTUATION], hash2(r[WORD], r[C1]))),
    Context("punctuation, order 2", lambda r: hash2(r[PUNCTUATION] & 0xFFFF, r[C4] & 0xFFFF)),
    Context("line's first two bytes, column", lambda r: hash2(r[FIRST2] | r[COLUMN] << 16, r[C1])),
    Context("field, word before", lambda r: hash2(hash2(r[FIELD], r[C1]), r[WORD1])),
    Context("shape, length, classes", lambda r: hash2(r[SHAPE] | r[WORD_LENGTH] << 2, r[CLASSES] & 0xFFFF)),
    Context("both expected bytes", lambda r: hash2(r[EXPECTED] | r[EXPECTED2] << 8 | r[LENGTH] << 16, r[LENGTH2])),
    Context("depth, bracket, order 1", lambda r: hash2(r[DEPTH] | r[BRACKET] << 8, r[C1])),
    Context("bytes 2-4", lambda r: r[C4] & 0xFFFFFF00),
    Context("order 2 nearby", lambda r: hash2(r[C4] & 0xFFFF, r[POS] >> 11)),
    Context("order 3 nearby", lambda r: hash2(r[C4] & 0xFFFFFF, r[POS] >> 12)),
    Context("order 4 nearby", lambda r: hash2(r[C4], r[POS] >> 13)),
)
SETS = (
    *cm_mid.SETS,
    Selector("last byte", 2048, lambda r: r[C1] << 3 | r[BITS]),
    Selector("line", 2048, lambda r: r[FIRST] << 7 | (r[BRACKET] & 15) << 3 | r[BITS]),
)
FINALS = (
    *cm_mid.FINALS,
    Selector("seen", 64, lambda r: r[SEEN] << 3 | r[BITS]),
    Selector("kinds", 256, lambda r: r[KINDS] & 255),
)
APMS = (
    *cm_mid.APMS,
    Selector("word", 65536, lambda r: hash2(hash2(r[WORD], r[C1]), r[C0]) & 0xFFFF),
    Selector("match", 65536, lambda r: (r[EXPECTED] << 8 | r[C0]) & 0xFFFF),
    Selector("sentence", 65536, lambda r: hash2(r[SENTENCE] + r[FIRST], r[C0]) & 0xFFFF),
)
SPEC = cm_mid.SPEC._replace(
    others=OTHERS,
    sets=SETS,
    finals=FINALS,
    apms=APMS,
    apm_shares=(3, 1, 2, 2, 2, 2, 2, 2),
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
