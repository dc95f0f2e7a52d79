"""How far the local tier predicts the expensive ones: pairs of rows, mean delta, Pearson, Spearman. Pure.

A local and an expensive row (runpod, ssh) pair by the run id that either's record keeps; where neither keeps one, by
the same description, if only one row of each side has it. What could not be paired is named, never guessed.
"""

import math
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from golfkit import files
from golfkit.ledger import Row
from golfkit.train.runs import student
from golfkit.train.runs.record import RunRecord

RELIABLE_PAIRS = 5  # fewer say so
EXPENSIVE = ("runpod", "ssh")


class Pair(NamedTuple):
    """The same experiment on two tiers."""

    local: str
    expensive: str
    tier: str  # of the expensive one
    local_bpb: float
    expensive_bpb: float
    by: str  # run id, description

    @property
    def delta(self) -> float:
        """expensive - local: below 0 where the expensive tier does better than the local score."""
        return self.expensive_bpb - self.local_bpb


class Estimate(NamedTuple):
    """A statistic with its 95% confidence interval; None where there is none, and then why."""

    value: float | None
    low: float | None = None
    high: float | None = None
    why: str | None = None


class TierCorrelation(NamedTuple):
    """What the pairs say."""

    pairs: tuple[Pair, ...]  # in the order of the expensive runs' ids
    notes: tuple[str, ...]  # expensive rows that could not be paired, and why
    reliable: bool  # RELIABLE_PAIRS or more
    mean_delta: Estimate  # of expensive - local, in bpb
    pearson: Estimate
    spearman: Estimate

    @property
    def n_runs(self) -> int:
        """Independent pairs: local runs that have at least one expensive one."""
        return len({p.local for p in self.pairs})


def summary(rows: Sequence[Row], records: Mapping[str, RunRecord], tier: str | None = None) -> TierCorrelation:
    """Pair the rows and measure.

    tier  the expensive tier alone that counts; None for all of them

    Intervals, all of 95%: the mean delta's is Student's t; Pearson's is Fisher's z, tanh(atanh(r) +- 1.96 / sqrt(n -
    3)); Spearman's the same with the variance (1 + r^2 / 2) / (n - 3). Source: Bonett and Wright, Psychometrika 65
    (2000). They take the pairs to be independent, so a local run with several expensive ones counts once, with their
    mean.
    """
    pairs, notes = pair(rows, records, EXPENSIVE if tier is None else (tier,))
    merged: dict[str, list[Pair]] = {}
    for found in pairs:
        merged.setdefault(found.local, []).append(found)
    local = [same[0].local_bpb for same in merged.values()]
    expensive = [statistics.fmean(p.expensive_bpb for p in same) for same in merged.values()]
    return TierCorrelation(
        pairs=tuple(pairs),
        notes=tuple(notes),
        reliable=len(local) >= RELIABLE_PAIRS,
        mean_delta=_mean([e - x for x, e in zip(local, expensive, strict=True)]),
        pearson=_correlation(local, expensive, lambda r: 1.0),
        spearman=spearman(local, expensive),
    )


def pair(
    rows: Sequence[Row], records: Mapping[str, RunRecord], tiers: Sequence[str] = EXPENSIVE
) -> tuple[list[Pair], list[str]]:
    """The pairs among the rows that have a score, and a line on every expensive row left over."""
    rows = [row for row in rows if row.val_bpb is not None and row.tier in ("local", *tiers)]
    times = Counter(row.commit for row in rows)
    by_id = {row.commit: row for row in rows if times[row.commit] == 1}
    expensive = sorted((row for row in by_id.values() if row.tier != "local"), key=lambda row: row.commit)
    local = [row for row in by_id.values() if row.tier == "local"]
    notes = [f"{run}: {n} rows have this id, so it is not paired" for run, n in sorted(times.items()) if n > 1]
    pairs, open_rows = [], []
    for row in expensive:
        named = _named(row, local, records)
        if not named:
            open_rows.append(row)
        elif len(named) == 1 and (found := by_id.get(named[0])) is not None and found.tier == "local":
            pairs.append(_pair(found, row, "run id"))
        else:
            known = "is no local row with a score" if len(named) == 1 else "are several runs"
            notes.append(f"{row.commit}: its pair, {', '.join(named)}, {known}, so it is not paired")
    more, unpaired = _by_description(open_rows, local, {found.local for found in pairs}, records)
    return sorted(pairs + more, key=lambda found: found.expensive), notes + unpaired


