"""The text of a web page: what a reader reads, without menus, scripts and references. Pure."""

import html.parser
import re

MOST_CHARACTERS = 4_000_000  # of HTML that are looked at; papers with inlined figures reach a few
_HIDDEN = frozenset(
    ("script", "style", "head", "nav", "header", "footer", "svg", "button", "form", "template", "aside")
)
_VOID = frozenset(
    ("br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
)  # never closed
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_LISTS = ("li", "dt", "dd", "tr", "table", "pre")
_BLOCKS = frozenset((*_HEADINGS, *_LISTS, "p", "div", "br", "blockquote", "section", "article", "figure"))
_REFERENCES = "ltx_bibliography"  # class of arXiv's HTML
_BLANKS = re.compile(r"[^\S\n]+")
_LINES = re.compile(r"\s*\n\s*")


def text_of(page: str) -> str:
    """The text of HTML, a paragraph a line; formulas as their LaTeX source (`alttext`). Nothing makes it raise."""
    reader = _Reader()
    try:
        reader.feed(page[:MOST_CHARACTERS])
        reader.close()
    except AssertionError:  # how html.parser rejects declarations such as "<![x"
        pass
    return _LINES.sub("\n", _BLANKS.sub(" ", "".join(reader.parts))).strip()


class _Reader(html.parser.HTMLParser):
    """Collects text; `_inside` is the element that hides what is in it, and how many of its kind are open in it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._inside: str | None = None
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Something begins: a line, a formula, or what a reader does not see."""
        if self._inside is not None:
            self._depth += tag == self._inside
            return
        named = dict(attrs)
        if tag == "math":
            self.parts.append(f" {named.get('alttext') or ''} ")
        if tag in _HIDDEN or tag == "math" or _REFERENCES in (named.get("class") or ""):
            if tag not in _VOID:
                self._inside, self._depth = tag, 1
        elif tag in _BLOCKS:
            self.parts.append("\n")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """`<x/>`: nothing is in it."""
        if self._inside is None and tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """Something ends."""
        if self._inside is None:
            if tag in _BLOCKS:
                self.parts.append("\n")
        elif tag == self._inside:
            self._depth -= 1
            if not self._depth:
                self._inside = None

    def handle_data(self, data: str) -> None:
        """Text."""
        if self._inside is None:
            self.parts.append(data)
