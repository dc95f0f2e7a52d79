"""One training step's arithmetic for every backend: Muon for matrices, Adam for the rest, by the parameter table.

Arrays are the library's own; only operators and methods that numpy, torch and mlx share are used, so the rule is
written once. State: per name, float32 arrays of the weight's shape (`first`, `second`; Muon's `second` has one number
per row).
"""

from collections.abc import Callable, Sequence
from typing import Any

from golfkit.train.engine.schedule import Pace
from golfkit.train.model.ops import Ops
from golfkit.train.model.parameters import Parameter

EPS = 1e-8  # of Adam's denominator
TINY = 1e-7  # of norms that may be 0
KELLER = ((3.4445, -4.7750, 2.0315),) * 5  # Source: Jordan, "Muon" (2024); the contest's baseline uses these
POLAR = (  # each step the best for the spectrum that the last one left
    (8.156554524902461, -22.48329292557795, 15.878769915207462),
    (4.042929935166739, -2.808917465908714, 0.5000178451051316),
    (3.8916678022926607, -2.772484153217685, 0.5060648178503393),
    (3.285753657755655, -2.3681294933425376, 0.46449024233003106),
    (2.3465413258596377, -1.7097828382687081, 0.42323551169305323),
)  # Source: Amsel, Persson, Musco, Gower, "The Polar Express" (2025), arXiv:2505.16932


Arrays = dict[str, Any]


def new_state(table: Sequence[Parameter], weights: Arrays) -> dict[str, Arrays]:
    """Zeros for every weight; Muon's second moment has one column."""
    first = {name: array * 0 for name, array in weights.items()}
    second = {row.name: weights[row.name] * 0 for row in table}
    for row in table:
        if row.group == "matrix":
            second[row.name] = second[row.name].sum(-1)[..., None]
    return {"first": first, "second": second}


def update(
    spec: Any,
    table: Sequence[Parameter],
    weights: Arrays,
    grads: Arrays,
    state: dict[str, Arrays],
    pace: Pace,
    ops: Ops,
) -> tuple[Arrays, dict[str, Arrays]]:
    """The weights and the state after one step.

    pace  scalars, or 0-d arrays where a compiler would fix a number
    ops   for their dtypes: Newton-Schulz tolerates the one in which matrix products are cheap
    """
    new, first, second = {}, {}, {}
    if spec.clip:
        norm = sum((grad * grad).sum() for grad in grads.values()) ** 0.5
        excess = norm / spec.clip
        grads = {name: grad / (excess * (excess > 1) + (excess <= 1)) for name, grad in grads.items()}
    for row in table:
        rule = _rule(spec, row)
        name = row.name
        step, first[name], second[name] = rule(
            spec, grads[name], state["first"][name], state["second"][name], pace, ops
        )
        rate = getattr(spec, f"{row.group}_rate") * row.rate * pace.rate
        weight = weights[name]
        if row.group == "matrix" and spec.weight_decay:
            weight = weight * (1 - rate * spec.weight_decay)
        new[name] = weight - rate * step
    return new, {"first": first, "second": second}


def _rule(spec: Any, row: Parameter) -> Callable[..., tuple[Any, Any, Any]]:
    """What turns the gradient of a weight, and its two moments, into a step and the next moments."""
    if row.group == "matrix":
        return _muon
    return _adagrad if row.group == "embed" and spec.adagrad else _adam


def orthogonalise(x: Any, steps: Sequence[tuple[float, float, float]], low: Callable[[Any], Any]) -> Any:
    """The nearest (semi-)orthogonal matrices of x[..., rows, cols], about: singular values go to 0.7 to 1.2."""
    tall = x.shape[-2] > x.shape[-1]
    x = low(x.swapaxes(-1, -2) if tall else x)
    norm = (x * x).sum(-1)[..., None].sum(-2)[..., None] ** 0.5
    x = x / (norm * 1.02 + TINY)
    for a, b, c in steps:
        gram = x @ x.swapaxes(-1, -2)
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x.swapaxes(-1, -2) if tall else x


def _muon(spec: Any, grad: Any, first: Any, second: Any, pace: Pace, ops: Ops) -> tuple[Any, Any, Any]:
    """Nesterov momentum, orthogonalised; with `spec.normuon` every row at the same size over time.

    Source: Jordan, "Muon" (2024); Li et al., "NorMuon" (2025), arXiv:2510.05491.
    """
    first = pace.momentum * first + (1 - pace.momentum) * grad
    ahead = (1 - pace.momentum) * grad + pace.momentum * first
    step = ops.high(orthogonalise(ahead, POLAR if spec.polar else KELLER, ops.low))
    rows, cols = grad.shape[-2:]
    if spec.normuon:
        square = (step * step).sum(-1)[..., None] / cols
        second = spec.beta2 * second + (1 - spec.beta2) * square
        scaled = step / (second**0.5 + EPS)
        size = (step * step).sum(-1)[..., None].sum(-2)[..., None] ** 0.5
        step = scaled * (size / ((scaled * scaled).sum(-1)[..., None].sum(-2)[..., None] ** 0.5 + TINY))
    return step * max(1.0, rows / cols) ** 0.5, first, second


def _adagrad(spec: Any, grad: Any, first: Any, second: Any, pace: Pace, ops: Ops) -> tuple[Any, Any, Any]:
    """Steps by the sum of all squares so far. A row of a table that is seen once a hundred steps gets one step then.

    Adam, whose mean square forgets, takes ten large ones for it. Source: Duchi, Hazan, Singer, JMLR 12 (2011).
    """
    second = second + grad * grad
    return grad / (second**0.5 + EPS), first, second


def _adam(spec: Any, grad: Any, first: Any, second: Any, pace: Pace, ops: Ops) -> tuple[Any, Any, Any]:
    first = spec.beta1 * first + (1 - spec.beta1) * grad
    second = spec.beta2 * second + (1 - spec.beta2) * grad * grad
    return (first / pace.correct1) / ((second / pace.correct2) ** 0.5 + EPS), first, second
