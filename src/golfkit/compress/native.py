"""Native programs of a model: a shared library for this process, and static `compress` and `decompress`.

Everything is built once per digest of the sources and of the tools, below the cache folder.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from golfkit.compress import emit, runtime
from golfkit.errors import Exit, GolfError

HERE = Path(__file__).parent
STUB = HERE / "stub.c"
NEEDED_FLAGS = {"avx2", "bmi1", "bmi2", "fma", "movbe", "f16c", "abm"}  # x86-64-v3, as /proc/cpuinfo names them
CODING = (*runtime.ENTRIES, *emit.SHA_ENTRIES)
DECODING = ("arena_bytes", "start", "decode", *emit.SHA_ENTRIES)
_FREESTANDING = (
    *("-Os", "-static", "-nostdlib", "-ffreestanding", "-fno-pie", "-no-pie", "-fno-stack-protector"),
    *("-fno-asynchronous-unwind-tables", "-fcf-protection=none", "-fno-strict-aliasing", "-fno-tree-loop-distribute-patterns"),
    "-Wl,--gc-sections,--build-id=none,-z,noseparate-code,-z,noexecstack,-z,norelro,-N,-s",
)


class Built(NamedTuple):
    """Paths of what was built."""

    library: Path
    compress: Path
    decompress: Path


def missing() -> str | None:
    """Why nothing native can be built or run here; None when it can."""
    if platform.machine() != "x86_64" or sys.platform != "linux":
        return f"this is {sys.platform} on {platform.machine()}, native code is for linux on x86_64"
    if lacking := NEEDED_FLAGS - _cpu_flags():
        return f"this CPU lacks {', '.join(sorted(lacking))}"
    return None if shutil.which("cc") else "there is no cc (install gcc)"


def digest(model: str) -> str:
    """Digest of all that decides the output: sources, Numba, llvmlite."""
    state = hashlib.sha256(model.encode())
    for path in [*sorted((HERE / "kernels").glob("*.py")), HERE / "emit.py", HERE / "runtime.py", HERE / "native.py", STUB]:
        state.update(path.name.encode() + b"\0" + path.read_bytes())
    for package in ("numba", "llvmlite"):
        state.update(f"{package} {metadata.version(package)}\n".encode())
    return state.hexdigest()[:16]


def build(model: str, codec_id: int, codec_version: int, cache: Path) -> Built:
    """Build `model`, unless that was done before."""
    folder = cache / f"{model}-{digest(model)}"
    built = Built(folder / "kernels.so", folder / "compress", folder / "decompress")
    if all(path.exists() for path in built):
        return built
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=f".{folder.name}-") as name:
        part = Path(name) / "built"
        part.mkdir()
        _emit(model, "pic", Path(name) / "coding.o", CODING)
        _emit(model, "static", Path(name) / "decoding.o", DECODING)
        identity = (f"-DCODEC_ID={codec_id}", f"-DCODEC_VERSION={codec_version}")
        _cc("-shared", "-s", "-o", part / "kernels.so", Path(name) / "coding.o")
        _cc(*_FREESTANDING, *identity, "-o", part / "compress", STUB, Path(name) / "coding.o")
        _cc(*_FREESTANDING, *identity, "-DDECOMPRESS", "-o", part / "decompress", STUB, Path(name) / "decoding.o")
        for program in (part / "compress", part / "decompress"):
            program.write_bytes(without_sections(program.read_bytes()))
        if not folder.exists():
            try:
                part.rename(folder)
            except OSError:
                if not folder.exists():  # else another process was faster
                    raise
    return built


def without_sections(elf: bytes) -> bytes:
    """A 64-bit ELF executable without its section table, which no kernel needs to run it."""
    phoff, n_segments = int.from_bytes(elf[32:40], "little"), int.from_bytes(elf[56:58], "little")
    end = 0
    for i in range(n_segments):
        segment = elf[phoff + 56 * i :][:56]
        end = max(end, int.from_bytes(segment[8:16], "little") + int.from_bytes(segment[32:40], "little"))
    return elf[:40] + bytes(8) + elf[48:58] + bytes(6) + elf[64:end]


def _emit(model: str, relocation: str, target: Path, entries: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "golfkit.compress.emit", model, relocation, str(target), *entries]
    _run(command, {**os.environ, **emit.ENVIRONMENT})


def _cc(*arguments: str | Path) -> None:
    _run(["cc", *map(str, arguments)], dict(os.environ))


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or f"exit {done.returncode}").splitlines()[-1]
        raise GolfError(f"{' '.join(command[:4])}: {last}; building the native programs failed", Exit.MISSING_PACKAGE)


def _cpu_flags() -> set[str]:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("flags"):
            return set(line.split(":", 1)[1].split())
    return set()
