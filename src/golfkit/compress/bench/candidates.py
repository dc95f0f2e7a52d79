"""Ideas for the models: contexts, weight sets, APMs and features that one of them lacks, but worth a try.

One line each, as in a model's tables (kernels/cm_mid.py); `golf idea ablate add-one` tries all, `--edit add:NAME` one.
An idea that a model has by the same name is none for that model. What helped moves to a model, what did not to
docs/tuning.md.
"""

from collections.abc import Mapping

from golfkit.compress.kernels.maps import hash2
from golfkit.compress.kernels.parser import (
    ABOVE,
    BITS,
    BRACKET,
    C0,
    C1,
    C4,
    C8,
    CLASSES,
    COLUMN,
    DEPTH,
    DISTANCE,
    EXPECTED,
    EXPECTED2,
    FIELD,
    FIRST,
    FIRST2,
    GAP,
    KINDS,
    LENGTH,
    LENGTH2,
    MATCHING,
    MATCHING2,
    POS,
    PUNCTUATION,
    SEEN,
    SENTENCE,
    SHAPE,
    TAG,
    WORD,
    WORD1,
    WORD2,
    WORD3,
    WORD_LENGTH,
    WORDS_SEEN,
)
from golfkit.compress.kernels.spec import Context, Follower, Selector

CANDIDATES: Mapping[str, tuple[Context | Selector | Follower, ...]] = {
    "orders": (Context("order 7", lambda r: hash2(r[C4], r[C8] & 0xFFFFFF)),),
    "others": (
        Context("word nearby, far", lambda r: hash2(hash2(r[WORD], r[C1]), r[POS] >> 14)),
        Context("order 2 nearby", lambda r: hash2(r[C4] & 0xFFFF, r[POS] >> 11)),
        Context("order 3 nearby", lambda r: hash2(r[C4] & 0xFFFFFF, r[POS] >> 12)),
        Context("order 4 nearby", lambda r: hash2(r[C4], r[POS] >> 13)),
        Context("word before, nearby", lambda r: hash2(hash2(r[WORD1], r[C1]), r[POS] >> 12)),
        Context("bracket nearby", lambda r: hash2(r[BRACKET] | r[C1] << 8, r[POS] >> 11)),
        Context("first class nearby", lambda r: hash2(r[FIRST] | r[C1] << 8, r[POS] >> 11)),
        Context("word, words 2 and 3 before", lambda r: hash2(hash2(r[WORD], r[C1]), hash2(r[WORD2], r[WORD3]))),
        Context("word, words 1 and 3 before", lambda r: hash2(hash2(r[WORD], r[C1]), hash2(r[WORD1], r[WORD3]))),
        Context("word, gap", lambda r: hash2(hash2(r[WORD], r[GAP]), r[C1])),
        Context("tag", lambda r: hash2(r[TAG], r[C1])),
        Context("tag, word", lambda r: hash2(hash2(r[WORD], r[C1]), r[TAG] + 5)),
        Context("punctuation, word", lambda r: hash2(r[PUNCTUATION], hash2(r[WORD], r[C1]))),
        Context("punctuation, order 2", lambda r: hash2(r[PUNCTUATION] & 0xFFFF, r[C4] & 0xFFFF)),
        Context("line's first two bytes, column", lambda r: hash2(r[FIRST2] | r[COLUMN] << 16, r[C1])),
        Context("field, word before", lambda r: hash2(hash2(r[FIELD], r[C1]), r[WORD1])),
        Context("shape, length, classes", lambda r: hash2(r[SHAPE] | r[WORD_LENGTH] << 2, r[CLASSES] & 0xFFFF)),
        Context("both expected bytes", lambda r: hash2(r[EXPECTED] | r[EXPECTED2] << 8 | r[LENGTH] << 16, r[LENGTH2])),
        Context("depth, bracket, order 1", lambda r: hash2(r[DEPTH] | r[BRACKET] << 8, r[C1])),
        Context("byte above, order 2", lambda r: hash2(r[ABOVE], r[C4] & 0xFFFF)),
        Context("bytes 2-4", lambda r: r[C4] & 0xFFFFFF00),
    ),
    "sets": (
        Selector("word's length", 2048, lambda r: min(r[WORD_LENGTH], 15) << 7 | (r[SHAPE] & 3) << 5 | r[BITS]),
        Selector("column", 2048, lambda r: r[COLUMN] << 3 | r[BITS]),
        Selector("expected byte", 2048, lambda r: r[EXPECTED] << 3 | r[BITS]),
        Selector("bracket, distance", 4096, lambda r: (r[BRACKET] & 15) << 8 | min(r[DISTANCE], 31) << 3 | r[BITS]),
        Selector("both matches", 34 * 34, lambda r: r[MATCHING] * 34 + r[MATCHING2]),
        Selector("words seen, match", 34 * 8, lambda r: r[MATCHING] << 3 | r[WORDS_SEEN]),
    ),
    "finals": (
        Selector("seen", 64, lambda r: r[SEEN] << 3 | r[BITS]),
        Selector("kinds", 256, lambda r: r[KINDS] & 255),
    ),
    "apms": (
        Selector("word", 65536, lambda r: hash2(hash2(r[WORD], r[C1]), r[C0]) & 0xFFFF),
        Selector("match", 65536, lambda r: (r[EXPECTED] << 8 | r[C0]) & 0xFFFF),
        Selector("sentence", 65536, lambda r: hash2(r[SENTENCE] + r[FIRST], r[C0]) & 0xFFFF),
    ),
    "features": (Selector("field", 65536, lambda r: hash2(r[FIELD], r[C1]) & 0xFFFF), Follower("three words")),
}
