"""Which runs may be ranked against each other: those with the same budget, data and sequence length. Pure.

The budget is the tokens that a run saw. Where the clock ended it, the budget is the time it was given, on the same
backend and device: that is how the contest itself compares. What is not known is never taken to be equal.
"""

from collections.abc import Hashable
from typing import NamedTuple

from golfkit.train.runs.record import RunRecord


class Trait(NamedTuple):
    """One thing in which comparable runs are equal."""

    name: str
    value: Hashable  # None is unknown
    needed: bool = True  # whether unknown on both sides makes them not comparable


def traits(record: RunRecord) -> tuple[Trait, ...]:
    """What must be equal. Without a tokenizer's digest its name stands for it: the shards' digests hold its tokens."""
    data = record.data
    if record.time_limited:
        budget = (
            Trait("training seconds", record.limit_seconds),
            Trait("backend", record.backend),
            Trait("device", record.device),
        )
    else:
        budget = (Trait("tokens seen", record.tokens_seen),)
    return (
        *budget,
        Trait("sequence length", record.seq_len),
        Trait("training data", data.train_sha256),
        Trait("validation data", data.val_sha256),
        Trait("tokenizer", data.tokenizer_sha256 or data.tokenizer),
        Trait("validation tokens", record.val_tokens, needed=False),
    )


def key(record: RunRecord | None) -> Hashable | None:
    """Equal for runs that are comparable; None where something needed is not known, which is like nothing else."""
    if record is None or unknown(record):
        return None
    return tuple((trait.name, trait.value) for trait in traits(record))


def unknown(record: RunRecord) -> list[str]:
    """What is not known of a run, and keeps it from being compared with any other."""
    return [trait.name for trait in traits(record) if trait.needed and trait.value is None]


def comparable(a: RunRecord, b: RunRecord) -> list[str]:
    """Why two runs may not be ranked against each other; empty when they may."""
    if a.time_limited != b.time_limited:
        limited, other = (a, b) if a.time_limited else (b, a)
        return [f"{limited.run} was ended by the clock, {other.run} by its iterations"]
    reasons = []
    for one, two in zip(traits(a), traits(b), strict=True):
        if one.value != two.value:
            reasons.append(f"{one.name}: {_shown(one.value)} against {_shown(two.value)}")
        elif one.needed and one.value is None:
            reasons.append(f"{one.name}: not known")
    return reasons


def _shown(value: Hashable) -> str:
    if value is None:
        return "not known"
    if isinstance(value, int):
        return f"{value:,}"
    text = str(value)
    return text[:12] if len(text) == 64 else text  # a digest
