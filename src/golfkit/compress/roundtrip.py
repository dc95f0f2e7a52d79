"""Certify an artifact folder: what its decompressor.zip restores from its archive.bin, alone in a sandbox.

Trusts nothing in the folder. Archive and zip are copied first; the copies are hashed, unzipped, run, and compared once
more with the folder at the end, so that the score is of the very bytes that were run.
"""

import dataclasses
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

from golfkit import files
from golfkit.compress.artifact import folders, machine, results
from golfkit.compress.artifact.results import ENWIK8_BYTES, Results
from golfkit.compress.sandbox import isolation, unpack
from golfkit.errors import GolfError

WALL_LIMIT_S = 50 * 3600.0  # the contest's advice for one run
RAM_ADVICE_GB = 10.0  # likewise
_FAILED = "roundtrip failed: "  # opens the part of the notes that belongs to this module


class Digests(NamedTuple):
    """What a file is known by."""

    n_bytes: int
    sha256: str
    md5: str | None = None  # only where the file can be enwik8


class Original(NamedTuple):
    """What must come out."""

    digests: Digests
    path: Path | None  # None when only its digest is known
    said: str | None  # what the user should know of it


class Report(NamedTuple):
    """How a roundtrip ended.

    reason  why it is not verified, None when it is
    how     what isolated it: bwrap or unshare
    notes   for the user
    """

    results: Results
    verified: bool
    reason: str | None
    how: str
    notes: tuple[str, ...]


def certify(
    directory: Path,
    *,
    original: Path | None,
    root: str | None,
    wall_s: float,
    memory_bytes: int | None,
    now: datetime,
    launchers: Sequence[str] = isolation.LAUNCHERS,
) -> Report:
    """Run the roundtrip and write its outcome into results.json.

    original      None: what results.json says it was
    root          "empty", "system"; None: what results.json says, else empty
    wall_s        seconds after which the decompressor is killed
    memory_bytes  that it may use; None for most of the machine
    now           UTC
    """
    for name in (folders.ARCHIVE, folders.BUNDLE):
        if not (directory / name).is_file():
            raise GolfError(f"{directory / name}: is missing, expected an artifact folder (golf compress makes one)")
    record = directory / folders.RESULTS
    before = results.read(record) if record.exists() else None
    wanted = find_original(before, original, where=str(record))
    root = root or (before.root if before else None) or "empty"
    if root not in isolation.ROOTS:
        raise GolfError(f"{record}: key 'root' is {root!r}, expected {' or '.join(isolation.ROOTS)}")
    with tempfile.TemporaryDirectory(dir=directory, prefix=".roundtrip-") as name:
        folder = Path(name)
        archive, bundle = folder / folders.ARCHIVE, folder / folders.BUNDLE
        shutil.copyfile(directory / folders.ARCHIVE, archive)
        shutil.copyfile(directory / folders.BUNDLE, bundle)
        archive.chmod(0o444)
        sizes = digests(archive), digests(bundle)
        before = before or _foreign(directory, *sizes)
        box = isolation.Box.make(folder)
        limits = isolation.default_limits(wanted.digests.n_bytes, wall_s=wall_s, memory_bytes=memory_bytes)
        try:
            unpack.unpack(bundle, box.bundle, str(directory / folders.BUNDLE))
            program = unpack.find_program(box.bundle, str(directory / folders.BUNDLE))
        except GolfError as error:
            results.write(record, _unverified(before, *sizes, str(error)))
            raise
        missing = unpack.needs(box.bundle / program) if root == "empty" else None
        outcome = isolation.run(
            program, box, archive, root=root, limits=limits, original=wanted.path, launchers=launchers
        )
        reason = _judge(outcome, box.out / isolation.RESTORED, wanted.digests, missing)
        if (digests(directory / folders.ARCHIVE), digests(directory / folders.BUNDLE)) != sizes:
            raise GolfError(f"{directory}: archive or bundle changed during the roundtrip; run it again")
    after = _unverified(before, *sizes, reason) if reason else _verified(before, *sizes, wanted, outcome, root, now)
    results.write(record, after)
    return Report(after, reason is None, reason, outcome.how, _notes(wanted, outcome))


def find_original(before: Results | None, given: Path | None, where: str) -> Original:
    """The original: the file given, else the one that results.json names, else the digest that it holds."""
    if given is not None:
        if not given.is_file():
            raise GolfError(f"{given}: is no file, expected the original")
        return Original(digests(given), given, None)
    if before is None:
        raise GolfError(f"{where}: is missing, so nothing names the original; give --original FILE")
    known = before.original_sha256
    path = Path(before.original_path) if before.original_path else None
    if path and path.is_file():
        found = digests(path)
        if known in (None, found.sha256):
            return Original(found, path, None)
        why = f"{path} is no longer the file that was compressed"
    else:
        why = f"{path} is not there" if path else "the original was not a file"
    if known is None or before.original_bytes is None:
        raise GolfError(f"{where}: {why}, and it holds no original_sha256; give --original FILE")
    said = f"{why}: compared with the original_sha256 in results.json"
    return Original(Digests(before.original_bytes, known), None, files.neutralise(said))


