"""Candidates of a README's tables: columns and rows have roles by their words. Pure."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from golfkit.research.competitors import words
from golfkit.research.competitors.candidates import LEAST, Candidate, weigh
from golfkit.research.competitors.markdown import Cell, Table
from golfkit.research.competitors.numbers import decimals

_VALUE = re.compile(
    r"[^\w+.-]*([~≈]?)\s*([+-]?)(\d{1,2}\.\d{2,12})(?:\s*±\s*\d*\.?\d+)?\s*(?:(?:val[_ ])?bp[bp])?\s*(?:\([^)]*\))?[^\w.%]*",
    re.I,
)
_QUANTITY = re.compile(  # columns that hold no score
    r"\b(?:ms|sec(?:ond)?s?|time|steps?|bytes?|size|artifact|mb|kb|mib|params?|lr|wd|decay|momentum|tokens?|memory|speed|gpu|"
    r"hours?|date|ratio|rank|bits?|acc(?:uracy)?|temp(?:erature)?|alpha|lambda|clip|scale|dim|layers?|width|depth|rms\w*|entropy|"
    r"compression|utili[sz]ation|overhead|headroom|warmdown|ema|%)\b",
    re.I,
)
_WEAK = re.compile(
    r"slid|round[- _]?trip|\bttt\b|\bs\d{2,3}\b|post[- ]?quant|\bfinal\b|\bscore\b|\bexact\b|\bquant(?:ized|ised)\b|\bmean\b",
    re.I,
)
_STAGES = re.compile(r"\W*(?:stage|phase|metric|measure\w*|eval\w*(?: (?:mode|method|stage|type))?|step)\W*$", re.I)
_STD = re.compile(
    r"^\W*(?:std|stdev|σ|sd|sem|variance|range|spread|delta|Δ|gain|improvement|diff|gap|p[- ]value|t[- ]stat|min|max)\b|\bstd\b",
    re.I,
)


class _Column(NamedTuple):
    text: str
    score: bool
    weak: bool


def candidates(table: Table) -> Iterator[Candidate]:
    """Those of every cell, in order of rows."""
    columns = [_column(cell.text) for cell in table.header]
    context = " / ".join((*table.sections[-2:], table.caption))
    n_values = sum(any(_number(cell) for cell in row) for row in table.rows)
    for r, row in enumerate(table.rows):
        label = _row_label(row)
        if _STD.search(label):
            continue
        for c, cell in enumerate(row):
            match = _number(cell)
            if match is None or match[2] or (c == 0 and len(row) > 1 and columns[0].score is False):
                continue
            found = _of_cell(table, columns, r, c, label, match, context, n_values)
            if found is not None:
                yield found


def _of_cell(  # noqa: PLR0913
    table: Table, columns: list[_Column], r: int, c: int, label: str, match: re.Match[str], context: str, n_values: int
) -> Candidate | None:
    column, text = columns[c], match[3]
    by_row = bool(words.BPB.search(label)) and not _QUANTITY.search(label.split("(")[0])
    if not column.score and not by_row:
        plausible = LEAST <= float(text) <= 2 and decimals(text) >= 4
        weak = column.weak or (bool(_WEAK.search(label)) and not _QUANTITY.search(label))
        bpb_about = bool(words.BPB.search(context)) or any(words.BPB.search(cell.text) for cell in table.header)
        named = weak or (bpb_about and bool(words.OURS.search(column.text)) and bool(words.MEAN.search(label)))
        if not (plausible and named) or _QUANTITY.search(column.text):
            return None
    in_column, in_row = words.judge(column.text), words.judge(label)
    seed_row = bool(re.search(r"seed|run|trial", table.header[0].text, re.I)) and bool(re.search(r"\d", label))
    mean = in_row.mean or in_column.mean
    if _refused(in_column, in_row, column, by_row=by_row, text=text):
        return None
    by_row = by_row or bool(_STAGES.match(table.header[0].text))
    both = words.judge(f"{column.text} : {label}")
    kind = _kind(in_row, in_column, mean=mean, seed=seed_row, by_row=by_row, single=n_values == 1)
    both = both._replace(mean=mean, pre=in_column.pre or in_row.pre, pre_ttt=in_column.pre_ttt or in_row.pre_ttt)
    points = weigh(kind, text, both, table.sections, approximate=bool(match[1]))
    points += 4 if table.rows[r][c].bold else 0
    points += 8 if kind == "row" and _alone_bold_and_lowest(table, r, c) else 0
    points -= 0 if column.score or by_row else 6
    return Candidate(text, kind, points, table.n + 2 + r, kind == "seed", mean, f"{column.text} : {label}".lower())


def _refused(in_column: words.Words, in_row: words.Words, column: _Column, *, by_row: bool, text: str) -> bool:
    labels = (in_column, in_row)
    if any(label.loss and not label.bpb for label in ((in_row,) if column.score else labels)):
        return True
    if any(label.spread or label.projected for label in labels) or in_column.other or in_column.delta:
        return True
    if in_row.other and not in_column.ours:
        return True
    return float(text) < 0.5 and not (in_column.bpb or in_row.bpb)


def _kind(in_row: words.Words, in_column: words.Words, *, mean: bool, seed: bool, by_row: bool, single: bool) -> str:
    if mean:
        return "mean"
    if by_row and not seed:
        return "metric"
    if in_row.ours or (in_column.ours and not seed):
        return "ours"
    if single:
        return "metric"
    return "seed" if seed or in_row.seed else "row"


def _alone_bold_and_lowest(table: Table, r: int, c: int) -> bool:
    """Whether a column marks this row as its result."""
    values = [(float(match[3]), row[c].bold) for row in table.rows if (match := _number(row[c])) and not match[2]]
    return table.rows[r][c].bold and sum(bold for _, bold in values) == 1 and min(values)[1]


def _column(text: str) -> _Column:
    quantity = bool(_QUANTITY.search(text))
    judged = words.judge(text)
    score = judged.bpb and not judged.loss
    weak = bool(_WEAK.search(text)) and not quantity and not judged.loss
    return _Column(text, score, weak)


def _row_label(row: tuple[Cell, ...]) -> str:
    """The words of a row's first cells."""
    told = [cell.text for cell in row[:2] if not _number(cell)]
    return " : ".join(told if told else [row[0].text] if row else [])


def _number(cell: Cell) -> re.Match[str] | None:
    return _VALUE.fullmatch(cell.text)
