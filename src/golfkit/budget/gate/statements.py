"""Reading a script's statements: scopes, branches and loops. Pure."""

import ast
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from golfkit.budget.gate.events import Arm, Frame, Loop, State
from golfkit.budget.gate.values import (
    ANY,
    MOST_ITEMS,
    UNKNOWN,
    Class,
    Env,
    Function,
    Object,
    Outside,
    Value,
    combined,
    flat,
    merged,
)

SCORE_NAME = re.compile(
    r"\w*(?:bpb|bits_per_byte|val(?:id|idation)?_?(?:loss|score|nll|ppl))(?:_\w+)?|final_loss", re.IGNORECASE
)
MUTATORS = {"append", "extend", "add", "update", "insert", "put", "appendleft", "push", "setdefault", "put_nowait"}
IN_PLACE = {"add_", "sub_", "mul_", "copy_", "lerp_", "addcmul_", "addcdiv_", "index_add_", "scatter_add_"}
UNROLLED = 8  # items of a literal that a loop is read for one by one


class Statements(State):
    """Statements; `value` (of an expression) is another part's."""

    value: Callable[..., Value]

    def block(self, body: Sequence[ast.stmt]) -> bool:
        """Read statements; whether the end is never reached."""
        for i, node in enumerate(body):
            self.step()
            ended = self.statement(node)
            if ended is True:
                return True
            if isinstance(ended, Arm):  # one arm leaves: the rest is the other's
                self.path.append(ended)
                rest = self.block(body[i + 1 :])
                self.path.pop()
                return rest
        return False

    def statement(self, node: ast.stmt) -> bool | Arm | None:
        """Read one; True: nothing after it is reached, an Arm: what comes after is in that arm."""
        name = f"on_{type(node).__name__.lower()}"
        method = getattr(self, name, None)
        if method is not None:
            return method(node)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.value(child)
        return isinstance(node, ast.Raise | ast.Break | ast.Continue) or None

    def on_expr(self, node: ast.Expr) -> bool | None:
        self.value(node.value)
        called = node.value.func if isinstance(node.value, ast.Call) else None
        return (isinstance(called, ast.Attribute) and ast.unparse(called) in ("sys.exit", "os._exit")) or None

    def on_assign(self, node: ast.Assign) -> None:
        value = self.value(node.value)
        for target in node.targets:
            self.bind(target, value)

    def on_annassign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.bind(node.target, self.value(node.value))

    def on_augassign(self, node: ast.AugAssign) -> None:
        new = combined([self.value(node.target), self.value(node.value)], refs=True)
        new = new.plus(*(("loop", loop) for loop in self._moved_in(node.target)))
        if re.fullmatch(r".*\.(data|weight|bias|grad)|p|param|parameter", ast.unparse(node.target)):
            self.weights_changed(self.value(node.value), node)
        self.bind(node.target, new)

    def _moved_in(self, target: ast.expr) -> Iterable[int]:
        """The loops in which a variable moves on: not those that set it anew in every round."""
        around = [step for step in self.path if isinstance(step, Loop)]
        if not isinstance(target, ast.Name):
            return [loop.id for loop in around]
        moved = []
        for loop, bound in zip(reversed(around), reversed(self.targets), strict=False):
            moved.append(loop.id)
            if target.id in bound:
                break
        return moved

    def weights_changed(self, used: Value, node: ast.AST) -> None:
        """Weights were set from a value; it matters where that was computed from validation tokens."""
        if any(tag[0] in ("val", "may") for tag in flat(used)) and used.has("score"):
            self.update(combined([used]), node)

    def bind(self, target: ast.expr, value: Value) -> None:
        """Assign."""
        if isinstance(target, ast.Name):
            if SCORE_NAME.fullmatch(target.id):
                self.count(combined([value]), target)
            self.env.put(target.id, value)
        elif isinstance(target, ast.Attribute):
            if SCORE_NAME.fullmatch(target.attr):
                self.count(combined([value]), target)
            self.put_attribute(self.value(target.value), target.attr, value)
        elif isinstance(target, ast.Tuple | ast.List):
            self._unpack(target.elts, value)
        elif isinstance(target, ast.Starred):
            self.bind(target.value, value)
        elif isinstance(target, ast.Subscript):
            key = self.value(target.slice).const
            if isinstance(key, str) and SCORE_NAME.fullmatch(key):
                self.count(combined([value]), target)
            self.mutate(target.value, value, key)

    def _unpack(self, targets: Sequence[ast.expr], value: Value) -> None:
        starred = any(isinstance(target, ast.Starred) for target in targets)
        exact = value.items is not None and not starred and len(value.items) == len(targets)
        for i, target in enumerate(targets):
            if exact and value.items is not None and i in value.items:
                self.bind(target, value.items[i].plus(*value.tags))
            else:
                self.bind(target, self.part(value))

    def part(self, value: Value) -> Value:
        """One of the items of a value, whichever."""
        if not value.items:
            fields = [ref.attrs for ref in value.refs if isinstance(ref, Object) and ref.attrs]
            inner = [item for attrs in fields for item in attrs.values()]
            return merged([*inner, Value(value.tags)]) if inner else Value(value.tags, value.refs)
        return merged(value.items.values()).plus(*value.tags)

    def put_attribute(self, owner: Value, name: str, value: Value) -> None:
        """Set an attribute; an object keeps what it had, too, as the order of methods is not known."""
        for ref in owner.refs:
            attrs = ref.attrs if isinstance(ref, Object | Class) else None
            if attrs is not None:
                attrs[name] = merged([attrs[name], value]) if name in attrs else value

    def mutate(self, place: ast.expr, value: Value, key: Any = UNKNOWN) -> None:
        """Put a value into what stands at a place: a list, a dict, a tensor."""
        old = self.value(place)
        known = old.items is not None and type(key) in (str, int) and len(old.items) < MOST_ITEMS
        if known and old.items is not None:
            new = old._replace(items={**old.items, key: value})
        else:
            new = combined([old, value], refs=True)
        if isinstance(place, ast.Name):
            self._put_where_found(place.id, new)
        elif isinstance(place, ast.Attribute):
            self.put_attribute(self.value(place.value), place.attr, new)
        elif isinstance(place, ast.Subscript):
            self.mutate(place.value, new)

    def _put_where_found(self, name: str, value: Value) -> None:
        scope: Env | None = self.env
        while scope is not None and name not in scope.names:
            scope = scope.parent
        (scope or self.env).names[name] = value

    def on_return(self, node: ast.Return) -> bool:
        value = self.value(node.value) if node.value is not None else Value(const=None)
        if self.frames:
            self.frames[-1].returns.append(value)
        return True

    def on_global(self, node: ast.Global) -> None:
        for name in node.names:
            self.env.elsewhere[name] = self.module

    def on_nonlocal(self, node: ast.Nonlocal) -> None:
        for name in node.names:
            scope = self.env.parent
            while scope is not None and name not in scope.names:
                scope = scope.parent
            if scope is not None:
                self.env.elsewhere[name] = scope

    def on_functiondef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        names = {ast.unparse(mark) for mark in node.decorator_list}
        made = Function(node, self.env, node.name, self._defaults(node.args), bool(names & {"staticmethod"}))
        self.env.put(node.name, Value(refs=(made,)))

    on_asyncfunctiondef = on_functiondef

    def _defaults(self, args: ast.arguments) -> dict[str, Value]:
        """The default values of a function's parameters."""
        plain = [*args.posonlyargs, *args.args]
        found = dict(zip((a.arg for a in plain[len(plain) - len(args.defaults) :]), args.defaults, strict=True))
        found |= {a.arg: d for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True) if d is not None}
        return {name: self.value(default) for name, default in found.items()}

    def on_classdef(self, node: ast.ClassDef) -> None:
        bases = [ref for base in node.bases for ref in self.value(base).refs if isinstance(ref, Class | Outside)]
        inside = Env(self.env)
        self.frames.append(Frame(inside, node.name, node))
        self.block(node.body)
        self.frames.pop()
        for made in (ref for value in inside.names.values() for ref in value.refs if isinstance(ref, Function)):
            if made.env is inside:
                made.env = self.env  # methods do not see the names of their class
        self.env.put(node.name, Value(refs=(Class(node, node.name, bases, inside.names),)))

    def on_import(self, node: ast.Import) -> None:
        for alias in node.names:
            name = alias.name if alias.asname else alias.name.partition(".")[0]
            self.env.put(alias.asname or name, Value(refs=(Outside(name),)))

    def on_importfrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            self.env.put(alias.asname or alias.name, Value(refs=(Outside(f"{node.module}.{alias.name}"),)))

    def on_with(self, node: ast.With | ast.AsyncWith) -> bool:
        for item in node.items:
            value = self.value(item.context_expr)
            if item.optional_vars is not None:
                self.bind(item.optional_vars, value)
        return self.block(node.body)

    on_asyncwith = on_with

    def on_try(self, node: ast.Try) -> bool | None:
        ended = self.block(node.body)
        self.block(node.orelse)
        for i, handler in enumerate(node.handlers):
            self.arms([(handler.body, i)], self.id_of(handler))
        return self.block(node.finalbody) or (ended and not node.handlers) or None

    def on_if(self, node: ast.If) -> bool | Arm | None:
        test = truth(self.value(node.test))
        if test is not None:
            return self.block(node.body if test else node.orelse) or None
        where = self.id_of(node)
        first, second = self.arms([(node.body, 0), (node.orelse, 1)], where)
        if first and second:
            return True
        if first or second:
            return Arm(where, 1 if first else 0, False)
        return None

    def on_match(self, node: ast.Match) -> None:
        self.value(node.subject)
        self.arms([(case.body, i) for i, case in enumerate(node.cases)], self.id_of(node))

    def arms(self, bodies: Sequence[tuple[Sequence[ast.stmt], int]], where: int) -> list[bool]:
        """Read each of several bodies from the same state, then merge what they leave; which of them leave early."""
        before = dict(self.env.names)
        left, after = [], []
        for body, which in bodies:
            self._set(before)
            self.path.append(Arm(where, which, _leaves(body)))
            left.append(self.block(body))
            self.path.pop()
            if not left[-1]:
                after.append(dict(self.env.names))
        if len(bodies) == 1:
            after.append(before)
        self._set(_joined(after or [before]))
        return left

    def on_for(self, node: ast.For | ast.AsyncFor) -> None:
        over = self.value(node.iter)
        if over.items and ANY not in over.items and len(over.items) <= UNROLLED:
            for i, item in enumerate(over.items.values()):
                self.sites.append(f"#{i}")
                self.bind(node.target, item.plus(*over.tags))
                self.block(node.body)
                self.sites.pop()
        else:
            calm = isinstance(node.iter, ast.Call) and ast.unparse(node.iter.func) in ("range", "trange")
            self.loop(node, lambda loop: self.bind(node.target, self.part(over).plus(("loop", loop))), calm)
        self.block(node.orelse)

    on_asyncfor = on_for

    def on_while(self, node: ast.While) -> None:
        self.loop(node, lambda loop: self.value(node.test), False)
        self.block(node.orelse)

    def loop(self, node: ast.For | ast.AsyncFor | ast.While, enter: Callable[[int], object], calm: bool) -> None:
        """Read a loop twice: once for what a round leaves to the next, and once for what it does."""
        where, before = self.id_of(node), dict(self.env.names)
        self.path.append(Loop(where, node.lineno, calm))
        self.targets.append(self._bound_in(node))
        if not self.silent:  # within what is read twice, once is enough
            self.silent += 1
            enter(where)
            self.block(node.body)
            self.silent -= 1
            left = _joined([before, self.env.names])
            self._set({name: _of_before(value, before.get(name), where) for name, value in left.items()})
        enter(where)
        self.block(node.body)
        self.targets.pop()
        self.path.pop()
        self._set(_joined([before, self.env.names]))

    def _set(self, state: dict[str, Value]) -> None:
        """Give the names of this scope other values; closures hold the scope itself."""
        self.env.names.clear()
        self.env.names.update(state)

    def _bound_in(self, node: ast.AST) -> set[str]:
        """What the body of a loop sets anew."""
        known = self.memo.get(("bound", node))
        if known is None:
            known = self.memo["bound", node] = _bound(node)
        return known


