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
from golfkit.research.grade import graded, history
from golfkit.research.grade.graded import Graded
from golfkit.research.grade.history import History
from golfkit.research.items import item, store
from golfkit.research.items.item import Item
from golfkit.research.techniques import Taxonomy
from golfkit.settings import Settings

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
        graded.latest(graded.read(home / graded.FILE)),
    )


def frontier(found: Material) -> list[str]:
    """Lines on the families of techniques and how often each was tried, for a model's prompt."""
    return []
