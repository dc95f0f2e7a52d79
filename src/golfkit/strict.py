"""JSON objects read strictly into frozen dataclasses: a wrong type, a key too many or a NaN names file and key."""

import dataclasses
import functools
import json
import math
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, NamedTuple, NoReturn, TypeVar, get_args, get_origin, get_type_hints

from golfkit.errors import GolfError

T = TypeVar("T")
_NAMES = {str: "a string", int: "a whole number", float: "a number", bool: "true or false", NoneType: "null"}


def parse(text: str, where: str, *, one_line: bool = False) -> dict[str, Any]:
    """The JSON object that `text` is; `where` names it in errors. No key twice, no NaN or Infinity.

    one_line  whether `where` has the line's number in it already
    """
    try:
        record = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        place = where if one_line else f"{where}:{error.lineno}"
        raise GolfError(f"{place}: not JSON ({error.msg}), expected a JSON object") from error
    except RecursionError as error:
        raise GolfError(f"{where}: nested too deep, expected a JSON object") from error
    except _RefusedError as error:
        raise GolfError(f"{where}: {error}") from error
    if not isinstance(record, dict):
        raise GolfError(f"{where}: found {type(record).__name__}, expected a JSON object")
    return record


def decode(kind: type[T], record: Mapping[str, Any], where: str, *, extra: str | None = None) -> T:
    """A `kind` from a JSON object, by its fields' type hints; numbers are finite and 0 or more.

    A key that is missing takes the field's default, and is an error where there is none.
    extra  the field that takes the keys which `kind` does not know; None refuses them
    """
    fields = _fields(kind)
    values: dict[str, Any] = {}
    if extra is not None:
        fields = {name: field for name, field in fields.items() if name != extra}
        values[extra] = {key: value for key, value in record.items() if key not in fields}
    elif not fields.keys() >= record.keys():
        unknown = next(key for key in record if key not in fields)
        raise GolfError(f"{where}: unknown key {unknown!r}, expected one of {', '.join(fields)}")
    for name, field in fields.items():
        if name in record:
            value = record[name]
            if type(value) in field.plain or (type(value) in field.numbers and 0 <= value < math.inf):
                values[name] = value
            elif field.strings and type(value) is list and set(map(type, value)) <= {str}:
                values[name] = tuple(value)
            else:
                values[name] = _value(value, field.hint, f"{where}: key {name!r}")
        elif field.required:
            raise GolfError(f"{where}: key {name!r} is missing, expected {_expected(field.hint)}")
    return kind(**values)


class _Field(NamedTuple):
    """A field of a record, and the types of values that need no further look: files have 10,000 lines of 20 fields."""

    hint: Any
    required: bool
    plain: frozenset[type]
    numbers: frozenset[type]  # where they are finite and 0 or more
    strings: bool  # a list of strings


@functools.cache
def _fields(kind: type) -> dict[str, _Field]:
    hints, found = get_type_hints(kind), {}
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        hint = hints[field.name]
        inner, optional = _kind(hint), {NoneType} & set(get_args(hint))
        numbers = {int: {int}, float: {int, float}}.get(inner, set())
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        plain = frozenset(optional | {inner} & {str, bool})
        found[field.name] = _Field(
            hint, required, plain, frozenset(numbers), get_args(inner)[:1] == (str,) and get_origin(inner) is tuple
        )
    return found


class _RefusedError(ValueError):
    """What a JSON hook raises."""


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _RefusedError(f"key {next(k for k in keys if keys.count(k) > 1)!r} is there twice, expected once")
    return record


def _no_constant(name: str) -> NoReturn:
    raise _RefusedError(f"found {name}, expected a number or null")


_DECODER = json.JSONDecoder(object_pairs_hook=_no_duplicates, parse_constant=_no_constant)


def _value(value: Any, hint: Any, where: str) -> Any:
    if value is None and NoneType in get_args(hint):
        return None
    kind = _kind(hint)
    if dataclasses.is_dataclass(kind) and isinstance(value, dict):
        return decode(kind, value, where)  # type: ignore[arg-type]
    if get_origin(kind) is tuple and isinstance(value, list):
        return tuple(_value(inner, get_args(kind)[0], f"{where}[{i}]") for i, inner in enumerate(value))
    if get_origin(kind) is Mapping and isinstance(value, dict):
        inner_hint = get_args(kind)[1]
        return value if inner_hint is Any else {k: _value(v, inner_hint, f"{where}[{k!r}]") for k, v in value.items()}
    if not (type(value) is kind or (kind is float and type(value) is int)):
        raise GolfError(f"{where} is {value!r:.60}, expected {_expected(hint)}")
    if kind in (int, float) and not 0 <= value < math.inf:
        raise GolfError(f"{where} is {value!r:.60}, expected a finite number, 0 or more, or null for unknown")
    return value


def _kind(hint: Any) -> Any:
    """A hint without its `| None`."""
    return next(k for k in get_args(hint) if k is not NoneType) if isinstance(hint, UnionType) else hint


def _expected(hint: Any) -> str:
    kind = _kind(hint)
    shape = "a list" if get_origin(kind) is tuple else "an object"
    return _NAMES.get(kind, shape) + (" or null" if NoneType in get_args(hint) else "")
