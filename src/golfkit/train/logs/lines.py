"""A log's own lines: those of Python source that it prints are left out, progress bars and colours are undone."""

import re
from collections.abc import Iterator
from typing import NamedTuple

LONGEST = 8192  # characters; longer ones are data, not lines of a log

_NEWLINES = re.compile(r"\n+")
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
_TOKEN = re.compile(r"""\#[^\n]*|\"""|'''|"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?""")
# What no log prints at the start of a line, and nearly every source has; @ and strings only go on.
_OPENS = re.compile(
    r"""from\s+[\w.]+\s+import\b|import\s+[\w.]+(?:\s*[,;]|\s+as\s|\s*$)|(?:async\s+)?def\s+\w+\s*[(\[]
    |class\s+\w+\s*[(:\[]|@[a-zA-Z_][\w.]*\s*(?:\(|$)|if\s+__name__\b|\#!/|[rRuU]?(?:\"""|''')""",
    re.VERBOSE,
)
_GOES_ON = re.compile(
    r"""\s|$|[#@)\]}"']
    |(?:if|elif|for|while|with|assert|del|raise|return|try|else|except|finally|global|async|await|match|pass)\b
    |[\w.]+(?:\[[^\]]*\])?(?:\s*,\s*[\w.]+)*(?:\s*:\s*[\w.|\[\], ]+)?[ ]{1,40}(?:[-+*/@%&|^]|//|\*\*|<<|>>)?=\s
    |[\w.]+=[^\s=]\S*$|[\w.]+[(\[]""",
    re.VERBOSE,
)


class Line(NamedTuple):
    """One line of the log itself, or one state of a progress bar in it."""

    number: int  # from 1, counted by newlines
    text: str  # without colours and line ends
    whole: bool  # whether a newline ends it; the last one may have been cut


def lines(text: str) -> Iterator[Line]:
    """The lines of `text` outside of Python source, in linear time; what overlong lines hold is left out."""
    source = _Source(text)
    number, start = 1, 0
    while start < len(text):
        if text[start] == "\n":
            empty = _NEWLINES.match(text, start).end() - start  # type: ignore[union-attr]
            number, start = number + empty, start + empty
            continue
        end = text.find("\n", start)
        whole = end >= 0
        end = end if whole else len(text)
        if not source.holds(start, end):
            for state in text[start:end].split("\r"):
                if state and len(state) <= LONGEST:
                    yield Line(number, (_ANSI.sub("", state) if "\x1b" in state else state).rstrip(), whole)
        number, start = number + 1, end + 1


class _Source:
    """Follows Python source through the text: from a line that only a source has, to the first that none has.

    Triple-quoted strings are followed too, since a docstring may hold lines of a log. One that is never closed is no
    string: the source was cut, and the log goes on.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._inside = False
        self._quoted_to = 0  # offset behind the triple-quoted string that was opened last
        self._unclosed: set[str] = set()  # quotes that do not come again

    def holds(self, start: int, end: int) -> bool:
        """Whether the line text[start:end] is source; to be asked for every line, in order."""
        if end <= self._quoted_to:
            return True
        if start < self._quoted_to:
            self._follow(self._quoted_to, end)
            return True
        known = self._inside and _GOES_ON.match(self._text, start, min(end, start + LONGEST))
        if not known and not _OPENS.match(self._text, start, min(end, start + LONGEST)):
            self._inside = False
            return False
        self._inside = True
        self._follow(start, end)
        return True

    def _follow(self, start: int, end: int) -> None:
        """Find the triple-quoted string that is still open at the end of the line."""
        at = start
        while found := _TOKEN.search(self._text, at, end):
            at, quote = found.end(), found.group()
            if quote not in ('"' * 3, "'" * 3) or quote in self._unclosed:
                continue
            close = self._close(quote, at)
            if close < 0:
                self._unclosed.add(quote)
                continue
            at = self._quoted_to = close + len(quote)
            if at > end:
                return

    def _close(self, quote: str, at: int) -> int:
        """Offset of the quote that closes the string whose content starts at `at`; -1 where none does."""
        close = self._text.find(quote, at)
        while close >= 0:
            bare = close
            while bare > at and self._text[bare - 1] == "\\":
                bare -= 1
            if (close - bare) % 2 == 0:
                return close
            close = self._text.find(quote, close + 1)  # it was escaped
        return -1
