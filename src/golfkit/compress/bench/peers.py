"""Other people's compressors: the exact command lines that the ladder runs, and published sizes for enwik8."""

import shutil
from pathlib import Path
from typing import NamedTuple

from golfkit import files
from golfkit.compress.bench import wait4
from golfkit.compress.bench.wait4 import Cost

INPUT, ARCHIVE, RESTORED = "input", "archive", "restored"


class Peer(NamedTuple):
    """One program with one setting, single-threaded; both commands run in a folder that holds `input`.

    programs    names that it has, on PATH
    compress    writes `archive` (on stdout where `stdout`)
    decompress  writes `restored`, likewise
    """

    name: str
    programs: tuple[str, ...]
    compress: tuple[str, ...]
    decompress: tuple[str, ...]
    stdout: tuple[bool, bool] = (True, True)


class Published(NamedTuple):
    """A size for enwik8 that somebody else published."""

    name: str
    total_bytes: int
    approximate: bool
    note: str


class Measured(NamedTuple):
    """What a peer made of an input."""

    archive_bytes: int
    compress: Cost
    decompress: Cost
    sha256: str  # of what it restored


XZ = Peer("xz -9e", ("xz",), ("-9e", "-T1", "-k", "-c", INPUT), ("-d", "-T1", "-c", ARCHIVE))
ZPAQ = Peer(
    "zpaq -m5",
    ("zpaq",),
    ("a", f"{ARCHIVE}.zpaq", INPUT, "-m5", "-t1"),
    ("x", f"{ARCHIVE}.zpaq", INPUT, "-to", RESTORED, "-t1"),
    (False, False),
)
PEERS = (
    XZ,
    Peer(
        "zstd --ultra -22 --long=27",
        ("zstd",),
        ("--ultra", "-22", "--long=27", "-T1", "-q", "-c", INPUT),
        ("-d", "--long=27", "-q", "-c", ARCHIVE),
    ),
    Peer("brotli -q 11 -w 24", ("brotli",), ("-q", "11", "-w", "24", "-c", INPUT), ("-d", "-c", ARCHIVE)),
    Peer("bzip2 -9", ("bzip2",), ("-9", "-k", "-c", INPUT), ("-d", "-c", ARCHIVE)),
    Peer(
        "7zz PPMd o8",
        ("7zz", "7z"),
        ("a", "-t7z", "-m0=PPMd:o=8:mem=1g", "-mmt=1", "-bd", "-y", f"{ARCHIVE}.7z", INPUT),
        ("e", "-so", "-bd", "-mmt=1", f"{ARCHIVE}.7z"),
        (False, True),
    ),
    ZPAQ,
)

# The workspace document's table of reference sizes, enwik8.
PUBLISHED = (
    Published("cmix v21", 14_623_723, False, "about 32 GB of memory, slow"),
    Published("nncp v3.2", 14_915_298, False, "neural, GPU"),
    Published("phda9 1.8", 15_010_414, False, ""),
    Published("phda9 2017", 15_284_944, False, "last winner of the enwik8 prize"),
    Published("paq8f", 18_324_887, False, "baseline of the prize"),
    Published("xz -9e", 26_000_000, True, ""),
    Published("gzip -9", 36_000_000, True, ""),
)


def installed(peer: Peer) -> str | None:
    """Path of the peer's program, None when it is not on PATH."""
    return next(filter(None, map(shutil.which, peer.programs)), None)


def shown(peer: Peer) -> str:
    """The command line that compresses."""
    redirect = f" > {ARCHIVE}" if peer.stdout[0] else ""
    return " ".join((Path(installed(peer) or peer.programs[0]).name, *peer.compress)) + redirect


def measure(peer: Peer, program: str, folder: Path) -> Measured:
    """Compress `input` of `folder` and restore it, there."""
    compress, archive = _compressed(peer, program, folder)
    decompress = _run((program, *peer.decompress), folder, RESTORED, peer.stdout[1])
    measured = Measured(archive.stat().st_size, compress, decompress, files.digest(folder / RESTORED))
    archive.unlink()
    (folder / RESTORED).unlink()
    return measured


def compress_cost(peer: Peer, program: str, folder: Path) -> Cost:
    """Compress `input` of `folder`, for the time alone."""
    cost, archive = _compressed(peer, program, folder)
    archive.unlink()
    return cost


def _compressed(peer: Peer, program: str, folder: Path) -> tuple[Cost, Path]:
    cost = _run((program, *peer.compress), folder, ARCHIVE, peer.stdout[0])
    return cost, next(path for path in folder.iterdir() if path.name.startswith(ARCHIVE))


def _run(command: tuple[str, ...], folder: Path, output: str, to_stdout: bool) -> Cost:
    if not to_stdout:
        return wait4.run(command, cwd=folder)
    with (folder / output).open("wb") as stdout:
        return wait4.run(command, cwd=folder, stdout=stdout)
