"""What raw_cache.jsonl says of each item, without its text: read once, a line at a time, in bounded memory."""

from collections.abc import Container, Mapping
from pathlib import Path
from typing import NamedTuple

from golfkit.research.grade.graded import Graded
from golfkit.research.grade.rubric import UNGRADED
from golfkit.research.items import store
from golfkit.research.items.item import FILE, Item
from golfkit.research.techniques import Taxonomy


class Indexed(NamedTuple):
    """An item without its text."""

    source: str
    url: str
    aliases: tuple[str, ...]
    digest: str | None  # Item.digest, where it was asked for
    techniques: tuple[str, ...]  # by name: those of its grading; of an ungraded item those that its text names


def read(
    home: Path, taxonomy: Taxonomy, in_force: Mapping[str, Graded], digests: Container[str] = ()
) -> dict[str, Indexed]:
    """The items of a workspace by id; none where nothing was fetched yet.

    in_force  gradings by item
    digests   ids of the items whose digest is wanted
    """
    return {
        item.id: _indexed(item, taxonomy, in_force.get(item.id), item.id in digests)
        for item in store.stream(home / FILE)
    }


def _indexed(item: Item, taxonomy: Taxonomy, grading: Graded | None, wanted: bool) -> Indexed:
    if grading is not None and grading.grade != UNGRADED:
        names = grading.techniques
    else:
        names = tuple(technique.name for technique in taxonomy.found(f"{item.title}\n{item.text}"))
    return Indexed(item.source, item.url, item.aliases, item.digest if wanted else None, names)
