"""What the tests of grading share: items, a history, settings."""

import functools
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from golfkit import strict
from golfkit.ledger import Row
from golfkit.research.competitors.competitor import Competitor
from golfkit.research.grade import history
from golfkit.research.grade.graded import Graded
from golfkit.research.grade.history import History
from golfkit.research.items.item import Item
from golfkit.research.techniques import Taxonomy
from golfkit.settings import Settings

NOW = "2026-05-02T06:00:00Z"
FILES = resources.files("golfkit.train").joinpath("workspace", "files")
TECHNIQUES, QUERIES = FILES.joinpath("techniques.toml"), FILES.joinpath("research.toml")


def values(**changes: Any) -> Settings:
    """Settings with changes."""
    return Settings(**changes)


def item(name: str, **changes: Any) -> Item:
    """One item, first seen on the day before NOW."""
    whole = {
        "id": f"arxiv:{name}",
        "source": "arxiv",
        "kind": "paper",
        "contests": ("parameter_golf",),
        "title": f"Title of {name}",
        "text": f"We replace the embedding of {name} by a hashed one; 3% fewer bits at 20M parameters.",
        "url": f"https://arxiv.org/abs/{name}",
        "fetched": "2026-05-01T06:00:00Z",
    }
    return Item(**(whole | changes))


ITEMS = [item(f"2605.{n:05}") for n in range(25)]


def graded(of: Item, grade: str = "A", **changes: Any) -> Graded:
    """A grading of an item by the offline grader."""
    points = {"A": (3, 3, 2, 2, 2), "B": (2, 2, 1, 1, 1), "C": (1, 1, 1, 1, 1), "ungraded": (None,) * 5}[grade]
    names = ("bpb_impact", "size_compatibility", "time_compatibility", "implementability", "novelty")
    whole = {
        "item": of.id,
        "item_digest": of.digest,
        "title": of.title,
        "grader": "offline",
        "context": "0" * 16,
        "graded": "2026-05-01T12:00:00Z",
        "grade": grade,
        "total": None if grade == "ungraded" else sum(points),
        **dict(zip(names, points, strict=True)),
    }
    return Graded(**(whole | changes))


def competitor(**changes: Any) -> Competitor:
    """One competitor's score."""
    whole = {
        "id": "github:openai/parameter-golf#1",
        "val_bpb": 1.15,
        "source": "submission.json",
        "confidence": 1.0,
        "conflict": False,
        "readings": {},
        "pr": 1,
        "author": "somebody",
        "technique": "XSA on all layers",
    }
    return Competitor(**(whole | changes))


def row(
    commit: str = "r", tier: str = "local", val_bpb: float | None = 1.2, status: str = "keep", text: str = ""
) -> Row:
    """A row of the ledger."""
    return Row(commit, tier, val_bpb, 15_000_000, None, status, "no", None, text or f"try {commit}")


class Made(NamedTuple):
    """A taxonomy and a history of 13 failures and a success."""

    taxonomy: Taxonomy
    history: History


@functools.cache
def made() -> Made:
    """The taxonomy that golf init writes, and a history."""
    import tomllib

    taxonomy = strict.decode(Taxonomy, tomllib.loads(TECHNIQUES.read_text("utf-8")), "techniques.toml")
    rows = [row(f"f{n}", val_bpb=1.2 + n / 1000, status="discard", text=f"failed idea {n}") for n in range(13)]
    rows.append(row("p1", "runpod", 1.11, text="eat more fibre"))
    return Made(taxonomy, history.from_rows(rows, taxonomy, sota=1.1194, baseline=1.2244))


def workspace(folder: Path) -> Path:
    """A workspace with the techniques and the queries, and nothing else."""
    folder.mkdir(exist_ok=True)
    (folder / "golf.toml").write_text("")
    for path in (TECHNIQUES, QUERIES):
        (folder / path.name).write_text(path.read_text("utf-8"), "utf-8")
    return folder
