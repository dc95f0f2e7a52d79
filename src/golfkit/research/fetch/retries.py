"""When a request is tried again, and after how long: pure rules over status and headers."""

import random
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import NamedTuple

DAY_S = 86_400.0  # the longest wait that is believed; a broken clock over there must not silence a source for years
UNSAID_S = 60.0  # GitHub's own advice where a limit is reached and no time is named
MILLISECONDS = 1e11  # a reset time above it (year 5138 in seconds) is in milliseconds


class Patience(NamedTuple):
    """How often one request is tried, and the pauses between: doubled each time, 50 to 100% of it by chance."""

    longest_wait_s: float
    tries: int = 4
    pause_s: float = 1.0  # after a dropped connection, a half body, a 5xx
    refused_pause_s: float = 8.0  # after a 429 that names no time


def pause(patience: Patience, attempt: int, *, refused: bool, rng: random.Random) -> float:
    """Seconds before the next try, where the service did not name any; `attempt` is 1 after the first."""
    base_s = patience.refused_pause_s if refused else patience.pause_s
    return min(base_s * 2.0 ** (attempt - 1) * rng.uniform(0.5, 1.0), patience.longest_wait_s)


def is_transient(status: int, headers: Mapping[str, str]) -> bool:
    """Whether the same request may go well later: 429, 5xx but "not implemented", and GitHub's 403 of a limit."""
    limited = status == 403 and ("retry-after" in headers or is_exhausted(headers))
    return status == 429 or limited or (500 <= status < 600 and status not in (501, 505))


def is_exhausted(headers: Mapping[str, str]) -> bool:
    """Whether the answer says that the quota of requests is used up."""
    return headers.get("x-ratelimit-remaining", "").strip() == "0"


def asked_wait(status: int, headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that the answer asks to wait, 0 to a day; None where it says nothing of it.

    now  Unix seconds
    Sources: RFC 9110 section 10.2.3 (Retry-After: seconds or a date); GitHub REST, "Rate limits" (x-ratelimit-reset).
    """
    wait_s = _retry_after(headers.get("retry-after", ""), now) if status >= 400 else None
    if wait_s is None and is_exhausted(headers) and (status in (403, 429) or 200 <= status < 300):
        wait_s = _reset(headers.get("x-ratelimit-reset", ""), now)
        if wait_s is None and status in (403, 429):
            wait_s = UNSAID_S
    return None if wait_s is None else min(max(wait_s, 0.0), DAY_S)


def _retry_after(text: str, now: float) -> float | None:
    text = text.strip()
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now
    except (ValueError, OverflowError):  # not a date: as if nothing had been said
        return None


def _reset(text: str, now: float) -> float | None:
    text = text.strip()
    if not (text.isascii() and text.replace(".", "", 1).isdigit()):
        return None
    moment = float(text)
    return (moment / 1000 if moment > MILLISECONDS else moment) - now
