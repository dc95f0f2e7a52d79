"""Which techniques others report: items and competitors, each finding once. Pure."""

from collections.abc import Iterable, Mapping

from golfkit.research.competitors.competitor import Competitor
from golfkit.research.items.index import Indexed
from golfkit.research.techniques import Taxonomy


def elsewhere(
    items: Mapping[str, Indexed], competitors: Iterable[Competitor], taxonomy: Taxonomy
) -> dict[str, frozenset[str]]:
    """Names of techniques by the id of what reports them; a pull request that is item and competitor is one report."""
    found: dict[str, frozenset[str]] = {}
    for name, item in items.items():
        if item.techniques:
            found[name.casefold()] = frozenset(item.techniques)
    for competitor in competitors:
        text = f"{competitor.technique or ''}\n{competitor.title or ''}"
        names = {technique.name for technique in taxonomy.found(text)}
        key = competitor.id.casefold()
        if names:
            found[key] = found.get(key, frozenset()) | names
    return found
