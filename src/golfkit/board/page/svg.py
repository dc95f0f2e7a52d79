"""A matplotlib figure as an <svg> element for a page whose policy allows no style: attributes and classes instead.

Style attributes become presentation attributes, the stand-in colours become classes (so that light and dark are the
page's matter), fonts are the page's own, and ids that nothing refers to are dropped.
"""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_USED = re.compile(r"url\(#([^)]+)\)")
_FONT = ("font", "font-family", "font-style", "font-variant", "font-stretch")


class Mark(NamedTuple):
    """What one mark of a series means: the place that a click leads to, and its title."""

    anchor: str
    title: str


def inline(figure: "Figure", name: str, classes: Mapping[str, str], marks: Mapping[str, Sequence[Mark]]) -> str:
    """The element.

    name     its class, and what its ids begin with
    classes  class by the colour that stands for it
    marks    by the id of a series, its marks in order
    """
    buffer = io.StringIO()
    metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(buffer, format="svg", transparent=True, metadata=metadata)
    root = ElementTree.fromstring(buffer.getvalue())
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        _unstyle(element, classes)
    for group in list(root.iter("g")):
        if group.get("id") in marks:
            _link(group, marks[group.get("id") or ""])
    _rename(root, name)
    view = root.get("viewBox", "")
    root.attrib = {"class": name, "viewBox": view, "aria-hidden": "true", "focusable": "false"}
    for defs in list(root.findall("defs")):  # its only rule is in the page's style
        if defs.find("style") is not None:
            root.remove(defs)
    return ElementTree.tostring(root, encoding="unicode")


def _unstyle(element: Element, classes: Mapping[str, str]) -> None:
    for part in element.attrib.pop("style", "").split(";"):
        key, _, value = (text.strip() for text in part.partition(":"))
        if not key or key in _FONT:
            continue
        if key in ("fill", "stroke") and value in classes:
            element.set("class", f"{element.get('class', '')} {key}-{classes[value]}".strip())
        else:
            element.set(key, value)
    for key in [key for key in element.attrib if key.endswith("}href")]:
        element.set("href", element.attrib.pop(key))


def _link(group: Element, marks: Sequence[Mark]) -> None:
    """Each mark of a group inside a link with its title."""
    for parent in list(group.iter("g")):
        uses = [child for child in parent if child.tag == "use"]
        if len(uses) != len(marks):
            continue
        for use, mark in zip(uses, marks, strict=True):
            link = Element("a", {"href": f"#{mark.anchor}", "tabindex": "-1"})
            title = ElementTree.SubElement(link, "title")
            title.text = mark.title
            at = list(parent).index(use)
            parent[at] = link
            link.append(use)


def _rename(root: Element, name: str) -> None:
    used = set(_references(root))
    for element in root.iter():
        own = element.attrib.pop("id", None)
        if own in used:
            element.set("id", f"{name}-{own}")
        for key, value in element.attrib.items():
            if key == "href" and value[1:] in used:
                element.set(key, f"#{name}-{value[1:]}")
            else:
                element.set(key, _USED.sub(lambda match: f"url(#{name}-{match[1]})", value))


def _references(root: Element) -> Iterator[str]:
    for element in root.iter():
        for key, value in element.attrib.items():
            if key == "href" and element.tag == "use":
                yield value[1:]
            else:
                yield from _USED.findall(value)
