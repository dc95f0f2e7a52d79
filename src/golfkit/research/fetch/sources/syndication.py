"""feedparser, made safe for answers of strangers. Pure."""

import calendar
import io
import re
from collections.abc import Mapping
from typing import Any

from golfkit.research.fetch.protocol import SourceError
from golfkit.research.fetch.sources import shape

_END = re.compile(rb"</(?:\w{1,20}:)?(?:rss|feed|rdf)\s*>", re.IGNORECASE)
_TAIL = 1000  # bytes at the end of a feed that hold its last tag, and comments that may follow


def parse(body: bytes, headers: Mapping[str, str], url: str) -> Any:
    """feedparser's result for the bytes of an answer; SourceError where they are no feed at all.

    url  where they came from, which relative links start at
    """
    import feedparser

    lowered = {name.lower(): value for name, value in headers.items()} | {"content-location": url}
    try:
        # A stream: of bytes it would try first whether they are the name of a file.
        parsed = feedparser.parse(
            io.BytesIO(body), response_headers=lowered, sanitize_html=False, resolve_relative_uris=False
        )
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        AssertionError,
        ArithmeticError,
        RecursionError,
    ) as error:
        # feedparser has no exception of its own: what its parts raise on odd input comes out as it is
        raise SourceError(f"{url}: cannot be read as a feed ({type(error).__name__}: {error})") from error
    if not (parsed.get("version") or parsed.entries):  # of a web page it makes a feed, too
        raise SourceError(f"{url}: the answer is no RSS or Atom ({len(body)} bytes)")
    return parsed


def is_cut_off(parsed: Any, body: bytes) -> bool:
    """Whether the feed ends before its last tag. Many are not well-formed and yet whole: these are not cut off."""
    return bool(parsed.bozo) and _END.search(body[-_TAIL:]) is None


def time(entry: Any, *keys: str) -> str | None:
    """The first of an entry's times (published_parsed, updated_parsed) as `shape.stamp` gives it."""
    for key in keys:
        value = dict.get(entry, key)  # feedparser's own look-up gives `published` for `updated`, with a warning
        if value is not None:
            try:
                return shape.unix(calendar.timegm(value))
            except (ValueError, OverflowError):  # year 0, month 13
                continue
    return None
