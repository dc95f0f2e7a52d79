"""A workspace's model.py: loaded, checked, and its spec with the changes that were asked for."""

import dataclasses
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from golfkit.errors import Exit, GolfError
from golfkit.train.model.parameters import GROUPS, Parameter
from golfkit.train.model.recipe import Recipe

NEEDED = ("Spec", "FULL", "LOCAL", "parameters", "forward")
FAILURES = (ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, NameError, RuntimeError)
FAILURES += (SyntaxError, TypeError, ValueError)  # what an edited model.py may raise, loaded or running
WIDTHS = (*range(2, 9), 16, 32)  # bits of a parameter in the payload


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
        code = compile(source, str(path), "exec", dont_inherit=True)
    except OSError as error:
        raise GolfError(f"{path}: {error.strerror}; make a workspace with golf init, or name a model") from error
    except UnicodeDecodeError as error:
        raise GolfError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    except SyntaxError as error:
        line = f":{error.lineno}" if error.lineno else ""  # null bytes have none
        raise GolfError(f"{path}{line}: {error.msg}; correct the model") from error
    name = f"golfkit_model_{hashlib.sha256(source.encode()).hexdigest()[:12]}"
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        exec(code, module.__dict__)  # not by the import system: its cache takes an edit of the same second for no edit
    except FAILURES as error:
        raise broken(path, error) from error
    missing = [word for word in NEEDED if not hasattr(module, word)]
    if missing:
        raise GolfError(f"{path}: no {', '.join(missing)}, expected {', '.join(NEEDED)}; see the model of golf init")
    if wrong := [word for word in ("FULL", "LOCAL") if not isinstance(getattr(module, word), Recipe)]:
        raise GolfError(f"{path}: {wrong[0]} is no Recipe, expected a Spec that extends it; see the model of golf init")
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
        spec = dataclasses.replace(spec, **values)
        _check_recipe(spec)
    except FAILURES as error:
        raise GolfError(f"{model.path}: {error}; change the spec", Exit.USAGE if changes else Exit.BAD_FILE) from error
    return spec


def table_of(model: Model, spec: Any) -> list[Parameter]:
    """The model's parameter table, which must be one that can be drawn, trained and stored."""
    try:
        table = [Parameter(*row) for row in model.module.parameters(spec)]
        for row in table:
            if row.group not in GROUPS or row.bits not in WIDTHS or min(row.shape, default=0) < 0:
                raise ValueError(f"{row}: expected a shape, one of {', '.join(GROUPS)}, and 2 to 8, 16 or 32 bits")
        if len({row.name for row in table}) < len(table):
            raise ValueError("two parameters have the same name")
    except FAILURES as error:
        raise broken(model.path, error) from error
    return table


def broken(path: Path, error: BaseException) -> GolfError:
    """The error of a model that failed, at its own line where it has one."""
    line, frame = "", error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == str(path):
            line = f":{frame.tb_lineno}"
        frame = frame.tb_next
    said = " ".join(str(error).split())[:300]
    failure = GolfError(f"{path}{line}: {type(error).__name__}: {said}; correct the model (GOLF_DEBUG=1 shows all)")
    failure.__cause__ = error
    return failure


def _check_recipe(spec: Recipe) -> None:
    """Refuse sizes and rates with which no step can be made."""
    for field in dataclasses.fields(Recipe):
        value = getattr(spec, field.name)
        least = 1 if field.name in ("vocab_size", "seq_len", "batch_tokens") else 0
        if value < least:
            raise ValueError(f"{field.name} is {value}, expected {least} or more")
    for name in ("momentum", "momentum_start", "beta1", "beta2", "warmup", "ema"):
        if getattr(spec, name) >= 1:
            raise ValueError(f"{name} is {getattr(spec, name)}, expected less than 1")
    if spec.batch_tokens % spec.seq_len:
        raise ValueError(f"batch_tokens is {spec.batch_tokens}, expected a multiple of seq_len {spec.seq_len}")


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
