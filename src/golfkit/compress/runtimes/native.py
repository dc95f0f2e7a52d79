"""Native programs of a model: a shared library for this process, and static `compress` and `decompress`.

Everything is built once per digest of the sources and of the tools, below the cache folder.
"""

import functools
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from golfkit import files
from golfkit.compress.runtimes import emit, engines, packing
from golfkit.compress.runtimes.engines import Model
from golfkit.errors import Exit, GolfError

COMPRESS = Path(__file__).resolve().parents[1]
C = "runtimes/c"
# modules of runtimes/ that decide what is built
RECIPE = ("emit", "engines", "fragments", "lowering", "lowering_floats", "native", "packing", "x86")
NEEDED_FLAGS = {"avx2", "bmi1", "bmi2", "fma", "movbe", "f16c", "abm"}  # x86-64-v3, as /proc/cpuinfo names them
CODING = (*engines.ENTRIES, *emit.SHA_ENTRIES)
DECODING = ("arena_bytes", "start", "decode", "settle", *emit.SHA_ENTRIES)
PACKAGES = ("numba", "llvmlite", "numpy")  # that make the kernels' code
_COMPILE = (
    *("-Os", "-ffreestanding", "-fno-pie", "-fno-stack-protector", "-fno-asynchronous-unwind-tables"),
    *("-fcf-protection=none", "-fno-strict-aliasing", "-fno-tree-loop-distribute-patterns"),
    "-fno-tree-loop-optimize",
)
_LINK = (
    *("-static", "-nostdlib", "-no-pie"),
    "-Wl,--gc-sections,--build-id=none,-z,noseparate-code,-z,noexecstack,-z,norelro,-N,-s",
)


class Built(NamedTuple):
    """Paths of what was built."""

    library: Path
    compress: Path
    decompress: Path


class BuildError(Exception):
    """A tool of the build failed; holds its words."""


def missing() -> str | None:
    """Why nothing native can be built or run here; None when it can."""
    if platform.machine() != "x86_64" or sys.platform != "linux":
        return f"this is {sys.platform} on {platform.machine()}, and native code is for linux on x86_64"
    if lacking := NEEDED_FLAGS - _cpu_flags():
        return f"this CPU lacks {', '.join(sorted(lacking))}"
    return None if shutil.which("cc") else "there is no cc (run: apt-get install gcc)"


@functools.cache
def built(model: Model, cache: Path) -> Built | str:
    """The native programs of `model`, built once; or why there are none. Asked again, it does not try again."""
    try:
        return missing() or build(model, cache)
    except BuildError as error:
        return f"cc failed ({error})"


def kernels_digest() -> str:
    """Digest of all that decides the kernels' code: their sources, and what compiles them."""
    return _digest([*_kernels(), *sorted((COMPRESS / "runtimes").glob("lowering*.py"))], _compilers())


def digest(model: Model, module: str | None = None) -> str:
    """Digest of the whole recipe: sources, compilers, the C compiler and the linker, and what the codec is called."""
    recipe = [COMPRESS / f"runtimes/{name}.py" for name in RECIPE]
    sources = [*_kernels(), *_source(module), *recipe, *sorted((COMPRESS / C).iterdir())]
    tools = [_cc(COMPRESS, option).partition("\n")[0] for option in ("--version", "-Wl,--version")]
    return _digest(sources, [repr(model), *_compilers(), *tools])


def build(model: Model, cache: Path, module: str | None = None) -> Built:
    """Build `model` below `cache`, unless that was done before; processes that want the same wait for the first.

    module  whose kernels they are, where that is none of kernels/
    """
    folder = cache.absolute() / f"{model.name}-{digest(model, module)}"
    programs = Built(folder / "kernels.so", folder / "compress", folder / "decompress")
    if _complete(programs):
        return programs
    with files.locked(folder):
        if not _complete(programs):
            with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as work:
                made = _make(model, module or f"{engines.KERNELS}.{model.name}", Path(work))
                if folder.exists():  # somebody removed a part of it
                    folder.rename(Path(work) / "incomplete")
                made.rename(folder)
    return programs


def _kernels() -> list[Path]:
    return sorted((COMPRESS / "kernels").glob("*.py"))


def _source(module: str | None) -> list[Path]:
    """The file of a module outside kernels/."""
    found = importlib.util.find_spec(module) if module else None
    return [Path(found.origin)] if found and found.origin else []


