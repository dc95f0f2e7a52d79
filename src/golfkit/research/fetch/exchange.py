"""One request as it goes out and what can become of it; where it may be sent on to. Pure."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from golfkit.research.fetch.protocol import Answer

ANYWHERE = ("accept", "content-type", "if-none-match", "if-modified-since")  # headers that may follow to another host
REDIRECT = (301, 302, 303, 307, 308)


class Ask(NamedTuple):
    """One request as it goes out; `content` makes it a POST."""

    url: str
    headers: Mapping[str, str]
    content: bytes | None = None


class Failed(NamedTuple):
    """One try that gave no answer.

    again    whether another try may go better
    unheard  whether the service surely did not act on it, so that a POST may be sent once more
    wait_s   what the service asked to wait; None where it did not
    answer   what came, where it was whole
    """

    why: str
    again: bool
    unheard: bool = False
    wait_s: float | None = None
    answer: Answer | None = None


def target(url: str, answer: Answer) -> str | None:
    """Where an answer points to; None where it is none that points anywhere."""
    if answer.status not in REDIRECT or "location" not in answer.headers:
        return None
    try:
        found = urljoin(url, answer.headers["location"])
    except ValueError:  # half an IPv6 address
        return None
    return found if is_address(found) else None


def is_address(url: str) -> bool:
    """Whether a URL can be asked: http or https, a host, a port that there is, text that UTF-8 has bytes for."""
    import httpx

    try:
        httpx.URL(url)
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except (httpx.InvalidURL, ValueError):  # a port above 65535, half an IPv6 address, a lone surrogate
        return False


def redirected(ask: Ask, url: str) -> Ask:
    """The request to another address; another host gets neither Authorization nor any key."""
    old, new = urlsplit(ask.url), urlsplit(url)
    if (old.scheme, old.netloc.lower()) == (new.scheme, new.netloc.lower()):
        return ask._replace(url=url)
    return Ask(url, {name: value for name, value in ask.headers.items() if name in ANYWHERE})


def shown(url: str) -> str:
    """A URL without user, password and query, which may hold keys."""
    bare = url.partition("?")[0].partition("#")[0]
    scheme, colon, rest = bare.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{colon}{host.rpartition('@')[2]}{slash}{path}"


def lower(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Headers with their names in lower case."""
    return {name.lower(): value for name, value in (headers or {}).items()}
