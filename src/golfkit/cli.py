"""The `golf` command: assembles the concerns' commands, and turns errors into one line and an exit code."""

import os
import sys

import typer

from golfkit import output
from golfkit.errors import Exit, GolfError

app = typer.Typer(
    name="golf",
    help="Contests scored in bytes: weigh, train, compress, certify.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """Run `golf`; a user's error is one line on stderr (GOLF_DEBUG=1 shows the traceback)."""
    try:
        app()
    except GolfError as error:
        if os.environ.get("GOLF_DEBUG"):
            raise
        output.error(str(error))
        sys.exit(int(error.exit_code))
    except KeyboardInterrupt:
        output.error("interrupted")
        sys.exit(int(Exit.INTERRUPTED))
