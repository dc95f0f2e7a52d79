"""Is a local run better by enough: at least the threshold below the running local baseline, and beyond the noise.

And which run that is: the latest that may be promoted and was not. Pure.
"""

import difflib
from collections.abc import Mapping, Sequence

from golfkit.budget.gate.verdict import Verdict
from golfkit.errors import Exit, GolfError
from golfkit.ledger import Row
from golfkit.train.runs import correlation, decision
from golfkit.train.runs.record import RunRecord

NAME = "gain"


def check(
    local: RunRecord,
    rows: Sequence[Row],
    records: Mapping[str, RunRecord],
    threshold: float,
    force_reason: str | None = None,
) -> Verdict:
    """The verdict on a local run's gain.

    rows          the ledger; the baseline is the best comparable one before the run's own
    records       by run; the noise is that measured on all of them
    threshold     relative drop that is needed (0.03 = 3%)
    force_reason  lets every run pass, and is said
    """
    at = next((i for i, row in enumerate(rows) if row.commit == local.run), len(rows))
    baseline = decision.running_baseline(rows[:at], records, local)
    noise = decision.noise_of({**records, local.run: local}.values(), local)
    found = decision.decide(local, baseline, noise=noise, threshold=threshold)
    details = []
    if found.promotable and noise is None:
        details.append("noise not measured: train with --seeds 3 to know what a gain of this size is worth")
    if force_reason is not None and not found.promotable:
        return Verdict(NAME, True, f"skipped by --force ({force_reason}); it would say no: {found.reason}")
    forced = () if force_reason is None else ("--force was not needed",)
    return Verdict(NAME, found.promotable, found.reason, (*details, *forced))


def latest_promotable(rows: Sequence[Row], records: Mapping[str, RunRecord]) -> str:
    """The latest local run that may be promoted and has no expensive row yet.

    Raises GolfError (exit 1) where there is none.
    """
    done = promoted(rows, records)
    pending = [row.commit for row in rows if row.tier == "local" and row.promoted == "pending"]
    found = next((run for run in reversed(pending) if run not in done), None)
    if found is not None:
        return found
    why = f"all {len(pending)} that were have an expensive row" if pending else "none cleared the threshold"
    raise GolfError(f"results.tsv: no local run to promote, {why}; train one, or name one", Exit.NO)


def promoted(rows: Sequence[Row], records: Mapping[str, RunRecord]) -> set[str]:
    """The local runs that have an expensive row, whatever became of it: by run id, else by description."""
    expensive = {row.commit for row in rows if row.tier != "local"}
    done = {pair for run in expensive if run in records and (pair := records[run].pair) is not None}
    done |= {record.run for record in records.values() if record.tier == "local" and record.pair in expensive}
    return done | {pair.local for pair in correlation.pair(rows, records)[0]}


def find_run(name: str, rows: Sequence[Row], records: Mapping[str, RunRecord]) -> RunRecord:
    """The record of a local run of the ledger; a GolfError says what it is instead."""
    row = next((row for row in reversed(rows) if row.commit == name), None)
    if row is None:
        near = difflib.get_close_matches(name, [row.commit for row in rows if row.tier == "local"], 1)
        hint = f"did you mean {near[0]}?" if near else "golf results lists them"
        raise GolfError(f"{name}: no run of results.tsv; {hint}", Exit.USAGE)
    if row.tier != "local":
        raise GolfError(
            f"{name}: a run of tier {row.tier}, expected a local one; name the run it came from", Exit.USAGE
        )
    if name not in records:
        raise GolfError(f"runs/{name}/run.json: not found, expected the record of {name}; restore it, or train again")
    return records[name]
