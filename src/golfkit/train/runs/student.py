"""Student's t for whole degrees of freedom: golf's base install has no scipy."""

import math

NORMAL_95 = 1.959963984540054  # two-sided 95% point of the normal distribution
DOF_NORMAL = 100_000  # above it t and normal agree to 5 digits, and the series below would be long


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
