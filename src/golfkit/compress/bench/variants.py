"""Variants of a model: edits of its tables and constants, each a word of a small grammar.

    drop:TABLE/NAME   without a context, weight set, APM or feature
    add:TABLE/NAME    with one of bench/candidates.py (TABLE/ may be left out where that is clear)
    NAME=NUMBER       with another constant
    without:net       without the LSTM, its features, and the weight sets and APMs that it selects

TABLE is a field of kernels/spec.py's Spec. A dropped context takes the features that follow it along; those that have
inputs of their own beside their history (N_RUNS, N_DIRECT of the first contexts) stay the same, as all else does.
"""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from golfkit.compress.kernels.floats import LANES
from golfkit.errors import Exit, GolfError

if TYPE_CHECKING:
    from golfkit.compress.kernels.spec import Spec

CONTEXTS = ("orders", "words", "others", "near")
TABLES = (*CONTEXTS, "sets", "finals", "apms", "features")
WITHOUT_NET = "without:net"
NET_REGISTERS = {"NET", "NET_TOP"}  # what the LSTM says of this bit and of this byte
SHARE = 2  # 16ths of the probability that an added APM takes from the largest share
FIRST_CONTEXTS = ("N_RUNS", "N_DIRECT")  # constants that count contexts, from the first one on
# least and most of constants that are shifts, counts or places; beyond them a model would be undefined, or never end
RANGES = {
    "MATCH_MIN": (4, 8),
    "MATCH_MIN2": (8, 12),
    "MATCH_BITS": (1, 26),
    "MAP_LIMIT": (1, 1023),  # counts have 10 bits: kernels/maps.py
    "RUN_LIMIT": (1, 1023),
    "DIRECT_LIMIT": (1, 1023),
    "APM_RATE": (0, 16),
    "LAYERS": (1, 2),
    "PLACE_LOG2": (0, 2),
}
COUNTED, MOST_COUNTED = ("orders", "words"), 7  # contexts of which registers count how many were seen, in 3 bits
MOST_DIRECT, MOST_APMS = 64, 16  # lengths of arrays of kernels/layout.py
_NUMBER = re.compile(r"-?(\d+(\.\d*)?|\.\d+)(e-?\d+)?")
_CONSTANT = re.compile(r"([A-Za-z]\w*)=(.+)")


def spec_of(module: str, edits: Sequence[str] = ()) -> "Spec":
    """A model's spec with edits, one after the other.

    module  a module whose SPEC it is
    """
    spec = getattr(importlib.import_module(module), "SPEC", None)
    if spec is None:
        raise GolfError(f"{module} is no table of contexts (it has no SPEC)", Exit.USAGE)
    for edit in edits:
        spec = edited(spec, edit)
    return spec


def is_model(module: str, edits: Sequence[str]) -> bool:
    """Whether a model can be made with these edits."""
    try:
        spec_of(module, edits)
    except GolfError:
        return False
    return True


def edited(spec: "Spec", edit: str) -> "Spec":
    """The spec with one edit; what is no edit of it is a usage error that names what would be."""
    verb, _, rest = edit.partition(":")
    if verb == "drop":
        made = _dropped(spec, *_place(edit, rest, dict(_lines(spec))))
    elif verb == "add":
        made = _added(spec, *_place(edit, rest, dict(_ideas(spec))))
    elif edit == WITHOUT_NET:
        made = _without_net(spec, edit)
    elif found := _CONSTANT.fullmatch(edit):
        made = _set(spec, edit, found[1], found[2])
    else:
        raise _refused(edit, f"expected drop:TABLE/NAME, add:TABLE/NAME, NAME=NUMBER or {WITHOUT_NET}")
    return _checked(made, edit)


def leave_one_out(spec: "Spec") -> tuple[str, ...]:
    """An edit for each line of the spec's tables, those aside without which there is no model."""
    return tuple(f"drop:{name}" for name, (table, _) in _lines(spec) if len(getattr(spec, table)) > 1)


def add_one(spec: "Spec") -> tuple[str, ...]:
    """An edit for each candidate that is not in the spec."""
    return tuple(f"add:{name}" for name, _ in _ideas(spec))


def templates() -> tuple[ModuleType, ...]:
    """Whose names a spec fills in."""
    from golfkit.compress.kernels import layout, model

    return layout, model


def constants(spec: "Spec") -> dict[str, float]:
    """The numbers that `NAME=NUMBER` may change, with their values."""
    known = {name: getattr(template, name) for template in templates() for name in _filled_in(template)}
    numbers = {name: value for name, value in known.items() if isinstance(value, int | float)}
    counts = {"N_RUNS": len(spec.contexts), "N_DIRECT": 0}
    return {**{name: value for name, value in numbers.items() if name[:2] != "N_"}, **counts, **spec.constants}


def _filled_in(template: ModuleType) -> list[str]:
    """The names that a spec may fill in: of the first paragraph of assignments in which something is counted."""
    source = inspect.getsource(template)
    assigned = [node for node in ast.parse(source).body if isinstance(node, ast.Assign)]
    found: list[str] = []
    for i, node in enumerate(assigned):
        if found and node.lineno > assigned[i - 1].end_lineno + 1:  # type: ignore[operator]
            break
        names = [part.id for target in node.targets for part in ast.walk(target) if isinstance(part, ast.Name)]
        if found or names[0].startswith("N_"):
            found += names
    return found


