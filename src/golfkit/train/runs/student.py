"""Student's t, which golf's base install has no scipy for."""

import math

NORMAL_95 = 1.959963984540054  # two-sided 95% point of the normal distribution
DOF_NORMAL = 100_000  # above it t and normal agree to 5 digits, and the series below would be long
SMALLEST = 1e-300  # stands for 0 where the continued fraction would divide by it
CONVERGED = 1e-15  # relative


def within(t: float, dof: int) -> float:
    """P(|T| <= t), for t of 0 or more. Source: Abramowitz and Stegun (1964), 26.7.3 and 26.7.4."""
    theta = math.atan2(t, math.sqrt(dof))
    cos2 = math.cos(theta) ** 2
    odd = dof % 2
    term, total = 1.0, 0.0
    for k in range(odd, dof - 1, 2):  # (dof - odd) / 2 terms
        total += term
        term *= cos2 * (k + 1) / (k + 2)
    if not odd:
        return math.sin(theta) * total
    return 2 / math.pi * (theta + math.sin(theta) * math.cos(theta) * total)


def tail(t: float, dof: float) -> float:
    """P(T > t), for any t and any degrees of freedom above 0, as Welch's test has them.

    The relative error is below 1e-12 up to 1000 degrees of freedom.

    Source: Abramowitz and Stegun (1964), 26.7.1, by the incomplete beta function.
    """
    if not dof > 0:
        raise ValueError(f"{dof} degrees of freedom, expected more than 0")
    one_side = _incomplete_beta(dof / 2, 0.5, dof / (dof + t * t), t * t / (dof + t * t)) / 2
    return one_side if t >= 0 else 1 - one_side


def two_sided_95(dof: int) -> float:
    """The t that |T| exceeds in 5% of cases: 12.706 for 1 degree of freedom, 1.960 for very many."""
    if dof < 1:
        raise ValueError(f"{dof} degrees of freedom, expected 1 or more")
    if dof > DOF_NORMAL:
        return NORMAL_95
    low, high = 1.9, 13.0  # the answers lie between: 1.96 and 12.71
    while high - low > 1e-10:
        middle = (low + high) / 2
        low, high = (middle, high) if within(middle, dof) < 0.95 else (low, middle)
    return (low + high) / 2


def _incomplete_beta(a: float, b: float, x: float, rest: float) -> float:
    """I_x(a, b), with rest = 1 - x, given apart so that no digits are lost where x is near 1."""
    if x <= 0 or rest <= 0:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):  # the fraction converges fast below that only
        return 1 - _incomplete_beta(b, a, rest, x)
    log_beta = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    return math.exp(a * math.log(x) + b * math.log(rest) - log_beta) / (a * _fraction(a, b, x))


def _fraction(a: float, b: float, x: float) -> float:
    """1 + d1/(1 + d2/(1 + ...)) of the incomplete beta function, from its front.

    Source: Abramowitz and Stegun, 26.5.8, by the method of Lentz (1976).
    """
    value, numerator, denominator = 1.0, 1.0, 0.0
    for k in range(1, 10_000):
        m = k // 2
        if k % 2:
            d = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            d = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        denominator = 1 / (1 + d * denominator or SMALLEST)
        numerator = 1 + d / numerator or SMALLEST
        value *= numerator * denominator
        if abs(numerator * denominator - 1) < CONVERGED:
            break
    return value
