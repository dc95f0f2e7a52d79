"""CPU seconds of a codec's native compress and decompress, as multiples of `xz -9e` compressing the same file.

Machines are shared and noisy: the three programs run in turn, and the medians of their ratios count.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from golfkit import output
from golfkit.compress import codecs
from golfkit.compress.bench import wait4


def main() -> bool:
    """Measure, and print `key: value` lines; whether the file came back identical."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("file", type=Path)
    options.add_argument("--codec", default="cm-fast")
    options.add_argument("--runs", type=int, default=5)
    chosen = options.parse_args()
    source = chosen.file.resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for program, content in codecs.get(chosen.codec).bundle().programs.items():
            (folder / program).write_bytes(content)
            (folder / program).chmod(0o755)
        commands = {
            "xz_compress": ["xz", "-9e", "-T1", "-k", "-c", str(source)],
            "compress": ["./compress", str(source), "archive"],
            "decompress": ["./decompress", "archive", "restored"],
        }
        costs = {key: [] for key in commands}
        for _ in range(chosen.runs):
            for key, command in commands.items():
                costs[key].append(wait4.run(command, cwd=folder).cpu_s)
        archive_bytes = (folder / "archive").stat().st_size
        identical = (folder / "restored").read_bytes() == source.read_bytes()
    ratios = {}
    for key in ("compress", "decompress"):
        pairs = zip(costs[key], costs["xz_compress"], strict=True)
        ratios[f"{key}_per_xz"] = round(statistics.median(own / xz for own, xz in pairs), 2)
    medians = {f"{key}_cpu_s": round(statistics.median(values), 2) for key, values in costs.items()}
    output.emit({"codec": chosen.codec, "runs": chosen.runs, "archive_bytes": archive_bytes, "identical": identical})
    output.emit(medians | ratios)
    return identical


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
