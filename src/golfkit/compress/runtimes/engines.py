"""The three runtimes of one kernel source: interpreted, jitted, native. All of them give the same bytes.

An engine has the entry points of a model, and `wrap`, which turns a writable buffer into what they take.
"""

import contextlib
import ctypes
import importlib
import mmap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from golfkit.errors import Exit, GolfError

KERNELS = "golfkit.compress.kernels"
ENTRIES = {  # entry point of a model: its arguments ("p" a buffer, "i" an int64)
    "transform_bytes": "i",
    "forward": "ppip",
    "parameter": "i",
    "arena_bytes": "i",
    "start": "pi",
    "encode": "pipip",
    "finish": "pip",
    "decode": "pipipi",
    "settle": "pipi",
}
BLOCK = 1 << 14  # bytes coded per call; progress, Ctrl-C and checkpoints come between calls
WORST = 2 * BLOCK * 8 + 64  # bytes out of one block: a coded bit costs at most log2(65537) bits (p16 in 1..65535)


class Model(NamedTuple):
    """An own codec: what archives call it, and its kernels."""

    codec_id: int
    codec_version: int
    name: str  # of the module in kernels/


class Engine(NamedTuple):
    """The entry points of one model in one runtime."""

    runtime: str  # native, jit or interpreted
    entries: Mapping[str, Callable[..., int]]
    wrap: Callable[[Any], Any]


class Session:
    """One transformed input being coded: an arena and its engine.

    parameter  the container's codec parameter (validated)
    """

    def __init__(self, engine: Engine, parameter: int) -> None:
        self._engine, self._parameter = engine, parameter
        self._memory = zeros(engine.entries["arena_bytes"](parameter))
        self.memory = memoryview(self._memory)  # all that the coder knows, its registers included
        self._arena = engine.wrap(self._memory)
        self._out = bytearray(WORST)
        engine.entries["start"](self._arena, parameter)

    def encode(self, block: bytes) -> bytes:
        """The payload bytes that became certain with `block` (at most BLOCK bytes of transformed input)."""
        wrap = self._engine.wrap
        n = self._engine.entries["encode"](
            self._arena, self._parameter, wrap(bytearray(block)), len(block), wrap(self._out)
        )
        return bytes(self._out[:n])

    def finish(self) -> bytes:
        """The last payload bytes."""
        n = self._engine.entries["finish"](self._arena, self._parameter, self._engine.wrap(self._out))
        return bytes(self._out[:n])

    def decode(self, payload: Any, n_payload: int, n: int) -> tuple[bytes, int]:
        """The next `n` bytes (at most BLOCK), and how many payload bytes were used so far.

        payload  the whole payload, wrapped
        """
        wrap = self._engine.wrap
        used = self._engine.entries["decode"](self._arena, self._parameter, payload, n_payload, wrap(self._out), n)
        return bytes(self._out[:n]), used

    def settle(self, payload: Any, n_payload: int) -> int:
        """After the last byte: the payload bytes used in all, -1 when they do not end as an encoder ends them."""
        return self._engine.entries["settle"](self._arena, self._parameter, payload, n_payload)


def transformed(engine: Engine, original: bytearray) -> memoryview:
    """What the coder codes of an input; nothing of an empty one."""
    if not original:
        return memoryview(b"")
    work = zeros(engine.entries["transform_bytes"](len(original)))
    out = zeros(2 * len(original) + 1000)
    n = engine.entries["forward"](engine.wrap(work), engine.wrap(original), len(original), engine.wrap(out))
    return memoryview(out)[:n]


def zeros(n_bytes: int) -> mmap.mmap:
    """Memory of zeros, from the start of a page; untouched pages cost nothing."""
    memory = mmap.mmap(-1, n_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)  # shared memory gets no huge pages
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with contextlib.suppress(OSError):  # a kernel built without them
            memory.madvise(mmap.MADV_HUGEPAGE)
    return memory


def kernels_of(name: str) -> Mapping[str, Any]:
    """The kernels of a model by their names: what its module's tables make, or else the module itself."""
    return kernels_in(f"{KERNELS}.{name}")


def kernels_in(module: str) -> Mapping[str, Any]:
    """The same of any module."""
    names = vars(importlib.import_module(module))
    return names.get("KERNELS", names)


def interpreted(name: str) -> Engine:
    """Plain Python on memoryviews: about 1,000 times slower, exact, and every store is checked."""
    kernels = kernels_of(name)
    return Engine("interpreted", {entry: kernels[entry] for entry in ENTRIES}, memoryview)


def jitted(name: str, cache: Path | None) -> Engine:
    """Compiled in process by Numba, for this machine.

    cache  folder for compiled code of these very kernels: Numba looks only at the file of the entry point, not at the
           kernels that it calls, nor at the tables that a model is made of, so the folder's name has to hold the
           model's name and their digest; None to keep nothing
    """
    import numba
    import numpy as np

    from golfkit.compress.runtimes import lowering

    kernels = kernels_of(name)
    if cache:
        numba.config.CACHE_DIR = str(cache)
    lowering.register(KERNELS, kernels)
    compile_entry = numba.njit(cache=cache is not None, **lowering.OPTIONS)
    compiled = {entry: compile_entry(kernels[entry]) for entry in ENTRIES}
    return Engine("jit", compiled, lambda buffer: np.frombuffer(buffer, np.uint8))


def native(path: Path) -> Engine:
    """The entry points of a shared library made by `native.build`."""
    return Engine("native", library(path, ENTRIES), address)


def library(path: Path, signatures: Mapping[str, str]) -> dict[str, Callable[..., int]]:
    """Entry points of a shared library.

    signatures  as in ENTRIES
    """
    try:
        loaded = ctypes.CDLL(str(path))
    except OSError as error:  # no execution from that file system, or a file cut short
        fix = "remove its folder, or name another in GOLF_CACHE"
        raise GolfError(f"{path}: cannot be loaded ({error}); {fix}", Exit.MISSING_PACKAGE) from error
    entries = {}
    for entry, arguments in signatures.items():
        function = getattr(loaded, f"golf_{entry}")
        function.argtypes = [ctypes.c_void_p if kind == "p" else ctypes.c_int64 for kind in arguments]
        function.restype = ctypes.c_int64
        entries[entry] = function
    return entries


def address(buffer: Any) -> ctypes.Array[ctypes.c_char]:
    """A writable buffer as an argument of a library's entry point."""
    return (ctypes.c_char * len(buffer)).from_buffer(buffer)