def sentences(found: TierCorrelation) -> list[str]:
    """The summary as lines of text, for people and for program.md."""
    n = found.n_runs
    lines = [f"{n} local {'run' if n == 1 else 'runs'} paired with the expensive tier"]
    if not found.reliable:
        lines[0] += f"; fewer than {RELIABLE_PAIRS}, so not reliable"
    named = (("mean delta, expensive - local, bpb", "mean_delta"), ("Pearson", "pearson"), ("Spearman", "spearman"))
    for label, name in named:
        lines.append(f"{label}: {shown(getattr(found, name))}")
    return lines


def shown(estimate: Estimate) -> str:
    """An estimate as text: value, interval, and why one of them is missing."""
    value = "unknown" if estimate.value is None else f"{estimate.value:+.4f}"
    if estimate.low is not None and estimate.high is not None:
        value += f" (95% from {estimate.low:+.4f} to {estimate.high:+.4f})"
    return value if estimate.why is None else f"{value}: {estimate.why}"


def spearman(x: Sequence[float], y: Sequence[float], names: tuple[str, str] = ("local", "expensive")) -> Estimate:
    """Spearman's rank correlation of two lists with its interval, as in `summary`.

    names  what the lists are the scores of, for the reason why there is no estimate
    """
    return _correlation(ranks(x), ranks(y), lambda r: 1 + r * r / 2, names)


def ranks(values: Sequence[float]) -> list[float]:
    """Ranks from 1; equal values share the mean of theirs."""
    order = sorted(values)
    first = {value: i for i, value in reversed(list(enumerate(order, start=1)))}
    count = Counter(order)
    return [first[value] + (count[value] - 1) / 2 for value in values]


def _named(row: Row, local: Sequence[Row], records: Mapping[str, RunRecord]) -> list[str]:
    """The local runs that a record ties to an expensive row: the row's own word, else that of local runs."""
    own = records.get(row.commit)
    if own is not None and own.pair is not None:
        return [own.pair]
    return sorted(r.commit for r in local if (kept := records.get(r.commit)) is not None and kept.pair == row.commit)


def _by_description(
    expensive: Sequence[Row], local: Sequence[Row], taken: set[str], records: Mapping[str, RunRecord]
) -> tuple[list[Pair], list[str]]:
    """Pairs by the same words, white space aside; a local row that a run id already ties is not offered again."""
    free: dict[str, list[Row]] = {}
    for row in local:
        kept = records.get(row.commit)
        if row.commit not in taken and (kept is None or kept.pair is None):
            free.setdefault(files.neutralise(row.description), []).append(row)
    times = Counter(files.neutralise(row.description) for row in expensive)
    pairs, notes = [], []
    for row in expensive:
        words = files.neutralise(row.description)
        same = free.get(words, [])
        if not words or not same:
            notes.append(f"{row.commit}: no record and no description ties it to a local row, so it is not paired")
        elif len(same) > 1 or times[words] > 1:
            called = f"{len(same)} local and {times[words]} expensive rows are called {words!r}"
            notes.append(f"{row.commit}: {called}, so it is not paired")
        else:
            pairs.append(_pair(same[0], row, "description"))
    return pairs, notes


def _pair(local: Row, expensive: Row, by: str) -> Pair:
    if local.val_bpb is None or expensive.val_bpb is None:
        raise ValueError("a row without a score was paired")
    return Pair(local.commit, expensive.commit, expensive.tier, local.val_bpb, expensive.val_bpb, by)


def _mean(values: Sequence[float]) -> Estimate:
    if not values:
        return Estimate(None, why="no pairs")
    mean = statistics.fmean(values)
    if len(values) == 1:
        return Estimate(mean, why="one pair has no interval")
    half = student.two_sided_95(len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values))
    return Estimate(mean, mean - half, mean + half)


def _correlation(
    x: Sequence[float],
    y: Sequence[float],
    scale: Callable[[float], float],
    names: tuple[str, str] = ("local", "expensive"),
) -> Estimate:
    """Pearson's r of two lists, with Fisher's z interval; scale(r) / (n - 3) is the variance of z."""
    n = len(x)
    if n < 3:
        return Estimate(None, why=f"{n} pairs; a correlation needs 3")
    if len(set(x)) == 1 or len(set(y)) == 1:
        return Estimate(None, why=f"the {names[len(set(x)) > 1]} scores are all equal")
    r = max(-1.0, min(1.0, statistics.correlation(x, y)))
    if n == 3:
        return Estimate(r, why="3 pairs have no interval")
    if 1 - abs(r) < 1e-12:  # atanh is infinite
        return Estimate(r, why="the pairs agree exactly, which gives no interval")
    half = student.NORMAL_95 * math.sqrt(scale(r) / (n - 3))
    return Estimate(r, math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half))
