"""The fixed points of the enwik8 leaderboard, as the workspace document gives them (section Reference Sizes). Data."""

from typing import NamedTuple


class Reference(NamedTuple):
    """One compressor that everybody is measured against."""

    name: str
    by: str
    bytes: int  # archive + decompressor
    bpc: str  # as the document writes it
    notes: str
    approximate: bool = False  # written with a ~

    @property
    def size(self) -> str:
        """The total as the document writes it: 14,623,723, or ~26 M."""
        return f"~{self.bytes // 1_000_000} M" if self.approximate else f"{self.bytes:,}"


REFERENCES = (
    Reference("cmix v21", "Knoll", 14_623_723, "1.170", "Current LTCB SOTA on enwik8 (~32 GB RAM, slow)"),
    Reference("nncp v3.2", "", 14_915_298, "1.193", "Neural-net LM compressor, GPU"),
    Reference("phda9 1.8", "Rhatushnyak", 15_010_414, "1.201", "Updated phda9"),
    Reference(
        "phda9", "Rhatushnyak, 2017", 15_284_944, "1.225", "Last enwik8 Hutter Prize winner (4.17% over baseline)"
    ),
    Reference("paq8f", "Mahoney, 2006", 18_324_887, "1.466", "Pre-prize baseline"),
    Reference("xz -9e", "", 26_000_000, "~2.1", "Standard, easy reproduction", approximate=True),
    Reference("gzip -9", "", 36_000_000, "~2.9", "Standard, easy reproduction", approximate=True),
)
BEST = REFERENCES[0]
