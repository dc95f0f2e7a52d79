"""The bundle of an own codec where no native one can be built: one Python program that holds its sources.

The program is a line for the kernel (`#!/usr/bin/env python3`) and a zip that Python runs (PEP 441), so that it is a
single file like the native one, and `unzip -l decompress` shows what is in it. Its entries are stored: they are
compressed once, by decompressor.zip. Deterministic: the same sources give the same bytes.
"""

import ast
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from golfkit.compress.artifact.bundle import TIME
from golfkit.compress.codecs import Bundle
from golfkit.compress.runtimes.engines import KERNELS, Model

_SHEBANG = b"#!/usr/bin/env python3\n"
_MAIN = """\
import sys

if sys.version_info < (3, 11):
    sys.exit("{verb}: this is Python %d.%d, expected 3.11 or later" % sys.version_info[:2])
from golfkit.compress.runtimes import engines, portable

portable.main({verb!r}, engines.{model!r})
"""
_FOLDER = Path(__file__).parents[3]  # the one that holds the package golfkit


def make(model: Model, why: str) -> Bundle:
    """The bundle of `model`.

    why  no native one can be built
    """
    sources = _sources("golfkit.compress.runtimes.portable", f"{KERNELS}.{model.name}")
    programs = {verb: _program(verb, model, sources) for verb in ("compress", "decompress")}
    note = f"Python program (for 3.11 or later; slow without numba), because {why}"
    return Bundle({"decompress": programs["decompress"]}, programs, False, "system", note)


def _program(verb: str, model: Model, sources: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    target.write(_SHEBANG)
    files = {"__main__.py": _MAIN.format(verb=verb, model=model).encode(), **sources}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as program:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, TIME)
            entry.create_system = 3  # Unix, wherever it is made
            program.writestr(entry, content)
    return target.getvalue()


def _sources(*modules: str) -> dict[str, bytes]:
    """The files of `modules` and of all that they import from golfkit, by their path in the zip."""
    found: dict[str, bytes] = {}
    todo = list(modules)
    while todo:
        path = _path(todo.pop())
        name = path.relative_to(_FOLDER).as_posix()
        if name not in found:
            found[name] = path.read_bytes()
            todo += _imports(found[name])
    return dict(sorted(found.items()))


def _imports(source: bytes) -> Iterator[str]:
    """The modules of golfkit that a source needs, and the packages that they lie in."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "golfkit":
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for name in filter(_exists, names):
                parts = name.split(".")
                yield from (".".join(parts[:n]) for n in range(1, len(parts) + 1))


def _exists(module: str) -> bool:
    return _path(module).exists()


def _path(module: str) -> Path:
    path = _FOLDER / Path(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