def _lines(spec: "Spec") -> Iterator[tuple[str, tuple[str, Any]]]:
    """All lines: TABLE/NAME, and the table with the line."""
    for table in TABLES:
        yield from ((f"{table}/{line.name}", (table, line)) for line in getattr(spec, table))


def _ideas(spec: "Spec") -> Iterator[tuple[str, tuple[str, Any]]]:
    """The candidates that the spec lacks and can have: what follows or reads an LSTM only where there is one."""
    from golfkit.compress.bench import candidates

    contexts = {context.name for context in spec.contexts}
    with_net = bool(constants(spec).get("CELLS"))
    for table in TABLES:
        present = contexts if table in CONTEXTS else {line.name for line in getattr(spec, table)}
        if table in COUNTED and len(getattr(spec, table)) == MOST_COUNTED:
            continue
        for name, line in candidates.ideas(table).items():
            if table == "features":
                possible = with_net and (hasattr(line, "value") or name in contexts)
            else:
                possible = with_net or not _reads_net(line)
            if possible and name not in present:
                yield f"{table}/{name}", (table, line)


def _place(edit: str, asked: str, known: dict[str, tuple[str, Any]]) -> tuple[str, Any]:
    """The table and the line that an edit names."""
    exact = [name for name in known if name == asked]
    found = exact or [name for name in known if edit.startswith("add:") and name.partition("/")[2] == asked]
    if len(found) == 1:
        return known[found[0]]
    raise _refused(edit, f"expected one of {', '.join(found or known) or 'none: there are no candidates'}")


def _dropped(spec: "Spec", table: str, line: Any) -> "Spec":
    rows = getattr(spec, table)
    at = rows.index(line)
    changes: dict[str, Any] = {table: rows[:at] + rows[at + 1 :]}
    if table in CONTEXTS:
        changes["constants"] = _shifted(spec, spec.contexts.index(line), -1)
        changes["features"] = tuple(f for f in spec.features if hasattr(f, "value") or f.name != line.name)
    elif table == "apms":
        shares = list(spec.apm_shares)
        shares[0] += shares.pop(at + 1)
        changes["apm_shares"] = tuple(shares)
    return spec._replace(**changes)


def _without_net(spec: "Spec", edit: str) -> "Spec":
    """The model as it would be without its net. With CELLS=0 alone, what the net selects would stay, constant."""
    if not constants(spec).get("CELLS"):
        raise _refused(edit, "there is no net in this model")
    made = spec._replace(features=(), constants={**spec.constants, "CELLS": 0})
    for table in ("sets", "finals", "apms"):
        for line in getattr(spec, table):
            if _reads_net(line):
                made = _dropped(made, table, line)
    return made


def _reads_net(line: Any) -> bool:
    """Whether a selector's value is of what the LSTM says."""
    return bool(NET_REGISTERS & set(line.value.__code__.co_names))


def _added(spec: "Spec", table: str, line: Any) -> "Spec":
    made = spec._replace(**{table: (*getattr(spec, table), line)})
    if table in CONTEXTS:
        return made._replace(constants=_shifted(spec, made.contexts.index(line), 1))
    if table == "apms":
        shares = list(spec.apm_shares)
        shares[shares.index(max(shares))] -= SHARE
        return made._replace(apm_shares=(*shares, SHARE))
    return made


def _shifted(spec: "Spec", at: int, n: int) -> dict[str, float]:
    """The constants, those counting contexts past context `at` changed by n."""
    counted = {name: spec.constants[name] for name in FIRST_CONTEXTS if name in spec.constants}
    return {**spec.constants, **{name: value + n for name, value in counted.items() if at < value}}


def _set(spec: "Spec", edit: str, name: str, text: str) -> "Spec":
    known = constants(spec)
    if name not in known:
        raise _refused(edit, f"there is no constant {name}, expected one of {', '.join(sorted(known))}")
    if not _NUMBER.fullmatch(text):
        raise _refused(edit, f"{text} is no number")
    whole = isinstance(known[name], int)
    if whole and not float(text).is_integer():
        raise _refused(edit, f"{name} is a whole number ({known[name]})")
    value = int(float(text)) if whole else float(text)
    return spec._replace(constants={**spec.constants, name: value})


def _checked(spec: "Spec", edit: str) -> "Spec":
    """The spec, where a model can be made of it."""
    names = [context.name for context in spec.contexts]
    if not names or not spec.sets or not spec.finals:
        raise _refused(edit, "a model has a context, a weight set and a final weight set at least")
    used = {feature.name for feature in spec.features if not hasattr(feature, "value")}
    if missing := sorted(used - set(names)):
        raise _refused(edit, f"there is no context {', '.join(missing)}")
    numbers = constants(spec)
    counts = {"N_RUNS": (0, len(names)), "N_DIRECT": (0, min(MOST_DIRECT, len(names)))}
    for name, (least, most) in {**counts, **RANGES}.items():
        if not least <= numbers[name] <= most:
            raise _refused(edit, f"{name} is at least {least} and at most {most} here")
    if numbers["CELLS"] < 0 or numbers["CELLS"] % LANES:
        raise _refused(edit, f"CELLS is a multiple of {LANES}")
    for table in COUNTED:
        if len(getattr(spec, table)) > MOST_COUNTED:
            raise _refused(edit, f"there is room for {MOST_COUNTED} {table}; others take more")
    if len(spec.apms) > MOST_APMS:
        raise _refused(edit, f"there is room for {MOST_APMS} APMs")
    return spec


def _refused(edit: str, why: str) -> GolfError:
    return GolfError(f"--edit {edit!r}: {why}", Exit.USAGE)
