"""Does the offline grader predict? Records graded with what was known before them, against what they gained."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from golfkit.research.backtest import records, statistics
from golfkit.research.backtest.records import Record
from golfkit.research.backtest.statistics import Association, Chance
from golfkit.research.competitors.competitor import Competitor
from golfkit.research.grade.graded import Graded
from golfkit.research.grade.history import History, Proven
from golfkit.research.grade.offline.grader import OfflineGrader
from golfkit.research.grade.rubric import MOST, VALIDATED
from golfkit.research.techniques import Taxonomy
from golfkit.train.runs.correlation import shown

DIMENSIONS = (*MOST, VALIDATED[0])


class Row(NamedTuple):
    """One record, its grade and its outcome."""

    record: Record
    graded: Graded
    keywords: int  # techniques that its text names: the baseline that needs no grader
    bar: float  # the best score before it


class Outcome(NamedTuple):
    """Every predictor against one reading of what was gained."""

    name: str
    total: Association
    dimensions: tuple[Association, ...]
    baselines: tuple[Association, ...]  # keyword count; the bar alone, which knows the date and no text
    oracle: Association  # the record's own score, which nobody knew: as far as any grade of the record could get
    chance: Chance  # the total in random order
    odd: Association  # of the total over the 1st, 3rd, ... record
    even: Association
    least: float | None  # of the total when any one record is left out: lowest and highest
    most: float | None


class Backtest(NamedTuple):
    """The experiment."""

    rows: tuple[Row, ...]  # in the order of time
    outcomes: tuple[Outcome, ...]  # over the preceding record of the list; over the best so far


def run(
    folder: Path,
    taxonomy: Taxonomy,
    *,
    sota: float,
    baseline: float,
    artifact_limit: int,
    training_seconds: float,
) -> Backtest:
    """Grade every record of a folder with the lists and records before it.

    sota      the score to beat before the first record, bpb: the baseline where nothing else was known
    baseline  the organisers' score, bpb

    Proven is what an earlier accepted record's text names: the marks in techniques.toml know the future. Competitors
    are all earlier records. Nothing of the record itself is known but its text after strip.py.
    """
    series = records.read(folder, baseline)
    rows: list[Row] = []
    for one in series:
        before = [row.record for row in rows]
        bar = min([sota, *(record.val_bpb for record in before)])
        history = History(None, bar, baseline, _proven(rows, taxonomy), (), ())
        grader = OfflineGrader(
            history,
            taxonomy,
            [_competitor(row) for row in rows],
            artifact_limit=artifact_limit,
            training_seconds=training_seconds,
        )
        graded = grader.grade(one.item, one.item.fetched)
        rows.append(Row(one, graded, len(graded.techniques), bar))
    return Backtest(
        tuple(rows),
        (
            _outcome("over the preceding record of its list", rows, lambda row: row.record.gain),
            _outcome("over the best record so far", rows, lambda row: row.record.gain_over_best),
        ),
    )


def lines(backtest: Backtest) -> list[str]:
    """The experiment as text: the figures, then every record."""
    said = [f"{len(backtest.rows)} records, each graded with the records before it; outcome = gain in val_bpb"]
    for outcome in backtest.outcomes:
        said.append(f"outcome {outcome.name}:")
        said.append(f"  offline total: {_shown(outcome.total)}")
        chance = outcome.chance
        said.append(
            f"  random order: mean {chance.mean:+.3f} (95% from {chance.low:+.3f} to {chance.high:+.3f}); "
            f"{chance.share:.1%} of {statistics.PERMUTATIONS} orders do as well as the total"
        )
        said += [f"  {one.name}: {_shown(one)}" for one in (*outcome.baselines, outcome.oracle, *outcome.dimensions)]
        said.append(f"  total, every other record: {_value(outcome.odd)} and {_value(outcome.even)}")
        if outcome.least is not None and outcome.most is not None:
            said.append(f"  total, any one record left out: {outcome.least:+.3f} to {outcome.most:+.3f}")
    for row in backtest.rows:
        one, graded = row.record, row.graded
        said.append(
            f"{one.date} {one.val_bpb:.4f} gain {one.gain:+.4f} over best {one.gain_over_best:+.4f} "
            f"total {graded.total} grade {graded.grade} {one.track} {one.name}"
        )
    return said


def _proven(rows: Sequence[Row], taxonomy: Taxonomy) -> tuple[Proven, ...]:
    """Techniques that earlier accepted records name."""
    found: dict[str, Proven] = {}
    for row in rows:
        for name in row.graded.techniques if row.record.accepted else ():
            technique = taxonomy.named(name)
            if technique is not None:
                found.setdefault(name, Proven(name, ", ".join((name, *technique.keywords)), row.record.name))
    return tuple(found.values())


def _competitor(row: Row) -> Competitor:
    record = row.record
    return Competitor(
        id=record.item.id,
        val_bpb=record.val_bpb,
        source="submission.json",
        confidence=1.0,
        conflict=False,
        readings={},
        technique=", ".join(row.graded.techniques),
        title=record.item.title,
        date=record.date,
    )


def _outcome(name: str, rows: Sequence[Row], gain: Callable[[Row], float]) -> Outcome:
    gains = [gain(row) for row in rows]
    totals = [float(row.graded.total or 0) for row in rows]
    left_out = [
        value
        for i in range(len(rows))
        if (value := statistics.rho(totals[:i] + totals[i + 1 :], gains[:i] + gains[i + 1 :])) is not None
    ]
    return Outcome(
        name,
        statistics.associate("offline total", totals, gains),
        tuple(
            statistics.associate(dimension, [float(getattr(row.graded, dimension) or 0) for row in rows], gains)
            for dimension in DIMENSIONS
        ),
        (
            statistics.associate("keyword count", [float(row.keywords) for row in rows], gains),
            statistics.associate("score to beat", [row.bar for row in rows], gains),
        ),
        statistics.associate("its own score, unknown when it is graded", [-row.record.val_bpb for row in rows], gains),
        statistics.chance(totals, gains),
        statistics.associate("odd", totals[::2], gains[::2]),
        statistics.associate("even", totals[1::2], gains[1::2]),
        min(left_out, default=None),
        max(left_out, default=None),
    )


def _shown(one: Association) -> str:
    text = f"Spearman {shown(one.spearman)}, n {one.n}"
    return text if one.bootstrap is None else f"{text}, bootstrap {one.bootstrap[0]:+.4f} to {one.bootstrap[1]:+.4f}"


def _value(one: Association) -> str:
    return "unknown" if one.spearman.value is None else f"{one.spearman.value:+.3f} (n {one.n})"
