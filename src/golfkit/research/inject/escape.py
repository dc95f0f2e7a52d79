"""Strangers' text made inert: one line on which no reader of Markdown, HTML or a terminal acts.

Characters that mean something in Markdown or HTML become look-alikes that mean nothing, instead of being escaped: the
text is as safe where it is read raw, as a model does, as where it is drawn. It always stands inside of quotation marks,
in the middle of a line. Nothing here can make a lie true or an order harmless to whoever obeys quotations: sections say
above the quotations that they are data.
"""

import re
import unicodedata
from urllib.parse import quote, urlsplit

ADDRESS_CHARACTERS = 300  # a longer address is left out: a cut one leads elsewhere
ID_CHARACTERS = 200
CUT = "…"
_LOOKALIKES = str.maketrans(
    {
        **dict.fromkeys('"“”„‟″«»〝〞', "'"),  # the quotation cannot be closed from inside
        **dict.fromkeys("`\u00b4", "'"),
        "<": "\u2039",
        ">": "\u203a",
        "|": "¦",
        "[": "(",
        "]": ")",
        "*": "\u2217",
        "~": "\u223c",
        "\\": "\u2216",
        "{": "(",
        "}": ")",
    }
)
# Printable by Unicode's categories, and yet drawn as nothing: a place to hide text, or to split a word.
# Source: DerivedCoreProperties.txt, Default_Ignorable_Code_Point; U+2800 is the empty Braille pattern.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)
_WIDE = re.compile("[\uff01-\uff5e\U0001d400-\U0001d7ff]+")  # ASCII in disguise
_MARKS = 3  # combining marks kept on a character; languages need fewer
_ROLE = re.compile(
    r"\b(system|assistant|user|human|developer|tool|function|instructions?|prompt|response|answer)(\s*(?:prompt|message)?)"
    r"\s*:",
    re.IGNORECASE,
)
_SCHEME = re.compile(r":(?=//)")  # of an address
_WWW = re.compile(r"\b(www)\.", re.IGNORECASE)
_ENTITY = re.compile(r"&(?=#?[A-Za-z0-9]{1,32};)")
_HEADING = re.compile(r"#(?=#|\s|$)")
_ID = re.compile(r"[^A-Za-z0-9:/._#@+%-]")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?", re.ASCII)
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def quoted(text: str, most: int) -> str:
    """`inert` in quotation marks, which it cannot leave."""
    return f'"{inert(text, most)}"'


def inert(text: str, most: int) -> str:
    """`text` on one line of at most `most` characters, with no character that means anything; applied twice, the same.

    Gone: control, format, private and invisible characters, marks stacked higher than three. Changed: Markdown's and
    HTML's characters, quotation marks, addresses and mail addresses (so that nothing links them), names of a
    conversation's parts before a colon, lone surrogates (U+FFFD).
    """
    line = " ".join(_visible(text[: 4 * most]).split())
    line = line.translate(_LOOKALIKES)
    for pattern, new in (
        (_SCHEME, ": "),
        (_WWW, r"\1 ."),
        (_ENTITY, "& "),
        (_HEADING, "♯"),
        (_ROLE, r"\1\2 -"),
    ):
        line = pattern.sub(new, line)
    return _cut(line.replace("@", "(at)"), most)


def identifier(text: str) -> str:
    """An item's id as code: what is no letter, digit or `:/._#@+%-` is percent-encoded, so it stays one word."""
    plain = _ID.sub(lambda match: quote(match[0].encode("utf-8", "replace"), safe=""), text[:ID_CHARACTERS])
    return f"`{plain or '-'}`"


def address(url: str) -> str | None:
    """A web address as code, which is shown and not linked; None for what is none, or hides where it leads.

    http and https alone, without user names, at most ADDRESS_CHARACTERS; what is not plain ASCII is percent-encoded.
    """
    text = url.strip()
    if len(text) > ADDRESS_CHARACTERS or not text.isprintable() or " " in text:
        return None
    try:
        parts = urlsplit(text)
        host = parts.netloc.encode("ascii").decode() if parts.netloc.isascii() else parts.netloc.encode("idna").decode()
    except ValueError:  # half an IPv6 address; a host that no name server could know
        return None
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(host):
        return None
    tail = parts._replace(scheme="", netloc="").geturl()
    encoded = quote(_BAD_PERCENT.sub("%25", tail).encode("utf-8", "replace"), safe="/:;,+%=&?#-._!$")
    shown = f"`{parts.scheme}://{host.lower()}{encoded}`"
    return shown if len(shown) <= 2 * ADDRESS_CHARACTERS else None


def _visible(text: str) -> str:
    """Printable characters alone; blanks of all kinds are a space, lone surrogates U+FFFD."""
    if text.isascii() and text.isprintable():
        return text
    kept = []
    for c in _WIDE.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text):
        if c.isprintable():
            kept.append(c)
        elif c.isspace() or unicodedata.category(c) == "Cc":
            kept.append(" ")
        elif "\ud800" <= c <= "\udfff":
            kept.append("\ufffd")
    return _few_marks(_INVISIBLE.sub("", "".join(kept)))


def _few_marks(text: str) -> str:
    kept, run = [], _MARKS  # those in front would sit on the quotation mark
    for c in text:
        run = run + 1 if unicodedata.category(c) in ("Mn", "Me") else 0
        if run <= _MARKS:
            kept.append(c)
    return "".join(kept)


def _cut(line: str, most: int) -> str:
    """At most `most` characters, and no mark without its letter at the cut."""
    if len(line) <= most:
        return line
    end = most - len(CUT)
    while end > 0 and unicodedata.category(line[end]) in ("Mn", "Me", "Mc"):
        end -= 1
    return line[:end].rstrip() + CUT
