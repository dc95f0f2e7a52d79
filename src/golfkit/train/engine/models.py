"""A workspace's model.py: loaded, checked, and its spec with the changes that were asked for."""

import ast
import dataclasses
import hashlib
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from golfkit.errors import Exit, GolfError

NEEDED = ("Spec", "FULL", "LOCAL", "parameters", "forward")
FAILURES = (ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, NameError, RuntimeError)
FAILURES += (TypeError, ValueError)  # what an edited model.py may raise, when it is loaded and when it runs


class Model(NamedTuple):
    """A loaded model.py."""

    path: Path
    source: str
    module: ModuleType

    @property
    def sha256(self) -> str:
        """Digest of the source."""
        return hashlib.sha256(self.source.encode()).hexdigest()


def load(path: Path) -> Model:
    """Load a model.py; what is wrong with it is one line that names file and line."""
    try:
        source = path.read_bytes().decode("utf-8")
        ast.parse(source)
    except OSError as error:
        raise GolfError(f"{path}: {error.strerror}; make a workspace with golf init, or name a model") from error
    except UnicodeDecodeError as error:
        raise GolfError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    except SyntaxError as error:
        raise GolfError(f"{path}:{error.lineno}: {error.msg}; correct the line") from error
    name = f"golfkit_model_{hashlib.sha256(source.encode()).hexdigest()[:12]}"
    located = importlib.util.spec_from_file_location(name, path)
    assert located is not None
    assert located.loader is not None
    module = importlib.util.module_from_spec(located)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        located.loader.exec_module(module)
    except FAILURES as error:
        raise broken(path, error) from error
    missing = [word for word in NEEDED if not hasattr(module, word)]
    if missing:
        raise GolfError(f"{path}: no {', '.join(missing)}, expected {', '.join(NEEDED)}; see the model of golf init")
    return Model(path, source, module)


def spec_of(model: Model, changes: Sequence[str], *, full: bool = False) -> Any:
    """The spec to train: LOCAL, or FULL, with `KEY=VALUE` changes; unknown keys and wrong values are usage errors."""
    spec = model.module.FULL if full else model.module.LOCAL
    known = {field.name: getattr(spec, field.name) for field in dataclasses.fields(spec)}
    values: dict[str, Any] = {}
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals or key not in known:
            raise GolfError(
                f"--set {change}: expected KEY=VALUE with a key of the spec: {', '.join(known)}", Exit.USAGE
            )
        values[key] = _value(change, text, known[key])
    try:
        return dataclasses.replace(spec, **values)
    except (TypeError, ValueError) as error:
        raise GolfError(f"{model.path}: {error}; change the spec", Exit.USAGE if changes else Exit.BAD_FILE) from error


def broken(path: Path, error: BaseException) -> GolfError:
    """The error of a model that failed, at its own line where it has one."""
    line, frame = "", error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == str(path):
            line = f":{frame.tb_lineno}"
        frame = frame.tb_next
    said = " ".join(str(error).split())[:300]
    return GolfError(f"{path}{line}: {type(error).__name__}: {said}; correct the model (GOLF_DEBUG=1 shows all)")


def _value(change: str, text: str, old: Any) -> Any:
    """`text` as a value of the type that the key has."""
    words = {"true": True, "1": True, "on": True, "false": False, "0": False, "off": False}
    try:
        if isinstance(old, bool):
            return words[text.lower()]
        if isinstance(old, int | float):
            number = type(old)(text)
            if number != number or abs(number) == float("inf"):
                raise ValueError
            return number
    except (KeyError, ValueError) as error:
        raise GolfError(f"--set {change}: expected a {type(old).__name__} such as {old}", Exit.USAGE) from error
    return text
