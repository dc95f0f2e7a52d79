"""Damaged archives: seeded mutations of small ones, and what a decompressor made of each.

Used by scripts/fuzz-archives and by test_mutations.py. A mutant may be refused, or end with a digest mismatch, or
restore the original all the same: an archive with other table sizes and a header check that agrees is as sound as the
first. Anything else is a violation.
"""

import hashlib
import io
import os
import random
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from golfkit.compress import container, pipeline
from golfkit.compress.codecs import Codec
from golfkit.errors import Exit, GolfError

CHECKED = container.HEADER_BYTES - 4  # bytes of the header that its check covers
TIME_BOUND_S = 30.0  # a mutant may claim 65,536 times its payload: some tens of MB of zeros
PROCESS_BYTES = 400_000_000  # of address space, beside the largest tables that a mutant's parameter can ask for
ABSURD = (0, 1, 2, 255, 256, 65_535, 65_536, 1 << 31, (1 << 32) - 1, 1 << 40, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)
TEXT = b"It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness. "


class Base(NamedTuple):
    """A sound archive and what is in it."""

    original: bytes
    archive: bytes


class Mutant(NamedTuple):
    """A damaged archive."""

    kind: str
    original: bytes  # of the archive that it was
    archive: bytes


class Finding(NamedTuple):
    """What became of a mutant.

    outcome    refused, mismatch, restored, or the violation
    violation  whether it may not be
    """

    outcome: str
    violation: bool = False


REFUSED, MISMATCH, RESTORED = Finding("refused"), Finding("mismatch"), Finding("restored")


def bases(codec: Codec) -> list[Base]:
    """Small archives of `codec`: nothing, one byte, text, zeros, noise."""
    noise = random.Random(0).randbytes(300)
    originals = (b"", b"x", TEXT, TEXT * 12, bytes(4000), noise, noise + TEXT + bytes(100))
    return [Base(original, archive(codec, original)) for original in originals]


def memory_bound(codec: Codec) -> int:
    """Bytes of address space that no mutant's decompression exceeds."""
    arena_bytes = codec.engine.entries["arena_bytes"]  # type: ignore[attr-defined]
    return max(map(arena_bytes, range(256))) + PROCESS_BYTES


def archive(codec: Codec, original: bytes) -> bytes:
    """The archive of `original`."""
    sink = io.BytesIO()
    pipeline.compress_file(codec, io.BytesIO(original), sink, len(original), lambda n_in, n_out: None)
    return sink.getvalue()


def mutants(sound: list[Base], count: int, seed: int) -> Iterator[Mutant]:
    """`count` damaged archives, the same for the same seed; every kind in turn."""
    rng = random.Random(seed)
    kinds = list(KINDS.items())
    for i in range(count):
        kind, mutate = kinds[i % len(kinds)]
        base = rng.choice(sound)
        damaged = base.archive
        while damaged == base.archive:  # an edit may write what was there
            damaged = mutate(rng, base.archive, sound)
        yield Mutant(kind, base.original, damaged)


def repaired(archive: bytes) -> bytes:
    """The archive with the header check that its header should have."""
    return archive[:CHECKED] + hashlib.sha256(archive[:CHECKED]).digest()[:4] + archive[CHECKED + 4 :]


