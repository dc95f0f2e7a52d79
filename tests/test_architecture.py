"""The rules of docs/architecture.md, read from the code and from sys.modules."""

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

import golfkit
from golfkit import cli
from golfkit.commands import COMMANDS

PACKAGE = Path(golfkit.__file__).parent
ROOT = PACKAGE.parent.parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
CONCERNS = {"measure", "compress", "train", "budget", "research", "board", "tune"}
LEAVES = {
    f"golfkit.{name}" for name in ("errors", "interrupts", "output", "files", "settings", "ledger", "strict", "jsonl")
}
PURE_LEAVES = {
    "golfkit.measure.artifact",
    "golfkit.measure.feasibility",
    "golfkit.compress.verify",
    "golfkit.train.flatten",
    "golfkit.train.logs",
    "golfkit.train.runs",
}
HEAVY = {
    *("torch", "mlx", "numba", "llvmlite", "numpy", "pandas", "httpx", "huggingface_hub", "runpod"),
    *(
        "zstandard",
        "brotli",
        "matplotlib",
        "rich",
        "pydantic",
        "feedparser",
        "httpx_retries",
        "aiolimiter",
        "snowballstemmer",
    ),
}
COMPILER = {  # made of Numba's decorators, and imported only in function bodies, except by each other
    "golfkit.compress.runtimes.lowering",
    "golfkit.compress.runtimes.lowering_floats",
}
MAX_LINES = 400


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path, *, top_level: bool = False) -> Iterator[str]:
    """Names of the modules that a file imports, typing-only ones aside; `from golfkit import x` as golfkit.x."""
    todo: list[ast.AST] = [ast.parse(path.read_text("utf-8"))]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            todo += node.orelse
        elif not (top_level and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)):
            todo += ast.iter_child_nodes(node)


def reaches(name: str, module: str) -> bool:
    """Whether an imported name is `module` or something in it."""
    return name == module or name.startswith(f"{module}.")


def ids(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(PACKAGE)) for path in paths]


@pytest.fixture(params=SOURCES, ids=ids(SOURCES))
def source(request) -> Path:
    return request.param


def test_cli_only_assembles():
    text = (PACKAGE / "cli.py").read_text()
    assert len(text.splitlines()) < 100
    own = [name for name in imports(PACKAGE / "cli.py") if reaches(name, "golfkit")]
    assert not [name for name in own if name.split(".")[1] in CONCERNS]


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_command_is_a_function_of_its_concern_and_its_line_is_a_sentence(command):
    concern, module = command.module.split(".")[1:]
    assert concern in CONCERNS
    assert module.startswith("command")
    assert callable(getattr(importlib.import_module(command.module), command.function))
    assert command.line[-1] in ".?"


def test_only_the_cli_and_commands_import_typer(source):
    if source != PACKAGE / "cli.py" and not source.name.startswith("command"):
        assert not [name for name in imports(source) if reaches(name, "typer") or reaches(name, "click")]


def test_only_output_imports_rich(source):
    if source != PACKAGE / "output.py":
        assert not [name for name in imports(source) if reaches(name, "rich")]


def test_concerns_meet_only_in_leaves(source):
    concern = source.relative_to(PACKAGE).parts[0]
    if concern not in CONCERNS | {f"{name.split('.')[1]}.py" for name in LEAVES}:
        return
    for name in imports(source):
        parts = name.split(".")
        if parts[0] != "golfkit" or len(parts) == 1 or parts[1] == concern:
            continue
        allowed = LEAVES | PURE_LEAVES if concern in CONCERNS else LEAVES
        assert any(reaches(name, leaf) for leaf in allowed), f"{module_name(source)} imports {name}"


def test_no_private_part_of_a_framework_is_imported(source):
    for name in imports(source):
        parts = name.split(".")
        assert parts[0] == "golfkit" or not any(part.startswith("_") and part != "__version__" for part in parts[1:]), (
            name
        )


def test_kernels_import_only_numpy_and_kernels(source):
    if source.parent != PACKAGE / "compress" / "kernels":
        return
    for name in imports(source):
        types_only = any(reaches(name, module) for module in ("typing", "types", "collections.abc"))
        known = types_only or reaches(name, "numpy") or reaches(name, "golfkit.compress.kernels")
        assert known, f"{source.name} imports {name}"


