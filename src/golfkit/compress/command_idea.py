"""`golf idea`: what a change of a model is worth, before it is made."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from golfkit import output
from golfkit.errors import Exit, GolfError
from golfkit.interrupts import stoppable

if TYPE_CHECKING:
    from golfkit.compress.bench.cost import Cost
    from golfkit.compress.bench.search import Step

MODELS = "golfkit.compress.kernels"

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="File to code.", show_default=False)]
PrefixOption = Annotated[
    int | None,
    typer.Option("-n", min=1, metavar="BYTES", help="Take only the first BYTES of the input.", show_default=False),
]
ModelOption = Annotated[str, typer.Option(metavar="NAME", help="Model to change: cm-fast, cm-mid or cm-max.")]
EditOption = Annotated[
    list[str] | None,
    typer.Option(
        "--edit",
        metavar="EDIT",
        help="drop:TABLE/NAME, add:TABLE/NAME, NAME=NUMBER or without:net; may be given again. TABLE: orders, words, "
        "others, near, sets, finals, apms or features.",
        show_default=False,
    ),
]
JobsOption = Annotated[int, typer.Option(min=1, metavar="N", help="Variants measured at once.")]
WayArgument = Annotated[
    str, typer.Argument(metavar="WAY", help="leave-one-out, or add-one of the candidates.", show_default=False)
]
WriteOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Put the table between its markers in FILE, as Markdown.", show_default=False),
]
AgainstOption = Annotated[
    list[str] | None,
    typer.Option(
        "--against",
        metavar="EDIT",
        help="What the other lacks, as for --edit; default: without:net.",
        show_default=False,
    ),
]
OverOption = Annotated[
    str, typer.Option("--over", metavar="A,B,...", help="Constants to change, in turn.", show_default=False)
]
TrialsOption = Annotated[int, typer.Option("--trials", min=1, metavar="N", help="Variants to try at most.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def cost(
    file: FileArgument,
    n: PrefixOption = None,
    model: ModelOption = "cm-mid",
    edit: EditOption = None,
    json: JsonFlag = False,
) -> None:
    """Code FILE with a changed model and print what that costs: payload, CPU, memory, code; no archive is written."""
    from golfkit.compress.bench import trials

    with stoppable(), trials.opened(_module(model), file, n, 1) as opened:
        (found,) = opened.measure([tuple(edit or ())])
    output.emit({"model": model} | found._asdict(), as_json=json)


def ablate(
    way: WayArgument,
    file: FileArgument,
    n: PrefixOption = None,
    model: ModelOption = "cm-mid",
    edit: EditOption = None,
    jobs: JobsOption = 1,
    write: WriteOption = None,
    json: JsonFlag = False,
) -> None:
    """Measure FILE with each line of the model's tables left out, or each candidate added; worth most comes first."""
    from golfkit.compress.bench import ablation, document, trials

    if way not in ablation.EDITS:
        raise GolfError(f"WAY is {way!r}, expected {' or '.join(ablation.EDITS)}", Exit.USAGE)
    if write:
        document.check(write, ablation.name(model, way))
    with stoppable(), trials.opened(_module(model), file, n, jobs) as opened:
        table = ablation.run(opened, model, way, file.name, tuple(edit or ()), _tell)
    if json:
        rows = {"base": table.base._asdict(), "rows": [row._asdict() for row in table.rows]}
        output.emit(table._asdict() | rows, as_json=True)
    else:
        output.emit({"model": model} | table.base._asdict())
        rows = [
            [f"{cell:+.3f}" if key == "change_percent" else cell for key, cell in row._asdict().items()]
            for row in table.rows
        ]
        output.table(ablation.Row._fields, rows)
    if write:
        document.write(write, ablation.name(model, way), ablation.markdown(table))
        output.note(f"written: {write}")


def search(
    file: FileArgument,
    over: OverOption,
    n: PrefixOption = None,
    model: ModelOption = "cm-mid",
    edit: EditOption = None,
    n_trials: TrialsOption = 40,
    jobs: JobsOption = 1,
    json: JsonFlag = False,
) -> None:
    """Lower the payload of FILE by the model's constants: each in turn up and down by a factor, while that pays."""
    from golfkit.compress.bench import search as descent
    from golfkit.compress.bench import trials

    names = tuple(name.strip() for name in over.split(",") if name.strip())
    with stoppable(), trials.opened(_module(model), file, n, jobs) as opened:
        found = descent.run(opened, tuple(edit or ()), names, n_trials, _tell_step)
    if json:
        output.emit(found._asdict() | {"steps": [step._asdict() for step in found.steps]}, as_json=True)
        return
    output.table(descent.Step._fields, found.steps)
    output.emit({"start_bytes": found.start_bytes, "payload_bytes": found.payload_bytes, "edits": found.edits})


def curve(
    file: FileArgument,
    n: PrefixOption = None,
    model: ModelOption = "cm-mid",
    edit: EditOption = None,
    against: AgainstOption = None,
    jobs: JobsOption = 1,
    json: JsonFlag = False,
) -> None:
    """Payload of each million bytes of FILE with and without a part of the model, its LSTM unless said otherwise."""
    from golfkit.compress.bench import curve as beside
    from golfkit.compress.bench import trials, variants

    other = tuple(against or (variants.WITHOUT_NET,))
    with stoppable(), trials.opened(_module(model), file, n, jobs) as opened:
        found = beside.run(opened, model, tuple(edit or ()), other, _tell)
    if json:
        parts = {"base": found.base._asdict(), "other": found.other._asdict()}
        output.emit(found._asdict() | parts | {"rows": [row._asdict() for row in found.rows]}, as_json=True)
        return
    output.table(beside.Row._fields, found.rows)
    keys = ("us_per_byte", "arena_bytes", "object_bytes")
    output.emit({"model": model, "edits": found.edits, "against": found.against})
    output.emit({key: getattr(found.base, key) for key in keys})
    output.emit({f"against_{key}": getattr(found.other, key) for key in keys})


def _module(model: str) -> str:
    """The module of a model's tables."""
    from golfkit.compress.codecs import names

    known = [name for name in names() if name.startswith("cm-")]
    if model not in known:
        raise GolfError(f"--model {model}: expected one of {', '.join(known)}", Exit.USAGE)
    return f"{MODELS}.{model.replace('-', '_')}"


def _tell(cost: "Cost") -> None:
    last = cost.edits[-1] if cost.edits else "as it is"
    output.note(f"{last}: {cost.payload_bytes:,} bytes, {cost.us_per_byte:.1f} us/byte")


def _tell_step(step: "Step") -> None:
    better = ", the best so far" if step.is_better else ""
    output.note(f"{step.trial} {step.edit}: {step.payload_bytes:,} bytes, {step.change_percent:+.3f} %{better}")
