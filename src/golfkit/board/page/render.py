"""A board as one index.html: same board and same now, same bytes."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from golfkit import files
from golfkit.board.page import chart, links, template, view, words
from golfkit.board.page.data import Board, sizes
from golfkit.board.page.links import HUB, Links
from golfkit.board.page.markdown import Markdown
from golfkit.board.page.pictures import Pictures
from golfkit.board.page.references import BEST
from golfkit.board.page.view import Note, View

INDEX = "index.html"
N_TOP = 40  # lines of a table before the rest is folded
N_RECENT = 60  # messages before the older ones are folded by month
MOST_TEXT = 5_000_000  # characters of bodies on a page, past which each is an excerpt: bounds time and size


class Rendered(NamedTuple):
    """What a page became."""

    html: bytes
    chart: bool  # drawn; False: a table stands in for it, or there is nothing to draw


def page(board: Board, now: datetime, base: str | None) -> Rendered:
    """The page of a board.

    now   UTC; relative times are of it
    base  URL of the board's folder as seen from the page, ending in /; None where artifacts cannot be reached
    """
    seen = view.build(board)
    timed = view.timed(seen, now)
    drawing = chart.draw(timed) if timed and chart.available() else None
    values = _values(board, seen, now) | {
        "drawing": drawing,
        "steps": view.progress(seen, now),
        "summary": _summary(seen, timed),
    }
    text = template.render(values | _functions(board, seen, now, base))
    return Rendered(text.encode("utf-8", "replace"), drawing is not None)


def write(rendered: Rendered, folder: Path) -> Path:
    """Replace the page in `folder`; its path."""
    target = folder / INDEX
    files.atomic_write(target, rendered.html)
    return target


def _values(board: Board, seen: View, now: datetime) -> dict[str, Any]:
    recent, older = seen.notes[:N_RECENT], seen.notes[N_RECENT:]
    series = [person for person in seen.people if person.colour]
    return {
        "title": "Hutter Prize (100 MB): the smallest enwik8",
        "where": board.bucket or board.where,
        "home": f"{HUB}/buckets/{board.bucket}" if board.bucket else None,
        "now": now,
        "best": seen.best,
        "best_verified": seen.best_verified,
        "best_reference": BEST.name,
        "top_rows": _top(seen),
        "more_rows": seen.rows[len(_top(seen)) :],
        "n_ranked": sum(row.outcome is not None and row.outcome.rank is not None for row in seen.rows),
        "negatives": seen.negatives,
        "unranked": seen.unranked,
        "n_top": N_TOP,
        "n_messages": len(seen.notes),
        "recent": recent,
        "older": _by_month(older),
        "people": seen.people,
        "series": series,
        "n_others": sum(person.best is not None and not person.colour for person in seen.people),
        "colours": {person.name: person.colour for person in seen.people},
        "artifacts": board.artifacts,
        "broken": board.broken,
        "anchors": seen.anchors,
    }


def _top(seen: View) -> Sequence[view.Row]:
    """The first lines, and all of them where only fixed points would be folded."""
    last = max((n for n, row in enumerate(seen.rows) if row.outcome is not None), default=0)
    return seen.rows if last < N_TOP else seen.rows[:N_TOP]


def _by_month(notes: Sequence[Note]) -> list[tuple[str, list[Note]]]:
    def month(one: Note) -> str:
        when = one.message.when
        return f"{when:%B %Y}" if when is not None and when.year >= 1000 else "no time"

    return [(name, list(some)) for name, some in groupby(notes, key=month)]


def _functions(board: Board, seen: View, now: datetime, base: str | None) -> dict[str, Any]:
    from markupsafe import Markup

    entries = [entry for artifact in board.artifacts for entry in artifact.files]
    where = Links(board.bucket, base, links.folders(entry.path for entry in entries))
    markdown = Markdown(where, Pictures(board.fetch, sizes(entries)), seen.anchors)
    spent = 0

    def body(text: str) -> Markup:
        nonlocal spent
        spent += len(text)
        if spent > MOST_TEXT:
            return Markup("<p>{}</p>").format(words.excerpt(text))
        return Markup(markdown.html(text))

    return {
        "body": body,
        "line": words.line,
        "lines": words.lines,
        "excerpt": words.excerpt,
        "moment": words.moment,
        "ago": lambda when: words.ago(when, now),
        "anchor": words.anchor,
        "size": words.size,
        "comparable": attrgetter("of_enwik8"),
        "clock": lambda when: f"{when:%Y-%m-%d %H:%M}" if words.moment(when) else "",
        "delta": view.against_best,
        "million": lambda n_bytes: f"{(n_bytes - BEST.bytes) / 1e6:+.0f} M",
        "share": lambda n_bytes: words.share(n_bytes, BEST.bytes),
        "link": where.artifact,
        "user": links.user,
    }


def _summary(seen: View, timed: Sequence[view.Outcome]) -> str:
    """The chart in words."""
    if not timed or seen.best is None:
        return "Best total over time: nothing yet."
    best, first = seen.best.result, timed[0].result
    said = f"Best total over time, from {first.bytes:,} bytes on {words.moment(first.when)} to {best.bytes:,} bytes by "
    return words.line(f"{said}{best.agent}, {view.against_best(best.bytes or 0)} bytes against {BEST.name}.")
