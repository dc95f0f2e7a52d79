"""Coordinate descent over a model's constants: each in turn a factor up and down, the factor smaller in each round."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from golfkit.compress.bench import variants
from golfkit.compress.bench.cost import Cost
from golfkit.compress.bench.trials import Trials
from golfkit.errors import Exit, GolfError

FACTORS = (2.0, 1.4, 1.2, 1.1)  # a round each, over all constants


class Step(NamedTuple):
    """One trial."""

    trial: int
    edit: str
    payload_bytes: int
    change_percent: float  # against the best before
    is_better: bool


class Found(NamedTuple):
    """What a search ends with."""

    start_bytes: int
    payload_bytes: int
    edits: tuple[str, ...]  # of the best, after those that it started with
    steps: tuple[Step, ...]


def run(
    trials: Trials, edits: Sequence[str], over: Sequence[str], n_trials: int, tell: Callable[[Step], None]
) -> Found:
    """Lower the payload by constants alone, in at most `n_trials` variants.

    over  names of constants
    """
    spec = variants.spec_of(trials.module, edits)
    best = {name: _start(variants.constants(spec), name) for name in dict.fromkeys(over)}
    start = trials.measure([tuple(edits)])[0]
    least, tried, steps = start.payload_bytes, {_edits(best)}, list[Step]()
    for factor in FACTORS:
        for name in best:
            moved = True
            while moved and len(steps) < n_trials:  # on in both directions, while one pays
                batch = [{**best, name: value} for value in _around(best[name], factor)]
                batch = [values for values in batch if _edits(values) not in tried]
                batch = [values for values in batch if variants.is_model(trials.module, (*edits, *_edits(values)))]
                batch = batch[: n_trials - len(steps)]
                tried |= {_edits(values) for values in batch}
                moved = False
                costs = trials.measure([(*edits, *_edits(values)) for values in batch]) if batch else []
                for values, cost in zip(batch, costs, strict=True):
                    steps.append(_step(len(steps) + 1, name, values, cost, least))
                    tell(steps[-1])
                    if cost.payload_bytes < least:
                        least, best, moved = cost.payload_bytes, values, True
    changed = {name: value for name, value in best.items() if value != variants.constants(spec)[name]}
    return Found(start.payload_bytes, least, _edits(changed), tuple(steps))


def _start(known: dict[str, float], name: str) -> float:
    if name not in known:
        raise GolfError(f"--over: there is no constant {name}, expected some of {', '.join(sorted(known))}", Exit.USAGE)
    if known[name] == 0:
        raise GolfError(f"--over: {name} is 0, which no factor changes; start it with --edit {name}=...", Exit.USAGE)
    return known[name]


def _around(value: float, factor: float) -> tuple[float, ...]:
    """The next values; whole numbers stay whole and differ, and none becomes 0."""
    if isinstance(value, int):
        return tuple(v for v in (max(round(value * factor), value + 1), min(round(value / factor), value - 1)) if v)
    return float(f"{value * factor:.4g}"), float(f"{value / factor:.4g}")


def _edits(values: dict[str, float]) -> tuple[str, ...]:
    return tuple(f"{name}={value}" for name, value in values.items())


def _step(trial: int, name: str, values: dict[str, float], cost: Cost, least: int) -> Step:
    percent = round(100 * (cost.payload_bytes - least) / max(least, 1), 4)
    return Step(trial, f"{name}={values[name]}", cost.payload_bytes, percent, cost.payload_bytes < least)
