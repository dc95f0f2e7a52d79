"""The ladder as a picture: total against time, and the frontier of what nothing else beats in both."""

from pathlib import Path
from typing import TYPE_CHECKING

from golfkit import files
from golfkit.compress.bench import ranking
from golfkit.errors import Exit, GolfError, missing_package

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = (".png", ".svg", ".pdf")
FASTEST = 0.001  # microseconds a byte: what is drawn for times that round to 0
MEASURED, PEER, REFERENCE = "#1f5fa8", "#8a8a8a", "#b5541c"


def check(target: Path) -> None:
    """Refuse a picture that could not be drawn, before anything is measured."""
    if target.suffix.lower() not in FORMATS:
        raise GolfError(f"--plot: {target} ends in {target.suffix!r}, expected {', '.join(FORMATS)}", Exit.USAGE)
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise missing_package("matplotlib", "plot") from error


def draw(ladder: ranking.Ladder, target: Path) -> None:
    """Write the picture to `target`."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6), layout="constrained")
    axes = figure.add_subplot()
    _points(axes, ladder)
    for row in ladder.published:
        about = "about " if row.approximate else ""
        axes.axhline(row.total_bytes, color=REFERENCE, linewidth=0.6, linestyle=":")
        axes.annotate(
            f"published: {row.name} {about}{row.total_bytes:,}",
            (0.995, row.total_bytes),
            xycoords=("axes fraction", "data"),
            ha="right",
            va="bottom",
            fontsize=7,
            color=REFERENCE,
        )
    axes.set_xscale("log")
    axes.margins(x=0.15)  # room for the names
    axes.set_xlabel("compress CPU, microseconds a byte (log)")
    axes.set_ylabel("bytes: archive + bundle (peers, hollow: archive only)")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_title(f"{ladder.dataset or 'input'}: {ladder.original_bytes:,} bytes; {ladder.hardware}", fontsize=9)
    axes.grid(True, linewidth=0.3)
    with files.atomic_path(target) as part:
        figure.savefig(part, format=target.suffix[1:].lower(), dpi=150)


def _points(axes: "Axes", ladder: ranking.Ladder) -> None:
    for rung in ladder.rungs:
        if rung.us_per_byte is None:
            continue
        own = rung.bundle_bytes is not None
        colour = MEASURED if own else PEER
        axes.plot(_speed(rung), rung.total_bytes, "o", color=colour, markerfacecolor=colour if own else "none")
        axes.annotate(
            rung.name,
            (_speed(rung), rung.total_bytes),
            xytext=(5, 4),
            textcoords="offset points",
            fontsize=8,
            color=colour,
        )
    best = ranking.frontier(ladder.rungs)
    axes.plot([_speed(r) for r in best], [r.total_bytes for r in best], "-", color=MEASURED, linewidth=0.8)


def _speed(rung: ranking.Rung) -> float:
    return max(rung.us_per_byte or 0.0, FASTEST)
