"""Candidates of a README's tables: columns and rows have roles by their words. Pure."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from golfkit.research.competitors import vocabulary, words
from golfkit.research.competitors.candidates import (
    BARE_DIGITS,
    LEAST,
    PLAIN_MOST,
    SMALL,
    Candidate,
    promised,
    weigh,
)
from golfkit.research.competitors.markdown import Cell, Table
from golfkit.research.competitors.numbers import decimals
from golfkit.research.competitors.words import Words

BOLD = 4  # points of a bold cell
ALONE = 8  # points of the one bold cell of a column that is also its lowest
UNNAMED = 6  # points off where neither column nor row say bits per byte
BESIDE = 2  # points off instead, where another column or row of the table does

_VALUE = re.compile(
    r"[^\w+.-]*([~≈]?)\s*([+-]?)(\d{1,2}\.\d{2,12})(?:\s*±\s*\d*\.?\d+)?\s*(?:(?:val[_ ])?bp[bp])?\s*"
    r"(mean|avg|average)?\s*(?:\([^)]*\))?[^\w.%]*",
    re.I,
)
_QUANTITY = re.compile(  # columns that hold no score
    r"\b(?:ms|sec(?:ond)?s?|time|steps?|bytes?|size|artifact|mb|kb|mib|params?|lr|wd|decay|momentum|tokens?|"
    r"memory|speed|gpu|"
    r"hours?|date|ratio|rank|bits?|acc(?:uracy)?|temp(?:erature)?|alpha|lambda|clip|scale|dim|layers?|width|depth|"
    r"rms\w*|entropy|"
    r"compression|utili[sz]ation|overhead|headroom|warmdown|ema|%)\b",
    re.I,
)
_WEAK = re.compile(
    r"slid|round[- _]?trip|\bttt\b|\bs\d{2,3}\b|post[- ]?quant|\bfinal\b|\bscore\b|\bexact\b|\bquant(?:ized|"
    r"ised)\b|\bmean\b",
    re.I,
)
_RUNS = re.compile(r"seed|run|trial", re.I)
_STAGES = re.compile(r"\W*(?:stage|phase|metric|measure\w*|eval\w*(?: (?:mode|method|stage|type))?)\W*$", re.I)
_STD = re.compile(  # rows that hold no score
    r"^\W*(?:std|stdev|\u03c3|sd|sem|variance|range|spread|delta|Δ|gain|improvement|diff|gap|p[- ]value|t[- ]stat|"
    r"min|max)\b|"
    r"\bstd\b",
    re.I,
)


_CURVE = re.compile(r"\W*(?:step|iter|epoch|tokens|time|train)", re.I)  # first column of a training curve


class _Column(NamedTuple):
    """One column's header."""

    text: str
    words: Words
    score: bool  # it says bits per byte
    stage: bool  # it names a stage of the evaluation and no other quantity


def candidates(table: Table) -> Iterator[Candidate]:
    """Those of every cell, in order of rows."""
    if not promised(table.sections, table.caption):
        yield from _Reader(table).candidates()


