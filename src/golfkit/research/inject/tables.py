"""The sections on experiments and competitors: tables of what was tried here and of what others scored. Pure."""

from collections.abc import Sequence

from golfkit.research.calibrate import statistics
from golfkit.research.calibrate.statistics import Calibration
from golfkit.research.competitors.competitor import Competitor
from golfkit.research.frontier.counts import EXPLANATION, Family
from golfkit.research.inject.escape import identifier, inert, quoted
from golfkit.research.inject.findings import DATA
from golfkit.train.runs import correlation
from golfkit.train.runs.correlation import TierCorrelation
from golfkit.train.runs.view import Entry

ROWS = 8  # of the ledger, the newest
COMPETITORS = 15
FAMILIES = 8
SURE = 0.5  # confidence of a competitor's score below which somebody should look before it is ranked
DESCRIPTION_CHARACTERS = 160
NAME_CHARACTERS = 60
_NO_ROWS = "Nothing yet: `golf train-local` records a try, then `golf inject` writes it here."
_NO_COMPETITORS = "Nothing yet: `golf research` reads the scores of others, then `golf inject` writes them here."


def experiments(
    entries: Sequence[Entry], tiers: TierCorrelation, families: Sequence[Family], calibration: Calibration
) -> list[str]:
    """Lines of the experiments section: the last rows, tier correlation, frontier, calibration."""
    lines = [_NO_ROWS]
    if entries:
        shown = entries[-ROWS:]
        lines = [
            f"The last {len(shown)} of {len(entries)} tries, newest last; `golf results show` has all. {DATA}",
            "",
            *_table(
                ("run", "tier", "val_bpb", "against the local baseline", "status", "cost", "description"),
                [_row(entry) for entry in shown],
            ),
        ]
    return [
        *lines,
        "",
        "Tier correlation, how far local scores predict the expensive tier:",
        "",
        *(f"- {line}" for line in correlation.sentences(tiers)),
        "",
        "Frontier, the families of techniques with the one to try next first. " + EXPLANATION + ".",
        "",
        *_frontier(families),
        "",
        "Calibration, whether grades predict outcomes:",
        "",
        *(f"- {line}" for line in statistics.lines(calibration)),
    ]


def competitors(found: Sequence[Competitor], baseline: float, baseline_split: str) -> list[str]:
    """Lines of the competitor section: the best scores that are known and sure enough, and how many are not."""
    if not found:
        return [_NO_COMPETITORS]
    scored = [(c.val_bpb, c.id, c) for c in found if c.val_bpb is not None]
    ranked = [(bpb, c) for bpb, _, c in sorted(scored, key=lambda one: one[:2]) if c.confidence >= SURE or c.conflict]
    lines = [
        f"delta: from the baseline {baseline:.4f} ({inert(baseline_split, 200)}); a score on another split is not "
        f"comparable to the last digits. sure: 0 to 1. {DATA}",
        "",
    ]
    if ranked:
        columns = ("entry", "author", "technique", "bpb", "delta", "sure", "note")
        lines += [*_table(columns, [_competitor(bpb, c, baseline) for bpb, c in ranked[:COMPETITORS]]), ""]
    return [
        *lines,
        f"{min(COMPETITORS, len(ranked))} of {len(ranked)} known scores; too unsure to rank (below {SURE:g}): "
        f"{len(scored) - len(ranked)}; unknown: {len(found) - len(scored)}.",
    ]


def _frontier(families: Sequence[Family]) -> list[str]:
    columns = ("family", "tried", "kept", "failed", "seen elsewhere", "best gain", "score", "next")
    rows = []
    for count, _, following in families[:FAMILIES]:
        name = "all tried" if following is None else inert(following.name, NAME_CHARACTERS)
        if following is not None and following.proven:
            name += " (proven elsewhere)"
        gain = "" if count.best_gain is None else f"{count.best_gain:+.2%}"
        numbers = (count.tried, count.kept, count.failed, count.elsewhere)
        rows.append([inert(count.name, NAME_CHARACTERS), *map(str, numbers), gain, f"{count.score:.2f}", name])
    return _table(columns, rows)


def _row(entry: Entry) -> list[str]:
    row = entry.row
    delta = ""
    if entry.delta_bpb is not None:
        noise = "?" if entry.margin_bpb is None else f"{entry.margin_bpb:.4f}"
        delta = f"{entry.delta_bpb:+.4f} ±{noise}{', noise' if entry.inside_noise else ''}"
    return [
        identifier(row.commit),
        row.tier,
        "" if row.val_bpb is None else f"{row.val_bpb:.4f}",
        delta,
        row.status,
        "" if row.cost_usd is None else f"${row.cost_usd:.2f}",
        quoted(row.description, DESCRIPTION_CHARACTERS),
    ]


def _competitor(bpb: float, competitor: Competitor, baseline: float) -> list[str]:
    notes = [competitor.state] if competitor.state in ("open", "merged", "closed") else []
    if competitor.conflict:
        readings = (f"{inert(name, 30)} {value:.4f}" for name, value in sorted(competitor.readings.items())[:4])
        notes.append(f"CONFLICT: {', '.join(readings)}")
    return [
        identifier(competitor.id.removeprefix("github:")),
        quoted(competitor.author or "", NAME_CHARACTERS),
        quoted(competitor.technique or competitor.title or "", DESCRIPTION_CHARACTERS),
        f"{bpb:.4f}",
        f"{bpb - baseline:+.4f}",
        f"{competitor.confidence:.2f}",
        "; ".join(notes),
    ]


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(line)} |" for line in (columns, ["---"] * len(columns), *rows)]
