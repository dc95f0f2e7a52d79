"""What each line of a model is worth: leave one out, or add one of the candidates; the table, also in a document."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from golfkit.compress.bench import document, variants
from golfkit.compress.bench.cost import Cost
from golfkit.compress.bench.trials import Trials

EDITS = {"leave-one-out": variants.leave_one_out, "add-one": variants.add_one}
COLUMNS = ("edit", "payload bytes", "change", "us/byte", "code bytes")


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
    kept = f" with {', '.join(f'`{edit}`' for edit in ablation.edits)}" if ablation.edits else ""
    rows = [
        (
            row.edit,
            f"{row.payload_bytes:,}",
            f"{row.change_percent:+.3f} %",
            f"{row.us_per_byte:.1f}",
            f"{row.change_object_bytes:+,}",
        )
        for row in ablation.rows
    ]
    return [
        "",
        f"{what}{kept}: {base.payload_bytes:,} bytes of payload as it is, {base.us_per_byte:.1f} us/byte.",
        "",
        *document.table(COLUMNS, rows),
        "",
    ]


def name(model: str, way: str) -> str:
    """What the table is called in a document."""
    return f"{model} {way}"
