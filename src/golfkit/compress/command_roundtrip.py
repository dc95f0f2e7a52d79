"""`golf roundtrip`: certify an artifact folder in a sandbox."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from golfkit import files, output
from golfkit.compress.artifact import folders
from golfkit.compress.roundtrip import WALL_LIMIT_S, Report, certify
from golfkit.errors import Exit
from golfkit.interrupts import stoppable

KEYS = (
    *("archive_bytes", "decompressor_zip_bytes", "total_bytes", "bpc", "original_bytes", "dataset", "root"),
    *("self_contained", "decompress_wall_s", "decompress_cpu_s", "decompress_ram_peak_gb", "runtime_seconds"),
    *("ram_peak_gb", "hardware"),
)

FolderArgument = Annotated[
    Path, typer.Argument(metavar="[DIR]", help="Artifact folder; default: artifacts/latest.", show_default=False)
]
OriginalOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The original; default: what results.json says it was.", show_default=False),
]
RootOption = Annotated[
    Literal["empty", "system"] | None,
    typer.Option(
        help="What it may see: nothing, or a read-only /usr. Default: what results.json says, else empty.",
        show_default=False,
    ),
]
TimeoutOption = Annotated[float, typer.Option(min=0.0001, metavar="HOURS", help="Kill the decompressor after HOURS.")]
MemoryOption = Annotated[
    float | None,
    typer.Option(
        min=0.001, metavar="GB", help="Memory it may use, in 10^9 bytes; default: most of it.", show_default=False
    ),
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def run(
    directory: FolderArgument = folders.LATEST,
    original: OriginalOption = None,
    root: RootOption = None,
    timeout: TimeoutOption = WALL_LIMIT_S / 3600,
    memory: MemoryOption = None,
    json: JsonFlag = False,
) -> None:
    """Restore an artifact's original in a sandbox and compare; exit 1 when bytes differ, 5 without isolation."""
    with stoppable():
        report = certify(
            directory,
            original=original,
            root=root,
            wall_s=timeout * 3600,
            memory_bytes=int(memory * 1e9) if memory else None,
            now=datetime.now(UTC),
        )
    output.emit(_record(report, directory), as_json=json)
    for text in report.notes:
        output.note(f"note: {text}")
    if report.reason:
        output.error(f"{files.neutralise(str(directory))}: not verified: {report.reason}")
    raise typer.Exit(Exit.DONE if report.verified else Exit.NO)


def _record(report: Report, directory: Path) -> dict[str, object]:
    record: dict[str, object] = {"verified": report.verified}
    if report.reason:
        record["reason"] = report.reason
    keys = KEYS if report.verified else KEYS[:4]
    record |= {key: getattr(report.results, key) for key in keys}
    return record | {"isolation": report.how, "path": files.neutralise(str(directory))}
