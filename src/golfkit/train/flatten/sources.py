"""A source as the flattened script wants it: without types, with its imports taken out and remembered."""

import ast
import builtins
import sys
from dataclasses import dataclass, field
from pathlib import Path

from golfkit.errors import GolfError
from golfkit.train.flatten.names import bound

PACKAGE = "golfkit"
HOISTED = {"numpy", "torch", *sys.stdlib_module_names}  # imported once, at the top, also where a function imports them
TYPES = {name for name in vars(builtins) if isinstance(getattr(builtins, name), type)} | {"None"}
KEPT_TYPES = {"ClassVar", "InitVar", "KW_ONLY"}  # that dataclasses look for

_FOLDER = Path(__file__).parents[3]  # the one that holds the package


@dataclass(frozen=True)
class Target:
    """What an import names: a module, or something in one."""

    module: str
    name: str | None = None


@dataclass
class Source:
    """One module, ready to be joined with others."""

    module: str
    where: str  # of error messages
    body: list[ast.stmt]
    imports: dict[str, Target] = field(default_factory=dict)  # by the name that stands for it
    submodules: set[str] = field(default_factory=set)  # imported for what that does to the package they lie in

    def needs(self) -> list[str]:
        """The modules of the package that it imports from, in order."""
        inner = [target for target in self.imports.values() if target.module.partition(".")[0] == PACKAGE]
        return list(dict.fromkeys(module_of(target).module for target in inner))


def read(module: str, text: str | None = None, where: str | None = None, *, program: bool = False) -> Source:
    """The source of a module of the package, or of another text under that name.

    program  keep what it does when it is started by itself
    """
    path = _path(module)
    source = Source(module, where or str(path.relative_to(_FOLDER)), [])
    try:
        tree = ast.parse(path.read_text("utf-8") if text is None else text)
    except (SyntaxError, ValueError) as error:  # ValueError: a null byte
        line, what = getattr(error, "lineno", None) or 1, getattr(error, "msg", error)
        raise GolfError(f"{source.where}:{line}: {what}, expected Python; correct it there") from error
    tree = _Imports(source, set(bound(tree.body))).visit(_Types(program).visit(tree))
    source.body = tree.body
    return source


def module_of(target: Target) -> Target:
    """The target with a module of the package that a `from` names made its module."""
    if target.name is not None and _path(f"{target.module}.{target.name}").exists():
        return Target(f"{target.module}.{target.name}")
    return target


def _path(module: str) -> Path:
    path = _FOLDER.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


class _Filled(ast.NodeTransformer):
    """Puts `pass` where the last statement of a block went."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Every node."""
        super().generic_visit(node)
        if getattr(node, "body", None) == [] and not isinstance(node, ast.Module):
            node.body = [ast.Pass()]  # type: ignore[attr-defined]
        return node


class _Types(_Filled):
    """Takes out what only type checkers, and readers of long docstrings, want.

    Fields of classes keep their annotation where it is of builtin types, as dataclasses count fields by them; else it
    becomes `object`.
    """

    def __init__(self, program: bool) -> None:
        self._unwanted = {"TYPE_CHECKING", "typing.TYPE_CHECKING"} | (set() if program else {"__name__ == '__main__'"})

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        """`if TYPE_CHECKING:`, and what only a program started by itself would do."""
        if ast.unparse(node.test) in self._unwanted:
            self.generic_visit(node)
            return node.orelse
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Functions need no annotations."""
        node.returns = None
        for arg in ast.walk(node.args):
            if isinstance(arg, ast.arg):
                arg.annotation = None
        _shorten(node)
        return self.generic_visit(node)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """Classes: their fields."""
        _shorten(node)
        fields = {id(item): _field(item) for item in node.body if isinstance(item, ast.AnnAssign)}
        done = [fields.get(id(item)) or self.visit(item) for item in node.body]
        node.body = [part for item in done if item is not None for part in (item if isinstance(item, list) else [item])]
        node.body = node.body or [ast.Pass()]
        return node

    def visit_Module(self, node: ast.Module) -> ast.AST:
        """A module has its name alone to say what it is."""
        if ast.get_docstring(node) is not None:
            del node.body[0]
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        """Variables need no annotations."""
        if node.value is None:
            return None
        return ast.copy_location(ast.Assign([node.target], node.value), node)


def _shorten(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
    """Keep the first paragraph of a docstring."""
    text = ast.get_docstring(node)
    if text is not None:
        node.body[0] = ast.Expr(ast.Constant(text.partition("\n\n")[0].replace("\n", " ")))


def _field(node: ast.AnnAssign) -> ast.AnnAssign:
    words = {item.id for item in ast.walk(node.annotation) if isinstance(item, ast.Name)}
    words |= {item.attr for item in ast.walk(node.annotation) if isinstance(item, ast.Attribute)}
    quoted = any(isinstance(item, ast.Constant) and item.value for item in ast.walk(node.annotation))
    if not words & KEPT_TYPES and (quoted or not words <= TYPES):
        node.annotation = ast.Name("object", ast.Load())
    return node


class _Imports(_Filled):
    """Takes imports out: all of the top level, of functions those from the package and those of HOISTED."""

    def __init__(self, source: Source, names: set[str]) -> None:
        self._source = source
        self._top = names  # that the module binds, imports included
        self._depth = 0

    def visit_Module(self, node: ast.Module) -> ast.AST:
        """The top level: imports in its compound statements are conditional, and stay."""
        for item in node.body:
            if isinstance(item, ast.Import | ast.ImportFrom):
                self._take(item)
        node.body = [item for item in node.body if not isinstance(item, ast.Import | ast.ImportFrom)]
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """What stands in the function's own block is imported whenever it runs."""
        node.body = [item for item in node.body if not (self._hoistable(item) and self._take(item))]
        return self.generic_visit(node)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        """From the package, wherever it stands."""
        if (node.module or "").partition(".")[0] != PACKAGE and not node.level:
            return node
        self._take(node)
        return None

    def _hoistable(self, node: ast.stmt) -> bool:
        if not isinstance(node, ast.Import | ast.ImportFrom) or getattr(node, "level", 0):
            return False
        targets = _targets(node)
        known = self._source.imports
        free = all(
            known.get(name, target) == target and (name in known or name not in self._top) for name, target in targets
        )
        return free and all(target.module.partition(".")[0] in HOISTED for _, target in targets)

    def _take(self, node: ast.Import | ast.ImportFrom) -> bool:
        where = f"{self._source.where}:{node.lineno}"
        if getattr(node, "level", 0):
            raise GolfError(f"{where}: a relative import, expected all code in this file; move it here")
        if isinstance(node, ast.Import):
            self._source.submodules |= {item.name for item in node.names if "." in item.name and not item.asname}
        for name, target in _targets(node):
            if target.module == "__future__":
                continue
            if target.name == "*" or (target.module.partition(".")[0] == PACKAGE and target.name is None):
                raise GolfError(f"{where}: {ast.unparse(node)!r}, expected from MODULE import NAMES; name them")
            if self._source.imports.setdefault(name, target) != target:
                raise GolfError(f"{where}: {name} is imported from two places; give one of them another name")
        return True


def _targets(node: ast.Import | ast.ImportFrom) -> list[tuple[str, Target]]:
    """What an import binds; `import a.b` binds a."""
    if isinstance(node, ast.ImportFrom):
        return [(item.asname or item.name, Target(node.module or "", item.name)) for item in node.names]
    names = [(item.asname, item.name if item.asname else item.name.partition(".")[0]) for item in node.names]
    return [(alias or module, Target(module)) for alias, module in names]
