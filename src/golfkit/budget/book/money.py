"""Money: integer cents, worked out exactly and rounded up once. No float is ever added up.

cost = seconds / 3600 x gpus x (hourly rate of 8 GPUs) / 8, which is seconds / 3600 x `machine_rate`; a provider's own
price is that of the whole machine already.
"""

import math
import re
from decimal import Decimal
from fractions import Fraction

from golfkit.errors import Exit, GolfError

SECONDS_PER_HOUR = 3600
MOST = 10**12  # seconds, and dollars an hour: above every real one; keeps exact arithmetic small
_DOLLARS = re.compile(r"\$?([0-9]{1,12})(?:\.([0-9]{1,2}))?")


def cost_cents(seconds: float | Decimal, usd_per_hour: Decimal | int) -> int:
    """Cents that `seconds` of a whole machine cost, rounded up to the next whole cent.

    seconds       a float counts as the decimal number it prints as
    usd_per_hour  of the whole machine, all its GPUs; a float is refused

    Raises ValueError for what is negative, not finite or beyond MOST.
    """
    if isinstance(usd_per_hour, float):
        raise ValueError(f"usd_per_hour is the float {usd_per_hour!r}, expected a Decimal: money is never a float")
    return math.ceil(_exact("seconds", seconds) * _exact("usd_per_hour", usd_per_hour) * 100 / SECONDS_PER_HOUR)


def machine_rate(gpus: int, rate_of_8: Decimal | int) -> Decimal:
    """Dollars an hour of a machine with `gpus` GPUs, where one with 8 costs `rate_of_8`."""
    return Decimal(rate_of_8) * gpus / 8


def dollars(cents: int) -> Decimal:
    """`cents` as dollars with two decimals."""
    return Decimal(cents).scaleb(-2)


def shown(cents: int) -> str:
    """`cents` for a sentence: $12.34, -$0.05."""
    return f"{'-' if cents < 0 else ''}${dollars(abs(cents))}"


def parse_dollars(text: str, name: str, exit_code: Exit = Exit.USAGE) -> int:
    """Cents of "12", "12.3", "12.34" or "$12.34"; `name` is what the error calls it."""
    match = _DOLLARS.fullmatch(text.strip())
    if match is None:
        raise GolfError(f"{name} is {text!r}, expected dollars and whole cents such as 12.34; correct it", exit_code)
    whole, part = match.groups()
    return int(whole) * 100 + int((part or "").ljust(2, "0"))


def _exact(name: str, value: float | Decimal) -> Fraction:
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not (number.is_finite() and 0 <= number <= MOST):
        raise ValueError(f"{name} is {value}, expected a number from 0 to {MOST}")
    return Fraction(number)
