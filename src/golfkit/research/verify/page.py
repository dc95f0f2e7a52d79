"""The text of a web page: what a reader reads, without menus, scripts and references. Pure.

nh3 makes the page well-formed first, in linear time whatever it holds; html.parser alone needs hours for a hostile one.
"""

import html.parser
import re

MOST_CHARACTERS = 4_000_000  # of HTML that are looked at; papers with inlined figures reach a few
_HIDDEN = {"script", "style", "title", "nav", "header", "footer", "svg", "button", "form", "template", "aside"}
_BLOCKS = {"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote", "table"}
_BLOCKS |= {"section", "article", "figure", "dt", "dd"}
_REFERENCES = "ltx_bibliography"  # class of arXiv's HTML
_BLANKS = re.compile(r"[^\S\n]+")
_LINES = re.compile(r"\s*\n\s*")


def text_of(page: str) -> str:
    """The text of HTML, a paragraph a line; formulas as their LaTeX source (`alttext`). Nothing makes it raise."""
    import nh3

    source = page[:MOST_CHARACTERS].encode("utf-8", "replace").decode("utf-8")  # a lone surrogate has no UTF-8
    kept = {"math": {"alttext"}, "section": {"class"}, "div": {"class"}}
    reader = _Reader()
    reader.feed(nh3.clean(source, tags=_BLOCKS | {"math"}, clean_content_tags=_HIDDEN, attributes=kept))
    reader.close()
    return _LINES.sub("\n", _BLANKS.sub(" ", "".join(reader.parts))).strip()


class _Reader(html.parser.HTMLParser):
    """Collects text; `_inside` is the element that hides what is in it, and `_depth` how many of its kind are open."""

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
        if tag == "math" or _REFERENCES in (named.get("class") or ""):
            self._inside, self._depth = tag, 1
        else:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """Something ends."""
        if self._inside is None:
            self.parts.append("\n")
        elif tag == self._inside:
            self._depth -= 1
            if not self._depth:
                self._inside = None

    def handle_data(self, data: str) -> None:
        """Text."""
        if self._inside is None:
            self.parts.append(data)
