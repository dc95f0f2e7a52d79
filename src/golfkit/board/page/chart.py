"""The chart: best total over time, one series per agent, and the fixed points as lines; drawn by matplotlib.

It is drawn twice, for a desktop and for a phone, and holds no text of strangers but the titles of its marks.
"""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from golfkit.board.page import svg, words
from golfkit.board.page.checks import TRUSTED
from golfkit.board.page.references import REFERENCES, Reference
from golfkit.board.page.svg import Mark
from golfkit.board.page.view import N_COLOURS, Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, FAINT, ACCENT, REFERENCE, PAPER = "#010101", "#010102", "#010103", "#010104", "#010105"  # stand for the page's
SERIES = tuple(f"#0102{n:02x}" for n in range(N_COLOURS + 1))  # by an outcome's colour
CLASSES = {INK: "ink", FAINT: "faint", ACCENT: "accent", REFERENCE: "reference", PAPER: "paper"} | {
    colour: f"c{n}" for n, colour in enumerate(SERIES)
}
CEILING = 38_000_000  # bytes; above gzip's line a result says nothing, and would press the rest together
LOG_FROM = 4.0  # largest to smallest: from here on the axis is logarithmic
LABEL_GAP = 1.35  # of the labels' height
POINTS = 72  # in an inch


class Shape(NamedTuple):
    """One size of the chart."""

    name: str
    width: float  # inches
    height: float
    left: float  # margins, of the width
    right: float
    font: float  # points
    figures: bool  # whether the lines' labels have their bytes


SHAPES = (Shape("wide", 10.6, 4.5, 0.062, 0.815, 8.4, True), Shape("narrow", 4.6, 4.7, 0.115, 0.775, 9.2, False))


class Drawing(NamedTuple):
    """The chart in its sizes.

    svgs   (name of the shape, <svg> element)
    above  results that lie above its ceiling, or fixed points that do
    """

    svgs: tuple[tuple[str, str], ...]
    above: tuple[str, ...]


def available() -> bool:
    """Whether matplotlib is there."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        return False
    return True


def draw(outcomes: Sequence[Outcome]) -> Drawing:
    """Draw results (at least one), oldest first, all with bytes and time."""
    import matplotlib

    low, high = _limits(outcomes)
    lines = [reference for reference in REFERENCES if reference.bytes <= high]
    above = [f"{r.name} {r.size}" for r in REFERENCES if r.bytes > high]
    hidden = sum(_bytes(outcome) > high for outcome in outcomes)
    above += [f"{hidden} result{'s' if hidden > 1 else ''}"] if hidden else []
    style = {
        **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
        **{"axes.edgecolor": FAINT, "grid.color": FAINT, "grid.linewidth": 0.5, "axes.axisbelow": True},
        **dict.fromkeys(("axes.spines.top", "axes.spines.right", "axes.spines.left"), False),
        **{"svg.fonttype": "none", "svg.hashsalt": "golf", "xtick.major.size": 3, "ytick.major.size": 0},
    }
    made = []
    for shape in SHAPES:
        with matplotlib.rc_context({**style, "font.size": shape.font}):
            figure, marks = _figure(outcomes, lines, shape, (low, high))
            made.append((shape.name, svg.inline(figure, shape.name, CLASSES, marks)))
    return Drawing(tuple(made), tuple(above))


def _limits(outcomes: Sequence[Outcome]) -> tuple[float, float]:
    """Bytes at the bottom and the top: every result up to the ceiling, the best fixed point and the next one above."""
    totals = [n for outcome in outcomes if (n := _bytes(outcome)) <= CEILING] or [CEILING]
    low, high = min(*totals, REFERENCES[0].bytes), max(*totals, REFERENCES[3].bytes)
    higher = [reference.bytes for reference in REFERENCES if reference.bytes > high]
    if higher and higher[0] < 1.25 * high:  # the line that was passed on the way gives the scale
        high = higher[0]
    if high / low > LOG_FROM:
        return low / 1.3, high * 1.2
    room = 0.045 * (high - low)
    return low - room, high + room


def _figure(
    outcomes: Sequence[Outcome], lines: Sequence[Reference], shape: Shape, limits: tuple[float, float]
) -> tuple["Figure", dict[str, list[Mark]]]:
    """The figure, and what each group's marks mean, in their order."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.figure import Figure

    figure = Figure(figsize=(shape.width, shape.height))
    axes = figure.add_axes((shape.left, 0.085, shape.right - shape.left, 0.895))
    low, high = limits
    if high / low > LOG_FROM:
        axes.set_yscale("log")
    first, last = outcomes[0].result.when, outcomes[-1].result.when
    room = max(0.03 * (last - first), timedelta(hours=12))
    axes.set(xlim=(first - room, last + room), ylim=limits)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value / 1e6:g} M")
    axes.yaxis.set_minor_formatter(lambda value, _: "")
    axes.tick_params(axis="y", which="both", length=0)
    axes.grid(True, axis="y")
    locator = AutoDateLocator(minticks=3, maxticks=9 if shape.figures else 5)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    for reference in lines:
        dash = (0, (1, 2)) if reference.approximate else (0, (5, 3))
        axes.axhline(reference.bytes, color=REFERENCE, linewidth=0.8, linestyle=dash)
    marks = _series(axes, outcomes, high, last + room)
    _labels(axes, outcomes, lines, shape)
    return figure, marks


