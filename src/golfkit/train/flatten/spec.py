"""The model's contract, read from its source without running it: what it must define, and the fields of its spec."""

import ast
import difflib
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from golfkit.errors import Exit, GolfError
from golfkit.train.flatten.sources import Source, module_of

REQUIRED = {
    "Spec": "a frozen dataclass of the model's shape",
    "parameters": "a function of the spec that gives the parameter table",
    "forward": "a function of (ops, spec, weights, ids) that gives the logits",
}
SWITCH = {"true": True, "1": True, "on": True, "false": False, "0": False, "off": False}


class Field(NamedTuple):
    """One field of the spec."""

    name: str
    kind: str  # its annotation: int, float, bool, str
    line: int


def check(model: Source, base: str) -> None:
    """Refuse a model that lacks a part of the contract; `base` is the name of the spec to flatten."""
    for name, meaning in {**REQUIRED, base: "a Spec, the one to flatten"}.items():
        if name not in model.imports and not any(name in _names(node) for node in model.body):
            raise GolfError(f"{model.where}:1: no {name} at the top level, expected {meaning}; define it")


def fields(model: Source, sources: Mapping[str, Source]) -> dict[str, Field]:
    """The fields of the model's Spec and of the classes that it builds on."""
    found: dict[str, Field] = {}
    todo = [(model, "Spec")]
    while todo:
        source, name = todo.pop()
        for node in source.body:
            if isinstance(node, ast.ClassDef) and node.name == name:
                for item in node.body:
                    if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                        key = item.target.id
                        found.setdefault(key, Field(key, ast.unparse(item.annotation), item.lineno))
                todo += [(source, base.id) for base in node.bases if isinstance(base, ast.Name)]
        if name in source.imports:
            target = module_of(source.imports[name])
            if target.module in sources and target.name:
                todo.append((sources[target.module], target.name))
    return found


def parse(settings: Sequence[str], known: Mapping[str, Field], where: str) -> dict[str, object]:
    """The values of KEY=VALUE texts, of the types of their fields."""
    values: dict[str, object] = {}
    for text in settings:
        key, equals, value = text.partition("=")
        if not equals:
            raise GolfError(f"{text!r}: expected KEY=VALUE, a field of {where}'s Spec and its value", Exit.USAGE)
        check_key(key, known, where)
        values[key] = _value(known[key], value)
    return values


def check_key(key: str, known: Mapping[str, Field], where: str) -> None:
    """Refuse what is no field of the spec."""
    if key not in known:
        near = difflib.get_close_matches(key, known, 3) or sorted(known)
        raise GolfError(f"{where}: its Spec has no field {key!r}, expected one of {', '.join(near)}", Exit.USAGE)


def _value(field: Field, text: str) -> object:
    kinds = {"int": ("a whole number", int), "float": ("a number", _number), "bool": ("true or false", _switch)}
    said, convert = kinds.get(field.kind, ("a Python value", ast.literal_eval))
    if field.kind == "str":
        return text
    try:
        return convert(text)
    except (ValueError, SyntaxError, KeyError) as error:
        raise GolfError(f"{field.name}={text}: expected {said} ({field.kind}); correct it", Exit.USAGE) from error


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _switch(text: str) -> bool:
    return SWITCH[text.lower()]


def _names(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)}
