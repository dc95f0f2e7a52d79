"""Damage: seeded mutations of small archives through the bundled decompressor and through the library.

Each must be refused, end with a digest mismatch, or restore the original all the same. Exit 1 on a violation: a crash,
a hang, memory or files beyond the bounds, an output after a refusal, other bytes than the original's.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import mutations

from golfkit import output
from golfkit.compress import codecs


def main() -> int:
    """Parse the arguments, run all mutants, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000, help="mutants (10000)")
    parser.add_argument("--seed", type=int, default=0, help="of their generator (0)")
    parser.add_argument("--codec", default="cm-fast", help="an own one (cm-fast)")
    asked = parser.parse_args()
    codec = codecs.get(asked.codec)
    codec.prepare()
    bundle = codec.bundle()
    sound = mutations.bases(codec)
    if bundle.self_contained:  # the program and this process, which the program inherits it from
        resource.setrlimit(resource.RLIMIT_AS, (mutations.memory_bound(codec),) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    findings: Counter[tuple[str, str]] = Counter()
    violations: list[str] = []
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="golf-fuzz-") as name, output.progress("mutants", asked.count) as meter:
        folder = Path(name)
        program, scratch = folder / "decompress", folder / "scratch"
        program.write_bytes(bundle.programs["decompress"])
        program.chmod(0o755)
        scratch.mkdir()
        for i, mutant in enumerate(mutations.mutants(sound, asked.count, asked.seed)):
            found = {
                "program": mutations.through_program(program, mutant, scratch),
                "library": mutations.through_library(mutant),
            }
            for via, finding in found.items():
                findings[mutant.kind, f"{via} {'violation' if finding.violation else finding.outcome}"] += 1
                if finding.violation:
                    violations.append(f"mutant {i} ({mutant.kind}), {via}: {finding.outcome}")
            if sorted(path.name for path in folder.iterdir()) != ["decompress", "scratch"]:
                violations.append(f"mutant {i} ({mutant.kind}): a file outside the scratch folder")
            meter.advance(1)
    columns = sorted({column for _, column in findings}, reverse=True)
    output.table(
        ["mutation", *columns],
        [[kind, *(findings[kind, column] for column in columns)] for kind in mutations.KINDS],
    )
    usage = [resource.getrusage(who).ru_maxrss * 1024 for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF)]
    output.emit(
        {
            "codec": f"{codec.name} {codec.version}",
            "mutants": asked.count,
            "seed": asked.seed,
            "seconds": round(time.monotonic() - started, 1),
            "program_ram_peak_bytes": usage[0],
            "library_ram_peak_bytes": usage[1],
            "violations": len(violations),
        }
    )
    for text in violations[:20]:
        output.error(text)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
