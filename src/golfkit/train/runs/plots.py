"""The ledger as a picture: val_bpb over time, and val_bpb against artifact bytes with its front.

PNG, or one HTML page that needs no network: the drawing as inline SVG with a title on every mark, and the rows as a
table. Its text takes the page's colour, so it is read in light and dark.
"""

import datetime
import html
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from golfkit import files
from golfkit.errors import Exit, GolfError, missing_package
from golfkit.train.runs import view
from golfkit.train.runs.view import Entry

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = (".png", ".html")
COLOURS = {"local": "#2f7fd0", "runpod": "#d9731a", "ssh": "#2a9d6f"}  # read on white and on black
INK = "#40474f"  # text, axes and grid; currentColor in the page
LIMIT = "#c2414b"
LOG_FROM = 10  # small models lie far below the limit: from this ratio on the bytes are drawn logarithmically
MARKS = {"keep": "o", "discard": "o", "crash": "x"}  # discarded ones are hollow


def check(target: Path) -> None:
    """Refuse a picture that could not be drawn, before anything is read."""
    if target.suffix.lower() not in FORMATS:
        raise GolfError(f"{target}: ends in {target.suffix!r}, expected {' or '.join(FORMATS)}", Exit.USAGE)
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise missing_package("matplotlib", "plot") from error


def draw(entries: Sequence[Entry], target: Path, limit: int) -> None:
    """Write the picture of the rows (at least one) to `target`.

    limit  bytes that an artifact may have
    """
    import matplotlib

    style = {
        **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
        **{"grid.color": INK, "grid.alpha": 0.25, "grid.linewidth": 0.4},
        **{"svg.fonttype": "none", "svg.hashsalt": "golf", "font.size": 9},
        **{"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False},
    }
    with matplotlib.rc_context(style), files.atomic_path(target) as part:
        figure = _figure(entries, limit)
        if target.suffix.lower() == ".png":
            figure.savefig(part, format="png", dpi=150)
        else:
            part.write_text(_page(_svg(figure, entries), entries), "utf-8")


def _figure(entries: Sequence[Entry], limit: int) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.8), layout="constrained")
    time, size = figure.subplots(1, 2, width_ratios=(3, 2))
    _over_time(time, entries)
    _over_bytes(size, entries, limit)
    figure.legend(handles=_legend(entries), loc="outside lower center", ncols=8)
    return figure


def _over_time(axes: "Axes", entries: Sequence[Entry]) -> None:
    from matplotlib.dates import ConciseDateFormatter

    starts = {entry.number: _started(entry) for entry in entries}
    dated = all(start is not None for start in starts.values())
    when: dict[int, Any] = starts if dated else {entry.number: entry.number for entry in entries}
    for entry in entries:
        scored = entry.row.val_bpb is not None
        axes.plot(
            when[entry.number],
            entry.row.val_bpb if scored else 0.02,  # no score: just above the axis
            transform=axes.transData if scored else axes.get_xaxis_transform(),
            gid=f"t{entry.number}",
            **_mark(entry),
        )
    for (tier, group), kept in view.groups(entries).items():
        if group is None and tier == "local":
            continue  # rows of unknown budgets do not compare, so no line joins them
        steps = []
        for entry in sorted(kept, key=lambda e: when[e.number]):
            if not steps or (entry.row.val_bpb or 0.0) < steps[-1][1]:
                steps.append((when[entry.number], entry.row.val_bpb or 0.0))
        steps.append((max(when.values()), steps[-1][1]))
        axes.step(*zip(*steps, strict=True), where="post", color=COLOURS[tier], linewidth=1.2, alpha=0.8)
    axes.set_title("over time; lines: running best of runs that compare", loc="left")
    axes.set_ylabel("val_bpb, bits per byte")
    axes.set_xlabel("start of the run (UTC)" if dated else "row of results.tsv (not every run has a start time)")
    if dated:
        axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator()))
    else:
        axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(True)


def _over_bytes(axes: "Axes", entries: Sequence[Entry], limit: int) -> None:
    for entry in entries:
        if entry.row.val_bpb is not None and entry.row.artifact_bytes is not None:
            axes.plot(entry.row.artifact_bytes, entry.row.val_bpb, gid=f"s{entry.number}", **_mark(entry))
    for (tier, group), kept in view.groups(entries).items():
        if group is None and tier == "local":
            continue
        edge = front([(e.row.artifact_bytes, e.row.val_bpb) for e in kept if e.row.artifact_bytes and e.row.val_bpb])
        if edge:
            axes.step(*zip(*edge, strict=True), where="post", color=COLOURS[tier], linewidth=1.2, alpha=0.8)
    sizes = [entry.row.artifact_bytes for entry in entries if entry.row.artifact_bytes]
    if limit > LOG_FROM * min(sizes, default=limit):
        axes.set_xscale("log")
    axes.axvline(limit, color=LIMIT, linewidth=1, linestyle="--")
    axes.annotate(
        f"limit {limit:,} ",
        (limit, 1),
        xycoords=("data", "axes fraction"),
        ha="right",
        va="top",
        fontsize=8,
        color=LIMIT,
    )
    axes.xaxis.set_major_formatter(lambda value, _: f"{value / 1e6:g}")
    axes.set_title("against size; lines: the front of kept runs", loc="left")
    axes.set_xlabel("artifact, MB (10⁶ bytes)")
    axes.set_ylabel("val_bpb, bits per byte")
    axes.grid(True)


