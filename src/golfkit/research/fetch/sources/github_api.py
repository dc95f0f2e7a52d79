"""GitHub's REST API, for both its sources: headers, pages, and which refusals are about one thing alone."""

import re
from collections.abc import Mapping

from golfkit.research.fetch.protocol import Answer, SourceError

VERSION = "2022-11-28"
JSON = "application/vnd.github+json"
RAW = "application/vnd.github.raw+json"
MATCHES = "application/vnd.github.text-match+json"
PAGE = 100  # entries, the most that it gives
_NEXT = re.compile(r'<[^<>]*>\s*;[^<>,]*\brel="?next\b')
_LIMITED = (b"rate limit", b"abuse")  # in the body of a 403 for too many requests, and in no other


def headers(token: str | None, accept: str = JSON) -> Mapping[str, str]:
    """Of every request."""
    known = {"Accept": accept, "X-GitHub-Api-Version": VERSION}
    return known | ({"Authorization": f"Bearer {token}"} if token else {})


def has_next(answer: Answer) -> bool:
    """Whether a list goes on; the address of its next page is made here, so that no token follows a link elsewhere."""
    return _NEXT.search(answer.headers.get("link", "")) is not None


def is_about_one_thing(error: SourceError) -> bool:
    """Whether a refusal says nothing of the next request: not found, gone, blocked; not a limit or a wrong token."""
    if error.status == 403:
        body = error.body[:10_000].lower()
        return error.retry_at is None and not any(word in body for word in _LIMITED)
    return error.status in (404, 409, 410, 422, 451)


def explained(error: SourceError, what: str, *, has_token: bool) -> SourceError:
    """What to do about a refusal, in people's words."""
    if error.status == 401:
        advice = "it does not know the token; correct GITHUB_TOKEN"
    elif error.status in (403, 429) and not is_about_one_thing(error):
        advice = (
            "its limit is reached" if has_token else "its limit of 60 requests an hour is reached; set GITHUB_TOKEN"
        )
    else:
        return SourceError(f"{what}: {error}", error.retry_at, status=error.status, body=error.body)
    return SourceError(f"{what}: {advice} ({error})", error.retry_at, status=error.status, body=error.body)
