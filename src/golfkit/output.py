"""The one place that prints: data on stdout, talk and progress on stderr. Only this module imports rich."""

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from golfkit.files import neutralise


class Meter(Protocol):
    """What `progress` yields."""

    def advance(self, n: int, note: str = "") -> None:
        """Add `n` units of work done; `note` is shown beside the bar."""


def emit(record: Mapping[str, Any], *, as_json: bool = False) -> None:
    """Write one record on stdout: `key: value` lines (nested mappings as `key[inner]: value`), or one JSON object."""
    if as_json:
        print(json.dumps(record))
        return
    for key, value in record.items():
        if isinstance(value, Mapping):
            for inner, inner_value in value.items():
                print(f"{key}[{_plain(inner)}]: {_plain(inner_value)}")
        else:
            print(f"{key}: {_plain(value)}")


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, styles: Sequence[str] | None = None) -> None:
    """Write aligned columns on stdout, numbers to the right; plain text, so that it greps and pastes.

    styles  rich styles, one a row: where stdout is a terminal the table is drawn with them, and wraps to its width
    """
    cells = [[_plain(value) for value in row] for row in rows]
    widths = [max([len(head), *(len(row[i]) for row in cells)]) for i, head in enumerate(columns)]
    right = [bool(rows) and all(isinstance(row[i], int | float | None) for row in rows) for i in range(len(columns))]
    if styles is not None and sys.stdout.isatty():
        _draw(columns, cells, right, styles)
        return
    for line in [list(columns), *cells]:
        padded = [cell.rjust(w) if r else cell.ljust(w) for cell, w, r in zip(line, widths, right, strict=True)]
        print("  ".join(padded).rstrip())


def text(content: str) -> None:
    """Write text on stdout, on as many lines as it has; terminal codes in it do not get through."""
    for line in content.split("\n"):
        print(_plain(line))


def note(text: str) -> None:
    """Say something on stderr, on as many lines as it has; terminal codes in file names do not get through."""
    print("\n".join(_plain(line) for line in text.split("\n")), file=sys.stderr)


def error(text: str) -> None:
    """Say on stderr what went wrong, in red where that is wanted."""
    colour = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    print(f"\x1b[31merror:\x1b[0m {text}" if colour else f"error: {text}", file=sys.stderr)


@contextlib.contextmanager
def progress(label: str, total: int, *, unit: str = "B") -> Iterator[Meter]:
    """A progress bar on stderr, drawn only when there is something to do and stderr is a terminal.

    total  units of work; bytes are shown as MB and MB/s when unit is "B"
    """
    if not total or not sys.stderr.isatty():
        yield _Silent()
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    speed = (DownloadColumn(), TransferSpeedColumn()) if unit == "B" else (TextColumn("{task.completed}/{task.total}"),)
    console = Console(stderr=True, no_color=bool(os.environ.get("NO_COLOR")))
    columns = (
        TextColumn("{task.description}", markup=False),  # a file may be called "[red]"
        BarColumn(),
        *speed,
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task(label, total=total, note="")
        yield _Bar(bars, task)
        bars.refresh()  # the last state is seen, however short it all was


class _Silent:
    def advance(self, n: int, note: str = "") -> None:
        """Nothing is drawn where nobody looks."""


class _Bar:
    def __init__(self, bars: Any, task: Any) -> None:
        self._bars, self._task = bars, task

    def advance(self, n: int, note: str = "") -> None:
        """Move the bar."""
        self._bars.update(self._task, advance=n, note=note)


def _draw(columns: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[bool], styles: Sequence[str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, header_style="bold", pad_edge=False)
    for head, numbers in zip(columns, right, strict=True):
        drawn.add_column(Text(head), justify="right" if numbers else "left", overflow="fold")  # nothing is cut off
    for row, style in zip(cells, styles, strict=True):
        drawn.add_row(*(Text(cell) for cell in row), style=style)  # Text: a description may hold "[red]"
    Console(no_color=bool(os.environ.get("NO_COLOR"))).print(drawn)


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(_plain(v) for v in value)
    text = str(value)
    return text if text.isprintable() else neutralise(text)  # one line, and no terminal codes from a file name
