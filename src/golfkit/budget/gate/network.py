"""What in a script reaches for the network while it runs. Pure: an AST in, findings out."""

import ast
import re
from collections.abc import Iterator

from golfkit.budget.gate.rules import Finding

MODULES = ("requests", "urllib.request", "urllib3", "httpx", "aiohttp", "huggingface_hub", "socket", "http.client")
MODULES += ("ftplib", "paramiko", "boto3", "wget", "gdown", "datasets", "wandb", "websocket", "websockets", "smtplib")
HARMLESS = {"gethostname", "getfqdn", "error", "timeout"}  # of socket
LAUNCHERS = {
    "run",
    "call",
    "check_call",
    "check_output",
    "Popen",
    "system",
    "popen",
    "getoutput",
    "create_subprocess_exec",
}
PROGRAMS = re.compile(
    r"(?:^|[\s/;&|'\"])(?:curl|wget|pip3?|uv|conda|apt(?:-get)?|git\s+(?:clone|pull|fetch)|hf|huggingface-cli|aws|gsutil"
    r"|rclone|scp|ssh|rsync|aria2c)(?:$|[\s'\"])"
)
LOADERS = re.compile(
    r"hf_hub_download|snapshot_download|from_pretrained|load_dataset|load_state_dict_from_url|urlopen"
    r"|urlretrieve"
)
FETCHING = re.compile(r"download|fetch|prepare|install|bootstrap|ensure|setup_data", re.IGNORECASE)
RULE = "evaluation has no network and no external downloads (contest rules)"
FIX = "put data preparation into its own script, and what is needed into requirements.txt"


def findings(tree: ast.Module) -> Iterator[Finding]:
    """Uses of the network; those in a branch, a handler or a function for fetching may not be reached."""
    known = _imported(tree)
    called = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    called |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node, guards in _calls(tree, ()):
        what = _reaches(node, known)
        if what is None or any(isinstance(g, ast.FunctionDef) and _dead(g, called) for g in guards):
            continue
        guarded = any(_guards(guard) for guard in guards)
        yield Finding(node.lineno, not guarded, f"{what}{', in a branch' if guarded else ''}", RULE, FIX)


def _imported(tree: ast.Module) -> dict[str, str]:
    """Dotted names by what the script calls them."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {
                a.asname or a.name.partition(".")[0]: a.name if a.asname else a.name.partition(".")[0]
                for a in node.names
            }
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return names


def _calls(node: ast.AST, guards: tuple[ast.AST, ...]) -> Iterator[tuple[ast.Call, tuple[ast.AST, ...]]]:
    """Every call, with what it is inside of."""
    if isinstance(node, ast.Call):
        yield node, guards
    inner = (*guards, node) if isinstance(node, ast.If | ast.ExceptHandler | ast.FunctionDef | ast.IfExp) else guards
    if isinstance(node, ast.If):
        yield from _calls(node.test, guards)
        for child in (*node.body, *node.orelse):
            yield from _calls(child, inner if not _main(node) else guards)
        return
    for child in ast.iter_child_nodes(node):
        yield from _calls(child, inner)


def _main(node: ast.If) -> bool:
    return "__name__" in ast.unparse(node.test)


def _guards(node: ast.AST) -> bool:
    """Whether what is inside may well never run."""
    return isinstance(node, ast.If | ast.ExceptHandler | ast.IfExp) or (
        isinstance(node, ast.FunctionDef) and bool(FETCHING.search(node.name))
    )


def _dead(node: ast.FunctionDef, called: set[str]) -> bool:
    return node.name not in called and node.name != "main"


def _reaches(node: ast.Call, known: dict[str, str]) -> str | None:
    """How a call reaches for the network; None where it does not."""
    name = _dotted(node.func, known)
    last = name.rpartition(".")[2]
    for module in MODULES:
        if name == module or name.startswith(f"{module}."):
            return None if last in HARMLESS else f"{name}() uses the network"
    if LOADERS.fullmatch(last):
        return f"{last}() downloads"
    if last in LAUNCHERS and name.startswith(("subprocess.", "os.", "asyncio.")):
        words = [
            c.value
            for arg in node.args
            for c in ast.walk(arg)
            if isinstance(c, ast.Constant) and isinstance(c.value, str)
        ]
        found = PROGRAMS.search(" ".join(words))
        if found:
            return f"{name}() starts {found[0].strip()}"
        names = [n.id for arg in node.args for n in ast.walk(arg) if isinstance(n, ast.Name)]
        if any(FETCHING.search(text) or text.startswith("dl_") for text in (*words, *names)):
            return f"{name}() starts a download"
    return None


def _dotted(node: ast.expr, known: dict[str, str]) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value, known)}.{node.attr}"
    return known.get(node.id, node.id) if isinstance(node, ast.Name) else "?"
