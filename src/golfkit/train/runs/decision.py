"""Keep, discard or crash: what becomes of a local run, and whether it may be promoted. Pure.

The rule: the first run of its kind sets the baseline. A run is promotable when its val_bpb is at least the threshold
(3%) below the running local baseline and the drop is larger than the measured noise. Below that it is kept only if the
counted code got smaller and val_bpb is not worse than the noise allows. All else is discarded.
"""

import math
import statistics
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from golfkit.ledger import Row
from golfkit.train.runs import comparison, student
from golfkit.train.runs.record import RunRecord

ROUNDING = 1e-12  # relative; a gain of exactly the threshold passes whatever its last bit


class Baseline(NamedTuple):
    """The running local baseline: the run to beat."""

    run: str
    val_bpb: float
    n_seeds: int  # 1 or more
    code_bytes: int | None


class Noise(NamedTuple):
    """How much val_bpb moves between seeds."""

    bpb: float  # pooled sample standard deviation of one seed's score
    dof: int  # degrees of freedom behind it, 1 or more
    n_runs: int  # multi-seed runs that it was measured on


class Decision(NamedTuple):
    """What becomes of a run, and why."""

    status: str  # keep, discard, crash
    promotable: bool
    gain: float | None  # (baseline - val_bpb) / baseline; below 0 is worse; None without a baseline or a score
    reason: str
    margin_bpb: float | None = None  # differences up to this are noise; None where the noise was not measured

    @property
    def promoted(self) -> str:
        """The row's `promoted` cell."""
        return "pending" if self.promotable else "no"


def running_baseline(rows: Iterable[Row], records: Mapping[str, RunRecord], like: RunRecord) -> Baseline | None:
    """The best local `keep` row that is comparable with `like`; None when `like` is the first of its kind.

    A row without a record says nothing about its tokens and data, so it sets no baseline; nor does `like` itself.
    """
    wanted = comparison.key(like)
    best: Row | None = None
    for row in rows:
        if row.tier != "local" or row.status != "keep" or row.val_bpb is None or row.commit == like.run:
            continue
        if wanted is None or comparison.key(records.get(row.commit)) != wanted:
            continue
        if best is None or best.val_bpb is None or row.val_bpb < best.val_bpb:
            best = row
    return baseline_of(best, records[best.commit]) if best else None


def baseline_of(row: Row, record: RunRecord) -> Baseline:
    """A kept row as the run to beat."""
    if row.val_bpb is None:
        raise ValueError(f"{row.commit} has no score, so it is no baseline")
    return Baseline(row.commit, row.val_bpb, max(1, len(record.seeds)), record.artifact.code_bytes)


def noise_of(records: Iterable[RunRecord], like: RunRecord) -> Noise | None:
    """The pooled standard deviation over the seeds of all runs comparable with `like`; None when none has two seeds.

    s^2 = sum over runs of the squared deviations from the run's own mean / sum over runs of (seeds - 1).
    Runs differ in their means, not (it is assumed) in how far their seeds scatter.
    """
    wanted = comparison.key(like)
    squares, dof, n_runs = 0.0, 0, 0
    for record in records:
        scores = [seed.val_bpb for seed in record.seeds if seed.val_bpb is not None]
        if wanted is None or len(scores) < 2 or record.status == "crash" or comparison.key(record) != wanted:
            continue
        squares += statistics.variance(scores) * (len(scores) - 1)
        dof += len(scores) - 1
        n_runs += 1
    return Noise(math.sqrt(squares / dof), dof, n_runs) if dof else None


