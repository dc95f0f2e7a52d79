"""`golf data`: the contests' inputs, fetched and checked."""

import os
from pathlib import Path
from typing import Annotated

import typer

from golfkit import output, settings
from golfkit.errors import missing_package
from golfkit.train import download

ZIP_BYTES = 36_445_475  # enwik8.zip, for the progress bar only
TIMEOUT_S = 30  # without a byte

OutOption = Annotated[Path, typer.Option(metavar="DIR", help="Folder to put the file into.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def enwik8(out: OutOption = Path("."), json: JsonFlag = False) -> None:
    """Fetch enwik8, the first 10^8 bytes of English Wikipedia, and check its md5.

    A download that was cut goes on where it stopped.
    """
    try:
        import httpx
    except ModuleNotFoundError as error:
        raise missing_package("httpx") from error
    values = settings.load(os.environ, settings.find_workspace(Path.cwd(), os.environ))
    dataset = download.enwik8(values.enwik8_url)
    with (
        httpx.Client(follow_redirects=True, timeout=TIMEOUT_S) as client,
        output.progress("enwik8", ZIP_BYTES) as meter,
    ):
        installed = download.install(dataset, out, client, meter.advance)
    output.note(f"{installed.path}: {'downloaded' if installed.fetched else 'already there'}, and right")
    output.note(f"next: golf compress {installed.path}")
    output.emit({"path": str(installed.path), "bytes": dataset.n_bytes, "md5": dataset.md5}, as_json=json)
