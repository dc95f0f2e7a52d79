"""What Tavily's searches cost: .research/credits.jsonl, append-only, in whole credits, under one lock.

How it is used: take credits, then ask.

    ticket = ledger.take(1, "search parameter_golf: bits per byte", now)
    if ticket is None:
        ...  # the month's cap would be passed: do not ask
    ...  # ask
    ledger.release(ticket, now)  # only where it was refused with an error status: then it was not charged

Credits that were taken count until they are released. So a process that is killed while it asks has spent them,
several processes at once cannot pass the cap, and what is counted is never less than what is charged. A month is a
calendar month of UTC, and credits belong to the month in which they were taken.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from golfkit import files, jsonl
from golfkit.research.queries import Tavily
from golfkit.settings import Settings

FILE = ".research/credits.jsonl"  # in the workspace
SEARCH = {"basic": 1, "advanced": 2}  # credits of a search, by its depth
EXTRACT_URLS = 5  # addresses that are extracted for a credit
_FORM = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line.

    ticket  12 hex digits: the taking that this line is or belongs to
    event   taken or released
    time    UTC, 2026-05-01T14:30:00Z
    """

    ticket: str
    event: str
    time: str
    credits: int
    what: str


class Ledger:
    """The file, and the cap on a month."""

    def __init__(self, path: Path, monthly_usd: Decimal, credit_usd: Decimal) -> None:
        self.path = path
        self.cap = int(monthly_usd // credit_usd) if credit_usd else None  # whole credits; None: they cost nothing

    def take(self, credits: int, what: str, now: datetime) -> str | None:
        """Take credits from the month's; the ticket, or None where the cap would be passed and nothing was taken."""
        with files.locked(self.path):
            if self.cap is not None and _spent(self._read(), now) + credits > self.cap:
                return None
            ticket = secrets.token_hex(6)
            self._append(Entry(ticket=ticket, event="taken", time=_text(now), credits=credits, what=what))
            return ticket

    def release(self, ticket: str, now: datetime) -> None:
        """What the ticket was taken for is known not to have been charged."""
        with files.locked(self.path):
            taken = next(entry for entry in self._read() if entry.ticket == ticket)
            self._append(replace(taken, event="released", time=_text(now)))

    def spent(self, now: datetime) -> int:
        """Credits that count in the month of `now`."""
        with files.locked(self.path):
            return _spent(self._read(), now)

    def _read(self) -> list[Entry]:
        return jsonl.read(self.path, Entry, missing_ok=True)

    def _append(self, entry: Entry) -> None:
        files.append_locked(self.path, [jsonl.render(entry)])


def of_workspace(home: Path, values: Settings, tavily: Tavily) -> Ledger:
    """The workspace's ledger with the cap of its settings."""
    return Ledger(home / FILE, Decimal(str(values.tavily_monthly_budget_usd)), Decimal(str(tavily.credit_usd)))


def extract_credits(n_urls: int) -> int:
    """Credits that extracting the full text of addresses takes."""
    return -(-n_urls // EXTRACT_URLS)


def _spent(entries: Iterable[Entry], now: datetime) -> int:
    month = _text(now)[:7]
    taken: dict[str, int] = {}
    for entry in entries:
        if entry.event == "taken" and entry.time[:7] == month:
            taken[entry.ticket] = entry.credits
        elif entry.event == "released":
            taken.pop(entry.ticket, None)
    return sum(taken.values())


def _text(now: datetime) -> str:
    return now.astimezone(UTC).strftime(_FORM)