def front(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """The points that no other beats in both bytes and bpb, by bytes."""
    edge: list[tuple[int, float]] = []
    for n_bytes, bpb in sorted(points):
        if not edge or bpb < edge[-1][1]:
            edge.append((n_bytes, bpb))
    return edge


def _mark(entry: Entry) -> dict[str, Any]:
    colour = COLOURS[entry.row.tier]
    return {
        "marker": MARKS[entry.row.status],
        "color": colour,
        "markerfacecolor": colour if entry.row.status == "keep" else "none",
        "markersize": 6,
        "linestyle": "none",
        "clip_on": False,
    }


def _legend(entries: Sequence[Entry]) -> list[Any]:
    from matplotlib.lines import Line2D

    tiers = [tier for tier in COLOURS if any(entry.row.tier == tier for entry in entries)]
    lines = [Line2D([], [], color=COLOURS[tier], label=tier) for tier in tiers]
    labels = {"keep": "kept", "discard": "discarded", "crash": "crashed (no score: at the axis)"}
    return lines + [
        Line2D(
            [],
            [],
            linestyle="none",
            marker=MARKS[status],
            color=INK,
            markerfacecolor=INK if status == "keep" else "none",
            label=label,
        )
        for status, label in labels.items()
    ]


def _started(entry: Entry) -> datetime.datetime | None:
    return entry.record.started_at if entry.record is not None else None


def _svg(figure: "Figure", entries: Sequence[Entry]) -> str:
    """The figure as an <svg> element: the page's text colour for ink, a title on every mark."""
    buffer = io.StringIO()
    metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(buffer, format="svg", transparent=True, metadata=metadata)
    text = buffer.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor").replace("<svg ", '<svg role="img" ', 1)
    titles = {str(entry.number): html.escape(" · ".join(filter(None, _cells(entry)))) for entry in entries}
    return re.sub(r'<g id="[ts](\d+)">', lambda mark: f"<g><title>{titles[mark[1]]}</title>", text)


def _cells(entry: Entry) -> list[str]:
    row = entry.row
    score = "" if row.val_bpb is None else f"{row.val_bpb:.4f}"
    size = "" if row.artifact_bytes is None else f"{row.artifact_bytes:,}"
    return [row.commit, row.tier, row.status, score, size, entry.budget or "", row.description]


def _page(svg: str, entries: Sequence[Entry]) -> str:
    head = ("run", "tier", "status", "val_bpb", "artifact bytes", "budget", "description")
    cells = "".join(f"<th>{name}</th>" for name in head)
    lines = []
    for entry in reversed(entries):  # newest first
        row = "".join(f"<td>{html.escape(cell)}</td>" for cell in _cells(entry))
        lines.append(f'<tr class="{entry.row.tier} {entry.row.status}">{row}</tr>')
    return _PAGE.format(svg=svg, head=cells, rows="\n".join(lines), n=len(entries), style=_STYLE + _tier_styles())


def _tier_styles() -> str:
    return "".join(f".{tier} td:nth-child(2){{color:{colour}}}\n" for tier, colour in COLOURS.items())


_STYLE = """:root{color-scheme:light dark;--ink:#40474f;--line:#d8dce0;--page:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#c8ced4;--line:#333a41;--page:#14181c}}
body{background:var(--page);color:var(--ink);font:14px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto}
body{padding:0 1rem}
svg{width:100%;height:auto}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;margin-top:1.5rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.3rem .7rem;border-bottom:1px solid var(--line);white-space:nowrap}
td:nth-child(4),th:nth-child(4),td:nth-child(5),th:nth-child(5){text-align:right}
td:last-child{white-space:normal;min-width:14rem}
tr.discard,tr.crash{opacity:.65}
tbody tr:hover{background:color-mix(in srgb,currentColor 7%,transparent)}
"""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>golf results</title>
<style>
{style}</style>
</head>
<body>
<h1>Results: {n} runs</h1>
{svg}
<div class="scroll"><table>
<thead><tr>{head}</tr></thead>
<tbody>
{rows}
</tbody>
</table></div>
</body>
</html>
"""
