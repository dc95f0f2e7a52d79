"""The ledger's rows with their records, judged: what each ran against, and the best of those that compare. Pure."""

from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

from golfkit.ledger import Row
from golfkit.train.runs import comparison, decision
from golfkit.train.runs.decision import Baseline, Noise
from golfkit.train.runs.record import RunRecord


class Entry(NamedTuple):
    """One row, and what is known about it."""

    number: int  # of the row, from 1
    row: Row
    record: RunRecord | None
    group: Hashable | None  # equal for rows that may be ranked; None: not known
    baseline: Baseline | None  # the running local baseline before this row; None for the first, and for other tiers
    margin_bpb: float | None  # deltas up to this are noise; None where the noise was not measured
    promoted: str  # the row's word; "yes" where a pair says that it happened since, as rows are never rewritten

    @property
    def delta_bpb(self) -> float | None:
        """val_bpb - baseline; below 0 is better."""
        if self.row.val_bpb is None or self.baseline is None:
            return None
        return self.row.val_bpb - self.baseline.val_bpb

    @property
    def inside_noise(self) -> bool | None:
        """Whether the delta is no difference; None where that cannot be told."""
        if self.delta_bpb is None or self.margin_bpb is None:
            return None
        return abs(self.delta_bpb) <= self.margin_bpb

    @property
    def budget(self) -> str | None:
        """What the run was given; None where it is not known whether another run was given the same."""
        if self.record is None or self.group is None:
            return None
        if self.record.time_limited:
            return f"{self.record.limit_seconds:g} s on {self.record.device}"
        return f"{self.record.tokens_seen:,} tokens"


class Best(NamedTuple):
    """The best kept row of those that compare."""

    entry: Entry
    n_rows: int  # kept rows with a score that it was ranked among, itself included


def entries(rows: Sequence[Row], records: Mapping[str, RunRecord]) -> list[Entry]:
    """Every row judged against the baseline that was in force before it; noise is that measured until today."""
    best: dict[Hashable, Baseline] = {}
    noise: dict[Hashable, Noise | None] = {}
    promoted = {kept.pair for kept in records.values() if kept.tier != "local"}
    promoted |= {kept.run for kept in records.values() if kept.tier == "local" and kept.pair is not None}
    found = []
    for number, row in enumerate(rows, start=1):
        record = records.get(row.commit)
        group = comparison.key(record)
        baseline, margin = None, None
        if record is not None and group is not None and row.tier == "local":
            baseline = best.get(group)
            if group not in noise:
                noise[group] = decision.noise_of(records.values(), record)
            measured = noise[group]
            if baseline is not None and measured is not None:
                margin = decision.margin(measured, max(1, len(record.seeds)), baseline.n_seeds)
            if row.status == "keep" and row.val_bpb is not None and (not baseline or row.val_bpb < baseline.val_bpb):
                best[group] = decision.baseline_of(row, record)
        word = "yes" if row.tier == "local" and row.commit in promoted else row.promoted
        found.append(Entry(number, row, record, group, baseline, margin, word))
    return found


def groups(found: Sequence[Entry]) -> dict[tuple[str, Hashable | None], list[Entry]]:
    """The kept rows with a score, by tier and by what may be ranked; in the order of the rows."""
    kept: dict[tuple[str, Hashable | None], list[Entry]] = {}
    for entry in found:
        if entry.row.status == "keep" and entry.row.val_bpb is not None:
            kept.setdefault((entry.row.tier, entry.group), []).append(entry)
    return kept


def best(found: Sequence[Entry]) -> list[Best]:
    """The best kept row of every group, the first where scores are equal."""
    return [
        Best(min(group, key=lambda entry: entry.row.val_bpb or 0.0), len(group)) for group in groups(found).values()
    ]
