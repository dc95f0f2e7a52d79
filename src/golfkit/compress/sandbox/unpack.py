"""Unzip a decompressor bundle that nobody vouches for, and find the program in it.

Refused, before anything is written: paths that leave the folder, absolute paths, links and devices, two members of one
name, encrypted members, too many members, too many bytes.
"""

import lzma
import stat
import zipfile
import zlib
from pathlib import Path

from golfkit import files
from golfkit.errors import GolfError

PROGRAMS = ("decompress", "decompressor/decompress")
MAX_MEMBERS = 10_000
MAX_BYTES = 1_000_000_000  # unzipped, all members together
ELF_INTERPRETER = 3  # PT_INTERP: a program header that names the dynamic linker


def unpack(bundle: Path, target: Path, where: str) -> None:
    """Unzip `bundle` into the empty folder `target`; `where` names it in errors."""
    try:
        with zipfile.ZipFile(bundle) as opened:
            members = opened.infolist()
            _check(members, where)
            left = MAX_BYTES
            for member in members:
                path = target / member.filename
                if member.is_dir():
                    path.mkdir(parents=True, exist_ok=True)
                    continue
                path.parent.mkdir(parents=True, exist_ok=True)
                with opened.open(member) as source, path.open("xb") as sink:
                    while chunk := source.read(files.CHUNK):
                        left -= len(chunk)
                        if left < 0:
                            raise GolfError(f"{where}: unzips to more than the {MAX_BYTES} bytes it may")
                        sink.write(chunk)
                path.chmod(0o755 if member.external_attr >> 16 & 0o111 else 0o644)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, ValueError) as error:
        raise GolfError(f"{where}: {error}, expected a zip file that can be unzipped") from error
    except OSError as error:
        raise GolfError(f"{where}: cannot be unzipped ({error.strerror or error})") from error


def find_program(folder: Path, where: str) -> str:
    """Path of the decompressor below `folder`, made executable where the zip lost the bit."""
    for name in PROGRAMS:
        if (folder / name).is_file():
            (folder / name).chmod(0o755)
            return name
    found = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    listed = files.neutralise(", ".join(found[:8])) or "nothing"
    raise GolfError(f"{where}: holds {listed}, expected {' or '.join(PROGRAMS)}")


def needs(program: Path) -> str | None:
    """What a program cannot start without, which an empty file system lacks; None when it needs nothing."""
    with program.open("rb") as source:
        head = source.read(4096)
    if head.startswith(b"#!"):
        line = head[2:].split(b"\n")[0].decode("utf-8", errors="replace")
        return f"is a script for {files.neutralise(line)}"
    if not head.startswith(b"\x7fELF"):
        return "is neither an ELF program nor a script with #!"
    at, size, count = (int.from_bytes(head[a:b], "little") for a, b in ((32, 40), (54, 56), (56, 58)))
    kinds = [int.from_bytes(head[at + i * size :][:4], "little") for i in range(count)]
    return "is linked dynamically" if head[4] == 2 and ELF_INTERPRETER in kinds else None


def _check(members: list[zipfile.ZipInfo], where: str) -> None:
    if len(members) > MAX_MEMBERS:
        raise GolfError(f"{where}: {len(members)} members, expected at most {MAX_MEMBERS}")
    seen: dict[tuple[str, ...], bool] = {}
    for member in members:
        name = member.orig_filename
        shown = f"{where}: member {name!r:.200}"
        parts = tuple(name.removesuffix("/").split("/"))
        if name.startswith("/") or "\\" in name or not name.isprintable() or {"", ".", ".."} & set(parts):
            raise GolfError(f"{shown}: expected a plain path below the bundle")
        if member.flag_bits & 1:
            raise GolfError(f"{shown}: is encrypted, expected a bundle that needs no password")
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise GolfError(f"{shown}: is a link or device (mode {member.external_attr >> 16:o}), expected a file")
        if parts in seen:
            raise GolfError(f"{shown}: is there twice, expected once")
        seen[parts] = member.is_dir()
    for parts in seen:
        for depth in range(1, len(parts)):
            if seen.get(parts[:depth], True) is False:
                raise GolfError(f"{where}: {'/'.join(parts[:depth])!r:.200} is a file and a folder, expected one")
    total = sum(member.file_size for member in members)
    if total > MAX_BYTES:
        raise GolfError(f"{where}: unzips to {total} bytes, expected at most {MAX_BYTES}")