def test_heavy_packages_are_imported_in_function_bodies(source):
    if module_name(source) not in COMPILER:
        found = imports(source, top_level=True)
        heavy = [name for name in found if name.split(".")[0] in HEAVY]
        assert not [*heavy, *(name for name in found if any(reaches(name, module) for module in COMPILER))]


FILES = [*SOURCES, *sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "scripts").glob("*.py"))]


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(ROOT)) for path in FILES])
def test_no_file_is_longer_than_400_lines(path):
    assert len(path.read_text("utf-8").splitlines()) <= MAX_LINES


def test_nothing_is_caught_that_is_not_named(source):
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"{source}:{node.lineno}: bare except"
            assert not {"Exception", "BaseException"} & {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)}


def test_every_module_and_public_function_has_a_docstring(source):
    tree = ast.parse(source.read_text("utf-8"))
    assert ast.get_docstring(tree)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{source}:{node.lineno}: {node.name}"


IMPORT_ALL = """
import logging, os, signal, sys, threading

def complain(what):
    frame = sys._getframe(2)
    while frame and ("importlib" in frame.f_code.co_filename or frame.f_code.co_filename.endswith(("os.py", "_abc.py"))
                     or "<frozen" in frame.f_code.co_filename):
        frame = frame.f_back
    if frame and "/golfkit/" in frame.f_code.co_filename:
        sys.exit(f"{frame.f_code.co_filename}:{frame.f_lineno}: {what} at import")

plain = type(os.environ)
class Watched(plain):
    def __getitem__(self, key):
        complain(f"reads {key} from the environment")
        return super().__getitem__(key)
    def __iter__(self):
        complain("reads the environment")
        return super().__iter__()
os.environ.__class__ = Watched

def audit(event, args):
    writes = event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+")
    if writes or event in ("subprocess.Popen", "socket.connect", "os.system", "os.mkdir", "os.chdir", "os.putenv"):
        complain(f"{event} {args[0]!r}")
sys.addaudithook(audit)

def state():
    handlers = [signal.getsignal(n) for n in range(1, 32)]
    return handlers, list(logging.root.handlers), sys.excepthook, threading.active_count()

before = state()
for name in sys.argv[1:]:
    __import__(name)
sys.exit(state() != before)
"""


def test_importing_every_module_with_an_empty_environment_has_no_effect():
    names = [module_name(path) for path in SOURCES]
    command = [sys.executable, "-B", "-c", IMPORT_ALL, *names]
    result = subprocess.run(command, env={}, cwd="/", capture_output=True, text=True, check=False, timeout=60)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def commands(path: list[str], command) -> Iterator[tuple[list[str], object]]:
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands([*path, name], child)


HELP_ALL = """
import contextlib, io, sys
from golfkit import cli
from golfkit.commands import COMMANDS
for path in sys.argv[1:]:
    sys.argv = ["golf", *path.split(), "--help"]
    with contextlib.redirect_stdout(io.StringIO()) as said:
        try:
            cli.main()
        except SystemExit as end:
            assert end.code == 0, path
    assert "Usage: golf" in said.getvalue(), path
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""


ONE_HELP = """
import sys
from golfkit import cli
try:
    cli.main()
finally:
    print(*sorted(name for name in sys.modules if name.startswith("golfkit.")), file=sys.stderr)
"""


def test_a_command_imports_its_own_concern_alone():
    command = [sys.executable, "-c", ONE_HELP, "measure", "--help"]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    loaded = {name.split(".")[1] for name in result.stderr.split()}
    assert loaded & CONCERNS == {"measure"}


def test_no_help_loads_a_heavy_package():
    paths = [" ".join(path) for path, _ in commands([], typer.main.get_command(cli.build(COMMANDS)))]
    result = subprocess.run(
        [sys.executable, "-c", HELP_ALL, *paths], capture_output=True, text=True, check=True, timeout=60
    )
    assert not HEAVY & set(result.stdout.split())


def test_every_command_and_every_parameter_has_help():
    for path, command in commands(["golf"], typer.main.get_command(cli.build(COMMANDS))):
        assert command.help, path
        for param in command.params:
            assert param.help, (path, param.name)
