"""The ladder: codecs and peers on the same bytes, one after the other, each certified or compared.

Times on a shared machine vary by a third, so before each measuring `xz -9e` compresses the same file, and the multiples
of its CPU time are what counts: of several runs the median.
"""

import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

from golfkit import files
from golfkit.compress import codecs, roundtrip
from golfkit.compress.artifact import folders, machine, results
from golfkit.compress.artifact.results import Results
from golfkit.compress.bench import peers, wait4
from golfkit.compress.bench.peers import Published
from golfkit.errors import Exit, GolfError

_GOLF = "from golfkit.cli import main; main()"
_PLACES = 3  # of seconds, multiples and gigabytes


class Rung(NamedTuple):
    """One codec or peer on the input; seconds, and their multiples, are medians of the runs.

    counted            "archive + bundle", or "archive only" for peers: the program that unpacks is not counted
    compress_cpu_s     of the coder: no start-up, no checkpoints
    ram_peak_gb        the most of all runs, both directions
    own                written here
    root               what the decompressor could see: empty, system; None for peers
    verified           restored in the sandbox (codecs), compared (peers)
    compress_per_xz    CPU as a multiple of that of `xz -9e` compressing the same file just before; None without xz
    decompress_per_xz  as a multiple of the same
    us_per_byte        CPU microseconds of compressing, a byte of the input
    """

    name: str
    counted: str
    total_bytes: int
    archive_bytes: int
    bundle_bytes: int | None
    bpc: float | None
    compress_cpu_s: float | None
    decompress_cpu_s: float | None
    ram_peak_gb: float | None
    own: bool
    root: str | None
    verified: bool
    command: str
    compress_per_xz: float | None = None
    decompress_per_xz: float | None = None
    us_per_byte: float | None = None


class Ladder(NamedTuple):
    """All that was measured, smallest total first, and what others published for the same input."""

    original_bytes: int
    original_sha256: str
    dataset: str | None
    hardware: str
    runs: int
    rungs: tuple[Rung, ...]
    not_installed: tuple[str, ...]
    published: tuple[Published, ...]


def climb(
    file: Path,
    names: Sequence[str],
    *,
    with_peers: bool,
    n_bytes: int | None,
    runs: int,
    now: Callable[[], datetime],
    say: Callable[[str], None],
) -> Ladder:
    """Measure codecs `names`, and the installed peers, on the first `n_bytes` of `file`.

    runs  how often each is measured
    now   the time, UTC
    say   told what is measured next
    """
    for name in names:
        codecs.get(name)  # an unknown one is refused before anything runs
    if not file.is_file():
        raise GolfError(f"{file}: is no file, expected one to compress")
    with tempfile.TemporaryDirectory(prefix="golf-bench-") as folder:
        source = _prefix(file, Path(folder) / peers.INPUT, n_bytes)
        known = roundtrip.digests(source)
        rungs = []
        for name in names:
            say(name)
            once = partial(_codec, name, source, Path(folder) / name, now)
            rungs.append(_repeated(once, Path(folder), runs, known.n_bytes))
        absent = []
        for peer in peers.PEERS if with_peers else ():
            program = peers.installed(peer)
            if program is None:
                absent.append(peer.name)
                continue
            say(peer.name)
            once = partial(_peer, peer, program, Path(folder), known)
            rungs.append(_repeated(once, Path(folder), runs, known.n_bytes))
    dataset = results.dataset_of(known.n_bytes, known.md5)
    return Ladder(
        original_bytes=known.n_bytes,
        original_sha256=known.sha256,
        dataset=dataset,
        hardware=machine.describe(),
        runs=runs,
        rungs=tuple(sorted(rungs, key=lambda rung: (rung.total_bytes, rung.name))),
        not_installed=tuple(absent),
        published=peers.PUBLISHED if dataset == "enwik8" else (),
    )


def frontier(rungs: Sequence[Rung]) -> list[Rung]:
    """The certified totals that no other beats in both size and compress CPU, fastest first; peers have no total."""
    timed = [rung for rung in rungs if rung.verified and rung.bundle_bytes is not None and rung.us_per_byte is not None]
    best: list[Rung] = []
    for rung in sorted(timed, key=lambda rung: (rung.us_per_byte, rung.total_bytes)):
        if not best or rung.total_bytes < best[-1].total_bytes:
            best.append(rung)
    return best


