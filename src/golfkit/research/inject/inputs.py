"""What a workspace knows, read once: for the sections of program.md, the frontier and the calibration."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from golfkit import jsonl, ledger
from golfkit.research import techniques
from golfkit.research.calibrate import link, outcomes, statistics
from golfkit.research.calibrate.link import Past
from golfkit.research.calibrate.statistics import Calibration
from golfkit.research.competitors import competitor, store
from golfkit.research.competitors.competitor import Competitor
from golfkit.research.frontier import counts, reports
from golfkit.research.frontier.counts import Family
from golfkit.research.grade import graded
from golfkit.research.grade.graded import Graded
from golfkit.research.inject import findings
from golfkit.research.items import index
from golfkit.research.items.index import Indexed
from golfkit.research.techniques import Taxonomy
from golfkit.research.verify import verified
from golfkit.research.verify.verified import Verified
from golfkit.train.runs import record, view
from golfkit.train.runs.record import RunRecord
from golfkit.train.runs.view import Entry

LEDGER = "results.tsv"
RUNS = "runs"


class Inputs(NamedTuple):
    """A workspace's files, read strictly; one that is not there yet is empty (techniques.toml has to be there)."""

    taxonomy: Taxonomy
    entries: Sequence[Entry]  # rows of the ledger, judged
    records: Mapping[str, RunRecord]
    in_force: Mapping[str, Graded]  # the last grading of each item
    past: Mapping[str, Sequence[Past]]  # all gradings of each item, oldest first
    items: Mapping[str, Indexed]
    competitors: Sequence[Competitor]
    readings: Mapping[str, Verified]  # the last of each item

    @property
    def frontier(self) -> list[Family]:
        """The families of techniques, the one to try next first."""
        return counts.ranked(
            self.taxonomy, self.entries, reports.elsewhere(self.items, self.competitors, self.taxonomy)
        )

    @property
    def calibration(self) -> Calibration:
        """Grades against outcomes."""
        graded_items = {item: link.Graded(self.in_force[item].title, past) for item, past in self.past.items()}
        aliases = {name: item.aliases for name, item in self.items.items()}
        return statistics.calibrated(outcomes.gathered(link.links(self.entries, graded_items, aliases)))


def read(home: Path) -> Inputs:
    """The files of the workspace `home`."""
    taxonomy = techniques.read(home / techniques.FILE)
    path = home / LEDGER
    rows = ledger.read_rows(path) if path.exists() else []
    records = record.read_all(home / RUNS, (row.commit for row in rows))
    in_force, past = _gradings(home)
    shown = {name for name, grading in in_force.items() if grading.grade in findings.SHOWN}
    return Inputs(
        taxonomy=taxonomy,
        entries=view.entries(rows, records),
        records=records,
        in_force=in_force,
        past=past,
        items=index.read(home, taxonomy, in_force, shown),
        competitors=store.read(home / competitor.FILE),
        readings=verified.latest(verified.read(home / verified.FILE)),
    )


def _gradings(home: Path) -> tuple[dict[str, Graded], dict[str, list[Past]]]:
    """graded.jsonl, which grows with every run of the grader: the last grading of each item, and the scores of all."""
    in_force: dict[str, Graded] = {}
    past: dict[str, list[Past]] = {}
    for grading in jsonl.stream(home / graded.FILE, Graded, missing_ok=True):
        in_force[grading.item] = grading
        if (scores := grading.scores) is not None:
            past.setdefault(grading.item, []).append(Past(grading.graded, grading.grade, scores))
    return in_force, past
