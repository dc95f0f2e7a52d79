"""What grading and verifying read of a workspace: items, history, techniques, competitors, grades."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from golfkit import ledger
from golfkit.errors import GolfError
from golfkit.research import techniques
from golfkit.research.competitors import competitor
from golfkit.research.competitors import store as competitors
from golfkit.research.competitors.competitor import Competitor
from golfkit.research.frontier import counts
from golfkit.research.grade import graded, history
from golfkit.research.grade.graded import Graded
from golfkit.research.grade.history import History
from golfkit.research.items import item, store
from golfkit.research.items.item import Item
from golfkit.research.techniques import Taxonomy
from golfkit.settings import Settings
from golfkit.train.runs import view

LEDGER = "results.tsv"


class Material(NamedTuple):
    """A workspace's files, read."""

    items: Sequence[Item]
    history: History
    taxonomy: Taxonomy
    competitors: Sequence[Competitor]
    in_force: Mapping[str, Graded]


def read(home: Path, values: Settings) -> Material:
    """All of it; no items is an error, no try, competitor or grade yet is none."""
    cache = home / item.FILE
    if not cache.exists():
        raise GolfError(f"{cache}: not found, expected the items to grade; run golf research")
    items = store.read(cache)
    taxonomy = techniques.read(home / techniques.FILE)
    tries = home / LEDGER
    rows = ledger.read_rows(tries) if tries.exists() else []
    return Material(
        items,
        history.from_rows(rows, taxonomy, sota=values.sota, baseline=values.baseline),
        taxonomy,
        competitors.read(home / competitor.FILE),
        graded.in_force(home / graded.FILE),
    )


def frontier(found: Material) -> list[str]:
    """How often each family of techniques was tried, a line each, for a model's prompt.

    What others report of a family is left out: it changes with every fetch, and each new prompt grades items again.
    """
    families = counts.ranked(found.taxonomy, view.entries(found.history.tried, {}), {})
    tallies = {family.count.name: family.count for family in families}
    return [
        f"{name}: tried {count.tried}, kept {count.kept}, failed {count.failed}"
        for name in found.taxonomy.families
        for count in [tallies[name]]
    ]
