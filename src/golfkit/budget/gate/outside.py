"""Reading calls of what is not the script's own: builtins, torch, numpy, and what nothing is known of. Pure."""

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from golfkit.budget.gate.expressions import Expressions
from golfkit.budget.gate.values import (
    ANY,
    UNKNOWN,
    Bound,
    Function,
    Gradient,
    Object,
    Partial,
    Value,
    combined,
    flat,
    literal,
    text_tags,
)

LOSSES = re.compile(r"cross_?entropy\w*|nll_loss|log_softmax|softmax_cross_entropy\w*", re.IGNORECASE)
GRADIENTS = {"value_and_grad", "grad", "grad_and_value", "jacrev", "vjp"}
WRAPPERS = {"compile", "jit", "wraps", "cache", "lru_cache", "checkpoint_wrapper", "disable", "script", "vmap"}
QUIET = {"print", "len", "isinstance", "hasattr", "issubclass", "id", "type", "repr", "super", "hash", "callable"}
TEXT = {"os.path.join", "pathlib.Path", "str", "os.fspath", "pathlib.PurePath", "os.path.expanduser", "os.path.abspath"}
ENV_DATA = re.compile(r"VAL(?:ID|IDATION)?_(?:FILES?|DATA\w*|PATHS?|PATTERN|SHARDS?|BIN|TOKENS|DIR|GLOB)")
ENV_DATA = re.compile(r"VAL(?:ID|IDATION)?_(?:FILES?|DATA\w*|PATHS?|PATTERN|SHARDS?|BIN|TOKENS|DIR|GLOB)")
SAYING = re.compile(r"(?:\w+\.)*(?:log(?:_\w+|\d|ger|_rank0)?|print\w*|say|tell|write|report)", re.IGNORECASE)
CALLABLE = Function | Bound | Partial


class Outsiders(Expressions):
    """Calls of outside things; those of the script's own functions are another part's."""

    forwarded: Callable[..., Value]
    gradient: Callable[..., None]
    handed_over: Callable[..., bool]
    calibrated: Callable[..., None]

    def unknown(self, callee: Value, args: Sequence[Value], kwargs: Mapping[str, Value], node: ast.AST) -> Value:
        """A call of something of which nothing is known: of a parameter, of what an outside function made."""
        used = combined([*args, *kwargs.values()])
        self.handed_over("", args, kwargs, node)
        name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        self.calibrated(name, used, node)
        if SAYING.fullmatch(name):
            return Value()
        return self.forwarded(combined([used, callee]), node)

    def outside(self, name: str, args: Sequence[Value], kwargs: Mapping[str, Value], node: ast.AST) -> Value:
        """A call of a builtin or of an imported name."""
        last, line = name.rpartition(".")[2], getattr(node, "lineno", 0)
        values = [*args, *kwargs.values()]
        used = combined(values)
        if name in ("os.environ.get", "os.getenv"):
            named = args[0].const if args else None
            if isinstance(named, str) and ENV_DATA.fullmatch(named):
                return Value(used.tags | text_tags("val_*", line))
            default = args[1] if len(args) > 1 else kwargs.get("default", Value(const=None))
            return Value(used.tags, (), default.const if self.unset else UNKNOWN)
        if name in TEXT and all(isinstance(value.const, str) for value in args) and args:
            return literal("/".join(value.const for value in args), line)
        functions = [ref for value in args for ref in value.refs if isinstance(ref, CALLABLE)]
        if last in GRADIENTS and functions:
            return Value(refs=tuple(Gradient(Value(refs=(ref,))) for ref in functions))
        if name.endswith(("autograd.grad", "autograd.backward")):
            self.gradient(used, node)
            return used
        if LOSSES.fullmatch(last):
            return self.forwarded(used, node)
        if name in _NUMBERS and len(args) == 1 and isinstance(args[0].const, str | int | float):
            return _number(name, args[0])
        if last == "partial" and args:
            return Value(refs=(Partial(args[0], tuple(args[1:]), dict(kwargs)),))
        return self._plain(name, last, list(args), dict(kwargs), node)

    def _plain(self, name: str, last: str, args: list[Value], kwargs: dict[str, Value], node: ast.AST) -> Value:
        """Builtins and constructors that golf knows."""
        values = [*args, *kwargs.values()]
        if last == "SimpleNamespace":
            return Value(refs=(Object(None, kwargs),))
        if last == "replace" and args and any(isinstance(ref, Object) for ref in args[0].refs):
            return args[0]
        if name in ("getattr", "setattr") and len(args) > 1 and isinstance(args[1].const, str):
            if name == "setattr":
                self.put_attribute(args[0], args[1].const, args[2] if len(args) > 2 else Value())
            return self.attribute(args[0], args[1].const, node)
        if name == "dict" and not args:
            return Value(items=dict(kwargs))
        if last in ("deepcopy", "copy") and args:
            return args[0]
        if name in _GATHERING and args:
            return self._gathered(name, args, kwargs, node)
        if name in QUIET:
            return combined([Value(frozenset(tag for tag in flat(value) if tag[0] == "loop")) for value in values])
        return self._computed(name, last, args, kwargs, node)

    def _gathered(self, name: str, args: list[Value], kwargs: dict[str, Value], node: ast.AST) -> Value:
        """Builtins that put values together, or take them apart."""
        if name in ("list", "tuple", "sorted", "reversed", "iter", "set"):
            return self._iterated(args[0], node)
        if name == "zip":
            return Value(items={ANY: Value(items={i: self.part(value) for i, value in enumerate(args)})})
        if name == "enumerate":
            return Value(items={ANY: Value(items={0: Value(), 1: self.part(self._iterated(args[0], node))})})
        return self.part(self._iterated(args[0], node)).plus(*(("state", loop) for loop in self.loop_ids()))

    def _computed(self, name: str, last: str, args: list[Value], kwargs: dict[str, Value], node: ast.AST) -> Value:
        """Anything else: what it gives is made from what it is given."""
        values = [*args, *kwargs.values()]
        self.handed_over(last, args, kwargs, node)
        self.calibrated(name, combined(values), node)
        found = combined(values)
        if name.endswith((".listdir", ".scandir")):
            found = found.plus(("may", getattr(node, "lineno", 0)))
        keep = Object | CALLABLE | Gradient if last in WRAPPERS or not last.islower() else Object
        return found._replace(refs=tuple(ref for value in values for ref in value.refs if isinstance(ref, keep)))

    def _iterated(self, value: Value, node: ast.AST) -> Value:
        """What iterating over a value gives."""
        for ref in value.refs:
            method = ref.cls.find("__iter__") if isinstance(ref, Object) and ref.cls is not None else None
            for function in method.refs if method is not None else ():
                if isinstance(function, Function):
                    return self.run(function, [Value(refs=(ref,))], {}, node)
        return value


def _number(name: str, value: Value) -> Value:
    """int, float and bool of a constant."""
    try:
        return Value(value.tags, (), _NUMBERS[name](value.const))
    except (ValueError, OverflowError):
        return Value(value.tags)


_NUMBERS: dict[str, Callable[[Any], Any]] = {"int": int, "float": float, "bool": bool}
_GATHERING = {"list", "tuple", "sorted", "reversed", "iter", "set", "zip", "enumerate", "next"}
