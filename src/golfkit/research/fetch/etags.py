"""What makes a request conditional: the validators of answers whose items are committed."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

KEPT_DAYS = 60  # a validator that no run asked for in this time is forgotten


@dataclass(frozen=True, kw_only=True)
class Validator:
    """An answer's ETag and Last-Modified.

    since  from when on the run wanted items; a run that looks further back needs the answer itself
    used   the last run that asked for it
    """

    etag: str | None = None
    modified: str | None = None
    since: str
    used: str

    def headers(self) -> dict[str, str]:
        """What a request sends so that the same answer comes as 304."""
        pairs = {"if-none-match": self.etag, "if-modified-since": self.modified}
        return {name: value for name, value in pairs.items() if value}


def key(url: str, params: Mapping[str, str | int] | None, headers: Mapping[str, str] | None, digest: str) -> str:
    """Names an answer in 24 hex digits; a URL may hold a password, so that it is not kept itself.

    digest  of what the source was asked for: with other queries or globs the same answer gives other items
    """
    accept = {name.lower(): value for name, value in (headers or {}).items()}.get("accept", "")
    text = "\0".join((url, urlencode(sorted((params or {}).items())), accept, digest))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]
