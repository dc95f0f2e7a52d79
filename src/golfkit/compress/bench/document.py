"""Tables in a document: Markdown between two markers, `<!-- NAME START -->` and `<!-- NAME END -->`.

Each marker is a line of its own. The document is a person's; only what is between them is replaced.
"""

from collections.abc import Sequence
from pathlib import Path

from golfkit import files
from golfkit.errors import GolfError


def markers(name: str) -> tuple[str, str]:
    """The lines between which a table stands."""
    return f"<!-- {name} START -->", f"<!-- {name} END -->"


def check(path: Path, name: str) -> None:
    """Whether the table has its place in a document: an error before the hours, not after."""
    _between(path.read_text("utf-8"), name, [], str(path))


def write(path: Path, name: str, lines: Sequence[str]) -> None:
    """Put lines between the markers in a document; no other byte changes."""
    with files.locked(path):
        files.atomic_write(path, _between(path.read_text("utf-8"), name, lines, str(path)))


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], n_words: int = 1) -> list[str]:
    """A table as lines of Markdown.

    n_words  how many columns from the first on hold words; numbers are set to the right
    """
    ruler = ("---" if i < n_words else "--:" for i in range(len(columns)))
    return [_row(columns), f"|{'|'.join(ruler)}|", *map(_row, rows)]


def _row(cells: Sequence[str]) -> str:
    escaped = (cell.replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"


def _between(text: str, name: str, lines: Sequence[str], where: str) -> str:
    old, (begin, end) = text.split("\n"), markers(name)
    places = [[i for i, line in enumerate(old) if line.strip() == marker] for marker in (begin, end)]
    for marker, found in zip((begin, end), places, strict=True):
        if len(found) != 1:
            raise GolfError(f"{where}: {marker} is there {len(found)} times, expected once, on a line of its own")
    (first,), (last,) = places
    if first > last:
        raise GolfError(f"{where}:{last + 1}: {end} stands before {begin}")
    return "\n".join([*old[: first + 1], *lines, *old[last:]])
