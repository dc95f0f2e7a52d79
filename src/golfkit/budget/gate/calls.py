"""Reading a script's calls: its own functions are gone through, all others are known by what they are for. Pure."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from golfkit.budget.gate.events import MOST_CALLS, Frame, TooMuch
from golfkit.budget.gate.expressions import SHAPE
from golfkit.budget.gate.outside import GRADIENTS, LOSSES, WRAPPERS, Outsiders
from golfkit.budget.gate.statements import IN_PLACE, MUTATORS, SCORE_NAME
from golfkit.budget.gate.values import (
    ANY,
    Bound,
    Class,
    Env,
    Function,
    Gradient,
    Object,
    Outside,
    Partial,
    Value,
    all_refs,
    combined,
    flat,
    merged,
    name_tags,
)

PASSES = re.compile(r"forward\w*|\w*_forward\w*|nll\w*|\w*_nll|logits|\w*_logits|loss|loss_fn|compute_loss|log_probs?")
STATEFUL = {"next", "pop", "popleft", "get", "read", "take", "next_batch", "get_batch", "recv", "get_nowait", "sample"}
SAME = {"to", "cuda", "cpu", "bfloat16", "half", "float", "double", "eval", "train", "requires_grad_", "compile"}
CALIBRATION = re.compile(r"gptq|awq|calib|hessian|smooth_?quant|activation_(?:stats|ranges)", re.IGNORECASE)


class Calls(Outsiders):
    """Calls."""

    def call_node(self, node: ast.Call) -> Value:
        """The value of a call, as it stands in the script."""
        if isinstance(node.func, ast.Attribute):
            owner = self.value(node.func.value)
            callee, method = self.attribute(owner, node.func.attr, node.func), node.func.attr
        else:
            owner, callee, method = None, self.value(node.func), ""
        args, kwargs = self._arguments(node)
        if owner is not None and not _own(callee):
            special = self._method(node, owner, method, args, kwargs)
            if special is not None:
                return special
        result = self.call(callee, args, kwargs, node)
        self._by_reference(callee, node)
        return result

    def _arguments(self, node: ast.Call) -> tuple[list[Value], dict[str, Value]]:
        args: list[Value] = []
        for arg in node.args:
            value = self.value(arg)
            whole = isinstance(arg, ast.Starred) and value.items is not None
            args += [item.plus(*value.tags) for item in value.items.values()] if whole and value.items else [value]
        kwargs: dict[str, Value] = {}
        for word in node.keywords:
            value = self.value(word.value)
            if word.arg is None:
                known = {key: item for key, item in (value.items or {}).items() if isinstance(key, str)}
                kwargs |= known or {"**": value}
            else:
                kwargs[word.arg] = value
                if SCORE_NAME.fullmatch(word.arg):
                    self.count(combined([value]), word.value)
        return args, kwargs

    def call(self, callee: Value, args: Sequence[Value], kwargs: Mapping[str, Value], node: ast.AST) -> Value:
        """The value of calling any of the things that `callee` may be."""
        if not callee.refs:
            return self.unknown(callee, args, kwargs, node)
        return merged([self._one(ref, args, kwargs, node) for ref in callee.refs])

    def _one(self, ref: Any, args: Sequence[Value], kwargs: Mapping[str, Value], node: ast.AST) -> Value:
        if isinstance(ref, Function):
            return self.run(ref, args, kwargs, node)
        if isinstance(ref, Bound):
            return self.run(ref.function, [ref.owner, *args], kwargs, node)
        if isinstance(ref, Partial):
            return self.call(ref.callee, [*ref.args, *args], {**ref.kwargs, **kwargs}, node)
        if isinstance(ref, Class):
            return self._made(ref, args, kwargs, node)
        if isinstance(ref, Gradient):
            result = self.call(ref.callee, args, kwargs, node)
            self.gradient(combined([result, *args, *kwargs.values()]), node)
            return combined([result, *args], refs=True)
        if isinstance(ref, Object):
            return self._object_called(ref, args, kwargs, node)
        return self.outside(ref.name, args, kwargs, node)

    def _object_called(self, ref: Object, args: Sequence[Value], kwargs: Mapping[str, Value], node: ast.AST) -> Value:
        used = combined([*args, *kwargs.values()])
        if ref.cls is not None and ref.cls.is_network:
            return self.forwarded(used, node)
        method = ref.cls.find("__call__") if ref.cls is not None else None
        for function in method.refs if method is not None else ():
            if isinstance(function, Function):
                return self.run(function, [Value(refs=(ref,)), *args], kwargs, node)
        return self.forwarded(used, node)

    def forwarded(self, used: Value, node: ast.AST) -> Value:
        """A forward pass: of validation tokens it is told."""
        if any(tag[0] in ("val", "may") for tag in used.tags) and not used.has("score"):
            return self.forward(used, node)
        return used

    def gradient(self, used: Value, node: ast.AST) -> None:
        """A gradient is taken: of what comes from shards it is told."""
        if any(tag[0] in ("val", "may", "train") for tag in flat(used)):
            self.update(combined([used]), node)

    def run(self, function: Function, args: Sequence[Value], kwargs: Mapping[str, Value], node: ast.AST) -> Value:
        """Go through a function of the script."""
        active = [frame for frame in self.frames if frame.node is function.node]
        if active:  # it calls itself
            return combined([*args, *kwargs.values()])
        if len(self.frames) > MOST_CALLS:
            raise TooMuch("its calls are too deep to be read")
        if not self.silent:
            self.visited.add(id(function.node))
        frame = Frame(Env(function.env), function.name, function.node)
        self._bind_parameters(function, frame, args, kwargs)
        self.frames.append(frame)
        self.sites.append((getattr(node, "lineno", 0), getattr(node, "col_offset", 0)))
        if isinstance(function.node, ast.Lambda):
            frame.returns.append(self.value(function.node.body))
        else:
            self.block(function.node.body)
        self.sites.pop()
        self.frames.pop()
        self._last = frame
        if frame.yields:
            return combined(frame.yields, refs=True)._replace(items={ANY: merged(frame.yields)})
        return merged(frame.returns) if frame.returns else Value(const=None)

    def _bind_parameters(
        self, function: Function, frame: Frame, args: Sequence[Value], kwargs: Mapping[str, Value]
    ) -> None:
        spec = function.node.args
        plain = [a.arg for a in (*spec.posonlyargs, *spec.args)]
        names = [*plain, *(a.arg for a in spec.kwonlyargs)]
        given = {**dict(zip(plain, args, strict=False)), **{k: v for k, v in kwargs.items() if k in names}}
        rest = combined([kwargs["**"]], refs=True) if "**" in kwargs else None
        for name in names:
            known = given.get(name, function.defaults.get(name))
            frame.env.names[name] = known if known is not None else rest or Value(name_tags(name, function.node.lineno))
        if spec.vararg is not None:
            frame.env.names[spec.vararg.arg] = Value(items=dict(enumerate(args[len(plain) :])))
        if spec.kwarg is not None:
            more = {key: value for key, value in kwargs.items() if key not in names and key != "**"}
            frame.env.names[spec.kwarg.arg] = rest if rest is not None else Value(items=more)

    _last: Frame | None = None  # of the function that was gone through last

    def _by_reference(self, callee: Value, node: ast.Call) -> None:
        """What a function adds up in its parameters, its caller sees: tensors and lists are changed in place."""
        functions = [ref for ref in callee.refs if isinstance(ref, Function | Bound)]
        if len(functions) != 1 or self._last is None:
            return
        function = functions[0].function if isinstance(functions[0], Bound) else functions[0]
        if self._last.node is not function.node or isinstance(function.node, ast.Lambda):
            return
        after = self._last.env.names
        changed = self.memo.get(("changed", function.node))
        if changed is None:
            changed = self.memo["changed", function.node] = _changed(function.node)
        spec = function.node.args
        plain = [a.arg for a in (*spec.posonlyargs, *spec.args)][isinstance(functions[0], Bound) :]
        pairs = [*zip(plain, node.args, strict=False), *((word.arg, word.value) for word in node.keywords)]
        for name, place in pairs:
            if name in changed and name in after and isinstance(place, ast.Name | ast.Attribute | ast.Subscript):
                self.mutate(place, Value(flat(after[name])))

    def _made(self, ref: Class, args: Sequence[Value], kwargs: Mapping[str, Value], node: ast.AST) -> Value:
        """A new object."""
        made = Object(ref)
        start = ref.find("__init__")
        functions = [function for function in (start.refs if start else ()) if isinstance(function, Function)]
        if functions:
            self.run(functions[0], [Value(refs=(made,)), *args], kwargs, node)
        else:  # a dataclass, a named tuple
            fields = [item.target.id for item in _fields(ref)]
            made.attrs |= dict(zip(fields, args, strict=False)) | {k: v for k, v in kwargs.items() if k != "**"}
            for name, value in made.attrs.items():
                if SCORE_NAME.fullmatch(name):
                    self.count(combined([value]), node)
        return Value(refs=(made,))

    def _method(
        self, node: ast.Call, owner: Value, name: str, args: list[Value], kwargs: dict[str, Value]
    ) -> Value | None:
        """A method that is not the script's own; None where it is called like anything else."""
        assert isinstance(node.func, ast.Attribute)
        used = combined([*args, *kwargs.values()])
        if name == "backward":
            self.gradient(combined([owner, used]), node)
            return Value()
        if name in MUTATORS or name in IN_PLACE:
            if name in IN_PLACE:
                self._in_place(node, used)
            self.mutate(node.func.value, combined([*args, *kwargs.values()], refs=True))
            return self.value(node.func.value)
        if name == "load_state_dict":
            self._restored(used, node)
            return Value()
        if name == "add_argument":
            return self._option(args, kwargs, node)
        if name == "state_dict":
            return Value(frozenset({("kept", self.story.seq)}))
        if name in STATEFUL and (name != "get" or owner.tags or used.tags) and not _environ(node):
            return combined([owner, used], refs=True).plus(*(("state", loop) for loop in self.loop_ids()))
        if name == "format" and isinstance(owner.const, str):
            if re.search(r"bpb|val_loss", owner.const):
                self.count(used, node)
            return combined([owner, used])
        if name in SAME and owner.refs and not any(isinstance(ref, Outside) for ref in owner.refs):
            return owner
        if any(isinstance(ref, Outside) for ref in owner.refs):
            return None
        return self._other_method(node, owner, name, args, kwargs)

    def _other_method(
        self, node: ast.Call, owner: Value, name: str, args: list[Value], kwargs: dict[str, Value]
    ) -> Value:
        """A method of something unknown: of a network where its name says so, else it computes."""
        used = combined([*args, *kwargs.values()])
        networks = [ref for ref in owner.refs if isinstance(ref, Object) and ref.cls and ref.cls.is_network]
        if (PASSES.fullmatch(name) or LOSSES.fullmatch(name)) and (networks or not owner.has("val")):
            self.calibrated(name, used, node)
            return self.forwarded(used, node)
        if not self.handed_over(name, args, kwargs, node):
            self.calibrated(name, used, node)
        if name in ("glob", "rglob", "iterdir") and not used.tags:
            used = used.plus(("may", node.lineno)) if name == "iterdir" or (args and args[0].const == "*") else used
        result = self.attribute(owner, name, node.func)
        found = Value(flat(result) | flat(owner) | used.tags if name not in SHAPE else flat(result))
        return found._replace(refs=tuple(ref for ref in all_refs(owner) if isinstance(ref, Object) and name in SAME))

    def handed_over(self, name: str, args: Sequence[Value], kwargs: Mapping[str, Value], node: ast.AST) -> bool:
        """Call the functions of the script that an outside callable was given, as it will."""
        callbacks = [
            ref
            for value in (*args, *kwargs.values())
            for ref in value.refs
            if isinstance(ref, Function | Bound | Partial)
        ]
        data = [value for value in args if not any(ref in callbacks for ref in value.refs)]
        for ref in callbacks if name not in WRAPPERS | GRADIENTS else ():
            self._one(ref, [self.part(value) for value in data], {}, node)
        return bool(callbacks)

    def _in_place(self, node: ast.Call, used: Value) -> None:
        assert isinstance(node.func, ast.Attribute)
        if re.fullmatch(r"(?:.*\.)?(?:data|weight|bias|p|param|parameter)", ast.unparse(node.func.value)):
            self.weights_changed(used, node)

    def _restored(self, used: Value, node: ast.AST) -> None:
        if not self.silent and used.has("kept"):
            self.story.restores.append(self.event(used.tags, node))

    def _option(self, args: Sequence[Value], kwargs: Mapping[str, Value], node: ast.Call) -> Value:
        """An option of argparse: its default, and what its name says."""
        names = [value.const for value in args if isinstance(value.const, str)]
        dest = kwargs["dest"].const if "dest" in kwargs else names[-1].lstrip("-").replace("-", "_") if names else None
        if isinstance(dest, str):
            self.defaults[dest] = Value(flat(kwargs.get("default", Value())) | name_tags(dest, node.lineno))
        return Value()

    def calibrated(self, name: str, used: Value, node: ast.AST) -> None:
        """Validation tokens given to something outside that calibrates."""
        if CALIBRATION.search(name) and any(tag[0] in ("val", "may") for tag in used.tags) and not used.has("score"):
            self.frames.append(Frame(self.env, name, node))
            self.forward(used, node)
            self.frames.pop()


def _own(callee: Value) -> bool:
    """Whether a callable is of the script."""
    kinds = Function | Bound | Class | Partial | Gradient | Object
    return bool(callee.refs) and all(isinstance(ref, kinds) for ref in callee.refs)


def _environ(node: ast.Call) -> bool:
    return ast.unparse(node.func).startswith(("os.environ", "environ"))


def _fields(ref: Class) -> Iterator[ast.AnnAssign]:
    for item in ref.node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            yield item


def _changed(node: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """The parameters that a function changes in place."""
    found = set()
    for inner in ast.walk(node):
        place = None
        if isinstance(inner, ast.AugAssign):
            place = inner.target
        elif isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
            place = inner.func.value if inner.func.attr in MUTATORS | IN_PLACE else None
        elif isinstance(inner, ast.Assign) and isinstance(inner.targets[0], ast.Subscript):
            place = inner.targets[0].value
        while isinstance(place, ast.Subscript):
            place = place.value
        if isinstance(place, ast.Name):
            found.add(place.id)
    return found
