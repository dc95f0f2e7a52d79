"""A model as data: tables of contexts, weight sets and APMs, each a line; `entries` makes the kernels of it.

A value is a function of the registers (kernels/parser.py), int64[N_REGS], which returns a number of up to 32 bits.
`entries` copies the functions of a template module (kernels/model.py) and gives the copies the spec's sizes and
functions in place of the template's globals, so that every size is a constant where the kernels are compiled.
"""

from collections.abc import Callable, Mapping, Sequence
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

from golfkit.compress.kernels.floats import LANES
from golfkit.compress.kernels.jit import jit
from golfkit.compress.kernels.layout import AT_CONTEXTS
from golfkit.compress.kernels.maps import hash2
from golfkit.compress.kernels.parser import RUN_FIRST

Value = Callable[[Any], int]


class Context(NamedTuple):
    """What is looked up in the table of bit histories."""

    name: str
    value: Value


class Selector(NamedTuple):
    """A weight set of layer 1 or 2, or an APM: one of `n_rows` rows is chosen for each bit."""

    name: str
    n_rows: int
    value: Value


class Follower(NamedTuple):
    """A feature of the LSTM: the byte that followed the named context last, and whether that was so twice."""

    name: str
    n_rows: int = 513


class Spec(NamedTuple):
    """A model."""

    orders: tuple[Context, ...]  # registers tell how many of them, and of the next, were seen before
    words: tuple[Context, ...]
    others: tuple[Context, ...]
    sets: tuple[Selector, ...]
    finals: tuple[Selector, ...]
    apms: tuple[Selector, ...]
    apm_shares: tuple[int, ...]  # 16ths of the mixed probability, then of each APM
    features: tuple[Selector | Follower, ...]  # of the LSTM
    constants: Mapping[str, float]  # numbers of the template by their names
    near: tuple[Context, ...] = ()  # contexts with their place in the text in them: their slots are soon of no use

    @property
    def contexts(self) -> tuple[Context, ...]:
        """All of them, in the order of the table."""
        return self.orders + self.words + self.others + self.near


def entries(templates: Sequence[ModuleType], spec: Spec) -> dict[str, Any]:
    """The templates' names, their functions being copies that see the spec's sizes and functions as their globals."""
    n_runs = int(spec.constants.get("N_RUNS", len(spec.contexts)))
    n_direct = int(spec.constants.get("N_DIRECT", 0))
    n_inputs = AT_CONTEXTS + len(spec.contexts) + n_runs + 2 * n_direct
    number = {context.name: i for i, context in enumerate(spec.contexts)}
    filled = {
        **spec.constants,
        "N_CTX": len(spec.contexts),
        "N_NEAR": len(spec.near),
        "N_FEATURES": len(spec.features),
        "N_FEATURE_ROWS": n_rows(spec.features),
        "N_FOLLOWED": max((1 + number[f.name] for f in spec.features if isinstance(f, Follower)), default=0),
        "feature_rows": _rows([_feature(feature, number) for feature in spec.features]),
        "N_RUNS": n_runs,
        "N_DIRECT": n_direct,
        "N_ORDERS": len(spec.orders),
        "N_WORDS": len(spec.words),
        "N_INPUTS": -(-n_inputs // LANES) * LANES,
        "N_SETS": len(spec.sets),
        "N_FINALS": len(spec.finals),
        "N_APMS": len(spec.apms),
        "N_ROWS": n_rows(spec.sets),
        "N_FINAL_ROWS": n_rows(spec.finals),
        "N_APM_ROWS": n_rows(spec.apms),
        "APM_SHARES": spec.apm_shares,
        "hash_contexts": _hashed(spec.contexts),
        "select": _rows(spec.sets, spec.finals),
        "select_apms": _rows(spec.apms),
    }
    names = {name: value for template in templates for name, value in vars(template).items()}
    if unknown := set(filled) - set(names):
        raise ValueError(f"a model has no {', '.join(sorted(unknown))}")
    own = {template.__name__ for template in templates}
    scope = {**names, **filled}
    for name, function in names.items():
        if isinstance(function, FunctionType) and function.__module__ in own and name not in filled:
            copy = FunctionType(function.__code__, scope, name)
            copy.__dict__.update(is_kernel=True, is_carver=function.is_carver)
            scope[name] = copy
    return scope


def n_rows(selectors: Sequence[Selector]) -> int:
    """Rows of all of them."""
    return sum(selector.n_rows for selector in selectors)


def _feature(feature: Selector | Follower, number: Mapping[str, int]) -> Selector:
    """A follower as the register that holds it."""
    if isinstance(feature, Selector):
        return feature
    at = RUN_FIRST + number[feature.name]
    return Selector(feature.name, feature.n_rows, lambda r: r[at])


def _hashed(contexts: Sequence[Context]) -> FunctionType:
    """A kernel (registers, uint32[n]): the hash of each context's value."""

    def write(f0, f1, f2, f3, i0, i1, i2, i3):
        @jit
        def four(r, out):
            out[i0] = hash2(f0(r), i0 + 1)
            out[i1] = hash2(f1(r), i1 + 1)
            out[i2] = hash2(f2(r), i2 + 1)
            out[i3] = hash2(f3(r), i3 + 1)

        return four

    return _by_four([context.value for context in contexts], write)


def _rows(*tables: Sequence[Selector]) -> FunctionType:
    """A kernel (registers, uint32[n]): the row of each selector; those of one table are numbered through."""
    first = [n_rows(table[:i]) for table in tables for i in range(len(table))]

    def write(f0, f1, f2, f3, i0, i1, i2, i3):
        a, b, c, d = first[i0], first[i1], first[i2], first[i3]

        @jit
        def four(r, out):
            out[i0] = a + f0(r)
            out[i1] = b + f1(r)
            out[i2] = c + f2(r)
            out[i3] = d + f3(r)

        return four

    return _by_four([selector.value for table in tables for selector in table], write)


def _by_four(values: Sequence[Value], write: Callable[..., FunctionType]) -> FunctionType:
    """One kernel that writes all values, four a function: fewer functions compile sooner. The last may come again."""
    if not values:
        return _no_values
    values = [*map(jit, values)]
    places = [min(i, len(values) - 1) for i in range(len(values) + -len(values) % 4)]
    fours = [places[i : i + 4] for i in range(0, len(places), 4)]
    return _each([write(*(values[i] for i in four), *four) for four in fours])


@jit
def _no_values(r, out):
    """Of an empty table."""


def _each(parts: Sequence[FunctionType]) -> FunctionType:
    """One kernel that calls all; a tree, because a compiler goes down one level a call."""
    if len(parts) == 1:
        return parts[0]
    first, second = _each(parts[: len(parts) // 2]), _each(parts[len(parts) // 2 :])

    @jit
    def both(r, out):
        first(r, out)
        second(r, out)

    return both
