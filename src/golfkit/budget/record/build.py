"""Makes a record folder from runs: whole or not at all."""

import json
import os
import re
import shutil
import tempfile
from pathlib import Path

from golfkit.budget.record import render
from golfkit.budget.record.folder import README, SCRIPT
from golfkit.budget.record.render import Wishes
from golfkit.budget.record.requirements import requirements
from golfkit.budget.record.seed_runs import Experiment
from golfkit.errors import Exit, GolfError
from golfkit.train.logs import submission

REQUIREMENTS = "requirements.txt"


def place(out: Path, asked: Wishes) -> Path:
    """The folder of a record: OUT/track_TRACK/DATE_NAME, the name in letters, digits, '.', '_' and '-'."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", asked.name).strip("_.")
    if not name:
        raise GolfError(f"--name is {asked.name!r}, expected letters or digits", Exit.USAGE)
    return out / f"track_{asked.track}" / f"{asked.date}_{name}"


def build(made: Experiment, asked: Wishes, folder: Path, *, any_size: bool) -> None:
    """Write the folder, which must not exist; a reader never sees half of it.

    any_size  whether the artifact may be over the limit
    """
    if made.artifact_bytes > asked.limit and not any_size:
        found = f"{made.artifact_bytes:,} bytes with {SCRIPT} and the largest payload"
        raise GolfError(f"{folder.name}: {found}, the limit is {asked.limit:,}; --non-record takes it", Exit.NO)
    if os.path.lexists(folder):
        raise GolfError(f"{folder}: it exists already, expected a new record; remove it, or choose another --name")
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.", suffix=".part"))
    try:
        for name, content in _files(made, asked).items():
            (part / name).write_bytes(content)
        part.chmod(folder.parent.stat().st_mode & 0o777)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)  # it is gone where all went well


def _files(made: Experiment, asked: Wishes) -> dict[str, bytes]:
    """What is in the folder, by name."""
    table = json.dumps(render.submission(made, asked), indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    needed = requirements(made.script.decode("utf-8", "replace"), render.versions(made))
    return {
        README: render.readme(made, asked).encode(),
        submission.FILE: table.encode(),
        SCRIPT: made.script,
        REQUIREMENTS: "".join(f"{line}\n" for line in needed).encode(),
        **{f"train_seed{seed.seed}.log": seed.log_text for seed in made.seeds},
    }
