"""The artifact folder: built beside its place, then swapped in, so that it is there whole or not at all.

    compress decompress decompressor.zip archive.bin results.json README.md train_log.txt

`artifacts/latest` points to the folder that the last compress wrote.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from golfkit.compress.artifact.results import Results, render
from golfkit.compress.codecs import Bundle
from golfkit.errors import Exit, GolfError

ARCHIVE = "archive.bin"
BUNDLE = "decompressor.zip"
RESULTS = "results.json"
PROGRAMS = ("compress", "decompress")
NAMES = (*PROGRAMS, BUNDLE, ARCHIVE, RESULTS, "README.md", "train_log.txt")
LATEST = Path("artifacts", "latest")


def place(original_name: str, codec_name: str) -> Path:
    """Where the folder lies unless the user says otherwise."""
    return Path("artifacts", f"{original_name}_{codec_name}")


def check_place(target: Path) -> None:
    """Refuse to replace anything that is not an artifact folder."""
    if target.is_dir():
        if target.samefile(Path.cwd()):
            raise GolfError(f"{target}: is the current folder, which would be replaced; name another", Exit.USAGE)
        if any(target.iterdir()) and not (target / RESULTS).is_file():
            raise GolfError(f"{target}: folder without {RESULTS}, expected an artifact folder or a new name")
    elif os.path.lexists(target):
        raise GolfError(f"{target}: is a file, expected an artifact folder or a new name")


@contextlib.contextmanager
def staged(target: Path) -> Iterator[Path]:
    """A new folder beside `target`: it replaces `target` when the block ends well, and is removed when it does not.

    Files in the old folder that no compress wrote move to the new one.
    """
    check_place(target)
    target = target.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part"))
    try:
        yield stage
        stage.chmod(0o755)
        for path in stage.iterdir():
            with path.open("rb") as written:
                os.fsync(written.fileno())
        _swap(stage, target)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def point_latest(target: Path) -> None:
    """Let artifacts/latest of the current folder point to `target`."""
    LATEST.parent.mkdir(exist_ok=True)
    part = LATEST.with_name(f".latest.{os.getpid()}.part")
    try:
        part.symlink_to(os.path.relpath(target.resolve(), LATEST.parent.resolve()))
        os.replace(part, LATEST)
    finally:
        part.unlink(missing_ok=True)


def write_programs(folder: Path, bundle: Bundle) -> None:
    """Write `compress` and `decompress`, ready to run."""
    for name in PROGRAMS:
        (folder / name).write_bytes(bundle.programs[name])
        (folder / name).chmod(0o755)


def fill(stage: Path, bundle: Bundle, bundle_zip: bytes, results: Results, log: Mapping[str, object]) -> None:
    """Write everything but archive.bin, which lies in `stage` already."""
    write_programs(stage, bundle)
    (stage / BUNDLE).write_bytes(bundle_zip)
    (stage / RESULTS).write_text(render(results), "utf-8")
    (stage / "README.md").write_text(_readme(results, bundle), "utf-8", errors="replace")
    (stage / "train_log.txt").write_text(
        "".join(f"{key}: {value}\n" for key, value in log.items()), "utf-8", errors="replace"
    )


def _swap(stage: Path, target: Path) -> None:
    if not target.exists():
        os.rename(stage, target)
        return
    check_place(target)
    old = stage.with_name(f"{stage.name}.old")
    os.rename(target, old)
    try:
        os.rename(stage, target)
    finally:
        if not target.exists():
            os.rename(old, target)
    for kept in old.iterdir():
        if kept.name not in NAMES:
            os.rename(kept, target / kept.name)
    shutil.rmtree(old)


_README = """\
# {method}: {original_name}

{experiment}. Written by golfkit.

| | bytes |
|---|---:|
| original | {original_bytes:,} |
| archive.bin | {archive_bytes:,} |
| decompressor.zip | {decompressor_zip_bytes:,} |
| **total** | **{total_bytes:,}** |

bpc = 8 * total / original = {bpc}. The total is the score; the archive alone is not.

Decompressor: {notes}.

## Check it

In this folder; the original has {original_bytes} bytes and sha256 {original_sha256}.

```bash
ORIGINAL=${{ORIGINAL:?the path of what was compressed}}

# 1. the roundtrip is byte-identical
./compress "$ORIGINAL" archive2.bin
./decompress archive2.bin out
cmp "$ORIGINAL" out            # silent
cmp archive.bin archive2.bin   # silent

# 2. total = archive + zipped decompressor
ARCHIVE_BYTES=$(wc -c < archive.bin)
DECOMP_BYTES=$(wc -c < decompressor.zip)
TOTAL=$(( ARCHIVE_BYTES + DECOMP_BYTES ))
BPC=$(python3 -c "print(round(8 * $TOTAL / {divisor}, 3))")
echo "archive=$ARCHIVE_BYTES decomp=$DECOMP_BYTES total=$TOTAL bpc=$BPC"

# 3. the bundle alone restores it, without a network{needs}
unzip -q decompressor.zip -d box
unshare -rn ./box/decompressor/decompress archive.bin out3
cmp "$ORIGINAL" out3
```

`golf roundtrip` does steps 2 and 3 in a sandbox and writes what it measured into results.json.
"""


def _readme(results: Results, bundle: Bundle) -> str:
    values = {name: getattr(results, name) for name in ("method", "experiment", "original_name", "original_sha256")}
    sizes = ("original_bytes", "archive_bytes", "decompressor_zip_bytes", "total_bytes")
    bpc = "not defined (empty original)" if results.bpc is None else f"{results.bpc:.6f}"
    return _README.format(
        **values,
        **{name: getattr(results, name) for name in sizes},
        bpc=bpc,
        divisor=results.original_bytes or 1,
        notes=results.notes,
        needs="" if bundle.self_contained else " (with the system's tools)",
    )