class _Reader:
    """One table being read."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.columns = [_column(cell.text) for cell in table.header]
        headers = [cell.text for cell in table.header]
        about = (*table.sections[-2:], table.caption, *headers)
        self.about_score = any(vocabulary.BPB.search(text) for text in about)
        self.by_stage = bool(_STAGES.match(headers[0]))
        self.by_seed = bool(_RUNS.search(headers[0]))
        self.curve = bool(_CURVE.match(headers[0]))
        self.marked = [_marked(table, c) for c in range(len(headers))]
        self.named = max((decimals(text) for text in self._named()), default=0)  # digits of what is named the score
        self.single = sum(any(_number(cell) for cell in row) for row in table.rows) == 1

    def candidates(self) -> Iterator[Candidate]:
        for r, row in enumerate(self.table.rows):
            label = _row_label(row)
            mean = bool(vocabulary.MEAN.match(label))  # "mean ± std" is no spread
            if (_STD.search(label) and not mean) or (self.curve and not words.finality(label)):
                continue
            in_row = words.judge(label)
            in_row = in_row._replace(spread=in_row.spread and not mean)
            for c, cell in enumerate(row):
                match = _number(cell)
                if match and not match[2] and (c or self.columns[0].score):  # a sign makes it a difference
                    yield from self._of_cell(r, c, match, label, in_row)

    def _named(self) -> Iterator[str]:
        """The numbers whose column or row says that they are bits per byte."""
        for row in self.table.rows:
            said = bool(vocabulary.BPB.search(_row_label(row)))
            for column, cell in zip(self.columns, row, strict=True):
                match = _number(cell)
                if match and not match[2] and (said or column.score) and LEAST <= float(match[3]) <= PLAIN_MOST:
                    yield match[3]

    def _of_cell(self, r: int, c: int, match: re.Match[str], label: str, in_row: Words) -> Iterator[Candidate]:
        column, text = self.columns[c], match[3]
        row_says = bool(vocabulary.BPB.search(label)) and not _QUANTITY.search(label.split("(")[0])
        said = column.score or row_says
        if not said and not self._meant(column, label, in_row, text):
            return
        if _refused(column, in_row, text):
            return
        mean = in_row.mean or column.words.mean or bool(match[4])
        kind = self._kind(column, label, in_row, mean=mean, row_says=row_says)
        both = words.judge(f"{column.text} : {label}")._replace(
            mean=mean, pre=column.words.pre or in_row.pre, pre_ttt=column.words.pre_ttt or in_row.pre_ttt
        )
        points = weigh(kind, text, both, self.table.sections, approximate=bool(match[1]))
        points += BOLD * self.table.rows[r][c].bold + ALONE * (kind == "row" and self.marked[c] == r)
        name = f"{column.text} : {label}".lower()
        line = self.table.n + 2 + r
        points -= 0 if said else BESIDE if self.named else UNNAMED
        yield Candidate(text, kind, points, line, kind == "seed", name)

    def _meant(self, column: _Column, label: str, in_row: Words, text: str) -> bool:
        """Whether a number that is not called bits per byte is all the same, by its form and its place."""
        digits = min(BARE_DIGITS, self.named or BARE_DIGITS)
        if not LEAST <= float(text) <= PLAIN_MOST or decimals(text) < digits or _QUANTITY.search(column.text):
            return False
        row_stage = bool(_WEAK.search(label)) and not _QUANTITY.search(label)
        ours = self.about_score and bool(vocabulary.OURS.search(column.text)) and in_row.mean
        return column.stage or row_stage or ours

    def _kind(self, column: _Column, label: str, in_row: Words, *, mean: bool, row_says: bool) -> str:
        seed = (self.by_seed and bool(re.search(r"\d", label))) or in_row.seed or column.words.seed
        if mean:
            return "mean"
        if seed:
            return "seed"
        if row_says or self.by_stage:
            return "metric"
        if in_row.ours or column.words.ours:
            return "ours"
        return "metric" if self.single else "row"


def _marked(table: Table, c: int) -> int | None:
    """The row of a column's only bold number, where no other is lower."""
    values = [(float(match[3]), r) for r, row in enumerate(table.rows) if (match := _number(row[c])) and not match[2]]
    bold = [value for value in values if table.rows[value[1]][c].bold]
    return bold[0][1] if len(bold) == 1 and min(values) == bold[0] else None


def _refused(column: _Column, in_row: Words, text: str) -> bool:
    """Whether column or row say that it is something else than this record's score."""
    labels = (column.words, in_row)
    if any(label.loss and not label.bpb for label in ((in_row,) if column.score else labels)):
        return True
    if any(label.spread or label.projected for label in labels) or column.words.other or column.words.delta:
        return True
    if in_row.other and not column.words.ours:
        return True
    return float(text) < SMALL and not (column.words.bpb or in_row.bpb)


def _column(text: str) -> _Column:
    said = words.judge(text)
    stage = bool(_WEAK.search(text)) and not _QUANTITY.search(text) and not said.loss
    return _Column(text, said, said.bpb and not said.loss, stage)


def _row_label(row: tuple[Cell, ...]) -> str:
    """The words of a row's first cells."""
    told = [cell.text for cell in row[:2] if not _number(cell)]
    return " : ".join(told or [row[0].text])


def _number(cell: Cell) -> re.Match[str] | None:
    return _VALUE.fullmatch(cell.text)
