"""Sources joined into one: what the entry reaches, every name once, each module before those that use it."""

import ast
import builtins
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from golfkit.errors import GolfError
from golfkit.train.flatten.names import TopLevel, bound
from golfkit.train.flatten.sources import PACKAGE, TYPES, Source, Target, module_of

BUILTINS = set(vars(builtins))
PLAIN = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign)  # statements that may be left out
MAKERS = ("dataclasses", "functools", "math", "collections", "itertools")  # what they are called for is their value


@dataclass
class Piece:
    """A statement of a top level."""

    source: Source
    node: ast.stmt
    uses: list[Target] = field(default_factory=list)
    wanted: bool = False


class Program:
    """The sources with all that their names mean.

    entry    the source that is kept whole and stands last
    sources  all by module, in the order in which they shall stand
    """

    def __init__(self, sources: Mapping[str, Source], entry: str) -> None:
        self._sources, self._entry = sources, entry
        self._pieces = [Piece(source, node) for source in sources.values() for node in source.body]
        self._defined: dict[Target, list[Piece]] = {}
        self._said: dict[Target, set[str]] = {}  # by which names the sources call it
        for piece in self._pieces:
            for name in bound([piece.node]):
                self._defined.setdefault(Target(piece.source.module, name), []).append(piece)
        for piece in self._pieces:
            self._find_uses(piece)

    def text(self) -> list[tuple[str, str]]:
        """The statements that are needed: (module, source text), imports first, under the module ""."""
        self._reach()
        final = self._final_names()
        outside = {target: name for target, name in final.items() if target not in self._defined}
        parts = [("", _imports(outside, {name for source in self._sources.values() for name in source.submodules}))]
        for source in self._sources.values():
            body = [self._renamed(piece, final) for piece in self._pieces if piece.wanted and piece.source is source]
            if body:
                parts.append((source.module, ast.unparse(ast.Module(body, []))))
        return parts

    def _find_uses(self, piece: Piece) -> None:
        def refer(name: str, attribute: str | None, node: ast.AST) -> str | None:
            target = self._resolve(piece.source, name, attribute, node)
            if target is not None:
                piece.uses.append(target)
                self._said.setdefault(target, set()).add(attribute or name)
            return f"{name}.{attribute}" if target is not None and attribute else None

        TopLevel(refer).visit(piece.node)

    def _renamed(self, piece: Piece, final: Mapping[Target, str]) -> ast.stmt:
        def refer(name: str, attribute: str | None, node: ast.AST) -> str | None:
            target = self._resolve(piece.source, name, attribute, node)
            return None if target is None else final[target]

        return TopLevel(refer).visit(piece.node)

    def _resolve(self, source: Source, name: str, attribute: str | None, node: ast.AST) -> Target | None:
        """What a name at the top level of a source means; None for a builtin, and for a name of no package module
        that an attribute is looked up in: then the name alone is asked for.
        """
        where = f"{source.where}:{getattr(node, 'lineno', 1)}"
        own = Target(source.module, name)
        if own in self._defined:
            return None if attribute else own
        if name not in source.imports:
            if name in BUILTINS or (name.startswith("__") and name.endswith("__")):
                return None
            raise GolfError(f"{where}: name {name!r} is not defined; define or import it")
        target = module_of(source.imports[name])
        if target.module.partition(".")[0] != PACKAGE and target.module not in self._sources:
            return None if attribute else target
        if target.name is not None:
            return None if attribute else self._owner(target, where)
        if attribute is None:
            raise GolfError(f"{where}: the module {target.module} is used as a value; name what is wanted of it")
        return self._owner(Target(target.module, attribute), where)

    def _owner(self, target: Target, where: str) -> Target:
        """The definition that an import leads to, through others."""
        if target in self._defined:
            return target
        source = self._sources[target.module]
        if target.name not in source.imports:
            raise GolfError(f"{where}: {target.module} has no {target.name}; correct the import")
        return self._resolve(source, target.name or "", None, ast.Pass(lineno=1)) or target

    def _reach(self) -> None:
        """Mark the statements that the entry needs, and those that may do something by themselves."""
        todo = [piece for piece in self._pieces if piece.source.module == self._entry or not self._idle(piece)]
        while todo:
            piece = todo.pop()
            if not piece.wanted:
                piece.wanted = True
                todo += [other for target in piece.uses for other in self._defined.get(target, ())]

    def _idle(self, piece: Piece) -> bool:
        """Whether a statement does no more than give names their values."""
        node = piece.node
        if not isinstance(node, PLAIN):
            return False
        if piece.source.module.partition(".")[0] == PACKAGE:
            return True  # its modules have no effect when imported
        if isinstance(node, ast.Assign) and not all(isinstance(target, ast.Name) for target in node.targets):
            return False  # it may change something that was there before
        makers = [node.value] if isinstance(node, ast.Assign) else node.decorator_list
        called = [inner.func for part in makers for inner in ast.walk(part) if isinstance(inner, ast.Call)]
        if not isinstance(node, ast.Assign):
            called += [part for part in makers if not isinstance(part, ast.Call)]
        return all(self._harmless(piece.source, func) for func in called)

    def _harmless(self, source: Source, func: ast.expr) -> bool:
        """Whether a call makes a value and no more: of a type, or by a part of the standard library that does."""
        root = func
        while isinstance(root, ast.Attribute):
            root = root.value
        if not isinstance(root, ast.Name):
            return False
        if root.id in TYPES:
            return True
        made = self._defined.get(Target(source.module, root.id), [])
        if made:
            return all(isinstance(piece.node, ast.ClassDef) for piece in made)
        return source.imports.get(root.id, Target("")).module in MAKERS

    def _final_names(self) -> dict[Target, str]:
        """One name for each thing: its own, unless it means something else somewhere."""
        used = {target: None for piece in self._pieces if piece.wanted for target in piece.uses}
        used |= {target: None for target, pieces in self._defined.items() if any(piece.wanted for piece in pieces)}
        spoken = {name for source in self._sources.values() for name in _identifiers(source)}
        final: dict[Target, str] = {}
        taken = set(BUILTINS)
        for target in sorted(used, key=lambda item: item.module.startswith(PACKAGE)):  # the model's names first
            said = self._said.get(target, set()) | ({target.name} if target in self._defined else set())
            name = min(said) if len(said) == 1 else None
            if name is None or name in taken:
                stem, n = target.name or target.module.rpartition(".")[2], 2
                while (name := f"{stem}_{n}") in taken | spoken:
                    n += 1
            final[target] = name
            taken.add(name)
        return final


def _identifiers(source: Source) -> Iterator[str]:
    for node in (inner for item in source.body for inner in ast.walk(item)):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name


def _imports(final: Mapping[Target, str], submodules: set[str]) -> str:
    """The import statements of what is not defined in the program, sorted."""
    plain, froms = set(), {}
    for target, name in final.items():
        if target.name is None:
            plain.add(f"import {target.module}" + ("" if name == target.module else f" as {name}"))
            plain |= {f"import {path}" for path in submodules if path.partition(".")[0] == target.module}
        else:
            froms.setdefault(target.module, set()).add(target.name + ("" if name == target.name else f" as {name}"))
    lines = [f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(froms.items())]
    return "\n".join([*sorted(plain), *lines])