def margin(noise: Noise, n_seeds: int, n_baseline: int) -> float:
    """The difference of two means that noise alone exceeds in 5% of cases: half the two-sided 95% t interval.

    With a per-seed standard deviation s, the mean of n seeds has variance s^2 / n, so the difference of the means of
    n and m seeds has standard error s * sqrt(1/n + 1/m). As s is itself estimated, from `dof` degrees of freedom,
    the multiple is Student's: margin = t(97.5%, dof) * s * sqrt(1/n + 1/m). Two single-seed runs, with s
    from one run of 3 seeds (dof 2): 4.303 * 1.414 * s = 6.1 s; with s from six of them (dof 12): 3.1 s.
    """
    return student.two_sided_95(noise.dof) * noise.bpb * math.sqrt(1 / n_seeds + 1 / n_baseline)


def decide(candidate: RunRecord, baseline: Baseline | None, *, noise: Noise | None, threshold: float) -> Decision:
    """What becomes of `candidate`.

    baseline   what `running_baseline` found among the rows before it
    noise      what `noise_of` found, the candidate's own seeds among them; None where it was never measured
    threshold  relative drop that a promotion needs (0.03 = 3%)
    """
    score = candidate.val_bpb
    if candidate.status == "crash" or score is None or not math.isfinite(score):
        return Decision("crash", False, None, candidate.reason or _no_score(score))
    if candidate.artifact.over_limit:
        weight = candidate.artifact
        why = f"the artifact has {weight.artifact_bytes:,} bytes, over the limit of {weight.limit:,}"
        return Decision("discard", False, _gain(score, baseline), why)
    if baseline is None:
        why = "the first run with its tokens, data and sequence length: it sets the running local baseline"
        if unknown := comparison.unknown(candidate):
            why = f"it compares with no other run: {', '.join(unknown)} not known"
        return Decision("keep", False, None, why)
    return _judge(score, candidate, baseline, noise, threshold)


def _judge(score: float, candidate: RunRecord, baseline: Baseline, noise: Noise | None, threshold: float) -> Decision:
    drop = baseline.val_bpb - score
    gain = drop / baseline.val_bpb
    width = None if noise is None else margin(noise, max(1, len(candidate.seeds)), baseline.n_seeds)
    told = difference(drop, baseline, width)
    clears = drop > 0 and gain >= threshold - ROUNDING
    if clears and (width is None or drop > width):
        return Decision("keep", True, gain, f"{told}; it clears the threshold of {threshold:.2%}", width)
    short = "inside the noise" if clears else f"below the threshold of {threshold:.2%}"
    code, before = candidate.artifact.code_bytes, baseline.code_bytes
    simpler = code is not None and before is not None and code < before
    if not simpler:
        sizes = "counted code bytes not known" if code is None or before is None else "the code got no simpler"
        return Decision("discard", False, gain, f"{told}; {short}, and {sizes}", width)
    code_told = f"the code got simpler ({code:,} counted bytes after {before:,})"
    if drop >= -(width or 0.0):
        return Decision("keep", False, gain, f"{told}; {short}, but {code_told} and val_bpb no worse", width)
    return Decision("discard", False, gain, f"{told}; {code_told}, but val_bpb got worse", width)


def difference(drop: float, baseline: Baseline, margin_bpb: float | None) -> str:
    """A difference from the baseline in words; inside the noise it is no gain, and unmeasured noise is said so."""
    against = f"the running local baseline {baseline.run} ({baseline.val_bpb:.4f})"
    size = f"{abs(drop):.4f} bpb ({abs(drop) / baseline.val_bpb:.2%})"
    if margin_bpb is not None and abs(drop) <= margin_bpb:
        return f"no difference from {against}: {size} is inside the noise (±{margin_bpb:.4f})"
    noise = "noise not measured (train with --seeds 3)" if margin_bpb is None else f"noise ±{margin_bpb:.4f}"
    if drop == 0:
        return f"the score of {against}; {noise}"
    return f"{size} {'below' if drop > 0 else 'above'} {against}; {noise}"


def _gain(score: float, baseline: Baseline | None) -> float | None:
    return None if baseline is None else (baseline.val_bpb - score) / baseline.val_bpb


def _no_score(score: float | None) -> str:
    return "no score" if score is None else f"val_bpb is {score}"
