"""What goes between the markers of program.md: of a workspace's files alone, so the same files give the same text."""

from collections.abc import Sequence
from typing import NamedTuple

from golfkit.research.grade import history
from golfkit.research.inject import findings, tables
from golfkit.research.inject.inputs import Inputs
from golfkit.settings import Settings
from golfkit.train.runs import correlation


class Composed(NamedTuple):
    """The four sections, and the score in the SOTA line."""

    research: Sequence[str]
    experiments: Sequence[str]
    competitors: Sequence[str]
    verified: Sequence[str]
    sota: float

    @property
    def by_marker(self) -> dict[str, Sequence[str]]:
        """Lines by the section's name in its markers."""
        return {
            "RESEARCH": self.research,
            "EXPERIMENTS": self.experiments,
            "COMPETITORS": self.competitors,
            "VERIFIED": self.verified,
        }


def compose(found: Inputs, values: Settings) -> Composed:
    """All sections; one without anything to say names the command that fills it."""
    rows = [entry.row for entry in found.entries]
    chosen = findings.chosen(found.in_force, found.items, found.readings)
    past = history.from_rows(rows, found.taxonomy, sota=values.sota, baseline=values.baseline)
    return Composed(
        research=findings.research(chosen, found.items, found.readings),
        experiments=tables.experiments(
            found.entries, correlation.summary(rows, found.records), found.frontier, found.calibration
        ),
        competitors=tables.competitors(found.competitors, values.baseline, values.baseline_split),
        verified=findings.verified(found.readings),
        sota=past.sota,
    )
