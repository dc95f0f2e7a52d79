"""Markdown taken apart as far as scores need it: headings, lines, code lines and tables, each as plain words. Pure.

No renderer: emphasis, links, HTML and escapes are taken off, everything keeps its line number and its headings.
"""

import html
import re
from collections.abc import Iterator
from typing import NamedTuple

MOST_CHARACTERS = 200_000  # of a README that are read; those of records have up to 30,000
MOST_LINE = 4_000  # characters of one line that are read
TITLE_WORDS = 3  # that a first heading of a lower level needs to be a title; "Key metrics" is a section
WRAPPED = 50  # characters from which on a line without an end is taken to go on in the next


class Line(NamedTuple):
    """One line of words."""

    n: int  # line number, from 1
    text: str  # plain
    kind: str  # heading, item, text, code
    level: int  # of a heading; 0 of others
    sections: tuple[str, ...]  # headings that it stands under, outermost first
    bold: str  # the words of it that are bold
    caption: str = ""  # of code and items: the line before them, where it ends in a colon


class Cell(NamedTuple):
    """One cell of a table."""

    text: str
    bold: bool


class Table(NamedTuple):
    """One table; rows are as long as the header."""

    n: int  # line number of the header
    header: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    sections: tuple[str, ...]
    caption: str  # the line before it, where it ends in a colon


def read(text: str) -> tuple[Line | Table, ...]:
    """The blocks of a Markdown text, in order."""
    text = _without_comments(text[:MOST_CHARACTERS].replace("\r\n", "\n").replace("\r", "\n"))
    return tuple(_joined(_Scanner([line[:MOST_LINE] for line in text.split("\n")]).blocks()))


def plain(text: str) -> str:
    """Text without emphasis, links, HTML, escapes and struck-out words; every kind of minus sign is a hyphen."""
    text = html.unescape(text)
    text = re.sub(r"~~[^~]{1,400}~~", " ", text)
    text = re.sub(r"!\[[^\[\]]{0,400}\]\([^()]{0,400}\)", " ", text)
    text = re.sub(r"\[([^\[\]]{0,400})\]\([^()]{0,400}\)", r"\1", text)
    text = re.sub(r"</?[A-Za-z][^<>]{0,200}>", " ", text)
    text = re.sub(r"\\(?:text|mathbf|mathrm)\{([^{}]{0,200})\}", r"\1", text)
    text = re.sub(r"\\pm\b|\+/-|\+-", "±", text)
    text = re.sub(r"\\(?:right|to|long)?arrow\b|-->|->|=>|→|⟶|➜|➡", " → ", text)
    text = re.sub(r"\\([^\w\s])|\\(?=_)", r"\1", text)
    text = re.sub(r"(?<![A-Za-z0-9])__|__(?![A-Za-z0-9])|\*+|`+|\$", "", text)
    text = text.replace("\u2212", "-").replace("\ufe63", "-").replace("\uff0d", "-").replace("\u2011", "-")
    text = re.sub(r"(?<![\w.)])\u2013(?=\d)", "-", text)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def cells(line: str) -> list[str]:
    """The raw cells of a table's line; a pipe after a backslash belongs to its cell."""
    parts = re.split(r"(?<!\\)\|", line.strip())
    if parts and not parts[0].strip():
        parts = parts[1:]
    if parts and not parts[-1].strip():
        parts = parts[:-1]
    return parts


_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*")
_FENCE = re.compile(r"\s{0,8}(`{3,}|~{3,})")
_HEADING = re.compile(r"\s{0,3}(#{1,6})\s+(.*?)\s*#*\s*")
_ITEM = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s+(?:\[[ xX]\]\s+)?(.*)")


