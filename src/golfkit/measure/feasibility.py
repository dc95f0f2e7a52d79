"""Can a model of so many parameters fit the limit? Arithmetic only, with the compressibility as a stated range.

Compressibility is payload bytes / (parameters * bits / 8). It depends on training: the official 17,059,912-parameter
model at int8 has a payload of 4.9 MB untrained (0.29) and of 15,815,847 bytes trained (0.927), so shapes alone bound
nothing, and a single assumed ratio calls real records impossible. The ranges below are what trained models showed:
`Serialized model <label>: <bytes>` and `model_params` of the public training logs of openai/parameter-golf's records.
"""

import math
from typing import NamedTuple

BASELINE_CODE_BYTES = 47_642  # the official baseline's train_gpt.py


class Compressibility(NamedTuple):
    """How far trained weights of one width were compressed."""

    low: float
    typical: float  # median
    high: float
    source: str


SEEN = {
    8: Compressibility(0.718, 0.927, 0.956, "19 public record logs labelled int8+zlib"),
    6: Compressibility(0.618, 0.773, 0.961, "24 public record logs labelled int6 + zstd, lzma or brotli"),
}
UNSEEN = Compressibility(0.618, 1.0, 1.0, "no logs at this width: the lowest seen at any width, up to incompressible")


class Feasibility(NamedTuple):
    """The range an artifact would weigh, and the verdict."""

    raw_bytes: int
    code_bytes: int
    compressibility: Compressibility
    artifact_bytes_low: int
    artifact_bytes_typical: int
    artifact_bytes_high: int
    limit: int
    needed: float  # the compressibility at which the artifact just fits

    @property
    def verdict(self) -> str:
        """feasible: fits at the typical compressibility; depends: only at the lowest; infeasible: not even there."""
        if self.artifact_bytes_typical <= self.limit:
            return "feasible"
        return "depends" if self.artifact_bytes_low <= self.limit else "infeasible"


def assess(n_params: int, bits: float, code_bytes: int, limit: int) -> Feasibility:
    """Weigh a model that does not exist yet.

    bits  mean width of a stored parameter before compression (8 for int8, 1.58 for packed ternary)
    """
    seen = SEEN.get(int(bits), UNSEEN) if bits == int(bits) else UNSEEN
    raw_bytes = math.ceil(n_params * bits / 8)
    low, typical, high = (code_bytes + round(raw_bytes * ratio) for ratio in seen[:3])
    return Feasibility(raw_bytes, code_bytes, seen, low, typical, high, limit, needed=(limit - code_bytes) / raw_bytes)