def digests(path: Path) -> Digests:
    """Length and digests of a file."""
    with path.open("rb") as source:
        return _digests(source)


def _digests(source: BinaryIO) -> Digests:
    sha256, md5, n_bytes = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    with_md5 = os.fstat(source.fileno()).st_size == ENWIK8_BYTES
    while chunk := source.read(files.CHUNK):
        n_bytes += len(chunk)
        sha256.update(chunk)
        if with_md5:
            md5.update(chunk)
    return Digests(n_bytes, sha256.hexdigest(), md5.hexdigest() if with_md5 else None)


def _judge(outcome: isolation.Outcome, restored: Path, wanted: Digests, missing: str | None) -> str | None:
    """Why this is no roundtrip; None when it is one."""
    if failure := outcome.failure():
        hint = f"; it {missing}, which an empty root cannot start: use --root system" if missing else ""
        return f"the decompressor {failure}{hint}"
    try:
        handle = os.open(restored, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        return f"the decompressor ended with 0, but its output cannot be read ({error.strerror})"
    with os.fdopen(handle, "rb") as source:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return "the decompressor's output is no plain file"
        found = _digests(source)
    if found.n_bytes != wanted.n_bytes:
        return f"restored {found.n_bytes} bytes, expected {wanted.n_bytes}"
    return None if found.sha256 == wanted.sha256 else f"restored sha256 {found.sha256}, expected {wanted.sha256}"


def _foreign(directory: Path, archive: Digests, bundle: Digests) -> Results:
    """A first results.json for a folder that has none."""
    total = archive.n_bytes + bundle.n_bytes
    name = files.neutralise(directory.resolve().name)
    return Results(
        agent_id="unknown",
        experiment=f"artifact folder {name}",
        method=name,
        archive_bytes=archive.n_bytes,
        decompressor_zip_bytes=bundle.n_bytes,
        total_bytes=total,
        bpc=None,
    )


def _unverified(before: Results, archive: Digests, bundle: Digests, reason: str) -> Results:
    total = archive.n_bytes + bundle.n_bytes
    return dataclasses.replace(
        before,
        archive_bytes=archive.n_bytes,
        archive_sha256=archive.sha256,
        decompressor_zip_bytes=bundle.n_bytes,
        decompressor_zip_sha256=bundle.sha256,
        total_bytes=total,
        bpc=results.bits_per_character(total, before.original_bytes),
        verified=False,
        verified_at=None,
        self_contained=None,
        notes="; ".join(filter(None, (_own_notes(before), _FAILED + files.neutralise(reason)))),
    )


def _verified(
    before: Results,
    archive: Digests,
    bundle: Digests,
    wanted: Original,
    outcome: isolation.Outcome,
    root: str,
    now: datetime,
) -> Results:
    original = wanted.digests
    dataset = results.dataset_of(original.n_bytes, original.md5)
    if wanted.path is None:  # only its digest is known: the same sha256 is the same data
        dataset = before.dataset if original.n_bytes == ENWIK8_BYTES else None
    after = results.with_roundtrip(
        before,
        verified_at=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        archive_bytes=archive.n_bytes,
        archive_sha256=archive.sha256,
        decompressor_zip_bytes=bundle.n_bytes,
        decompressor_zip_sha256=bundle.sha256,
        original_bytes=original.n_bytes,
        original_sha256=original.sha256,
        dataset=dataset,
        root=root,
        cpu_s=outcome.cpu_s,
        wall_s=outcome.wall_s,
        ram_peak_bytes=outcome.ram_peak_bytes,
        hardware=machine.describe(),
    )
    return dataclasses.replace(after, notes=_own_notes(before))


def _own_notes(before: Results) -> str | None:
    """The notes without those of an earlier roundtrip that failed."""
    return (before.notes or "").partition(_FAILED)[0].removesuffix("; ") or None


def _notes(wanted: Original, outcome: isolation.Outcome) -> tuple[str, ...]:
    notes = [wanted.said] if wanted.said else []
    ram_gb = results.gigabytes(outcome.ram_peak_bytes)
    if ram_gb > RAM_ADVICE_GB:
        notes.append(f"used {ram_gb} GB, the contest advises at most {RAM_ADVICE_GB:g} GB")
    if outcome.wall_s > WALL_LIMIT_S:
        notes.append(f"took {outcome.wall_s / 3600:.1f} h, the contest advises at most {WALL_LIMIT_S / 3600:g} h")
    return tuple(notes)