def _series(axes: "Axes", outcomes: Sequence[Outcome], high: float, end: datetime) -> dict[str, list[Mark]]:
    """Every agent's results and running best, then the best of all."""
    by_agent: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_agent.setdefault(outcome.result.agent, []).append(outcome)
    marks: dict[str, list[Mark]] = {}
    for n, own in enumerate(by_agent.values()):
        colour = SERIES[own[0].colour]
        if len(own) > 1:
            axes.step(*_best_so_far(own), where="post", color=colour, linewidth=0.9, alpha=0.55)
        for trusted in (True, False):
            shown = [o for o in own if _bytes(o) <= high and (o.standing.state in TRUSTED) == trusted]
            if shown:
                name = f"p{n}{'v' if trusted else 'u'}"
                marks[name] = [Mark(o.anchor, _title(o)) for o in shown]
                axes.plot(
                    [o.result.when for o in shown],
                    [_bytes(o) for o in shown],
                    marker="o",
                    markersize=5.2,
                    markeredgewidth=1.2,
                    linestyle="none",
                    color=colour,
                    markerfacecolor=colour if trusted else PAPER,
                    gid=name,
                    zorder=4,
                )
    when, total = _best_so_far(outcomes)
    axes.step([*when, end], [*total, total[-1]], where="post", color=ACCENT, linewidth=2.2, zorder=3)
    return marks


def _best_so_far(outcomes: Sequence[Outcome]) -> tuple[list[datetime | None], list[int]]:
    totals: list[int] = []
    for outcome in outcomes:
        totals.append(min([_bytes(outcome), *totals[-1:]]))
    return [outcome.result.when for outcome in outcomes], totals


def _labels(axes: "Axes", outcomes: Sequence[Outcome], lines: Sequence[Reference], shape: Shape) -> None:
    """Names at the right edge, each at its line or, where lines are close, next to it with a leader."""
    best = min(_bytes(outcome) for outcome in outcomes)
    low, high = axes.get_ylim()
    scale = math.log if high / low > LOG_FROM else float
    wanted = [(line.bytes, f"{line.name} {line.size}" if shape.figures else line.name, REFERENCE) for line in lines]
    wanted.append((best, f"best {best:,}" if shape.figures else f"best {best / 1e6:.2f} M", ACCENT))
    wanted.sort(key=lambda label: label[0])
    at = [(scale(n_bytes) - scale(low)) / (scale(high) - scale(low)) for n_bytes, _, _ in wanted]
    gap = LABEL_GAP * shape.font / (0.895 * shape.height * POINTS)
    for fraction, place, (_, text, colour) in zip(at, _spread(at, gap), wanted, strict=True):
        axes.annotate(
            text,
            (1, fraction),
            xytext=(1.03 if shape.figures else 1.05, place),
            xycoords="axes fraction",
            textcoords="axes fraction",
            va="center",
            fontsize=shape.font,
            color=colour,
            fontweight="bold" if colour == ACCENT else "normal",
            arrowprops={
                "arrowstyle": "-",
                "color": colour,
                "linewidth": 0.6,
                "shrinkA": 2,
                "shrinkB": 0,
                "relpos": (0, 0.5),
            },
            annotation_clip=False,
        )


def _spread(at: Sequence[float], gap: float) -> list[float]:
    """Rising places at least `gap` apart, near the wanted ones, below 1 where there is room."""
    placed: list[float] = []
    for place in at:
        placed.append(max(place, placed[-1] + gap) if placed else place)
    top = 1.0
    for n in reversed(range(len(placed))):
        placed[n] = min(placed[n], top)
        top = placed[n] - gap
    return placed


def _bytes(outcome: Outcome) -> int:
    return outcome.result.bytes or 0


def _title(outcome: Outcome) -> str:
    result = outcome.result
    said = f"{result.bytes:,} bytes, {result.method}, {result.agent}, {outcome.standing.state}"
    return words.line(f"{said}, {words.moment(result.when)}")
