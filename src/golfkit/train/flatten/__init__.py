"""One counted train_gpt.py from a model.py: golfkit's modules and the model's, joined into a script that runs alone.

Sources are read, never run. Of what they hold, the script keeps what its main reaches. Pure: text in, text out; of
the disk, it reads golfkit's own sources.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from golfkit.errors import GolfError
from golfkit.train.flatten import spec
from golfkit.train.flatten.link import Program
from golfkit.train.flatten.pack import packed
from golfkit.train.flatten.sources import PACKAGE, Source, read

FILE = "model.py"  # of a workspace
MAIN = f"{PACKAGE}.train.engine.contest"
MODEL = "__model__"
ENTRY = "__entry__"
HEADER = "# Made by golf flatten; MIT licence."
TITLES = {MODEL: "the model", ENTRY: "the run"}


class Flattened(NamedTuple):
    """The script in both forms; both run alone, under python and torchrun."""

    readable: str

    @property
    def packed(self) -> str:
        """As few bytes as LZMA makes of it; takes a moment."""
        return packed(self.readable)


def flatten(
    model: str, changes: Mapping[str, object] | Sequence[str] = (), *, base: str = "FULL", where: str = FILE
) -> Flattened:
    """The script of a model.

    model    the text of a model.py
    changes  fields of its spec that shall be different: values by name, or KEY=VALUE texts
    base     the spec that they change: FULL or LOCAL
    where    the model's name in messages
    """
    sources: dict[str, Source] = {}
    source = read(MODEL, model, where)
    spec.check(source, base)
    _add(sources, source)
    known = spec.fields(source, sources)
    if not isinstance(changes, Mapping):
        changes = spec.parse(changes, known, where)
    for key in changes:
        spec.check_key(key, known, where)
    entry = read(ENTRY, _entry(changes, base), program=True)
    _add(sources, entry)
    readable = (
        "\n\n".join([HEADER, *(_section(module, text) for module, text in Program(sources, ENTRY).text())]) + "\n"
    )
    return Flattened(readable)


def flatten_file(
    path: Path | None, changes: Mapping[str, object] | Sequence[str] = (), *, base: str = "FULL"
) -> Flattened:
    """The script of a model.py on disk, or of golfkit's default model."""
    if path is None:
        path = Path(__file__).parents[1] / "model" / "default.py"
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise GolfError(f"{path}:byte {error.start}: not UTF-8, expected Python; save it as UTF-8") from error
    except FileNotFoundError as error:
        raise GolfError(f"{path}: not found, expected the model; name it with --model FILE") from error
    for name in sorted({target.module.partition(".")[0] for target in read(MODEL, text, str(path)).imports.values()}):
        if path.with_name(f"{name}.py").exists() and name != PACKAGE:
            raise GolfError(f"{path}: imports {name}.py beside it, expected all code in one file; move it there")
    return flatten(text, changes, base=base, where=str(path))


def _add(sources: dict[str, Source], source: Source) -> None:
    """A source behind those that it needs."""
    seen = {source.module, *sources}

    def visit(current: Source) -> None:
        for module in current.needs():
            if module not in seen:
                seen.add(module)
                visit(read(module))
        sources[current.module] = current

    visit(source)


def _entry(changes: Mapping[str, object], base: str) -> str:
    """The source that brings model, spec and main together."""
    arguments = ", ".join([base, *(f"{key}={value!r}" for key, value in changes.items())])
    return f"""
import os
import sys
from dataclasses import replace
from types import SimpleNamespace
from {MAIN} import main
from {MODEL} import {base}, forward, parameters
MODEL = SimpleNamespace(forward=forward, parameters=parameters)
SPEC = {f"replace({arguments})" if changes else base}
if __name__ == "__main__":
    sys.exit(main(MODEL, SPEC, os.environ))
"""


def _section(module: str, text: str) -> str:
    return f"# --- {TITLES.get(module, module)}\n{text}" if module else text
