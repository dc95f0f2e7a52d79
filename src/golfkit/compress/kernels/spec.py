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
from golfkit.compress.kernels.maps import hash2

Value = Callable[[Any], int]
MATCH_INPUTS = 5  # two of each match model, and a constant


class Context(NamedTuple):
    """What is looked up in the table of bit histories."""

    name: str
    value: Value


class Selector(NamedTuple):
    """A weight set of layer 1 or 2, or an APM: one of `n_rows` rows is chosen for each bit."""

    name: str
    n_rows: int
    value: Value


class Spec(NamedTuple):
    """A model."""

    orders: tuple[Context, ...]  # registers tell how many of them, and of the next, were seen before
    words: tuple[Context, ...]
    others: tuple[Context, ...]
    sets: tuple[Selector, ...]
    finals: tuple[Selector, ...]
    apms: tuple[Selector, ...]
    apm_shares: tuple[int, ...]  # 16ths of the mixed probability, then of each APM
    constants: Mapping[str, float]  # numbers of the template by their names

    @property
    def contexts(self) -> tuple[Context, ...]:
        """All of them, in the order of the table."""
        return self.orders + self.words + self.others


def entries(template: ModuleType, spec: Spec) -> dict[str, Any]:
    """The template's names, its functions being copies that see the spec's sizes and functions as their globals."""
    n_inputs = 2 * len(spec.contexts) + MATCH_INPUTS
    filled = {
        **spec.constants,
        "N_CTX": len(spec.contexts),
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
        "hash_contexts": hashed(spec.contexts),
        "select": _each([*_rows(spec.sets, 0), *_rows(spec.finals, len(spec.sets))]),
        "select_apms": _each(_rows(spec.apms, 0)),
    }
    if unknown := set(filled) - set(vars(template)):
        raise ValueError(f"{template.__name__} has no {', '.join(sorted(unknown))}")
    scope = {**vars(template), **filled}
    for name, function in vars(template).items():
        if isinstance(function, FunctionType) and function.__module__ == template.__name__ and name not in filled:
            copy = FunctionType(function.__code__, scope, name)
            copy.__dict__.update(is_kernel=True, is_carver=function.is_carver)
            scope[name] = copy
    return scope


def hashed(contexts: Sequence[Context]) -> FunctionType:
    """A kernel (registers, uint32[n]): the hash of each context's value."""
    return _each([_hashed(context.value, i) for i, context in enumerate(contexts)])


def _rows(selectors: Sequence[Selector], at: int) -> list[FunctionType]:
    """Kernels (registers, uint32[n]): the row of each selector from item `at` on; rows are numbered through."""
    first = [n_rows(selectors[:i]) for i in range(len(selectors))]
    return [_row(selector.value, at + i, first[i]) for i, selector in enumerate(selectors)]


def n_rows(selectors: Sequence[Selector]) -> int:
    """Rows of all of them."""
    return sum(selector.n_rows for selector in selectors)


def _hashed(value: Value, i: int) -> FunctionType:
    jit(value)
    salt = i + 1

    @jit
    def part(r, out):
        out[i] = hash2(value(r), salt)

    return part


def _row(value: Value, i: int, first: int) -> FunctionType:
    jit(value)

    @jit
    def part(r, out):
        out[i] = first + value(r)

    return part


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