def _of_before(value: Value, first: Value | None, loop: int) -> Value:
    """A value as a round leaves it to the next: what was cut from the stream then is not what is cut now.

    first  the value before the first round
    """
    if value is first or not any(tag[0] in ("val", "may") for tag in flat(value)):
        return value
    old = [tag for tag in flat(value) if tag[0] == "slice" and loop in tag[2]]
    if value.items is None:
        return value._replace(tags=value.tags.difference(old)).plus(("carried", loop))
    items = {key: _of_before(item, None, loop) for key, item in value.items.items()}
    return value._replace(tags=value.tags.difference(old) | {("carried", loop)}, items=items)


def truth(value: Value) -> bool | None:
    """Whether a condition holds; None where it is not known."""
    if value.const is not UNKNOWN:
        return bool(value.const)
    sure = value.refs and all(isinstance(ref, Function | Class) for ref in value.refs) and ("none",) not in value.tags
    return True if sure else None


def _joined(states: Sequence[dict[str, Value]]) -> dict[str, Value]:
    """The names after one of several ways; one that only some ways bind is as they bind it."""
    found: dict[str, Value] = {}
    for name in dict.fromkeys(name for state in states for name in state):
        found[name] = merged([state[name] for state in states if name in state])
    return found


def _bound(node: ast.AST) -> set[str]:
    names = set()
    for inner in ast.walk(node):
        targets = inner.targets if isinstance(inner, ast.Assign) else []
        if isinstance(inner, ast.For | ast.AnnAssign):
            targets = [inner.target]
        for target in targets:
            names |= {name.id for name in ast.walk(target) if isinstance(name, ast.Name)}
    return names


def _leaves(body: Sequence[ast.stmt]) -> bool:
    """Whether a body ends the loop or the function around it."""
    last = body[-1] if body else None
    if isinstance(last, ast.Expr) and isinstance(last.value, ast.Call):
        return ast.unparse(last.value.func) in ("sys.exit", "os._exit", "exit")
    return isinstance(last, ast.Return | ast.Break | ast.Raise)
