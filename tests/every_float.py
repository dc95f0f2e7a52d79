"""A model with every float component and little of each: what an emulator does of 66,000 bytes in seconds.

Mixers of both layers, direct inputs, runs, both match models, an LSTM of two layers, and APMs that follow it.
"""

from golfkit.compress.kernels import layout, model
from golfkit.compress.kernels.maps import hash2
from golfkit.compress.kernels.parser import BITS, C0, C1, C4, EXPECTED, LENGTH, MATCHING, NET, NET_TOP, WORD
from golfkit.compress.kernels.spec import Context, Follower, Selector, Spec, entries

SPEC = Spec(
    orders=(Context("order 1", lambda r: r[C1]), Context("order 3", lambda r: r[C4] & 0xFFFFFF)),
    words=(Context("word", lambda r: hash2(r[WORD], r[C1])),),
    others=(),
    sets=(
        Selector("match", 272, lambda r: r[MATCHING] << 3 | r[BITS]),
        Selector("net", 192, lambda r: r[NET] << 3 | r[BITS]),
    ),
    finals=(Selector("partial byte", 256, lambda r: r[C0]), Selector("net", 24, lambda r: r[NET])),
    apms=(Selector("net's byte", 65536, lambda r: r[NET_TOP] << 8 | r[C0]),),
    apm_shares=(8, 8),
    features=(
        Selector("last byte", 256, lambda r: r[C1]),
        Selector("match", 257, lambda r: r[EXPECTED] + 1 if r[LENGTH] > 0 else 0),
        Follower("order 3"),
    ),
    constants={"LAYERS": 2, "CELLS": 16, "N_DIRECT": 2, "WEIGHT": 0.2, "MATCH_BITS": 12},
)

KERNELS = entries((layout, model), SPEC)
