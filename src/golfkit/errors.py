"""The one exception that users see, and the exit codes of every command."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes, the same for every command."""

    DONE = 0
    NO = 1  # the answer is no: over the limit, gate closed, bytes differ
    USAGE = 2
    BAD_FILE = 3  # bad or missing file
    REMOTE = 4  # a remote failed; retry later
    MISSING_PACKAGE = 5
    INTERRUPTED = 130


class GolfError(Exception):
    """A user's error: one line that names file, line, what was found, what was expected, and the fix.

    exit_code  what the process ends with; BAD_FILE unless said otherwise
    """

    def __init__(self, message: str, exit_code: Exit = Exit.BAD_FILE) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def missing_package(package: str, extra: str | None = None) -> GolfError:
    """The error for a package that is not installed, with its install line."""
    target = f"'golfkit[{extra}]'" if extra else package
    return GolfError(f"package {package} is not installed; run: pip install {target}", Exit.MISSING_PACKAGE)
