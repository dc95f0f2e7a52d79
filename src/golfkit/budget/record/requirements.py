"""What a train_gpt.py needs to be installed: the packages that it imports, in the versions that it ran with. Pure."""

import ast
import sys
from collections.abc import Mapping

from golfkit.budget.gate import unpack


def requirements(script: str, versions: Mapping[str, str]) -> list[str]:
    """The lines of a requirements.txt, sorted; without a version where none was recorded."""
    packages = imported(script) - set(sys.stdlib_module_names)
    return [f"{name}=={versions[name]}" if name in versions else name for name in sorted(packages)]


def imported(script: str) -> set[str]:
    """Top-level names that a script imports, wherever in it, also in what it unpacks; none where it is no Python."""
    try:
        trees = [ast.parse(source) for source in unpack.unpack(script).sources]
    except (SyntaxError, ValueError, RecursionError):
        return set()
    found = set()
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.partition(".")[0])
    return found
