"""`golf board render` and `golf board serve`: the board as a page."""

from pathlib import Path
from typing import Annotated

import typer

from golfkit.board.command_common import BoardOption, JsonFlag

SITE = Path("site")

OutOption = Annotated[Path, typer.Option("-o", "--out", metavar="DIR", help="Folder of the page.")]
KeepOption = Annotated[
    Path | None,
    typer.Option("-o", "--out", metavar="DIR", help="Keep the page in this folder, too.", show_default=False),
]
BucketOption = Annotated[
    str | None,
    typer.Option(
        "--bucket",
        metavar="ORG/NAME",
        help="The bucket that the folder is a copy of, for links; default: BUCKET.",
        show_default=False,
    ),
]
PortOption = Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0: any free one.")]
OpenFlag = Annotated[bool, typer.Option("--open", help="Open the page in a browser.")]


def page(out: OutOption = SITE, board: BoardOption = None, bucket: BucketOption = None, json: JsonFlag = False) -> None:
    """Write the board as one static page, OUT/index.html, that needs no network and no other file.

    Leaderboard with the fixed points, chart, negative results, messages with replies and results, agents, artifacts,
    and what is broken. Files of a local board are compared with their results.json, those of a bucket by size alone.
    """
    from golfkit.board import command_render_run  # the page is most of what --help would load

    command_render_run.page(out, board, bucket, as_json=json)


def show(
    out: KeepOption = None,
    port: PortOption = 0,
    board: BoardOption = None,
    bucket: BucketOption = None,
    browser: OpenFlag = False,
    json: JsonFlag = False,
) -> None:
    """Serve the page on 127.0.0.1 until ^C; a reload shows what was posted since."""
    from golfkit.board import command_render_run

    command_render_run.show(out, port, board, bucket, browser=browser, as_json=json)