class _Scanner:
    """One text being scanned, line by line."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.headings: list[tuple[int, str]] = []  # (level, text) of those that the line stands under
        self.fence = ""  # what opened the code that the line stands in
        self.caption = ""
        self.seen = False  # something came before: a heading that opens the text is its title, no section

    def blocks(self) -> Iterator[Line | Table]:
        at = 0
        while at < len(self.lines):
            raw = _unquoted(self.lines[at])
            opened = _FENCE.match(raw)
            if self.fence or opened:
                yield from self._code(raw, opened and opened[1], at + 1)
            elif "|" in raw and at + 1 < len(self.lines) and _is_rule(_unquoted(self.lines[at + 1])):
                end = _end_of_table(self.lines, at + 2)
                yield _table(self.lines[at:end], at + 1, self._sections(), self.caption)
                at = end - 1
            elif heading := _HEADING.fullmatch(raw):
                yield self._heading(len(heading[1]), plain(heading[2]), at + 1)
            elif raw.strip() and not _RULE.fullmatch(raw):
                yield self._words(raw, at + 1)
            self.seen = self.seen or bool(raw.strip())
            at += 1

    def _sections(self) -> tuple[str, ...]:
        return tuple(text for _, text in self.headings)

    def _code(self, raw: str, mark: str | None, n: int) -> Iterator[Line]:
        closes = mark and raw.strip().startswith(self.fence) and not raw.strip().strip(mark[0])
        if mark and (not self.fence or closes):
            self.fence = "" if self.fence else mark
        else:
            yield Line(n, plain(raw), "code", 0, self._sections(), "", self.caption)

    def _heading(self, level: int, text: str, n: int) -> Line:
        self.headings = [(above, name) for above, name in self.headings if above < level]
        line = Line(n, text, "heading", level, self._sections(), text)
        if self.seen or (level > 1 and len(text.split()) < TITLE_WORDS):
            self.headings.append((level, text))
        self.caption = ""
        return line

    def _words(self, raw: str, n: int) -> Line:
        if item := _ITEM.fullmatch(raw):
            return Line(n, plain(item[1]), "item", 0, self._sections(), _bold(raw), self.caption)
        text = plain(raw)
        self.caption = text if text.endswith(":") else ""
        return Line(n, text, "text", 0, self._sections(), _bold(raw))


def _unquoted(line: str) -> str:
    return line.lstrip("> ") if line.startswith(">") else line


def _is_rule(line: str) -> bool:
    return "-" in line and bool(_RULE.fullmatch(line))


def _without_comments(text: str) -> str:
    """Text without HTML comments; their newlines stay."""
    parts, at = [], 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start)) >= 0:
        parts += [text[at:start], "\n" * text.count("\n", start, end)]
        at = end + 3
    return "".join([*parts, text[at:]])


def _end_of_table(lines: list[str], at: int) -> int:
    while at < len(lines) and "|" in lines[at] and not _HEADING.fullmatch(lines[at]):
        at += 1
    return at


def _table(lines: list[str], n: int, sections: tuple[str, ...], caption: str) -> Table:
    header, *rows = [[_cell(raw) for raw in cells(line.lstrip("> "))] for line in (lines[0], *lines[2:])]
    empty = Cell("", False)
    fitted = tuple(tuple((row + [empty] * len(header))[: len(header)]) for row in rows)
    return Table(n, tuple(header), fitted, sections, caption)


def _cell(raw: str) -> Cell:
    return Cell(plain(raw), "**" in raw or "<b>" in raw or "<strong>" in raw)


_BOLD = re.compile(r"\*\*(.+?)\*\*|(?<!\w)__(.+?)__(?!\w)")


def _bold(raw: str) -> str:
    return plain(" ".join(one or two for one, two in _BOLD.findall(raw)))


def _joined(blocks: Iterator[Line | Table]) -> Iterator[Line | Table]:
    """Sentences that were wrapped by hand, on one line."""
    held: Line | None = None
    last = 0  # number of the last line that `held` has in it
    for block in blocks:
        if held is not None and isinstance(block, Line) and block.n == last + 1 and _goes_on(held, block):
            held = held._replace(text=f"{held.text} {block.text}", bold=f"{held.bold} {block.bold}".strip())
            last = block.n
            continue
        if held is not None:
            yield held
            held = None
        if isinstance(block, Line) and block.kind in ("text", "item"):
            held, last = block, block.n
        else:
            yield block
    if held is not None:
        yield held


def _goes_on(held: Line, block: Line) -> bool:
    return (
        block.kind == "text"
        and WRAPPED <= len(held.text) < MOST_LINE
        and held.text[-1] not in ".:;!?|"
        and bool(re.match(r"[a-z0-9(~]", block.text))
    )
