"""What the reader of a script knows about a value: where it comes from, never what it is. Pure.

A tag says one thing about a value's origin: ("val", 43) that line 43 names validation data, ("loop", 7) that it
differs from one round of loop 7 to the next, ("score", key) that it was computed from the loss of a forward pass.
"""

import ast
import fnmatch
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Tag = tuple[Any, ...]
NONE: frozenset[Tag] = frozenset()
ANY = "*any*"  # the key of an item that stands for all
UNKNOWN = object()  # the constant of a value that is none
SHARD = "fineweb_val_000000.bin"
MOST_ITEMS = 64  # of a literal; longer ones are one value
MOST_REFS = 12

_DATA = (
    r"(?:tok(?:en)?s?|data(?:set)?|files?|loader|ids|bin|shards?|pattern|glob|stream|batch(?:es)?|paths?|dir|x|y"
    r"|inputs?|targets?|docs?|seqs?|sequences?|text|iter(?:ator)?|split)(?:_(?:np|t|gpu|cpu|all|local))?"
)
_REST = r"(?:_[\d*%{?]|[/\\]|\*|\.(?:bin|npy|pt|jsonl|txt)|$)"
_VAL_NAME = re.compile(rf"_*(?:\w+_)?val(?:id|idation)?_?{_DATA}", re.IGNORECASE)
_TRAIN_NAME = re.compile(rf"_*(?:\w+_)?train(?:ing)?_?{_DATA}", re.IGNORECASE)
_VAL_TEXT = re.compile(rf"fineweb_val|(?:^|[/_.\\*])val(?:id|idation)?{_REST}")
_TRAIN_TEXT = re.compile(rf"fineweb_train|(?:^|[/_.\\*])train(?:ing)?{_REST}")


class Value(NamedTuple):
    """An abstract value."""

    tags: frozenset[Tag] = NONE
    refs: tuple[Any, ...] = ()  # functions, classes, objects and outside names that it may be
    const: Any = UNKNOWN  # the literal that it surely is
    items: Mapping[Any, "Value"] | None = None  # of a tuple, list or dict whose keys are known

    def has(self, kind: str) -> bool:
        """Whether a tag of this kind is there, on it or on an item."""
        return any(tag[0] == kind for tag in flat(self))

    def plus(self, *tags: Tag) -> "Value":
        """The same value with more tags."""
        return self._replace(tags=self.tags | set(tags)) if tags else self


class Env:
    """The names of one scope; closures hold it itself."""

    def __init__(self, parent: "Env | None" = None) -> None:
        self.names: dict[str, Value] = {}
        self.parent = parent
        self.elsewhere: dict[str, Env] = {}  # global and nonlocal names

    def find(self, name: str) -> Value | None:
        """The value of a name here or further out."""
        scope: Env | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return None

    def put(self, name: str, value: Value) -> None:
        """Bind a name."""
        self.elsewhere.get(name, self).names[name] = value