def _complete(programs: Built) -> bool:
    return all(path.exists() for path in programs)


def _make(model: Model, module: str, work: Path) -> Path:
    """Build everything in `work`; returns the folder of what is to be kept."""
    made = work / "made"
    made.mkdir()
    identity = (f"-DCODEC_ID={model.codec_id}", f"-DCODEC_VERSION={model.codec_version}")
    for program in ("compress", "decompress"):  # first: a broken cc is soon known
        _cc(work, *_COMPILE, *identity, "-c", "-o", f"{program}.o", COMPRESS / C / f"{program}.c")
    _emit(work, module, "pic", "coding.o", ",".join(CODING), "static", "decoding.s", ",".join(DECODING))
    link_library(work, made / "kernels.so", work / "coding.o")
    for program, kernels in (("compress", "coding.o"), ("decompress", "decoding.s")):
        _cc(work, *_LINK, "-o", made / program, f"{program}.o", kernels)
        (made / program).write_bytes(without_sections((made / program).read_bytes()))
    pack(work, made / "decompress")
    for path in made.iterdir():
        with path.open("rb") as written:
            os.fsync(written.fileno())
    return made


def pack(work: Path, program: Path) -> None:
    """Make a program unpack itself: the bundle is counted."""
    cc = functools.partial(_cc, work)
    packing.make_packer(COMPRESS / C, cc)
    program.write_bytes(packing.pack(work, program.read_bytes(), COMPRESS / C, cc, _COMPILE, _LINK))


def without_sections(elf: bytes) -> bytes:
    """A 64-bit ELF executable without its section table, which no kernel needs to run it."""
    phoff, n_segments = int.from_bytes(elf[32:40], "little"), int.from_bytes(elf[56:58], "little")
    end = 0
    for i in range(n_segments):
        segment = elf[phoff + 56 * i :][:56]
        end = max(end, int.from_bytes(segment[8:16], "little") + int.from_bytes(segment[32:40], "little"))
    return elf[:40] + bytes(8) + elf[48:58] + bytes(6) + elf[64:end]


def compiler_environment() -> dict[str, str]:
    """Of a process that compiles kernels: this package, one target, and no Numba settings of the caller."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    path = os.pathsep.join(os.path.abspath(entry) for entry in sys.path)
    return inherited | {"PYTHONPATH": path, "PYTHONHASHSEED": "0", **emit.ENVIRONMENT}


def link_library(work: Path, target: Path, *objects: Path) -> None:
    """Make a shared library of objects that refer to nothing outside."""
    _cc(work, "-shared", "-nostdlib", "-s", "-Wl,--build-id=none,-z,defs", "-o", target, *objects)


def _emit(work: Path, *arguments: str) -> None:
    """Run `emit` in `work`, where no file steers Numba."""
    command = [sys.executable, "-m", "golfkit.compress.runtimes.emit", *arguments]
    try:
        _run(work, command, compiler_environment())
    except BuildError as error:  # of this package or of Numba, not of cc: nothing to do without
        raise GolfError(f"compiling the kernels failed: {error}; report this", Exit.MISSING_PACKAGE) from error


def _cc(work: Path, *arguments: str | Path) -> str:
    """What cc says on stdout."""
    try:
        return _run(work, ["cc", *map(str, arguments)], dict(os.environ))
    except OSError as error:  # a script whose interpreter is not there, say
        raise BuildError(f"cc: {error.strerror}") from error


def _run(work: Path, command: list[str], environment: dict[str, str]) -> str:
    """What a tool of the build says on stdout."""
    done = subprocess.run(
        command, cwd=work, env=environment, capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
        raise BuildError(files.neutralise(next((line for line in lines if "rror" in line), lines[-1])))
    return done.stdout


def _digest(sources: Iterable[Path], words: Iterable[str]) -> str:
    state = hashlib.sha256()
    for path in sources:
        content = path.read_bytes()
        state.update(f"{path.name} {len(content)}\n".encode() + content)
    for word in words:
        state.update(f"{word}\n".encode())
    return state.hexdigest()[:16]


def _compilers() -> list[str]:
    """Python (Numba compiles its bytecode), and the packages with their versions."""
    packages = [f"{name} {metadata.version(name)}" for name in PACKAGES]
    return [f"{sys.implementation.cache_tag}", *packages]


def _cpu_flags() -> set[str]:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("flags"):
            return set(line.split(":", 1)[1].split())
    return set()
