"""A model with few contexts, which compiles sooner than a real one."""

from golfkit.compress.kernels.maps import hash2
from golfkit.compress.kernels.parser import BITS, C0, C1, C4, MATCHING, WORD
from golfkit.compress.kernels.spec import Context, Selector, Spec

SPEC = Spec(
    orders=(Context("order 1", lambda r: r[C1]), Context("order 2", lambda r: r[C4] & 0xFFFF)),
    words=(Context("word", lambda r: hash2(r[WORD], r[C1])),),
    others=(Context("order 0", lambda r: 0), Context("bytes 2-3", lambda r: r[C4] & 0xFFFF00)),
    sets=(Selector("partial byte", 256, lambda r: r[C0]), Selector("match", 272, lambda r: r[MATCHING] << 3 | r[BITS])),
    finals=(Selector("partial byte", 256, lambda r: r[C0]),),
    apms=(Selector("order 1", 65536, lambda r: r[C1] << 8 | r[C0]),),
    apm_shares=(8, 8),
    features=(),
    constants={"N_RUNS": 4, "N_DIRECT": 2, "WEIGHT": 0.3, "MATCH_BITS": 12},
)
