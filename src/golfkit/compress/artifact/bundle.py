"""decompressor.zip, made as the workspace document makes it (`zip -9 -r decompressor.zip ./decompressor/`).

Deterministic: the same files give the same bytes. Entries are sorted, times are fixed, owners are left out (-X).
"""

import io
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from golfkit.errors import Exit, GolfError

FOLDER = "decompressor"
MODE = 0o755  # every file of a bundle is a program
TIME = (2000, 1, 1, 0, 0, 0)  # of every entry, UTC
_EPOCH_S = 946_684_800  # TIME in seconds since 1970


def zip_bundle(files: Mapping[str, bytes]) -> tuple[bytes, str]:
    """The bytes of decompressor.zip, and how they were made.

    files  programs by their path below decompressor/
    """
    paths = [_entry(name) for name in sorted(files)]
    contents = [files[name] for name in sorted(files)]
    if shutil.which("zip"):
        return _with_zip(paths, contents), "zip -9 -X -r"
    return _with_python(paths, contents), "Python's zipfile, because this system has no zip"


def _entry(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or ".." in path.parts:
        raise ValueError(f"a bundle's file is named {name!r}, expected a path below {FOLDER}/")
    return f"{FOLDER}/{path}"


def _with_zip(paths: list[str], contents: list[bytes]) -> bytes:
    with tempfile.TemporaryDirectory(prefix="golf-bundle-") as name:
        root = Path(name)
        for path, content in zip(paths, contents, strict=True):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
            (root / path).chmod(MODE)
        folders = sorted(f"{entry.relative_to(root)}/" for entry in root.rglob("*") if entry.is_dir())
        entries = sorted([*folders, *paths])
        for entry in entries:
            (root / entry).chmod(MODE)
            os.utime(root / entry, (_EPOCH_S, _EPOCH_S))
        environment = {"PATH": os.environ.get("PATH", os.defpath), "TZ": "UTC", "LC_ALL": "C"}
        command = ["zip", "-9", "-q", "-X", f"{FOLDER}.zip", "-@"]  # names on stdin: -r would take them unsorted
        names = "".join(f"{entry}\n" for entry in entries)
        done = subprocess.run(
            command, cwd=root, env=environment, input=names, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise GolfError(f"zip: exit {done.returncode}: {(done.stderr or done.stdout).strip()}", Exit.BAD_FILE)
        return (root / f"{FOLDER}.zip").read_bytes()


def _with_python(paths: list[str], contents: list[bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as bundle:
        for path, content in zip(paths, contents, strict=True):
            entry = zipfile.ZipInfo(path, TIME)
            entry.create_system = 3  # Unix, so that the mode counts
            entry.external_attr = (0o100000 | MODE) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            bundle.writestr(entry, content)
    return target.getvalue()
