"""A script read from its first line to its last, and then every function that nothing in it calls. Pure."""

import ast
from collections.abc import Iterator

from golfkit.budget.gate.calls import Calls
from golfkit.budget.gate.events import Story
from golfkit.budget.gate.values import Class, Env, Function, Object, Value, combined, flat, merged, name_tags


class Reader(Calls):
    """The whole reader."""


def stories(tree: ast.Module, defaults: bool) -> list[Story]:
    """What happens when the script runs; where that is no training, also what would in functions never called.

    defaults  whether no variable of the environment is set: what is on only by one of them does not happen

    Raises TooMuch for a script that is too large or too deep to be read.
    """
    reader = Reader(defaults)
    reader.block(tree.body)
    found = [reader.story]
    if reader.story.whole:
        return found
    for function, owner in _functions(reader.module):
        if id(function.node) in reader.visited or isinstance(function.node, ast.Lambda):
            continue
        reader.story = Story()
        spec = function.node.args
        names = [a.arg for a in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)]
        given = {name: _parameter(name, function) for name in names}
        if owner is not None and names and not function.static:
            given[names[0]] = Value(refs=(Object(owner),))
        result = reader.run(function, [], given, function.node)
        reader.count(Value(flat(combined([result, *_fields(result)]))), function.node)
        found.append(reader.story)
    return found


def _parameter(name: str, function: Function) -> Value:
    """What is known of a parameter that nobody gave: its name, and its default."""
    unknown = Value(name_tags(name, function.node.lineno))
    default = function.defaults.get(name)
    return unknown if default is None else merged([unknown, Value(default.tags, default.refs)])


def _fields(value: Value) -> Iterator[Value]:
    for ref in value.refs:
        if isinstance(ref, Object):
            yield from ref.attrs.values()


def _functions(module: Env) -> Iterator[tuple[Function, Class | None]]:
    """The functions at the top level, and the methods of its classes but those of networks."""
    for value in list(module.names.values()):
        for ref in value.refs:
            if isinstance(ref, Function):
                yield ref, None
            elif isinstance(ref, Class) and not ref.is_network:
                for item in ref.attrs.values():
                    yield from ((method, ref) for method in item.refs if isinstance(method, Function))
