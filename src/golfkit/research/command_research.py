"""`golf research`: what is new in the seven sources."""

from pathlib import Path
from typing import Annotated

import typer

from golfkit.research.items import item

SinceOption = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=1_000_000,
        metavar="H",
        help="Look back so many hours; default: to each source's last success, with overlap.",
        show_default=False,
    ),
]
SourceOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME", help=f"This source alone; may be repeated. {', '.join(item.SOURCES)}.", show_default=False
    ),
]
BreakingFlag = Annotated[
    bool, typer.Option("--breaking", help="News alone: Tavily's set `breaking`, for an hourly cron.")
]
DryFlag = Annotated[bool, typer.Option("--dry-run", help="Say what would be asked of whom, and ask nothing.")]
WorkspaceOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder with golf.toml; default: here or a parent.", show_default=False),
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def research(
    since_hours: SinceOption = None,
    source: SourceOption = None,
    breaking: BreakingFlag = False,
    dry_run: DryFlag = False,
    workspace: WorkspaceOption = None,
    json: JsonFlag = False,
) -> None:
    """Fetch what is new from every source of research.toml, all at once, into raw_cache.jsonl.

    Each finding gets in once, however many sources, runs and processes bring it. A source that fails is a line on
    stderr, and its next run begins where this one did; exit 4 when all that were asked failed.
    """
    from golfkit.research import command_research_run  # the sources are most of what --help would load

    command_research_run.research(since_hours, source or [], breaking, dry_run, workspace, json)
