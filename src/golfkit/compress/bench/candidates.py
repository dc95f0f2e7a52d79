"""Ideas for the models: contexts, weight sets, APMs and features that one of them lacks, but worth a try.

One line each, as in a model's tables (kernels/cm_mid.py); `golf idea ablate add-one` tries all, `--edit add:NAME` one.
An idea that a model has by the same name is none for that model; what another model has is one. What helped moves to a
model, what did not to docs/tuning.md.
"""

from collections.abc import Mapping

from golfkit.compress.kernels import cm_fast, cm_max
from golfkit.compress.kernels.maps import hash2
from golfkit.compress.kernels.parser import (
    ABOVE,
    BITS,
    BRACKET,
    C1,
    C4,
    COLUMN,
    DISTANCE,
    EXPECTED,
    FIELD,
    FIRST,
    MATCHING,
    MATCHING2,
    POS,
    SHAPE,
    WORD,
    WORD1,
    WORD_LENGTH,
    WORDS_SEEN,
)
from golfkit.compress.kernels.spec import Context, Follower, Selector

Line = Context | Selector | Follower

CANDIDATES: Mapping[str, tuple[Line, ...]] = {
    "near": (
        Context("word nearby, far", lambda r: hash2(hash2(r[WORD], r[C1]), r[POS] >> 14)),
        Context("word before, nearby", lambda r: hash2(hash2(r[WORD1], r[C1]), r[POS] >> 12)),
        Context("bracket nearby", lambda r: hash2(r[BRACKET] | r[C1] << 8, r[POS] >> 11)),
        Context("first class nearby", lambda r: hash2(r[FIRST] | r[C1] << 8, r[POS] >> 11)),
    ),
    "others": (Context("byte above, order 2", lambda r: hash2(r[ABOVE], r[C4] & 0xFFFF)),),
    "sets": (
        Selector("word's length", 2048, lambda r: min(r[WORD_LENGTH], 15) << 7 | (r[SHAPE] & 3) << 5 | r[BITS]),
        Selector("column", 2048, lambda r: r[COLUMN] << 3 | r[BITS]),
        Selector("expected byte", 2048, lambda r: r[EXPECTED] << 3 | r[BITS]),
        Selector("bracket, distance", 4096, lambda r: (r[BRACKET] & 15) << 8 | min(r[DISTANCE], 31) << 3 | r[BITS]),
        Selector("both matches", 34 * 34, lambda r: r[MATCHING] * 34 + r[MATCHING2]),
        Selector("words seen, match", 34 * 8, lambda r: r[MATCHING] << 3 | r[WORDS_SEEN]),
    ),
    "features": (Selector("field", 65536, lambda r: hash2(r[FIELD], r[C1]) & 0xFFFF), Follower("three words")),
}


def ideas(table: str) -> Mapping[str, Line]:
    """Lines for a table of a spec, by name: those of the models (cm-max has all of cm-mid's), and those above."""
    lines = (*getattr(cm_fast.SPEC, table), *getattr(cm_max.SPEC, table), *CANDIDATES.get(table, ()))
    return {line.name: line for line in lines}  # of one name the last
