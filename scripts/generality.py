"""Are the own codecs tuned to one file? Their archives of many files beside those of `zpaq -m5` and `xz -9e`.

Prints a row a file, as Markdown: bytes of each archive, the ratio to zpaq's, and whether what is expected holds:

    a text of 50 kB or more      cm-mid and cm-max are smaller than zpaq, cm-fast at most 2 % larger
    another file of that size    cm-mid and cm-max are at most 5 % larger

A file without a zero byte is a text. Archives alone: no bundles are made and nothing is certified, but every program
decompresses what it compressed, and the files are compared. Exit 1 where one is not restored, or a row does not hold.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from golfkit import files, output
from golfkit.compress import codecs
from golfkit.compress.artifact import folders
from golfkit.compress.bench import document, peers, wait4
from golfkit.compress.bench.peers import ARCHIVE, INPUT, RESTORED, Peer
from golfkit.errors import Exit, GolfError

RECIPE = """\
files that the table of docs/tuning.md is made of, none of which the models were tuned on:

    lib=$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
    xz -dc fineweb_200docs.jsonl.xz |   # documents of FineWeb, {"text": ...} a line
      python3 -c 'import json, sys; print("\\n".join(json.loads(line)["text"] for line in sys.stdin))' |
      head -c 200000 >fineweb.txt
    tail -c 200000 wiki2014.100M >wiki2014.end          # the end of 100 MB of Wikipedia text
    cat "$lib"/*.py | head -c 200000 >stdlib.py
    python3 -c 'import pydoc_data.topics as t; print("\\n".join(t.topics.values()))' |   # the demo's text
      head -c 200000 >topics.txt
    head -c 300000 /bin/bash >bash
    head -c 300000 "$(ldconfig -p | sed -n 's/.*libc.so.6.*x86-64.* => //p' | head -n 1)" >libc.so
    python3 -c 'import _pydecimal, shutil; shutil.copy(_pydecimal.__cached__, "_pydecimal.pyc")'
    tar -c --sort=name --mtime=@0 --owner=0 --group=0 --exclude=__pycache__ -C "$lib" json email |
      head -c 300000 >small.tar
    scripts/generality fineweb.txt wiki2014.end stdlib.py topics.txt bash libc.so _pydecimal.pyc small.tar \\
      --write docs/tuning.md
"""
NAME = "generality"  # of the table's markers
OWN = ("cm-fast", "cm-mid", "cm-max")
THEIRS = (peers.XZ, peers.ZPAQ)
LEAST_BYTES = 50_000  # of a file for which something is expected
MOST = {  # archive bytes as a multiple of zpaq's: of texts, of other files
    "cm-fast": (1.02, None),
    "cm-mid": (1.0, 1.05),
    "cm-max": (1.0, 1.05),
}
COLUMNS = ("file", "as expected", "bytes", "xz -9e", "zpaq -m5", *OWN, *(f"{name} / zpaq" for name in OWN))


class Row(NamedTuple):
    """One file."""

    name: str
    n_bytes: int
    is_text: bool
    archive_bytes: Mapping[str, int]  # by codec or peer

    def ratio(self, codec: str) -> float:
        """Archive bytes of a codec as a multiple of zpaq's."""
        return self.archive_bytes[codec] / self.archive_bytes[peers.ZPAQ.name]

    def too_large(self) -> list[str]:
        """The codecs whose archive is larger than expected."""
        most = {name: limits[0 if self.is_text else 1] for name, limits in MOST.items()}
        if self.n_bytes < LEAST_BYTES:
            return []
        return [name for name, limit in most.items() if limit is not None and self.ratio(name) > limit]


def main(arguments: argparse.Namespace) -> int:
    """Measure and print."""
    if arguments.write:
        document.check(arguments.write, NAME)
    for file in arguments.files:
        if not file.is_file():
            raise GolfError(f"{file}: is no file")
    for peer in THEIRS:
        installed(peer)
    rows = []
    with tempfile.TemporaryDirectory(prefix="golf-generality-") as name:
        work = Path(name) / "work"
        work.mkdir()
        programs = {codec: unpacked(codec, Path(name)) for codec in OWN}
        for file in arguments.files:
            rows.append(measured(file, programs, work))
            output.note(f"{file.name}: {dict(rows[-1].archive_bytes)}")
    lines = ["", *document.table(COLUMNS, [cells(row) for row in rows], n_words=2), ""]
    output.text("\n".join(lines[1:-1]))
    if arguments.write:
        document.write(arguments.write, NAME, lines)
        output.note(f"written: {arguments.write}")
    return Exit.NO if any(row.too_large() for row in rows) else Exit.DONE


def installed(peer: Peer) -> str:
    """The path of a peer's program."""
    program = peers.installed(peer)
    if program is None:
        raise GolfError(f"there is no {peer.programs[0]}; install it", Exit.MISSING_PACKAGE)
    return program


def unpacked(codec: str, folder: Path) -> Path:
    """The folder of a codec's `compress` and `decompress`, made below `folder`."""
    place = folder / codec
    place.mkdir()
    folders.write_programs(place, codecs.get(codec).bundle())
    return place


def measured(file: Path, programs: Mapping[str, Path], work: Path) -> Row:
    """Archive bytes of each; all of them restored the file.

    programs  of the codecs, as `unpacked` makes them
    work      an empty folder
    """
    content = file.read_bytes()
    (work / INPUT).write_bytes(content)
    found = {peer.name: peers.measure(peer, installed(peer), work) for peer in THEIRS}
    made = {name: (one.archive_bytes, one.sha256) for name, one in found.items()}
    made |= {name: coded(place, work) for name, place in programs.items()}
    for name, (_, sha256) in made.items():
        if sha256 != files.digest(work / INPUT):
            raise GolfError(f"{file}: {name} did not restore it", Exit.NO)
    return Row(file.name, len(content), b"\0" not in content, {name: n_bytes for name, (n_bytes, _) in made.items()})


def coded(place: Path, work: Path) -> tuple[int, str]:
    """Bytes of a codec's archive of `input`, and the digest of what it restored."""
    wait4.run([str(place / "compress"), INPUT, ARCHIVE], cwd=work)
    wait4.run([str(place / "decompress"), ARCHIVE, RESTORED], cwd=work)
    made = (work / ARCHIVE).stat().st_size, files.digest(work / RESTORED)
    (work / ARCHIVE).unlink()
    (work / RESTORED).unlink()
    return made


def cells(row: Row) -> list[str]:
    """A row of the table."""
    sizes = [f"{row.archive_bytes[name]:,}" for name in (*(peer.name for peer in THEIRS), *OWN)]
    return [row.name, verdict(row), f"{row.n_bytes:,}", *sizes, *(f"{row.ratio(name):.3f}" for name in OWN)]


def verdict(row: Row) -> str:
    """Whether what is expected of the row holds."""
    kind = "text" if row.is_text else "binary"
    if row.n_bytes < LEAST_BYTES:
        return f"{kind} under {LEAST_BYTES:,} bytes"
    too_large = row.too_large()
    return f"{kind}: NO, {', '.join(too_large)}" if too_large else f"{kind}: yes"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=RECIPE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table between its markers in FILE")
    try:
        sys.exit(main(parser.parse_args()))
    except GolfError as error:
        output.error(str(error))
        sys.exit(error.exit_code)
