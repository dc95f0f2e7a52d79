"""The `golf` command: assembles the concerns' commands, and turns errors into one line and an exit code."""

import importlib
import os
import sys
from collections.abc import Callable, Collection
from typing import Annotated, Any

import typer

from golfkit import files, output, settings
from golfkit.commands import COMMANDS, GROUPS, Command
from golfkit.errors import Exit, GolfError


def build(wanted: Collection[str]) -> typer.Typer:
    """The app, with the commands of the `wanted` paths loaded; of the others, name and line alone."""
    app = typer.Typer(
        help="Contests scored in bytes: weigh, train, compress, certify.",
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "default_map": _no_help("")},
    )
    app.callback(invoke_without_command=True)(_root)
    groups = {"": app} | {name: typer.Typer(help=line) for name, line in GROUPS.items()}
    for path, command in COMMANDS.items():
        group, _, name = path.rpartition(" ")
        function = _load(command) if path in wanted else _elsewhere
        groups[group].command(name, short_help=command.line)(function)
    for path in GROUPS:
        group, _, name = path.rpartition(" ")
        groups[group].add_typer(groups[path], name=name)
    return app


def main() -> None:
    """Run `golf`; a user's error is one line on stderr (GOLF_DEBUG=1 shows the traceback)."""
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    code = _run([path for path in COMMANDS if path.split() == words[: len(path.split())]])
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # the reader left early (`golf ... | head -1`): the answer stands
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _run(wanted: list[str]) -> int:
    """The exit code of one call; typer's standalone mode is off: it would print and number errors its own way."""
    try:
        code = int(build(wanted)(prog_name="golf", standalone_mode=False) or Exit.DONE)
    except typer.TyperException as error:
        return _report(error, f"{error.format_message()} (see golf --help)", error.exit_code)
    except GolfError as error:
        return _report(error, str(error), error.exit_code)
    except OSError as error:  # a full disk, a folder that may not be written: named, not traced
        return _report(error, f"{error.filename or 'golf'}: {error.strerror or error}", Exit.BAD_FILE)
    except KeyboardInterrupt:  # while loading; a command's ^C typer hands over as the exit code
        code = int(Exit.INTERRUPTED)
    if code == Exit.INTERRUPTED:
        output.error("interrupted")
    return code


def _report(error: Exception, text: str, code: int) -> int:
    if settings.is_on(os.environ.get("GOLF_DEBUG")):
        import traceback

        traceback.print_exception(error)
    output.error(files.neutralise(text))
    return int(code)


def _no_help(group: str) -> dict[str, Any]:
    """Defaults of a group and of those in it: typer would load pydantic (80 ms) to convert None, False it takes."""
    inner = [path for path in GROUPS if path.rpartition(" ")[0] == group]
    return {"help": False, **{path.rpartition(" ")[2]: _no_help(path) for path in inner}}


def _load(command: Command) -> Callable[..., None]:
    return getattr(importlib.import_module(command.module), command.function)


def _elsewhere() -> None:
    """Stands for a command that this call does not run."""


def _root(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    if version:
        from importlib.metadata import version as installed  # 20 ms that only --version pays

        output.emit({"golf": installed("golfkit")})
        raise typer.Exit(Exit.DONE)
    if context.invoked_subcommand is None:
        output.note(context.get_help())
        raise typer.Exit(Exit.USAGE)
