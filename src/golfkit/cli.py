"""The `golf` command: assembles the concerns' commands, and turns errors into one line and an exit code."""

import os
import sys
from typing import Annotated

import typer

from golfkit import files, output, settings
from golfkit.compress import command as compress
from golfkit.compress import command_roundtrip
from golfkit.errors import Exit, GolfError
from golfkit.measure import command as measure
from golfkit.train import command_data

# Groups: where --help was not given, typer would load pydantic (80 ms) to convert None; False it takes as it is.
NO_HELP = {"help": False, "data": {"help": False}}

app = typer.Typer(
    name="golf",
    help="Contests scored in bytes: weigh, train, compress, certify.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "default_map": NO_HELP},
)

COMMANDS = {
    "measure": measure.measure,
    "compress": compress.compress,
    "decompress": compress.decompress,
    "roundtrip": command_roundtrip.run,
}
for name, function in COMMANDS.items():
    app.command(name)(function)

data = typer.Typer(help="Fetch and check the contests' inputs.")
data.command()(command_data.enwik8)
app.add_typer(data, name="data")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # 20 ms that only --version pays

        output.emit({"golf": version("golfkit")})
        raise typer.Exit(Exit.DONE)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        output.note(context.get_help())
        raise typer.Exit(Exit.USAGE)


def main() -> None:
    """Run `golf`; a user's error is one line on stderr (GOLF_DEBUG=1 shows the traceback)."""
    code = _run()
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # the reader left early (`golf ... | head -1`): the answer stands
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _run() -> int:
    """The exit code of one call; typer's standalone mode is off: it would print and number errors its own way."""
    try:
        code = int(app(standalone_mode=False) or Exit.DONE)
    except typer.TyperException as error:
        return _report(error, f"{error.format_message()} (see golf --help)", error.exit_code)
    except GolfError as error:
        return _report(error, str(error), error.exit_code)
    except OSError as error:  # a full disk, a folder that may not be written: named, not traced
        return _report(error, f"{error.filename or 'golf'}: {error.strerror or error}", Exit.BAD_FILE)
    if code == Exit.INTERRUPTED:  # typer hands ^C over as this code
        output.error("interrupted")
    return code


def _report(error: Exception, text: str, code: int) -> int:
    if settings.is_on(os.environ.get("GOLF_DEBUG")):
        import traceback

        traceback.print_exception(error)
    output.error(files.neutralise(text))
    return int(code)
