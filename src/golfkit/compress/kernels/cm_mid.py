"""cm-mid: context mixing at about 12 microseconds a byte. Its tables; kernels/model.py says how they are used."""

from golfkit.compress.kernels import model
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
    CHANGES,
    CLASSES,
    COLUMN,
    DISTANCE,
    EXPECTED,
    FIELD,
    FIRST,
    FIRST2,
    FOLLOW1,
    FOLLOW2,
    GAP,
    KINDS,
    LENGTH,
    LINK,
    MATCHING,
    MATCHING2,
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
from golfkit.compress.kernels.spec import Context, Selector, Spec, entries

ORDERS = (
    Context("order 1", lambda r: r[C1]),
    Context("order 2", lambda r: r[C4] & 0xFFFF),
    Context("order 3", lambda r: r[C4] & 0xFFFFFF),
    Context("order 4", lambda r: r[C4]),
    Context("order 5", lambda r: hash2(r[C4], r[C8] & 0xFF)),
    Context("order 6", lambda r: hash2(r[C4], r[C8] & 0xFFFF)),
    Context("order 8", lambda r: hash2(r[C4], r[C8])),
)
WORDS = (
    Context("word", lambda r: hash2(r[WORD], r[C1])),
    Context("word, word before", lambda r: hash2(hash2(r[WORD], r[C1]), r[WORD1])),
    Context("word, second before", lambda r: hash2(hash2(r[WORD], r[C1]), r[WORD2] + 77)),
    Context("three words", lambda r: hash2(hash2(r[WORD], r[C1]), hash2(r[WORD1], r[WORD2]))),
)
OTHERS = (
    Context("order 0", lambda r: 0),
    Context("word, third before", lambda r: hash2(hash2(r[WORD], r[C1]), r[WORD3] + 991)),
    Context("word before, order 2", lambda r: hash2(r[WORD1], r[C4] & 0xFFFF)),
    Context("sentence, word", lambda r: hash2(hash2(r[WORD], r[C1]), r[SENTENCE])),
    Context("bytes 2-3", lambda r: r[C4] & 0xFFFF00),
    Context("bytes 1, 3, 4", lambda r: r[C4] & 0xF0FF00FF),
    Context("byte above, column", lambda r: hash2(r[ABOVE] | r[COLUMN] << 8, r[C1])),
    Context("line's first class, order 2", lambda r: hash2(r[FIRST], r[C4] & 0xFFFF)),
    Context("bracket, distance", lambda r: hash2(r[BRACKET] | min(r[DISTANCE], 15) << 8, r[C1])),
    Context("what followed the byte", lambda r: hash2(r[FOLLOW1] & 0xFFFF, r[C1])),
    Context("what followed the pair", lambda r: hash2(r[FOLLOW2] & 0xFFFF, r[C1])),
    Context("classes", lambda r: hash2(r[CLASSES], r[C1])),
    Context("kinds, word", lambda r: hash2(r[KINDS] & 0xFFFFFF, r[WORD])),
    Context("link", lambda r: hash2(r[LINK], r[C1])),
    Context("field", lambda r: hash2(r[FIELD], r[C1])),
    Context("order 3, first class, bracket", lambda r: hash2(r[C4] & 0xFFFFFF, r[FIRST] | r[BRACKET] << 8)),
    Context("expected byte", lambda r: hash2(r[EXPECTED] | r[LENGTH] << 8, r[C1])),
    Context("punctuation", lambda r: hash2(r[PUNCTUATION] & 0xFFFFFF, r[C1])),
    Context("word, gap", lambda r: hash2(hash2(r[WORD], r[GAP]), r[C1])),
    Context("tag", lambda r: hash2(r[TAG], r[C1])),
    Context("word, words 1 and 3 before", lambda r: hash2(hash2(r[WORD], r[C1]), hash2(r[WORD1], r[WORD3]))),
    Context("word, words 2 and 3 before", lambda r: hash2(hash2(r[WORD], r[C1]), hash2(r[WORD2], r[WORD3]))),
    Context("order 3, word before", lambda r: hash2(r[C4] & 0xFFFFFF, r[WORD1])),
    Context("byte above, order 2", lambda r: hash2(r[ABOVE], r[C4] & 0xFFFF)),
    Context("classes, order 2", lambda r: hash2(r[CLASSES] & 0xFFFF, r[C4] & 0xFFFF)),
    Context("word, shape, bracket", lambda r: hash2(r[WORD], r[SHAPE] | r[FIRST] << 4 | r[BRACKET] << 8)),
    Context("line's first two, column", lambda r: hash2(r[FIRST2], r[C1] | min(r[COLUMN], 31) << 8)),
    Context("bytes 2, 4", lambda r: r[C4] & 0xFF00FF00),
    Context("what followed the pair, order 2", lambda r: hash2(r[FOLLOW2] & 0xFFFF, r[C4] & 0xFFFF)),
    Context("word before, punctuation", lambda r: hash2(hash2(r[WORD1], r[C1]), r[PUNCTUATION] & 255)),
    Context("field, line's first two", lambda r: hash2(r[FIELD], r[FIRST2])),
    Context("changes", lambda r: hash2(r[CHANGES], r[C1])),
)
SETS = (
    Selector("partial byte", 256, lambda r: r[C0]),
    Selector("last byte", 2048, lambda r: r[C1] << 3 | r[BITS]),
    Selector("match", 34 * 8, lambda r: r[MATCHING] << 3 | r[SEEN]),
    Selector("classes", 2048, lambda r: (r[CLASSES] & 255) << 3 | r[BITS]),
    Selector("line", 2048, lambda r: r[FIRST] << 7 | (r[BRACKET] & 15) << 3 | r[BITS]),
    Selector("seen", 1024, lambda r: r[SEEN] << 7 | r[WORDS_SEEN] << 4 | (r[CLASSES] & 15)),
    Selector("longer match", 34 * 8, lambda r: r[MATCHING2] << 3 | r[BITS]),
    Selector("order 2", 65536, lambda r: hash2(r[C4] & 0xFFFF, r[BITS]) & 0xFFFF),
    Selector("byte 2", 2048, lambda r: r[C2] << 3 | r[BITS]),
    Selector("word length", 2048, lambda r: min(r[WORD_LENGTH], 15) << 7 | (r[CLASSES] >> 4 & 15) << 3 | r[BITS]),
    Selector("kinds", 2048, lambda r: (r[KINDS] & 255) << 3 | r[BITS]),
)
FINALS = (
    Selector("partial byte", 256, lambda r: r[C0]),
    Selector("match", 34, lambda r: r[MATCHING]),
    Selector("last byte", 256, lambda r: r[C1]),
)
APMS = (
    Selector("order 1", 65536, lambda r: r[C1] << 8 | r[C0]),
    Selector("order 2", 65536, lambda r: hash2(r[C4] & 0xFFFF, r[C0]) & 0xFFFF),
    Selector("order 3", 65536, lambda r: hash2(r[C4] & 0xFFFFFF, r[C0]) & 0xFFFF),
)
SPEC = Spec(ORDERS, WORDS, OTHERS, SETS, FINALS, APMS, (4, 2, 4, 6), (), 12, (), {"SLOTS_LOG2": 2, "WEIGHT": 0.06, "RATE": 0.002, "RATE_EXTRA": 0.01, "RATE_HALF": 1e5})

KERNELS = entries(model, SPEC)
