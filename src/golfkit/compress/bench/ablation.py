"""What each line of a model is worth: leave one out, or add one of the candidates; the table, also in a document."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from golfkit import files
from golfkit.compress.bench import variants
from golfkit.compress.bench.cost import Cost
from golfkit.compress.bench.trials import Trials
from golfkit.errors import GolfError

EDITS = {"leave-one-out": variants.leave_one_out, "add-one": variants.add_one}


class Row(NamedTuple):
    """One variant beside the model as it is."""

    edit: str
    payload_bytes: int
    change_bytes: int  # payload, against the model as it is
    change_percent: float
    us_per_byte: float
    object_bytes: int
    change_object_bytes: int


class Ablation(NamedTuple):
    """All variants of one kind."""

    model: str
    way: str  # of EDITS
    input_name: str
    edits: tuple[str, ...]  # of the model that the others are compared with
    base: Cost
    rows: tuple[Row, ...]  # what is worth most, first


def run(
    trials: Trials, model: str, way: str, input_name: str, edits: Sequence[str], done: Callable[[Cost], None]
) -> Ablation:
    """Measure the model with `edits`, and each of its variants."""
    tried = EDITS[way](variants.spec_of(trials.module, edits))
    base, *costs = trials.measure([tuple(edits), *((*edits, edit) for edit in tried)], done)
    rows = [_row(edit, cost, base) for edit, cost in zip(tried, costs, strict=True)]
    rows.sort(key=lambda row: (row.change_bytes if way == "add-one" else -row.change_bytes, row.edit))
    return Ablation(model, way, input_name, tuple(edits), base, tuple(rows))


def _row(edit: str, cost: Cost, base: Cost) -> Row:
    change = cost.payload_bytes - base.payload_bytes
    percent = round(100 * change / max(base.payload_bytes, 1), 4)
    code = cost.object_bytes - base.object_bytes
    return Row(edit, cost.payload_bytes, change, percent, cost.us_per_byte, cost.object_bytes, code)


def markdown(ablation: Ablation) -> list[str]:
    """The table as lines of Markdown, with a line before it that says of what."""
    base = ablation.base
    what = f"`golf idea ablate {ablation.way} {ablation.input_name} -n {base.n_bytes} --model {ablation.model}`"
    kept = f" with {', '.join(f'`{_cell(edit)}`' for edit in ablation.edits)}" if ablation.edits else ""
    return [
        "",
        f"{what}{kept}: {base.payload_bytes:,} bytes of payload as it is, {base.us_per_byte:.1f} us/byte.",
        "",
        "| edit | payload bytes | change | us/byte | code bytes |",
        "|---|--:|--:|--:|--:|",
        *(
            f"| {_cell(row.edit)} | {row.payload_bytes:,} | {row.change_percent:+.3f} % | {row.us_per_byte:.1f} "
            f"| {row.change_object_bytes:+,} |"
            for row in ablation.rows
        ),
        "",
    ]


def markers(model: str, way: str) -> tuple[str, str]:
    """The lines between which the table stands in a document."""
    return f"<!-- {model} {way} START -->", f"<!-- {model} {way} END -->"


def check(path: Path, model: str, way: str) -> None:
    """Whether the table has its place in a document: an error before the hours, not after."""
    between(path.read_text("utf-8"), *markers(model, way), [], str(path))


def write(path: Path, ablation: Ablation) -> None:
    """Put the table between its markers in a document; no other byte changes."""
    begin, end = markers(ablation.model, ablation.way)
    with files.locked(path):
        files.atomic_write(path, between(path.read_text("utf-8"), begin, end, markdown(ablation), str(path)))


def between(text: str, begin: str, end: str, lines: Sequence[str], where: str) -> str:
    """`text` with new lines between two markers, each a line of its own that is there once."""
    old = text.split("\n")
    places = [[i for i, line in enumerate(old) if line.strip() == marker] for marker in (begin, end)]
    for marker, found in zip((begin, end), places, strict=True):
        if len(found) != 1:
            raise GolfError(f"{where}: {marker} is there {len(found)} times, expected once, on a line of its own")
    (first,), (last,) = places
    if first > last:
        raise GolfError(f"{where}:{last + 1}: {end} stands before {begin}")
    return "\n".join([*old[: first + 1], *lines, *old[last:]])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