def _prefix(file: Path, target: Path, n_bytes: int | None) -> Path:
    with file.open("rb") as source, target.open("wb") as sink:
        left = n_bytes if n_bytes is not None else os.fstat(source.fileno()).st_size
        while left and (chunk := source.read(min(left, files.CHUNK))):
            sink.write(chunk)
            left -= len(chunk)
    return target


def _repeated(once: Callable[[], Rung], folder: Path, runs: int, n_bytes: int) -> Rung:
    """A rung measured `runs` times, each time after the reference in `folder`."""
    xz = peers.installed(peers.XZ)
    beside, found = [], []
    for _ in range(runs):
        if xz:
            beside.append(peers.compress_cost(peers.XZ, xz, folder).cpu_s)
        found.append(once())
    if len({rung.archive_bytes for rung in found}) > 1:
        sizes = ", ".join(str(rung.archive_bytes) for rung in found)
        raise GolfError(f"{found[0].name}: archives of {sizes} bytes, expected the same in every run", Exit.NO)
    there, back = ([getattr(rung, key) for rung in found] for key in ("compress_cpu_s", "decompress_cpu_s"))
    compress_cpu_s = round(statistics.median(there), _PLACES)
    return found[0]._replace(
        compress_cpu_s=compress_cpu_s,
        decompress_cpu_s=round(statistics.median(back), _PLACES),
        compress_per_xz=_multiple(there, beside),
        decompress_per_xz=_multiple(back, beside),
        us_per_byte=round(compress_cpu_s * 1e6 / n_bytes, 4) if n_bytes else None,
        ram_peak_gb=max(rung.ram_peak_gb for rung in found),
        verified=all(rung.verified for rung in found),
    )


def _multiple(cpu_s: Sequence[float], beside: Sequence[float]) -> float | None:
    """The median of the ratios, run by run; None where nothing was measured beside."""
    if not all(beside) or not beside:
        return None
    return round(statistics.median(own / xz for own, xz in zip(cpu_s, beside, strict=True)), _PLACES)


def _codec(name: str, source: Path, target: Path, now: Callable[[], datetime]) -> Rung:
    codec = codecs.get(name)
    command = [sys.executable, "-c", _GOLF, "compress", str(source), "--codec", name, "-o", str(target)]
    wait4.run([*command, *(("--checkpoint-every", "0") if codec.own else ())], cwd=source.parent)
    report = roundtrip.certify(
        target,
        original=source,
        root=codec.bundle().root,
        wall_s=roundtrip.WALL_LIMIT_S,
        memory_bytes=None,
        now=now(),
    )
    if not report.verified:
        raise GolfError(f"{name}: not verified: {report.reason}", Exit.NO)
    found = results.read(target / folders.RESULTS)
    shutil.rmtree(target)
    return _rung(found, codec.own, f"golf compress {source.name} --codec {name} && golf roundtrip --root {found.root}")


def _rung(found: Results, own: bool, command: str) -> Rung:
    return Rung(
        name=found.method,
        counted="archive + bundle",
        total_bytes=found.total_bytes,
        archive_bytes=found.archive_bytes,
        bundle_bytes=found.decompressor_zip_bytes,
        bpc=found.bpc,
        compress_cpu_s=found.compress_cpu_s,
        decompress_cpu_s=found.decompress_cpu_s,
        ram_peak_gb=found.ram_peak_gb,
        own=own,
        root=found.root,
        verified=bool(found.verified),
        command=command,
    )


def _peer(peer: peers.Peer, program: str, folder: Path, known: roundtrip.Digests) -> Rung:
    measured = peers.measure(peer, program, folder)
    ram_peak = max(measured.compress.ram_peak_bytes, measured.decompress.ram_peak_bytes)
    return Rung(
        name=peer.name,
        counted="archive only",
        total_bytes=measured.archive_bytes,
        archive_bytes=measured.archive_bytes,
        bundle_bytes=None,
        bpc=results.bits_per_character(measured.archive_bytes, known.n_bytes),
        compress_cpu_s=round(measured.compress.cpu_s, _PLACES),
        decompress_cpu_s=round(measured.decompress.cpu_s, _PLACES),
        ram_peak_gb=results.gigabytes(ram_peak),
        own=False,
        root=None,
        verified=measured.sha256 == known.sha256,
        command=peers.shown(peer),
    )
