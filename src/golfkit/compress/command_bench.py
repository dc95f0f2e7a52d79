"""`golf bench`: every codec, and other people's compressors, on the same bytes."""

import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from golfkit import output
from golfkit.compress.codecs import names as codec_names
from golfkit.errors import Exit
from golfkit.interrupts import stoppable

if TYPE_CHECKING:
    from golfkit.compress.bench.ranking import Ladder

COLUMNS = (
    *("name", "counted", "total_bytes", "archive_bytes", "bundle_bytes", "bpc", "compress_cpu_s", "decompress_cpu_s"),
    *("compress_per_xz", "decompress_per_xz", "us_per_byte", "ram_peak_gb", "verified"),
)

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="File to compress.", show_default=False)]
CodecsOption = Annotated[
    str | None,
    typer.Option(
        metavar="A,B,...", help=f"Codecs to run, of {', '.join(codec_names())}; default: all.", show_default=False
    ),
]
PeersFlag = Annotated[
    bool, typer.Option("--peers", help="Also xz, zstd, brotli, bzip2, 7zz and zpaq, where they are installed.")
]
PrefixOption = Annotated[
    int | None,
    typer.Option("-n", min=0, metavar="BYTES", help="Take only the first BYTES of the input.", show_default=False),
]
RunsOption = Annotated[
    int,
    typer.Option(min=1, metavar="N", help="Measure each N times, in turn with xz -9e; seconds are medians."),
]
WriteOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Put the table between its markers in FILE, as Markdown.", show_default=False),
]
PlotOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Draw size against time: .png, .svg or .pdf.", show_default=False),
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def run(
    file: FileArgument,
    codecs: CodecsOption = None,
    peers: PeersFlag = False,
    n: PrefixOption = None,
    runs: RunsOption = 1,
    write: WriteOption = None,
    plot: PlotOption = None,
    json: JsonFlag = False,
) -> None:
    """Compress FILE with every codec, certify each, and rank them by total size; exit 1 where one does not restore."""
    from golfkit.compress.bench import document, picture, ranking, report

    if plot:
        picture.check(plot)
    if write:
        document.check(write, report.NAME)
    with stoppable():
        ladder = ranking.climb(
            file,
            _names(codecs),
            with_peers=peers,
            n_bytes=n,
            runs=runs,
            now=lambda: datetime.now(UTC),
            say=lambda name: output.note(f"{name} ..."),
        )
    if json:
        lists = {"rungs": [rung._asdict() for rung in ladder.rungs]}
        lists["published"] = [row._asdict() for row in ladder.published]
        output.emit(ladder._asdict() | lists, as_json=True)
    else:
        _print(ladder)
    if write:
        typed = _typed(file, codecs, peers=peers, n=n, runs=runs)
        document.write(write, report.NAME, report.markdown(ladder, typed))
        output.note(f"written: {write}")
    if plot:
        picture.draw(ladder, plot)
        output.note(f"drawn: {plot}")
    raise typer.Exit(Exit.DONE if all(rung.verified for rung in ladder.rungs) else Exit.NO)


def _names(asked: str | None) -> tuple[str, ...]:
    if asked is None:
        return codec_names()
    return tuple(dict.fromkeys(name.strip() for name in asked.split(",") if name.strip()))


def _typed(file: Path, codecs: str | None, *, peers: bool, n: int | None, runs: int) -> str:
    """The command as a user types it."""
    words = ["golf", "bench", file.name]
    words += ["--codecs", codecs] if codecs is not None else []
    words += ["--peers"] if peers else []
    words += ["-n", str(n)] if n is not None else []
    return shlex.join([*words, "--runs", str(runs)])


def _print(ladder: "Ladder") -> None:
    keys = ("original_bytes", "original_sha256", "dataset", "hardware", "runs")
    output.emit({key: getattr(ladder, key) for key in keys})
    output.table(("measured", *COLUMNS[1:]), [[getattr(rung, key) for key in COLUMNS] for rung in ladder.rungs])
    output.emit({"command": {rung.name: rung.command for rung in ladder.rungs}})
    if ladder.not_installed:
        output.emit({"not installed": ladder.not_installed})
    if ladder.published:
        rows = [
            [row.name, row.total_bytes, "approximate" if row.approximate else "", row.note] for row in ladder.published
        ]
        output.table(("published, not measured here", "bytes", "how sure", "note"), rows)
