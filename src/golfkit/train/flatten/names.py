"""Which names of a source are those of its top level: what Python's scopes say, for every use of a name.

Source: The Python Language Reference, 4.2 "Naming and binding" (functions, lambdas, comprehensions, class bodies).
"""

import ast
from collections.abc import Callable, Iterable, Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

Refer = Callable[[str, str | None, ast.AST], str | None]


def bound(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The names that statements bind in their own scope; not those of functions and classes inside."""
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
            outer = [*node.decorator_list, *(node.bases if isinstance(node, ast.ClassDef) else [node.args])]
            yield from bound(outer)
            continue
        if isinstance(node, ast.Lambda | ast.arguments):
            continue
        if isinstance(node, COMPREHENSIONS):  # its targets are its own, but := reaches out of it
            yield from (inner.target.id for inner in ast.walk(node) if isinstance(inner, ast.NamedExpr))
            continue
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.alias):
            yield node.asname or node.name.partition(".")[0]
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.name
        elif isinstance(node, ast.MatchMapping) and node.rest:
            yield node.rest
        yield from bound(ast.iter_child_nodes(node))


class TopLevel(ast.NodeTransformer):
    """Visits every use of a name that means one of the top level, and may rename it.

    refer  called with the name, the attribute looked up in it or None, and the node; gives the name that shall stand
           for it, or None to leave it. Where it leaves a name with an attribute, it is called for the name alone; not
           where it gives both back as they were, with a dot between
    """

    def __init__(self, refer: Refer) -> None:
        self._refer = refer
        self._scopes: list[set[str]] = []
        self._class: set[str] | None = None  # names of the class body that is being visited, not seen from functions

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """A use or a binding."""
        node.id = self._renamed(node.id, node)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """A use of something in a module, perhaps."""
        if isinstance(node.value, ast.Name) and self._seen(node.value.id):
            path = f"{node.value.id}.{node.attr}"
            whole = self._refer(node.value.id, node.attr, node)
            if whole is not None:
                return node if whole == path else ast.copy_location(ast.Name(whole, node.ctx), node)
        return self.generic_visit(node)

    def visit_Global(self, node: ast.Global) -> ast.AST:
        """Names that a function takes from the top level."""
        node.names = [self._refer(name, None, node) or name for name in node.names]
        return node

    def visit_alias(self, node: ast.alias) -> ast.AST:
        """A conditional import."""
        name = node.asname or node.name.partition(".")[0]
        renamed = self._renamed(name, node)
        node.asname = node.asname if renamed == name else renamed
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        """`except X as name`."""
        if node.name:
            node.name = self._renamed(node.name, node)
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Decorators and defaults belong to the scope around."""
        node.name = self._renamed(node.name, node)
        node.decorator_list = [self.visit(item) for item in node.decorator_list]
        return self._function(node)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        """A function without a name."""
        return self._function(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """Names of a class body are seen in it, and not in its functions."""
        node.name = self._renamed(node.name, node)
        for part in (node.decorator_list, node.bases):
            part[:] = [self.visit(item) for item in part]
        node.keywords = [self.visit(item) for item in node.keywords]
        outer, self._class = self._class, set(bound(node.body))
        node.body = [self.visit(item) for item in node.body]
        self._class = outer
        return node

    def _function(self, node: Function) -> ast.AST:
        args = node.args
        args.defaults = [self.visit(item) for item in args.defaults]
        args.kw_defaults = [item and self.visit(item) for item in args.kw_defaults]
        body = node.body if isinstance(node.body, list) else [node.body]
        every = [*args.posonlyargs, *args.args, args.vararg, *args.kwonlyargs, args.kwarg]
        names = {arg.arg for arg in every if arg} | set(bound(body))
        names -= {name for item in _own(body) if isinstance(item, ast.Global) for name in item.names}
        self._inside(names, lambda: self._visit_body(node))
        return node

    def _visit_body(self, node: Function) -> None:
        node.body = [self.visit(item) for item in node.body] if isinstance(node.body, list) else self.visit(node.body)

    def _comprehension(self, node: Comprehension) -> ast.AST:
        first = node.generators[0]
        first.iter = self.visit(first.iter)  # in the scope around
        kept, first.iter = first.iter, ast.Constant(None)
        self._inside({name for item in node.generators for name in bound([item.target])}, self.generic_visit, node)
        first.iter = kept
        return node

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    def _inside(self, names: set[str], visit: Callable[..., object], *args: ast.AST) -> None:
        outer, self._class = self._class, None
        self._scopes.append(names)
        visit(*args)
        self._scopes.pop()
        self._class = outer

    def _seen(self, name: str) -> bool:
        return name not in (self._class or ()) and not any(name in scope for scope in self._scopes)

    def _renamed(self, name: str, node: ast.AST) -> str:
        return (self._refer(name, None, node) or name) if self._seen(name) else name


def _own(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The nodes of a function's own scope."""
    for node in nodes:
        yield node
        if not isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            yield from _own(ast.iter_child_nodes(node))
