"""Does another processor write the same archive? A codec's own programs on an emulated one, and here.

Compresses the first bytes of FILE here and under qemu-x86_64, and compares the archives; with --back the emulated
decompressor has to restore the file as well. A net takes an emulator 16 (cm-mid) to 200 (cm-max) milliseconds a byte
each way: 65,536 bytes are a job for the background. Exit 1 where anything differs.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from golfkit import files, output
from golfkit.compress import codecs
from golfkit.compress.artifact import folders
from golfkit.compress.bench import wait4
from golfkit.errors import Exit, GolfError


def main(arguments: argparse.Namespace) -> int:
    """Run both, and print `key: value` lines."""
    emulator = shutil.which("qemu-x86_64")
    if not emulator:
        raise GolfError("there is no qemu-x86_64 (run: apt-get install qemu-user)", Exit.MISSING_PACKAGE)
    bundle = codecs.get(arguments.codec).bundle()
    if not bundle.self_contained:
        raise GolfError(f"{arguments.codec}: its programs are not native: {bundle.note}", Exit.MISSING_PACKAGE)
    with tempfile.TemporaryDirectory(prefix="golf-emulate-") as name, arguments.file.open("rb") as source:
        folder = Path(name)
        folders.write_programs(folder, bundle)
        (folder / "input").write_bytes(source.read(-1 if arguments.n is None else arguments.n))
        elsewhere = [emulator, "-cpu", arguments.cpu]
        here = wait4.run(["./compress", "input", "here"], cwd=folder)
        there = wait4.run([*elsewhere, "compress", "input", "there"], cwd=folder)
        found = {
            "codec": arguments.codec,
            "cpu": arguments.cpu,
            "input_bytes": (folder / "input").stat().st_size,
            "archive_bytes": (folder / "here").stat().st_size,
            "archive_sha256": files.digest(folder / "here"),
            "cpu_s": round(here.cpu_s, 2),
            "emulated_cpu_s": round(there.cpu_s, 2),
            "archives_identical": files.digest(folder / "here") == files.digest(folder / "there"),
        }
        if arguments.back:
            wait4.run([*elsewhere, "decompress", "here", "restored"], cwd=folder)
            found["restored"] = files.digest(folder / "restored") == files.digest(folder / "input")
    output.emit(found)
    return Exit.DONE if found["archives_identical"] and found.get("restored", True) else Exit.NO


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--codec", default="cm-mid", help="an own one (cm-mid)")
    parser.add_argument("--cpu", default="Haswell", help="as qemu-x86_64 -cpu help names them (Haswell)")
    parser.add_argument("-n", type=int, metavar="BYTES", help="take only the first BYTES")
    parser.add_argument("--back", action="store_true", help="decompress under the emulator too")
    try:
        sys.exit(main(parser.parse_args()))
    except GolfError as error:
        output.error(str(error))
        sys.exit(error.exit_code)
