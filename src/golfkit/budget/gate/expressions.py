"""Reading a script's expressions: what each value is made from. Pure."""

import ast
import builtins
import re
from collections.abc import Callable, Sequence
from typing import Any

from golfkit.budget.gate.events import Frame, Loop
from golfkit.budget.gate.statements import SCORE_NAME, Statements, truth
from golfkit.budget.gate.values import (
    MOST_ITEMS,
    NONE,
    UNKNOWN,
    Bound,
    Class,
    Env,
    Function,
    Object,
    Outside,
    Value,
    combined,
    flat,
    literal,
    merged,
    name_tags,
    text_tags,
    without,
)

SHAPE = {"shape", "size", "numel", "ndim", "dim", "dtype", "device", "nbytes", "itemsize", "element_size", "nelement"}
_SCORE_TEXT = re.compile(r"(?:bpb|bits.per.byte|val(?:id|idation)?.?loss)\W*$", re.IGNORECASE)
_TRAIN_FILTER = re.compile(r"train", re.IGNORECASE)
_CONSTANTS = {ast.Add: lambda a, b: a + b, ast.Div: lambda a, b: f"{a}/{b}", ast.Mod: lambda a, b: a % b}


class Expressions(Statements):
    """Expressions; `call` is another part's."""

    call_node: Callable[..., Value]

    def value(self, node: ast.expr) -> Value:
        """The value of an expression."""
        self.step()
        method = getattr(self, f"_{type(node).__name__.lower()}_value", None)
        if method is not None:
            return method(node)
        return combined([self.value(child) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)])

    def _constant_value(self, node: ast.Constant) -> Value:
        return literal(node.value, node.lineno)

    def _name_value(self, node: ast.Name) -> Value:
        found = self.env.find(node.id)
        if found is not None:
            return found
        if node.id == "__name__":
            return Value(const="__main__")
        return Value(name_tags(node.id, node.lineno), (Outside(node.id),) if node.id in BUILTINS else ())

    def _attribute_value(self, node: ast.Attribute) -> Value:
        return self.attribute(self.value(node.value), node.attr, node)

    def attribute(self, owner: Value, name: str, node: ast.AST) -> Value:
        """An attribute of a value; where nothing is known of it, its name speaks."""
        line = getattr(node, "lineno", 0)
        found = [made for ref in owner.refs if (made := self._member(ref, name, owner)) is not None]
        if found:
            return merged(found)
        if name in SHAPE:
            return without(owner, "val", "may", "train", "score", "slice")._replace(refs=())
        if name in self.defaults:
            return self.defaults[name]
        if name == "module" or (owner.refs and name in ("data", "T", "mT", "real")):
            return owner
        return Value(flat(owner) | name_tags(name, line))

    def _member(self, ref: Any, name: str, owner: Value) -> Value | None:
        if isinstance(ref, Outside):
            return Value(refs=(Outside(f"{ref.name}.{name}"),))
        if isinstance(ref, Class):
            return ref.find(name)
        if not isinstance(ref, Object):
            return None
        if name in ref.attrs:
            return ref.attrs[name].plus(*(tag for tag in owner.tags if tag[0] in ("loop", "state", "carried")))
        found = ref.cls.find(name) if ref.cls is not None else None
        if found is None:
            return None
        bound = []
        for method in found.refs:
            if not isinstance(method, Function) or method.static:
                bound.append(method)
            elif any(ast.unparse(mark) in PROPERTIES for mark in getattr(method.node, "decorator_list", ())):
                return self.run(method, [Value(refs=(ref,))], {}, method.node)
            else:
                bound.append(Bound(method, Value(owner.tags, (ref,))))
        return found._replace(refs=tuple(bound))

    run: Callable[..., Value]

    def _subscript_value(self, node: ast.Subscript) -> Value:
        owner, index = self.value(node.value), self.value(node.slice)
        if owner.items is not None and isinstance(index.const, str | int):
            if index.const in owner.items:
                return owner.items[index.const].plus(*owner.tags)
            if isinstance(index.const, int) and index.const < 0 and (len(owner.items) + index.const) in owner.items:
                return owner.items[len(owner.items) + index.const].plus(*owner.tags)
        if owner.items is not None and isinstance(node.slice, ast.Slice):
            return merged([*owner.items.values(), Value(owner.tags | flat(index))])
        base = self.part(owner) if owner.items is not None else owner
        taken = base.plus(*(flat(index) - {tag for tag in flat(index) if tag[0] in ("score", "val", "may")}))
        tokens = any(tag[0] in ("val", "may") for tag in taken.tags) and not taken.has("score")
        if tokens:
            taken = taken.plus(("slice", self.key(node), frozenset(self.loop_ids())))
        return taken

    def _slice_value(self, node: ast.Slice) -> Value:
        parts = [self.value(part) for part in (node.lower, node.upper, node.step) if part is not None]
        return combined(parts)

    def _tuple_value(self, node: ast.Tuple | ast.List | ast.Set) -> Value:
        values = [self.value(item) for item in node.elts]
        if len(values) > MOST_ITEMS or any(isinstance(item, ast.Starred) for item in node.elts):
            return combined(values, refs=True)
        return Value(items=dict(enumerate(values)))

    _list_value = _set_value = _tuple_value

    def _starred_value(self, node: ast.Starred) -> Value:
        return self.value(node.value)

    def _dict_value(self, node: ast.Dict) -> Value:
        items, known = {}, len(node.keys) <= MOST_ITEMS
        for key, value in zip(node.keys, node.values, strict=True):
            made = self.value(value)
            const = self.value(key).const if key is not None else UNKNOWN
            if isinstance(const, str) and SCORE_NAME.fullmatch(const):
                self.count(combined([made]), value)
            known = known and isinstance(const, str | int)
            items[const if isinstance(const, str | int) else len(items)] = made
        return Value(items=items) if known else combined(items.values(), refs=True)

    def _binop_value(self, node: ast.BinOp) -> Value:
        left, right = self.value(node.left), self.value(node.right)
        fold = _CONSTANTS.get(type(node.op))
        if fold is not None and isinstance(left.const, str) and isinstance(right.const, str | int):
            try:
                return literal(fold(left.const, right.const), node.lineno)
            except (TypeError, ValueError):
                return combined([left, right])
        both = combined([left, right], refs=isinstance(node.op, ast.Add | ast.BitOr))
        if isinstance(node.op, ast.Sub) and isinstance(node.left, ast.Name) and right.const == 1:
            both = both.plus(*(("shift", tag[1]) for tag in left.tags if tag[0] == "loop"))
        if isinstance(node.op, ast.Add) and left.items is not None and right.items is not None:
            return Value(items=dict(enumerate([*left.items.values(), *right.items.values()])))
        return both

    def _boolop_value(self, node: ast.BoolOp) -> Value:
        values = [self.value(item) for item in node.values]
        for value in values[:-1]:
            if truth(value) is isinstance(node.op, ast.Or):
                return value
        sure = [value for value in values if truth(value) is None] or values[-1:]
        return merged([*sure, values[-1]])

    def _unaryop_value(self, node: ast.UnaryOp) -> Value:
        value = self.value(node.operand)
        known = truth(value)
        if isinstance(node.op, ast.Not) and known is not None:
            return Value(const=not known)
        if isinstance(node.op, ast.USub) and isinstance(value.const, int | float):
            return Value(const=-value.const)
        return combined([value])

    def _compare_value(self, node: ast.Compare) -> Value:
        sides = [self.value(side) for side in (node.left, *node.comparators)]
        if len(sides) == 2 and len(node.ops) == 1:
            known = _compared(node.ops[0], *sides)
            if known is not None:
                return Value(const=known)
        return without(combined(sides), "score")

    def _ifexp_value(self, node: ast.IfExp) -> Value:
        test = truth(self.value(node.test))
        if test is not None:
            return self.value(node.body if test else node.orelse)
        return merged([self.value(node.body), self.value(node.orelse)])

    def _namedexpr_value(self, node: ast.NamedExpr) -> Value:
        value = self.value(node.value)
        self.bind(node.target, value)
        return value

    def _joinedstr_value(self, node: ast.JoinedStr) -> Value:
        parts, known, tags, before = [], True, NONE, ""
        for part in node.values:
            if isinstance(part, ast.Constant):
                parts.append(str(part.value))
                before = str(part.value)
                continue
            assert isinstance(part, ast.FormattedValue)
            value = self.value(part.value)
            if _SCORE_TEXT.search(before) or SCORE_NAME.fullmatch(ast.unparse(part.value)):
                self.count(combined([value]), part)
            known = known and isinstance(value.const, str | int)
            parts.append(str(value.const) if known else "?")
            tags, before = tags | flat(value), ""
        text = "".join(parts)
        return Value(text_tags(text, node.lineno) | tags, (), text if known else UNKNOWN)

    def _lambda_value(self, node: ast.Lambda) -> Value:
        return Value(refs=(Function(node, self.env, "lambda", self._defaults(node.args)),))

    def _listcomp_value(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Value:
        return self._comprehension(node, node.generators, [node.elt])

    _setcomp_value = _generatorexp_value = _listcomp_value

    def _dictcomp_value(self, node: ast.DictComp) -> Value:
        return self._comprehension(node, node.generators, [node.value])

    def _comprehension(self, node: ast.expr, clauses: Sequence[ast.comprehension], made: Sequence[ast.expr]) -> Value:
        inside = Env(self.env)
        self.frames.append(Frame(inside, "", node))
        where, train_only = self.id_of(node), False
        for clause in clauses:
            over = self.value(clause.iter)
            self.path.append(Loop(where, node.lineno, False))
            self.targets.append(set())
            self.bind(clause.target, self.part(over).plus(("loop", where)))
            for test in clause.ifs:
                self.value(test)
                train_only = train_only or bool(_TRAIN_FILTER.search(ast.unparse(test)))
        found = combined([self.value(item) for item in made], refs=True)
        del self.path[len(self.path) - len(clauses) :], self.targets[len(self.targets) - len(clauses) :]
        self.frames.pop()
        found = without(found, *(("val", "may") if train_only else ()))
        return found._replace(tags=frozenset(tag for tag in found.tags if tag != ("loop", where)))

    def _yield_value(self, node: ast.Yield | ast.YieldFrom) -> Value:
        if node.value is not None and self.frames:
            value = self.value(node.value)
            self.frames[-1].yields.append(self.part(value) if isinstance(node, ast.YieldFrom) else value)
        return Value()

    _yieldfrom_value = _yield_value

    def _await_value(self, node: ast.Await) -> Value:
        return self.value(node.value)

    def _call_value(self, node: ast.Call) -> Value:
        return self.call_node(node)


def _compared(op: ast.cmpop, left: Value, right: Value) -> bool | None:
    """A comparison of constants, and of None with what surely is something else."""
    if isinstance(op, ast.Is | ast.IsNot | ast.Eq | ast.NotEq):
        for one, other in ((left, right), (right, left)):
            something = bool(other.refs) and all(isinstance(r, Function | Class | Object | Bound) for r in other.refs)
            if one.const is None and (something or other.items is not None) and other.const is UNKNOWN:
                return isinstance(op, ast.IsNot | ast.NotEq) if not _may_be_none(other) else None
    a, b = left.const, right.const
    if a is UNKNOWN or b is UNKNOWN:
        return None
    try:
        return {
            ast.Eq: lambda: a == b,
            ast.NotEq: lambda: a != b,
            ast.Is: lambda: a is b or a == b,
            ast.IsNot: lambda: not (a is b or a == b),
            ast.Gt: lambda: a > b,
            ast.GtE: lambda: a >= b,
            ast.Lt: lambda: a < b,
            ast.LtE: lambda: a <= b,
            ast.In: lambda: a in b,
            ast.NotIn: lambda: a not in b,
        }[type(op)]()
    except TypeError:
        return None


def _may_be_none(value: Value) -> bool:
    return ("none",) in value.tags


PROPERTIES = {"property", "cached_property", "functools.cached_property"}
BUILTINS = frozenset(dir(builtins))
