"""Where a page leads: the Hub for a bucket and its people, the board's own folder for a local one. Pure."""

import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

from golfkit.board.records import names

HUB = "https://huggingface.co"
_USER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?")
_BUCKET = re.compile(rf"{_USER.pattern}/{_USER.pattern}")
_RESOLVE = re.compile(r"/buckets/([^/]+/[^/]+)/(?:resolve|tree|blob)/(.+)")
ACTIVE = (".htm", ".html", ".shtml", ".xhtml", ".xht", ".svg", ".svgz", ".xml", ".xsl", ".mht", ".mhtml", ".js", ".mjs")


class Links(NamedTuple):
    """The addresses of one page.

    bucket  ORG/NAME; None for a folder that is no bucket's copy
    base    URL of the board's folder as seen from the page, ending in /, for a folder
    paths   every file and folder of artifacts/ on the board
    """

    bucket: str | None
    base: str | None
    paths: frozenset[str]

    def artifact(self, text: str) -> str | None:
        """The address of a path below artifacts/; None where it leaves the board or a click could run it."""
        path = names.inside(text)
        if path is None or path.parts[0] != names.ARTIFACTS:
            return None
        slash = "/" if text.endswith("/") or len(path.parts) == 1 else ""
        if self.bucket is not None:
            return f"{HUB}/buckets/{self.bucket}/tree/{quote(str(path))}"
        if self.base is None or str(path) not in self.paths or path.name.lower().endswith(ACTIVE):
            return None
        return f"{self.base}{quote(str(path))}{slash}"

    def own_path(self, url: str) -> str | None:
        """The board's file that an address means: artifacts/..., or the Hub's address of it; None for others."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return None
        text = unquote(parts.path)
        if parts.scheme in ("http", "https"):
            match = _RESOLVE.fullmatch(text)
            if match is None or self.bucket not in (None, match[1]):
                return None
            text = match[2]
        elif parts.scheme or parts.netloc:
            return None
        path = names.inside(text)
        return str(path) if path is not None and path.parts[0] == names.ARTIFACTS else None


def folders(files: Iterable[str]) -> frozenset[str]:
    """The files and every folder above them."""
    found = set()
    for file in files:
        parts = file.split("/")
        found |= {"/".join(parts[:n]) for n in range(1, len(parts) + 1)}
    return frozenset(found)


def user(name: str | None) -> str | None:
    """The page of a Hugging Face user; None where the name can be none."""
    return f"{HUB}/{name}" if name and _USER.fullmatch(name) and ".." not in name else None


def bucket(name: str | None) -> str | None:
    """`name` if it can be a bucket's, ORG/NAME."""
    return name if name and _BUCKET.fullmatch(name) and ".." not in name else None


def is_web(url: str) -> bool:
    """Whether an address leads to the web, and nowhere else."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
