"""Gains that an item claims, in bits per byte as far as they can be converted; and how far a claim is believed. Pure.

A claim is a number with a unit of loss and a word of change: "improves val_bpb by 0.012", "-0.005 bpb", "lowers loss by
0.03 nats", "perplexity falls from 18.2 to 17.5", "4% lower perplexity". Percentages of speed, memory or accuracy are no
claims about the score. What a paper gains on its own baseline is mostly gone on a tuned stack, and authors state their
best case, so that a claim counts a fraction (DISCOUNT) and at most MOST.
"""

import math
import re

BYTES_PER_TOKEN = 3.7  # of the contest's larger vocabularies: 3.72663 at 8,192 pieces; nats a token become bits a byte
DISCOUNT = 0.3  # of a claim that is expected to hold here; judgement, no measurement
MOST = 0.05  # bpb: a larger claim is about another setting

MINUS = "\u2212"  # as typographers write it
_UNITS = ("bpb", "bpc", "per byte", "per-byte", "nat", "perplexity", "ppl", "loss")
# All of them search text in lower case.
_BPB = re.compile(r"(?<![\d.])(?P<number>0?\.\d{1,6})\s*(?P<unit>bpb|bpc|bits?[ -]per[ -]byte|nats?)\b")
_RATIO = re.compile(
    r"(?:perplexity|\bppl\b|\bloss\b)\W+(?:\w+\W+){0,4}?(?:from\s)?(?P<before>\d{1,3}\.\d{1,4})\s*(?:to|→|->)\s*(?P<after>\d{1,3}\.\d{1,4})",
)
_PERCENT = re.compile(
    r"(?P<percent>\d{1,2}(?:\.\d+)?)\s?%\s+(?:lower|better|reduction\s+(?:in|of)|less|improvement\s+(?:in|of))\s+(?:\w+\s+){0,2}?"
    r"(?P<what>perplexity|ppl|loss|bpb)\b",
)
_BETTER = re.compile(
    r"improv|reduc|lower|gain|better|decreas|sav(?:es|ing)|drops?\b|falls?\b|win\b|wins\b|free|delta|δ"
)
_WORSE = re.compile(r"worse|penalty|regress|degrad|hurts?|loses?|loss of|costs\b|std|variance|noise|gap\b|error bar|±")


def claimed(text: str) -> float:
    """The largest believable gain that a text claims, in bpb and discounted; 0.0 where it claims none."""
    lower = text.lower()
    if not any(unit in lower for unit in _UNITS):
        return 0.0
    found = [*_differences(lower), *_changes(lower)]
    return min(MOST, DISCOUNT * max(found, default=0.0))


def _differences(text: str) -> list[float]:
    gains = []
    for match in _BPB.finditer(text):
        around = text[max(0, match.start() - 40) : match.end() + 24]
        line = around.strip().partition("\n")[0]
        sign = text[max(0, match.start() - 2) : match.start()].strip()[-1:]
        negative = sign in ("-", MINUS)
        if _WORSE.search(line) or sign == "+" or not (negative or _BETTER.search(line)):
            continue
        number = float(match["number"])
        gains.append(_bpb(number) if match["unit"].lower().startswith("nat") else number)
    return gains


def _changes(text: str) -> list[float]:
    gains = []
    for match in _RATIO.finditer(text):
        before, after = float(match["before"]), float(match["after"])
        if 1.0 < after < before < 2 * after:
            loss = match[0].lower().startswith("loss")
            gains.append(_bpb(before - after if loss else math.log(before / after)))
    for match in _PERCENT.finditer(text) if "%" in text else ():
        share = float(match["percent"]) / 100
        gains.append(share if match["what"].lower() in ("bpb", "loss") else _bpb(-math.log(1 - share)))
    return gains


def _bpb(nats: float) -> float:
    """Nats a token as bits a byte."""
    return nats / math.log(2) / BYTES_PER_TOKEN
