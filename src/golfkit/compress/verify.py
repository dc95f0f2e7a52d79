"""Is this artifact folder what its results.json says? Reads files, runs nothing, asks no clock and no environment."""

from pathlib import Path
from typing import NamedTuple

from golfkit import files
from golfkit.compress.artifact import results
from golfkit.compress.artifact.results import ENWIK8_BYTES, Results
from golfkit.errors import GolfError

FILES = {"archive": "archive.bin", "decompressor_zip": "decompressor.zip"}
BPC_TOLERANCE = 0.0005  # the workspace's example rounds to three places


class Verdict(NamedTuple):
    """What `check` found; each problem a line that names key, value found and value expected.

    altered      where the files or the arithmetic differ from results.json
    uncertified  what is missing of a certified roundtrip
    """

    results: Results
    altered: tuple[str, ...]
    uncertified: tuple[str, ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """All of them; empty when all holds."""
        return self.altered + self.uncertified

    @property
    def holds(self) -> bool:
        """The files are those of a certified roundtrip."""
        return not self.problems

    @property
    def eligible(self) -> bool:
        """The result may stand on an enwik8 leaderboard."""
        return self.holds and self.results.dataset == "enwik8"


def check(directory: Path) -> Verdict:
    """Compare an artifact folder with its results.json: sizes, digests, arithmetic, roundtrip record."""
    found = results.read(directory / "results.json")
    problems = []
    sizes = {}
    for key, name in FILES.items():
        path = directory / name
        if not path.is_file():
            raise GolfError(f"{path}: is missing, expected the file that results.json describes")
        sizes[key] = path.stat().st_size
        problems += _differs(f"{key}_bytes", getattr(found, f"{key}_bytes"), sizes[key])
        problems += _differs(f"{key}_sha256", getattr(found, f"{key}_sha256"), files.digest(path))
    total = sum(sizes.values())
    problems += _differs("total_bytes", found.total_bytes, total)
    problems += _bpc(found, total)
    if found.dataset == "enwik8" and found.original_bytes != ENWIK8_BYTES:
        problems.append(f"dataset is enwik8 with {found.original_bytes} original_bytes, expected {ENWIK8_BYTES}")
    return Verdict(found, tuple(problems), tuple(_roundtrip(found)))


def _differs(key: str, said: object, expected: object) -> list[str]:
    return [] if said == expected else [f"{key} is {said}, expected {expected}"]


def _bpc(found: Results, total_bytes: int) -> list[str]:
    if found.original_bytes is None:
        return ["original_bytes is null, expected the number that bpc divides by"]
    expected = results.bits_per_character(total_bytes, found.original_bytes)
    if expected is None or found.bpc is None:
        return _differs("bpc", found.bpc, expected)
    return [] if abs(found.bpc - expected) <= BPC_TOLERANCE else _differs("bpc", found.bpc, expected)


def _roundtrip(found: Results) -> list[str]:
    problems = _differs("verified", found.verified, True)
    for key in ("verified_at", "original_sha256", "decompress_wall_s", "decompress_ram_peak_gb"):
        if getattr(found, key) is None:
            problems.append(f"{key} is null, expected what golf roundtrip writes")
    if found.root not in ("empty", "system"):
        problems.append(f"root is {found.root}, expected empty or system")
    return problems + _differs("self_contained", found.self_contained, found.root == "empty")
