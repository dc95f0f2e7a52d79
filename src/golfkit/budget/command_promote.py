"""`golf promote`: the expensive run of a local one, through every gate."""

from pathlib import Path
from typing import Annotated

import typer

FIRST_SEED = 1337

RunArgument = Annotated[
    str | None,
    typer.Argument(metavar="RUN", help="A local run's id; default: the latest promotable one.", show_default=False),
]
TierOption = Annotated[str, typer.Option(help="runpod: a rented pod; ssh: one's own machine, nothing is rented.")]
HostOption = Annotated[
    str | None, typer.Option(metavar="USER@BOX[:PORT]", help="With --tier ssh: the machine.", show_default=False)
]
SeedsOption = Annotated[int, typer.Option(min=1, max=20, help="Seeds in one rental; a record needs 3.")]
SeedOption = Annotated[int, typer.Option(min=0, help="The first seed.")]
DryRunFlag = Annotated[bool, typer.Option("--dry-run", help="Ask every gate, show plan and worst-case price; no more.")]
ForceOption = Annotated[
    str | None,
    typer.Option(metavar="REASON", help="Skip the gain gate, and only that; kept in run.json.", show_default=False),
]
DynamicFlag = Annotated[
    bool, typer.Option("--dynamic", help="Run the script on altered validation text where reading it cannot tell.")
]
WorkspaceOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder with golf.toml; default: here or a parent.", show_default=False),
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def run(
    run: RunArgument = None,
    tier: TierOption = "runpod",
    host: HostOption = None,
    seeds: SeedsOption = 1,
    seed: SeedOption = FIRST_SEED,
    dry_run: DryRunFlag = False,
    force: ForceOption = None,
    dynamic: DynamicFlag = False,
    workspace: WorkspaceOption = None,
    json: JsonFlag = False,
) -> None:
    """Promote a local run to the expensive tier, if every gate says yes: artifact, legality, gain, budget.

    What is rented is ended and booked whatever happens. Exit 1 at the first no.
    """
    from golfkit.budget import command_promote_run  # the gates are half of what --help would load

    command_promote_run.run(run, tier, host, seeds, seed, dry_run, force, dynamic, workspace, json)
