"""The files of a new workspace: what is there is never overwritten, and each appears whole or not at all."""

import dataclasses
import json
import os
import re
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from golfkit import files, ledger, settings
from golfkit.errors import GolfError

LEDGER = "results.tsv"
ENV_EXAMPLE = ".env.example"
IGNORE = ".gitignore"
_TEMPLATES = ("gitignore", "program.md", "research.toml", "techniques.toml")  # files of the package
_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")
_TOML_HEAD = """\
# Settings of this workspace. Each stands with its default; a line with a # in front is not set.
# Precedence: flag > environment > .env > this file > default. Keys and secrets go into .env, never here.
"""
_ENV_HEAD = """\
# Copy this file to .env and fill in what you have; an empty value counts as unset. .env stays out of git.
# The environment wins over .env.
"""
_ENV_SETTINGS = "# Settings that golf.toml holds as well; remove the # to let .env win.\n"
_ENV_ELSEWHERE = "# Read from the environment alone: .env cannot set them.\n"


class Created(NamedTuple):
    """What `create` did; file names are relative to the workspace."""

    made: list[str]
    same: list[str]  # there before, just as they would have been made
    kept: list[str]  # there before with other content, and left alone


def create(folder: Path) -> Created:
    """Make `folder` a workspace: write those of its files that are missing.

    golf.toml comes last, so a folder is a workspace only once it is a whole one. A row that a run appends meanwhile is
    not lost: the ledger's lock is held.
    """
    if folder.exists() and not folder.is_dir():
        raise GolfError(f"{folder}: is a file, expected a folder for the workspace; name another")
    texts = contents(settings.load({}, folder if (folder / settings.TOML).is_file() else None))
    made: list[str] = []
    if any(not os.path.lexists(folder / name) for name in texts):
        with files.locked(folder / LEDGER):
            for name, text in texts.items():
                if not os.path.lexists(folder / name):  # lexists: a dangling link is the user's, too
                    files.atomic_write(folder / name, text)
                    made.append(name)
    there = [name for name in texts if name not in made]
    same = [name for name in there if _holds(folder / name, texts[name])]
    return Created(made, same, [name for name in there if name not in same])


def contents(values: settings.Settings) -> dict[str, str]:
    """The workspace's files by name, in the order in which they are written; golf.toml is the last."""
    rules = {
        "sota": f"{values.sota:.4f}",
        "baseline": f"{values.baseline:.4f}",
        "artifact_limit": f"{values.artifact_limit:,}",
        "training_seconds": str(values.training_seconds),
        "threshold": f"{values.local_promotion_threshold:.2%}".replace(".00%", "%"),
        "gpu": values.gpu,
        "gpu_rate_usd": f"{values.gpu_rate_usd:.2f}",
        "run_usd": f"{values.gpu_rate_usd * values.training_seconds / 3600:.2f}",
        "reserve_usd": f"{values.runpod_min_reserve:.2f}",
    }
    package = resources.files("golfkit.train")
    texts = {
        IGNORE if name == "gitignore" else name: _filled(
            package.joinpath("workspace", "files", name).read_text("utf-8"), rules
        )
        for name in _TEMPLATES
    }
    model = package.joinpath("model", "default.py").read_text("utf-8")
    ours = {"model.py": model, LEDGER: f"{ledger.HEADER}\n", ENV_EXAMPLE: env_example()}
    return texts | ours | {settings.TOML: golf_toml()}


def golf_toml() -> str:
    """A golf.toml of all the settings that it may hold, at their defaults; those without one as comments."""
    parts = [_TOML_HEAD]
    for declared in dataclasses.fields(settings.Settings):
        if declared.metadata["toml"]:
            line = f"{declared.name} = {_toml_value(declared.default)}"
            parts.append(f"# {_help(declared)}\n{line if declared.default is not None else f'# {line}'}\n")
    return "\n".join(parts)


def env_example() -> str:
    """A .env of every name that golf reads: secrets empty, settings as comments with their defaults."""
    secrets, here, elsewhere = [], [], []
    for declared in dataclasses.fields(settings.Settings):
        marks = declared.metadata
        if marks["secret"]:
            secrets.append(f"# {marks['help']}\n{marks['env']}=\n")
        elif marks["env"]:
            default = "" if declared.default in (None, False) else declared.default
            line = f"# {marks['help']}\n# {marks['env']}={default}\n"
            (here if marks["toml"] else elsewhere).append(line)
    return "\n".join([_ENV_HEAD, *secrets, _ENV_SETTINGS, *here, _ENV_ELSEWHERE, *elsewhere])


def _help(declared: dataclasses.Field[Any]) -> str:
    env = declared.metadata["env"]
    return f"{declared.metadata['help']} Environment: {env}." if env else declared.metadata["help"]


def _toml_value(value: Any) -> str:
    """A default as TOML; a missing one as the empty text that stands behind the #."""
    if value is None:
        return '""'
    return json.dumps(value, ensure_ascii=False)  # of text, numbers and booleans TOML and JSON share this form


def _filled(template: str, values: dict[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda match: values[match[1]], template)


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()
