"""`golf compress` and `golf decompress`: a file into a scored artifact folder, and an archive back into its file."""

import contextlib
import os
import shlex
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from golfkit import files, output, settings
from golfkit.compress import codecs, pipeline
from golfkit.compress.artifact import folders, intake, machine, score
from golfkit.compress.artifact.machine import Spent
from golfkit.compress.artifact.results import Results
from golfkit.compress.checkpoint import keeper
from golfkit.compress.checkpoint.limits import Kept, Limits
from golfkit.compress.codecs import Advance, Codec
from golfkit.compress.container import Header
from golfkit.compress.pipeline import Coded
from golfkit.errors import Exit, GolfError
from golfkit.interrupts import stoppable
from golfkit.output import Meter

STDOUT = "-"

FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="File to compress; - is stdin.", show_default=False)]
CodecOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help=f"One of {', '.join(codecs.names())}; default: the middle one of golf's own.",
        show_default=False,
    ),
]
PrefixOption = Annotated[
    int | None,
    typer.Option("-n", min=0, metavar="BYTES", help="Take only the first BYTES of the input.", show_default=False),
]
FolderOption = Annotated[
    str | None,
    typer.Option(
        "-o",
        metavar="DIR",
        help="Artifact folder to write; - writes the bare archive on stdout. Default: artifacts/FILE_CODEC.",
        show_default=False,
    ),
]
ArchiveArgument = Annotated[
    str, typer.Argument(metavar="ARCHIVE", help="Archive that golf made; - is stdin.", show_default=False)
]
OutArgument = Annotated[str, typer.Argument(metavar="OUT", help="File to restore; - is stdout.", show_default=False)]
EveryOption = Annotated[
    float | None,
    typer.Option(
        "--checkpoint-every",
        min=0.0,
        metavar="SECONDS",
        help=f"Let a run that is killed go on where it was: how often an own codec's state is saved beside the output. "
        f"0 is never.  [default: {keeper.EVERY_S:g}]",
        show_default=False,
    ),
]
FreshFlag = Annotated[bool, typer.Option("--fresh", help="Start anew, though a killed run left a checkpoint.")]
MemoryOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="BYTES",
        help="Refuse to start an own codec that needs more memory; without it, more than is free.",
        show_default=False,
    ),
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def compress(
    file: FileArgument,
    codec: CodecOption = None,
    n: PrefixOption = None,
    o: FolderOption = None,
    checkpoint_every: EveryOption = None,
    fresh: FreshFlag = False,
    memory: MemoryOption = None,
    json: JsonFlag = False,
) -> None:
    """Compress FILE into an artifact folder: archive, zipped decompressor, programs and score.

    After a crash the same command goes on from its last checkpoint, and writes the same archive.
    """
    if file == intake.STDIN and o is None:
        raise GolfError("-o: missing, expected a folder (or - for stdout) because FILE is stdin", Exit.USAGE)
    chosen = codecs.get(codec) if codec else codecs.default()
    limits = Limits.of(checkpoint_every, fresh, memory)
    limits.refuse_unkept(chosen, to_file=o != STDOUT)
    if o == STDOUT:
        _refuse_terminal()
        with stoppable(), intake.opened(file, n) as taken, tempfile.TemporaryFile(prefix="golf-") as sink:
            chosen.prepare()
            coded, spent = _encode(chosen, taken, sink, limits)
            _copy_out(sink, sys.stdout.buffer)
        output.note(f"{_shown(taken.name)}: {taken.n_bytes} -> {coded.archive_bytes} bytes in {spent.wall_s:.2f} s")
        return
    if o:
        folders.check_place(Path(o))  # before a long pipe is read
    agent_id = settings.load(os.environ, settings.find_workspace(Path.cwd(), os.environ)).agent_id or "local"
    with stoppable(), intake.opened(file, n) as taken:
        target = Path(o) if o else folders.place(taken.name, chosen.name)
        folders.check_place(target)
        with limits.kept(chosen, target) as kept:
            scored = _build(chosen, taken, target, agent_id, limits, kept)
    _point_latest(target)
    output.emit(_record(scored, target), as_json=json)
    if scored.root != "empty":
        output.note(f"the bundle is not self-contained, it needs the system: {scored.notes}")
    output.note(f"next: golf roundtrip {shlex.quote(_shown(target))}")


def decompress(
    archive: ArchiveArgument,
    out: OutArgument,
    checkpoint_every: EveryOption = None,
    fresh: FreshFlag = False,
    memory: MemoryOption = None,
    json: JsonFlag = False,
) -> None:
    """Restore OUT from ARCHIVE; exit 3 for a damaged archive, 1 for content that differs from its digest.

    After a crash the same command goes on from its last checkpoint.
    """
    if out == STDOUT:
        _refuse_terminal()
    target = Path(out)
    if out != STDOUT and target.is_dir():
        raise GolfError(f"{out}: is a directory, expected a file to write")
    limits = Limits.of(checkpoint_every, fresh, memory)
    with stoppable(), intake.opened(archive) as taken:
        if taken.path and target.exists() and target.samefile(taken.path):
            raise GolfError(f"{out}: is the archive itself, expected another file to write", Exit.USAGE)
        to_file = out != STDOUT and (target.is_file() or not target.exists())
        header = pipeline.read_header(taken.stream, archive)
        codec = codecs.by_id(header.codec_id, header.codec_version, archive)
        limits.refuse_unkept(codec, to_file=to_file)
        if to_file:
            spent = _restore(codec, header, taken, archive, target.resolve(), limits)
        else:  # stdout, a pipe or a device: nothing reaches it before the digest is right
            with tempfile.TemporaryFile(prefix="golf-") as sink:
                spent = _decode(codec, header, taken.stream, sink, archive, limits)
                with contextlib.nullcontext(sys.stdout.buffer) if out == STDOUT else target.open("wb") as stream:
                    _copy_out(sink, stream)
    n_bytes = header.original_bytes
    if out == STDOUT:
        output.note(f"{archive}: {taken.n_bytes} -> {n_bytes} bytes in {spent.wall_s:.2f} s")
        return
    record = {"original_bytes": n_bytes, **_speed(spent, n_bytes), "path": _shown(target)}
    output.emit(record, as_json=json)