def _flip(rng: random.Random, archive: bytes, sound: list[Base]) -> bytes:
    damaged = bytearray(archive)
    for _ in range(rng.choice((1, 1, 2, 8))):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def _flip_payload(rng: random.Random, archive: bytes, sound: list[Base]) -> bytes:
    if len(archive) == container.HEADER_BYTES:
        return archive + b"\0"
    damaged = bytearray(archive)
    damaged[rng.randrange(container.HEADER_BYTES, len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def _truncate(rng: random.Random, archive: bytes, sound: list[Base]) -> bytes:
    return archive[: rng.randrange(len(archive))]


def _truncate_consistently(rng: random.Random, archive: bytes, sound: list[Base]) -> bytes:
    kept = rng.randrange(container.HEADER_BYTES, len(archive) + 1)
    return _with_payload_bytes(archive[:kept])


def _append(rng: random.Random, archive: bytes, sound: list[Base]) -> bytes:
    return archive + rng.randbytes(rng.choice((1, 2, 100)))


def _append_consistently(rng: random.Random, archive: bytes, sound: list[Base]) -> bytes:
    return _with_payload_bytes(_append(rng, archive, sound))


def _edit_header(rng: random.Random, archive: bytes, sound: list[Base]) -> bytes:
    damaged = bytearray(archive)
    damaged[rng.randrange(container.HEADER_BYTES)] = rng.randrange(256)
    return bytes(damaged)


def _edit_header_repaired(rng: random.Random, archive: bytes, sound: list[Base]) -> bytes:
    damaged = bytearray(archive)
    damaged[rng.randrange(CHECKED)] = rng.randrange(256)
    return repaired(bytes(damaged))


def _edit_codec(rng: random.Random, archive: bytes, sound: list[Base]) -> bytes:
    at = rng.choice((4, 5, 6, 7, 7, 7))  # container version, codec id, codec version, parameter
    return repaired(archive[:at] + bytes([rng.randrange(256)]) + archive[at + 1 :])


def _edit_length(rng: random.Random, archive: bytes, sound: list[Base]) -> bytes:
    at = rng.choice((8, 16))  # original_bytes, payload_bytes
    length = int.from_bytes(archive[at : at + 8], "little")
    wrong = rng.choice((*ABSURD, length + 1, max(length - 1, 0), 2 * length, length + rng.randrange(10_000)))
    return repaired(archive[:at] + wrong.to_bytes(8, "little") + archive[at + 8 :])


def _edit_digest(rng: random.Random, archive: bytes, sound: list[Base]) -> bytes:
    return repaired(archive[:24] + rng.randbytes(32) + archive[CHECKED:])


def _swap_payload(rng: random.Random, archive: bytes, sound: list[Base]) -> bytes:
    other = rng.choice([base.archive for base in sound if base.archive != archive])
    return _with_payload_bytes(archive[: container.HEADER_BYTES] + other[container.HEADER_BYTES :])


def _random_payload(rng: random.Random, archive: bytes, sound: list[Base]) -> bytes:
    return _with_payload_bytes(archive[: container.HEADER_BYTES] + rng.randbytes(rng.randrange(200)))


def _with_payload_bytes(archive: bytes) -> bytes:
    n_bytes = len(archive) - container.HEADER_BYTES
    return repaired(archive[:16] + n_bytes.to_bytes(8, "little") + archive[24:])


KINDS: dict[str, Callable[[random.Random, bytes, list[Base]], bytes]] = {
    "bit flips": _flip,
    "payload bit flip": _flip_payload,
    "truncated": _truncate,
    "truncated, header agrees": _truncate_consistently,
    "appended": _append,
    "appended, header agrees": _append_consistently,
    "header byte": _edit_header,
    "header byte, check repaired": _edit_header_repaired,
    "codec or parameter": _edit_codec,
    "length": _edit_length,
    "digest": _edit_digest,
    "swapped payload": _swap_payload,
    "random payload": _random_payload,
}


def through_program(program: Path, mutant: Mutant, scratch: Path) -> Finding:
    """Run `decompress ARCHIVE OUT` in the empty folder `scratch`, which is left empty."""
    archive, out = scratch / "archive", scratch / "out"
    archive.write_bytes(mutant.archive)
    try:
        done = subprocess.run(
            [program, archive.name, out.name], cwd=scratch, capture_output=True, timeout=TIME_BOUND_S, check=False
        )
    except subprocess.TimeoutExpired:
        return Finding(f"ran longer than {TIME_BOUND_S:g} s", violation=True)
    left = set(os.listdir(scratch)) - {"archive"}
    restored = out.read_bytes() if "out" in left else None
    for name in (*left, "archive"):
        (scratch / name).unlink()
    if done.returncode == 1:
        return REFUSED if not left else Finding(f"left {sorted(left)} after a refusal", violation=True)
    if done.returncode != 0:
        return Finding(f"ended with {done.returncode}", violation=True)
    if left != {"out"}:
        return Finding(f"left {sorted(left)}", violation=True)
    return RESTORED if restored == mutant.original else Finding("restored other bytes", violation=True)


def through_library(mutant: Mutant) -> Finding:
    """Decompress in this process."""

    def late(number: int, frame: object) -> None:
        raise TimeoutError

    sink = io.BytesIO()
    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, TIME_BOUND_S)
    try:
        source = io.BytesIO(mutant.archive)
        header = pipeline.read_header(source, "mutant")
        pipeline.decompress_file(source, header, sink, "mutant", lambda n_in, n_out: None)
    except GolfError as error:
        return MISMATCH if error.exit_code == Exit.NO else REFUSED
    except (TimeoutError, OSError, MemoryError, ValueError, IndexError, OverflowError) as error:
        return Finding(f"raised {type(error).__name__}: {error}", violation=True)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return RESTORED if sink.getvalue() == mutant.original else Finding("restored other bytes", violation=True)
