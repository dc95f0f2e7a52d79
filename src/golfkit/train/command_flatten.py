"""`golf flatten`: the single counted script of a model."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from golfkit import files, output, settings
from golfkit.errors import Exit, GolfError
from golfkit.train import flatten

ModelOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="The model; default: the workspace's model.py, else golfkit's own.", show_default=False
    ),
]
OutOption = Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where to write it; - is stdout.")]
PackedFlag = Annotated[bool, typer.Option("--packed", help="Write the packed form: fewer bytes, not to be read.")]
LocalFlag = Annotated[bool, typer.Option("--local", help="The model's LOCAL spec, not its FULL one.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a field of the spec; may be repeated.", show_default=False),
]
WorkspaceOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder with golf.toml; default: here or a parent.", show_default=False),
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def run(
    model: ModelOption = None,
    out: OutOption = Path("train_gpt.py"),
    packed: PackedFlag = False,
    local: LocalFlag = False,
    set_: SetOption = None,
    workspace: WorkspaceOption = None,
    json: JsonFlag = False,
) -> None:
    """Write the one script that trains the model alone, under python or torchrun, without golfkit.

    It holds the spec, and reads the contest's environment names (DATA_PATH, ITERATIONS, ...).
    """
    if json and str(out) == "-":
        raise GolfError("--json and --out - both want stdout; choose one", Exit.USAGE)
    home = settings.find_workspace(Path.cwd(), os.environ, workspace)
    if model is None and home is not None and (home / flatten.FILE).exists():
        model = home / flatten.FILE
    script = flatten.flatten_file(model, set_ or [], base="LOCAL" if local else "FULL")
    small = script.packed
    text = small if packed else script.readable
    record = {"readable_bytes": len(script.readable.encode()), "packed_bytes": len(small), "out": str(out)}
    if str(out) == "-":
        sys.stdout.write(text)
        output.note(f"{record['readable_bytes']} bytes readable, {record['packed_bytes']} packed")
        return
    files.atomic_write(out, text)
    output.note(f"next: torchrun --standalone --nproc_per_node=8 {out}")
    output.emit(record, as_json=json)
