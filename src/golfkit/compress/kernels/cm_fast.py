"""cm-fast: context mixing at about 2 microseconds a byte. Its tables; kernels/model.py says how they are used."""

from golfkit.compress.kernels import layout, model
from golfkit.compress.kernels.maps import hash2
from golfkit.compress.kernels.parser import (
    BITS,
    BRACKET,
    C0,
    C1,
    C4,
    C8,
    CLASSES,
    DISTANCE,
    EXPECTED,
    FIRST,
    FOLLOW1,
    FOLLOW2,
    LENGTH,
    POS,
    SEEN,
    WORD,
    WORD1,
    WORD2,
    WORD_LENGTH,
    WORDS_SEEN,
)
from golfkit.compress.kernels.spec import Context, Selector, Spec, entries

ORDERS = (
    Context("order 2", lambda r: r[C4] & 0xFFFF),
    Context("order 3, first class, bracket", lambda r: hash2(r[C4] & 0xFFFFFF, r[FIRST] | r[BRACKET] << 8)),
    Context("order 4", lambda r: r[C4]),
    Context("order 6", lambda r: hash2(r[C4], r[C8] & 0xFFFF)),
)
WORDS = (
    Context("word", lambda r: hash2(r[WORD], r[C1])),
    Context("word, word before", lambda r: hash2(hash2(r[WORD], r[C1]), r[WORD1])),
    Context("word, second before", lambda r: hash2(hash2(r[WORD], r[C1]), r[WORD2] + 77)),
)
OTHERS = (
    Context("order 1", lambda r: r[C1]),
    Context("classes", lambda r: hash2(r[CLASSES], r[C1])),
    Context("bytes 2-3", lambda r: r[C4] & 0xFFFF00),
    Context("bracket, distance", lambda r: hash2(r[BRACKET] | min(r[DISTANCE], 15) << 8, r[C1])),
    Context("what followed the byte", lambda r: hash2(r[FOLLOW1] & 0xFFFF, r[C1])),
    Context("what followed the pair", lambda r: hash2(r[FOLLOW2] & 0xFFFF, r[C1])),
    Context("expected byte", lambda r: hash2(r[EXPECTED] | r[LENGTH] << 8, r[C1])),
)
NEAR = (Context("word very near", lambda r: hash2(hash2(r[WORD], r[C1]), r[POS] >> 9)),)
SETS = (
    Selector("order 1", 65536, lambda r: r[C1] << 8 | r[C0]),
    Selector("word length", 2048, lambda r: min(r[WORD_LENGTH], 15) << 7 | (r[CLASSES] >> 4 & 15) << 3 | r[BITS]),
    Selector("classes", 2048, lambda r: (r[CLASSES] & 255) << 3 | r[BITS]),
    Selector("seen", 1024, lambda r: r[SEEN] << 7 | r[WORDS_SEEN] << 4 | (r[CLASSES] & 15)),
)
FINALS = (Selector("partial byte", 256, lambda r: r[C0]),)
APMS = (Selector("order 2", 65536, lambda r: hash2(r[C4] & 0xFFFF, r[C0]) & 0xFFFF),)
SPEC = Spec(
    ORDERS,
    WORDS,
    OTHERS,
    SETS,
    FINALS,
    APMS,
    (8, 8),
    (),
    {
        "LINES_LOG2": 0,
        "MAX_LOG2_LINES": 24,
        "MATCH_BITS": 20,
        "N_RUNS": 0,
        "WEIGHT": 0.15,
        "LEAST_ERROR": 1024,
    },
    NEAR,
)

KERNELS = entries((layout, model), SPEC)
