"""One research item: a paper, a pull request, a post, a piece of code. A line of raw_cache.jsonl."""

import hashlib
from dataclasses import dataclass

FILE = "raw_cache.jsonl"
SOURCES = ("arxiv", "openreview", "semantic_scholar", "github", "feeds", "tavily", "github_code")
KINDS = ("paper", "pull_request", "commit", "code", "post", "news")
TEXT_CHARACTERS = 6000  # of an item's text that are kept; READMEs of records run to 30 kB


@dataclass(frozen=True, kw_only=True)
class Item:
    """What a source said of one finding. All text is untrusted data, on as many lines as the source had.

    id         stable over sources and runs, by what is strongest: arxiv:2403.01234, doi:10.1/x,
               github:OWNER/NAME#12, github:OWNER/NAME@SHA7, github:OWNER/NAME/PATH, url:HEX12 (of the canonical URL)
    aliases    every other identity of the same finding, in the same forms
    contests   tables of research.toml whose queries found it
    published  UTC, 2026-05-01T14:30:00Z; None where the source gives none
    fetched    when it was first seen, in the same form
    updated    when the source last changed it
    relevance  Tavily's score, 0 to 1; None from others
    found_by   the query, feed or repository that brought it
    """

    id: str
    source: str
    kind: str
    contests: tuple[str, ...]
    title: str
    text: str  # abstract, body or README; at most TEXT_CHARACTERS
    url: str
    fetched: str
    published: str | None = None
    updated: str | None = None
    authors: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    relevance: float | None = None
    found_by: str | None = None

    @property
    def digest(self) -> str:
        """What was graded: 12 hex digits of sha256 over title and text; another digest is another text."""
        return hashlib.sha256(f"{self.title}\0{self.text}".encode("utf-8", "replace")).hexdigest()[:12]
