"""Markdown of strangers as HTML: CommonMark and tables by markdown-it-py without raw HTML, then sanitised by nh3.

Headings are put below the page's own. Pictures of the board stand in the page, others are links. Paths below artifacts/
and addresses of the web become links; any other address is left out and its text stays.
"""

import html
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from golfkit.board.page import links, words
from golfkit.board.page.links import Links
from golfkit.board.page.pictures import Pictures

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

HEADING = 3  # levels that a body's headings are put below the page's
REL = "noopener noreferrer nofollow"
TAGS = {
    *("p", "br", "hr", "em", "strong", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a", "img", "span"),
    *("h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
}
CLASSES = {"span": {"absent"}, "a": {"picture"}, "th": {"right", "centre"}, "td": {"right", "centre"}}
ATTRIBUTES = {"a": {"href"}, "img": {"src", "alt", "decoding"}, "ol": {"start"}}
_FOUND = re.compile(r"(?<![\w/.:@=-])(?:https?://[^\s<>\"'`]+|artifacts/[A-Za-z0-9._/+@=,~-]+)")
_DATA = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+")


class Markdown:
    """Renders the bodies of one page.

    anchors  where on the page a record is, by the file name that a body may link to
    """

    def __init__(self, where: Links, pictures: Pictures, anchors: Mapping[str, str]) -> None:
        self._links, self._pictures, self._anchors = where, pictures, anchors
        self._parser = _parser(self)

    def html(self, body: str) -> str:
        """Safe HTML of a body."""
        import nh3

        return nh3.clean(
            self._parser.render(words.lines(body)),
            tags=TAGS,
            attributes=ATTRIBUTES,
            allowed_classes=CLASSES,
            attribute_filter=_allowed,
            url_schemes={"http", "https", "data"},
            link_rel=REL,
        )

    def address(self, url: str) -> str | None:
        """Where a link of a body may lead."""
        if (path := self._links.own_path(url)) is not None and (own := self._links.artifact(path)) is not None:
            return own
        if url.rpartition("/")[2] in self._anchors and not links.is_web(url):
            return f"#{self._anchors[url.rpartition('/')[2]]}"
        return url if links.is_web(url) else None

    def picture(self, url: str, text: str) -> str:
        """An <img> of the board's own picture; else a link, or words alone."""
        path, label = self._links.own_path(url), html.escape(text or "picture")
        why = "elsewhere"
        if path is not None:
            source, why = self._pictures.inline(path)
            if source is not None:
                return f'<img src="{source}" alt="{html.escape(text)}" decoding="async">'
        target = self.address(url)
        note = f'{label} <span class="absent">(picture: {html.escape(why)})</span>'
        return f'<a class="picture" href="{html.escape(target)}">{note}</a>' if target else note


def _allowed(tag: str, name: str, value: str) -> str | None:
    """nh3 asks for each attribute: data: is for pictures alone."""
    if tag == "img" and name == "src":
        return value if _DATA.fullmatch(value) else None
    return None if name == "href" and value.lower().startswith("data") else value


def _parser(page: Markdown) -> "MarkdownIt":
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.core.ruler.push("golf", lambda state: _rewrite(state.tokens, page))

    def image(self: Any, tokens: Sequence["Token"], at: int, options: Any, env: Any) -> str:
        token = tokens[at]
        text = self.renderInlineAsText(token.children or [], options, env)
        return page.picture(str(token.attrGet("src") or ""), text)

    parser.add_render_rule("image", image)
    return parser


def _rewrite(tokens: Sequence["Token"], page: Markdown) -> None:
    """Headings lower, alignment as a class (the page allows no style attribute), addresses and paths as links."""
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + HEADING)}"
        elif token.type in ("th_open", "td_open") and (style := token.attrs.pop("style", None)):
            side = str(style).removeprefix("text-align:")
            token.attrs |= {"class": "centre" if side == "center" else side}
        elif token.type == "inline" and token.children:
            token.children = _inline(token.children, page)


def _inline(tokens: Sequence["Token"], page: Markdown) -> list["Token"]:
    made: list[Token] = []
    depth = 0
    for token in tokens:
        if token.type == "link_open":
            depth += 1
            target = page.address(str(token.attrs.pop("href", "")))
            token.attrs = {} if target is None else {"href": target}
        elif token.type == "link_close":
            depth -= 1
        made += _linked(token, page.address) if depth == 0 and token.type in ("text", "code_inline") else [token]
    return made


def _linked(token: "Token", address: Callable[[str], str | None]) -> list["Token"]:
    """A text's own addresses and paths as links; of code, one that is all of it."""
    from markdown_it.token import Token

    text, made, end = token.content, [], 0
    for match in _FOUND.finditer(text):
        found = match[0].rstrip(".,;:!?)]}*_~")
        target = address(found)
        if target is None or (token.type == "code_inline" and found != text):
            continue
        inner = token.copy(content=found)
        made += [
            token.copy(content=text[end : match.start()]),
            Token("link_open", "a", 1, attrs={"href": target}),
            inner,
            Token("link_close", "a", -1),
        ]
        end = match.start() + len(found)
    if not made:
        return [token]
    made.append(token.copy(content=text[end:]))
    return [part for part in made if part.content or part.nesting]
