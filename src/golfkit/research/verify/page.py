"""The text of a web page: what a reader reads, without menus, scripts and references. Pure.

Tags are read by one pattern that never goes back, so that the time grows with the page and no faster, whatever it
holds: parsers that build or repair a tree take minutes for a million unclosed tags.
"""

import re
from collections.abc import Iterator
from html import unescape

MOST_CHARACTERS = 4_000_000  # of HTML that are looked at; papers with inlined figures reach a few
_TOKEN = re.compile(
    r"""<!--.*?(?:-->|\Z) | <[!?][^>]*+(?:>|\Z)
    | <(?P<end>/?)(?P<name>[a-zA-Z][a-zA-Z0-9-]{0,30}+)(?P<attributes>(?:[^<>"']++|"[^"]*+"|'[^']*+')*+)>""",
    re.DOTALL | re.VERBOSE,
)
_RAW = ("script", "style", "title", "textarea")  # what is in them is no HTML
_HIDDEN = frozenset(("nav", "header", "footer", "svg", "button", "form", "template", "aside", "math"))
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_LISTS = ("li", "dt", "dd", "tr", "table", "pre")
_BLOCKS = frozenset((*_HEADINGS, *_LISTS, "p", "div", "br", "blockquote", "section", "article", "figure"))
_FORMULA = re.compile(r"""\balttext=(?:"([^"]*)"|'([^']*)')""")
_REFERENCES = re.compile(r"""\bclass=["'][^"']*\bltx_bibliography\b""")  # of arXiv's HTML
_BLANKS = re.compile(r"[^\S\n]+")
_LINES = re.compile(r"\s*\n\s*")


def text_of(page: str) -> str:
    """The text of HTML, a paragraph a line; formulas as their LaTeX source (`alttext`). Nothing makes it raise."""
    text = unescape("".join(_parts(page[:MOST_CHARACTERS])))
    return _LINES.sub("\n", _BLANKS.sub(" ", text)).strip()


def _parts(page: str) -> Iterator[str]:
    """The text between the tags, entities as they are; `hidden` is the element whose text is left out, while in it."""
    hidden, depth, at = None, 0, 0
    while tag := _TOKEN.search(page, at):
        if hidden is None:
            yield page[at : tag.start()]
        at, name, attributes = tag.end(), (tag["name"] or "").lower(), tag["attributes"] or ""
        opens = bool(name) and not tag["end"] and not attributes.endswith("/")
        if name in _RAW and opens:
            end = re.compile(f"</{name}", re.IGNORECASE).search(page, at)
            at = end.start() if end else len(page)
        elif name == hidden:
            depth += opens - bool(tag["end"])
            hidden = hidden if depth else None
        elif hidden is None and opens:
            if name == "math" and (formula := _FORMULA.search(attributes)):
                yield f" {formula[1] or formula[2] or ''} "
            if name in _HIDDEN or _REFERENCES.search(attributes):
                hidden, depth = name, 1
        if name in _BLOCKS:
            yield "\n"
    if hidden is None:
        yield page[at:]