@dataclass(eq=False)
class Function:
    """A function of the script, with the scope it was defined in."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    env: Env
    name: str
    defaults: dict[str, Value] = field(default_factory=dict)
    static: bool = False


@dataclass(eq=False)
class Class:
    """A class of the script."""

    node: ast.ClassDef
    name: str
    bases: list[Any]  # Class and Outside
    attrs: dict[str, Value]

    def find(self, name: str) -> Value | None:
        """A class attribute, here or in a base class of the script."""
        if name in self.attrs:
            return self.attrs[name]
        found = (base.find(name) for base in self.bases if isinstance(base, Class))
        return next((value for value in found if value is not None), None)

    @property
    def is_network(self) -> bool:
        """Whether it is a module of a neural network: calling one is a forward pass."""
        outside = [base.name for base in self.bases if isinstance(base, Outside)]
        return any(name.endswith("Module") for name in outside) or any(
            base.is_network for base in self.bases if isinstance(base, Class)
        )


@dataclass(eq=False)
class Object:
    """An instance, by the place where it was made."""

    cls: Class | None
    attrs: dict[str, Value] = field(default_factory=dict)


class Outside(NamedTuple):
    """A builtin or an imported name, dotted."""

    name: str


class Bound(NamedTuple):
    """A method of an object."""

    function: Function
    owner: Value


class Partial(NamedTuple):
    """A callable with some arguments given."""

    callee: Value
    args: tuple[Value, ...]
    kwargs: Mapping[str, Value]


class Gradient(NamedTuple):
    """value_and_grad of a callable: calling it takes a gradient."""

    callee: Value


def flat(value: Value, depth: int = 4) -> frozenset[Tag]:
    """The tags of a value and of its items."""
    if value.items is None or depth == 0:
        return value.tags
    return value.tags.union(*(flat(item, depth - 1) for item in value.items.values()))


def combined(values: Iterable[Value], *, refs: bool = False) -> Value:
    """What is computed from several values."""
    values = list(values)
    tags = NONE.union(*(flat(value) for value in values))
    return Value(tags, _some(ref for value in values for ref in all_refs(value)) if refs else ())


def merged(values: Iterable[Value]) -> Value:
    """What is one of several values, by the way that was taken; where only some are validation data: perhaps."""
    values = list({id(value): value for value in values}.values())
    if len(values) == 1:
        return values[0]
    tags = [flat(value) for value in values]
    together = NONE.union(*tags)
    if any(_is(own, "train") and not _is(own, "val") for own in tags):
        together = frozenset(("may", tag[1]) if tag[0] == "val" else tag for tag in together)
    consts = [value.const for value in values]
    same = bool(consts) and all(type(const) is type(consts[0]) and const == consts[0] for const in consts)
    if any(const is None for const in consts) and not same:
        together |= {("none",)}
    items = None
    if values and all(value.items is not None and value.items.keys() == values[0].items.keys() for value in values):  # type: ignore[union-attr]
        items = {key: merged(value.items[key] for value in values) for key in values[0].items or ()}  # type: ignore[index]
        together = NONE.union(*(value.tags for value in values))
    refs = _some(ref for value in values for ref in (value.refs if items is not None else all_refs(value)))
    return Value(together, refs, consts[0] if same else UNKNOWN, items)


def all_refs(value: Value, depth: int = 3) -> tuple[Any, ...]:
    """What a value and its items may be."""
    if value.items is None or depth == 0:
        return value.refs
    return value.refs + tuple(ref for item in value.items.values() for ref in all_refs(item, depth - 1))


def literal(const: Any, line: int) -> Value:
    """A constant; text that names validation or training shards says so."""
    return Value(text_tags(const, line) if isinstance(const, str) else NONE, (), const)


def text_tags(text: str, line: int) -> frozenset[Tag]:
    """What a path, a pattern or the name of a split says about the data behind it."""
    if len(text) > 300 or any(c in text for c in "\n:="):
        return NONE
    tags = set()
    base = re.split(r"[/\\]", text)[-1]
    if _VAL_TEXT.search(text) or ("*" in base and base.strip("*.?") and fnmatch.fnmatch(SHARD, base)):
        tags.add(("val", line))
    if _TRAIN_TEXT.search(text):
        tags.add(("train", line))
    return frozenset(tags)


def name_tags(name: str, line: int) -> frozenset[Tag]:
    """What a name says of a value of which nothing else is known."""
    if _VAL_NAME.fullmatch(name):
        return frozenset({("val", line)})
    return frozenset({("train", line)}) if _TRAIN_NAME.fullmatch(name) else NONE


def without(value: Value, *kinds: str) -> Value:
    """A value that lost the tags of some kinds, and its items."""
    return Value(frozenset(tag for tag in flat(value) if tag[0] not in kinds), value.refs)


def _is(tags: frozenset[Tag], kind: str) -> bool:
    return any(tag[0] == kind for tag in tags)


def _some(refs: Iterable[Any]) -> tuple[Any, ...]:
    return tuple({id(ref) if not isinstance(ref, tuple) else ref: ref for ref in refs}.values())[:MOST_REFS]
