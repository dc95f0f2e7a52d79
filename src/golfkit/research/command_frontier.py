"""`golf frontier`: which families of techniques were tried, and which one is next."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from golfkit import output, settings

TechniquesFlag = Annotated[bool, typer.Option("--techniques", help="List every technique instead of the families.")]
WorkspaceOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder with golf.toml; default: here or a parent.", show_default=False),
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def frontier(techniques: TechniquesFlag = False, workspace: WorkspaceOption = None, json: JsonFlag = False) -> None:
    """Rank the families of techniques.toml by what is worth a try next: what worked, and what was hardly tried (UCB1).

    Tried, kept and failed are rows of results.tsv whose descriptions name a technique; seen elsewhere are items and
    competitors that do. The technique to try next is untried, and not common in accepted records where there is one.
    """
    from golfkit.research.frontier import counts
    from golfkit.research.inject import inputs

    families = inputs.read(settings.require_workspace(Path.cwd(), os.environ, workspace)).frontier
    if json:
        output.emit({"families": [_record(family) for family in families], "score": counts.EXPLANATION}, as_json=True)
        return
    if techniques:
        found = [count for family in families for count in family.techniques]
        columns = ("technique", "family", "proven", "tried", "kept", "failed", "seen_elsewhere", "best_gain", "score")
        output.table(columns, [[c.name, c.family, "yes" if c.proven else "no", *_numbers(c)] for c in found])
    else:
        columns = ("family", "tried", "kept", "failed", "seen_elsewhere", "best_gain", "score", "next")
        output.table(columns, [[f.count.name, *_numbers(f.count), f.described] for f in families])
    output.note(counts.EXPLANATION)


def _numbers(count: Any) -> list[Any]:
    gain = None if count.best_gain is None else f"{count.best_gain:+.2%}"
    return [count.tried, count.kept, count.failed, count.elsewhere, gain, round(count.score, 2)]


def _record(family: Any) -> dict[str, Any]:
    count, techniques, following = family
    own = {key: value for key, value in count._asdict().items() if key not in ("family", "proven")}
    return own | {
        "next": following and following.name,
        "techniques": [technique._asdict() for technique in techniques],
    }
