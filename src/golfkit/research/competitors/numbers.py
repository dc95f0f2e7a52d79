"""Decimal numbers of a plain text, with the words that belong to each. Pure."""

import re
from collections.abc import Iterator
from typing import NamedTuple

# A decimal that is no part of a version, a name, a path, a date or a number with thousands separators.
_NUMBER = re.compile(
    r"(?<![\w.,@/\\#])(?<!\w[-/])(?<!\d[:\u2013])([~≈]?\s?)([+-]?)(\d{1,2}\.\d{2,12})(?![\d_]|\.\d|,\d{3}|\s?%)"
)
# What follows a number that is no score: a unit.
_UNIT = re.compile(
    r"\s?(?:[x\u00d7]\b|\u00d7|(?:[kmg]i?b|[kmgb]|ms|s|sec|seconds?|min|minutes?|h|hours?|nats?|params|tokens?|steps?|"
    r"bytes?|tok|days?|bits?(?! ?(?:per|/))|percent|pp|\u03c3|mbpb|mnats?)\b)",
    re.I,
)
_CLAUSE = re.compile(r"\s\|\s|\s?\|\|\s?|;\s|(?<=[A-Za-z0-9)\]%])[.!?]\s+(?=[A-Z~*(])|\s[·•]\s|\s\|$|^\|\s")
_SEPARATOR = re.compile(r"\s*[,/]\s*[~≈]?\s*\Z")  # of a list
_CUT = re.compile(
    r"[,;)\]]|\s(?:and|vs\.?|versus|over|beats?|beating|than|from|against|compared|below|above|improv\w+|which|while|but|"
    r"whereas|using|→|at|with|—|\u2013|on|surpass\w*|ahead|under|by|is|was|because|so|to|without)\b|\s→|\s[—\u2013]|/\s"
)
# What belongs to the number before it: the unit, its spread, a remark in brackets that has no other decimal in it.
_OWN = re.compile(
    r"(?:\s*(?:(?:val[_ ]?)?bp[bp]|bits?[ -/](?:per[ -])?byte)\b(?!\s*[:=]))?\s*(?:±\s*\d*\.?\d*)?\s*(?:\([^()]*\))?",
    re.I,
)


class Number(NamedTuple):
    """One number and its words."""

    value: float
    text: str  # its digits, as they stand there
    signed: bool
    approximate: bool
    before: str  # words that lead to it, from the number before it or the start of its clause
    after: str  # words that follow it and belong to it
    listed: bool  # only a comma or the like stands between it and the number before it
    heads: bool  # only a comma or the like stands between it and the number after it
    arrow_after: bool  # an arrow leads from it to another
    clause: str


def numbers(text: str) -> Iterator[Number]:
    """The decimals of a plain line, in order; of other units none."""
    for clause in _clauses(text):
        lead = re.match(r"[^:=|]{1,70}:(?!\d)", clause)
        found = list(_NUMBER.finditer(clause))
        taken = 0  # up to where the words belong to the numbers before
        for i, match in enumerate(found):
            end = found[i + 1].start() if i + 1 < len(found) else len(clause)
            before = clause[taken : match.start()]
            after, taken = _after(clause, match.end(), end)
            if _UNIT.match(clause, match.end()) or _in_expression(clause, match):
                continue
            listed = i > 0 and not re.search(r"[A-Za-z→]", before)
            label = (
                f"{lead[0]} {before}" if lead and taken > lead.end() and match.start() > lead.end() and i else before
            )
            yield Number(
                float(match[3]),
                match[3],
                bool(match[2]),
                bool(match[1].strip())
                or bool(re.search(r"\b(?:about|around|roughly|approx\w*|nearly|circa)\W*$", before, re.I)),
                label,
                after,
                listed,
                bool(_SEPARATOR.match(clause[match.end() : end])) and i + 1 < len(found),
                bool(re.match(r"[^,;|]{0,25}?→", clause[match.end() : end])),
                clause,
            )


def decimals(text: str) -> int:
    """Digits after the point."""
    return len(text.partition(".")[2])


def agree(one: str, other: str) -> bool:
    """Whether two numbers, as written, are the same up to rounding of the shorter one."""
    digits = min(decimals(one), decimals(other))
    return abs(float(one) - float(other)) <= 0.5 * 10.0**-digits * (decimals(one) != decimals(other)) + 1e-12


def _clauses(text: str) -> list[str]:
    return [clause for clause in _CLAUSE.split(text) if clause and clause.strip()]


def _in_expression(clause: str, match: re.Match[str]) -> bool:
    """Whether the number is an end of a range or a term of a difference."""
    return bool(
        re.match(r"\s?[-\u2013]\s?[~]?\d", clause[match.end() :])
        or re.search(r"\d\s?[-\u2013]\s?$", clause[max(0, match.start() - 4) : match.start()])
    )


def _after(clause: str, start: int, end: int) -> tuple[str, int]:
    """(the words after a number that belong to it, where those of the next number begin)."""
    rest = clause[start:end]
    unit = _OWN.match(rest)
    near = unit.end() if unit else 0
    cut = _CUT.search(rest, near)
    stop = cut.start() if cut else len(rest)
    if end < len(clause) and not cut:  # the words up to the next number are its label, unless a bracket opens there
        stop = len(rest.rstrip()) - 1 if rest.rstrip().endswith("(") else near
    return rest[:stop], start + stop
