"""The answer of one check."""

from collections.abc import Sequence
from typing import NamedTuple

OK, NO, UNKNOWN = "ok", "no", "unknown"


class Check(NamedTuple):
    """One check of a record folder."""

    key: str
    verdict: str  # ok, no, or unknown: what would be needed to tell is not there
    reason: str


def worst(answers: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """(verdict, reason) of several findings: the worst verdict, with the reasons of all findings that have it."""
    for verdict in (NO, UNKNOWN, OK):
        reasons = [reason for found, reason in answers if found == verdict]
        if reasons:
            return verdict, "; ".join(dict.fromkeys(reasons))
    return UNKNOWN, "nothing to go by"


def count(n: int, noun: str) -> str:
    """A number and its noun."""
    return f"{n} {noun}{'' if n == 1 else 's'}"


def listed(values: Sequence[float | None]) -> str:
    """Numbers in a row, long whole ones with commas."""
    return ", ".join(f"{value:,}" if isinstance(value, int) and value > 9999 else str(value) for value in values)