def _build(
    codec: Codec, taken: intake.Intake, target: Path, agent_id: str, limits: Limits, kept: Kept | None
) -> Results:
    """Write the artifact folder `target`."""
    prepared = score.prepare(codec)

    def fill(stage: Path, coded: Coded, spent: Spent) -> Results:
        digest, now = files.digest(stage / folders.ARCHIVE), datetime.now(UTC)
        scored = score.of_compress(codec, prepared, taken, coded, spent, digest, agent_id=agent_id, now=now)
        folders.fill(stage, prepared.bundle, prepared.bundle_zip, scored, score.log(scored))
        return scored

    if kept:
        with kept.part.open("r+b") as sink:
            made = _encode(codec, taken, sink, limits, kept)
        with folders.staged(target) as stage:
            shutil.copyfile(kept.part, stage / folders.ARCHIVE)  # until the folder is there, the run can go on
            return fill(stage, *made)
    with folders.staged(target) as stage:
        with (stage / folders.ARCHIVE).open("w+b") as sink:
            made = _encode(codec, taken, sink, limits)
        return fill(stage, *made)


def _restore(codec: Codec, header: Header, taken: intake.Intake, archive: str, target: Path, limits: Limits) -> Spent:
    """Decode into the file `target`, which is replaced at the end."""
    with limits.kept(codec, target) as kept:
        if kept:
            with kept.part.open("r+b") as sink:
                spent = _decode(codec, header, taken.stream, sink, archive, limits, kept)
            files.replace(target, kept.part)
            return spent
        with files.atomic_path(target) as part, part.open("wb") as sink:
            return _decode(codec, header, taken.stream, sink, archive, limits)


def _encode(
    codec: Codec, taken: intake.Intake, sink: BinaryIO, limits: Limits, kept: Kept | None = None
) -> tuple[Coded, Spent]:
    held = codecs.Held(n_input=taken.n_bytes)
    limits.check_memory(codec, codec.parameter(taken.n_bytes), held, f"{_shown(taken.name)}: {codec.name}")
    with output.progress(f"{codec.name} {_shown(taken.name)}", taken.n_bytes) as meter:
        before = machine.spent()
        keeper = (kept.keeper,) if kept else ()
        coded = pipeline.compress_file(codec, taken.stream, sink, taken.n_bytes, _ratio(meter), *keeper)
        used = kept.keeper.spent() if kept else machine.spent().since(before)
    taken.refuse_changed()
    return coded, used


def _decode(
    codec: Codec,
    header: Header,
    source: BinaryIO,
    sink: BinaryIO,
    where: str,
    limits: Limits,
    kept: Kept | None = None,
) -> Spent:
    codec.prepare()
    held = codecs.Held(n_payload=header.payload_bytes)
    limits.check_memory(codec, header.parameter, held, f"{_shown(where)}: {codec.name}")
    with output.progress(f"{codec.name} {_shown(where)}", header.original_bytes) as meter:
        before = machine.spent()
        keeper = (kept.keeper,) if kept else ()
        pipeline.decompress_file(source, header, sink, where, lambda n_in, n_out: meter.advance(n_out), *keeper)
        return kept.keeper.spent() if kept else machine.spent().since(before)


def _ratio(meter: Meter) -> Advance:
    """Moves the bar, with the share of the input that the output is so far beside it."""
    n_in_all, n_out_all = 0, 0

    def advance(n_in: int, n_out: int) -> None:
        nonlocal n_in_all, n_out_all
        n_in_all, n_out_all = n_in_all + n_in, n_out_all + n_out
        meter.advance(n_in, f"ratio {n_out_all / n_in_all:.4f}" if n_in_all else "")

    return advance


def _record(scored: Results, target: Path) -> dict[str, object]:
    keys = ("codec", "original_bytes", "archive_bytes", "decompressor_zip_bytes", "total_bytes", "bpc")
    spent = Spent(scored.compress_cpu_s or 0.0, scored.compress_wall_s or 0.0)
    speed = _speed(spent, scored.original_bytes or 0)
    return {key: getattr(scored, key) for key in keys} | speed | {"build_s": scored.build_s, "path": _shown(target)}


def _speed(spent: Spent, n_bytes: int) -> dict[str, float | None]:
    """Wall seconds, and CPU microseconds a byte of the original."""
    return {
        "seconds": round(spent.wall_s, 3),
        "us_per_byte": round(spent.cpu_s * 1e6 / n_bytes, 4) if n_bytes else None,
    }


def _point_latest(target: Path) -> None:
    try:
        folders.point_latest(target)
    except OSError as error:  # the folder is written; only the shortcut is not
        output.note(f"{folders.LATEST}: not updated ({error.strerror})")


def _copy_out(spooled: BinaryIO, stream: BinaryIO) -> None:
    spooled.seek(0)
    shutil.copyfileobj(spooled, stream, files.CHUNK)
    stream.flush()


def _refuse_terminal() -> None:
    if sys.stdout.isatty():
        raise GolfError("stdout is a terminal, expected a file or pipe for binary data", Exit.USAGE)


def _shown(path: Path | str) -> str:
    """A path that prints whatever bytes its name has."""
    return os.fsencode(path).decode("utf-8", errors="backslashreplace")
