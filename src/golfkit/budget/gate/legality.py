"""Does a script keep the contest's rules, as far as its source tells? Pure: source text in, verdict out.

The source is read as data flow: where validation tokens come from, which calls they go through, what is learnt from
them, and which losses are reported. Nothing of it is run. What cannot be told so is said, and `--dynamic` runs it.
"""

import ast
import re
from collections.abc import Iterable

from golfkit.budget.gate import network, reader, rules, unpack
from golfkit.budget.gate.events import TooMuch
from golfkit.budget.gate.rules import Finding
from golfkit.budget.gate.verdict import Verdict

NAME = "legality"
UNREAD = "what runs is not in the source"
DYNAMIC = "run with --dynamic"


def check(source: str, where: str = "train_gpt.py") -> Verdict:
    """The verdict on a script.

    where  its file's name, for the details: FILE:LINE: what; why; fix. Lines of a packed source are those inside of it
    """
    try:
        script = unpack.unpack(source)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        return Verdict(NAME, False, f"{where}:{line}: no Python ({error}); correct it")
    found: list[tuple[str, Finding]] = []
    for index, text in enumerate(script.sources):
        name = f"{where} (unpacked)" if index else where
        mine = [Finding(line, False, what, UNREAD, DYNAMIC) for at, line, what in script.opaque if at == index]
        found += [(name, one) for one in [*mine, *_read(text)]]
    return _verdict(found, layers=len(script.sources))


def _read(text: str) -> list[Finding]:
    """What one source says."""
    tree = ast.parse(text)
    found = [*network.findings(tree), *_imports(tree)]
    try:
        plain = [one for story in reader.stories(tree, defaults=True) for one in rules.findings(story)]
        switched = [one for story in reader.stories(tree, defaults=False) for one in rules.findings(story)]
        lines = {one.line for one in plain}
        found += plain + [_switched(one) for one in switched if one.line not in lines]
    except (TooMuch, RecursionError) as error:
        found.append(Finding(1, False, str(error), UNREAD, DYNAMIC))
    return sorted({(one.line, one.what): one for one in found}.values())


def _switched(one: Finding) -> Finding:
    """A finding in what runs only where the environment says so."""
    return one._replace(sure=False, what=f"{one.what}, where a variable of the environment switches it on")


def _imports(tree: ast.Module) -> Iterable[Finding]:
    """Code by a name that is computed."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args or isinstance(node.args[0], ast.Constant):
            continue
        name = ast.unparse(node.func)
        if re.fullmatch(
            r"__import__|(?:importlib\.)?import_module|runpy\.run_\w+|(?:marshal|types)\.\w*(?:loads|FunctionType)",
            name,
        ):
            yield Finding(node.lineno, False, f"{name}() of a computed name", UNREAD, DYNAMIC)


def _verdict(found: list[tuple[str, Finding]], layers: int) -> Verdict:
    details = tuple(f"{where}:{one.line}: {one.what}; {one.why}; {one.fix}" for where, one in found)
    illegal = [(where, one) for where, one in found if one.sure]
    if illegal:
        where, one = illegal[0]
        more = f" (and {len(illegal) - 1} more)" if len(illegal) > 1 else ""
        return Verdict(NAME, False, f"{where}:{one.line}: {one.what}{more}", details)
    if found:
        where, one = found[0]
        return Verdict(NAME, None, f"cannot tell: use --dynamic ({where}:{one.line}: {one.what})", details)
    inside = ", unpacked without running it" if layers > 1 else ""
    return Verdict(NAME, True, f"nothing against the rules in the source{inside}", details)
