"""The three runtimes of one kernel source: interpreted, jitted, native. All of them give the same bytes.

An engine has the entry points of a model, and `wrap`, which turns a writable buffer into what they take.
"""

import ctypes
import importlib
import mmap
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

KERNELS = "golfkit.compress.kernels"
ENTRIES = {  # entry point of a model: its arguments ("p" a buffer, "i" an int64)
    "parameter": "i",
    "arena_bytes": "i",
    "start": "pi",
    "encode": "pipip",
    "finish": "pip",
    "decode": "pipipi",
}
BLOCK = 1 << 16  # bytes coded per call; progress and Ctrl-C come between calls
WORST = 2 * BLOCK * 8 + 64  # bytes out of one block: 16 bits per coded bit at the very worst


class Engine(NamedTuple):
    """The entry points of one model in one runtime."""

    runtime: str  # native, jit or interpreted
    entries: Mapping[str, Callable[..., int]]
    wrap: Callable[[Any], Any]


class Session:
    """One stream being coded: an arena and its engine.

    parameter  the container's codec parameter (validated)
    """

    def __init__(self, engine: Engine, parameter: int) -> None:
        self._engine, self._parameter = engine, parameter
        self._memory = mmap.mmap(-1, engine.entries["arena_bytes"](parameter))  # zeros, untouched pages cost nothing
        if hasattr(mmap, "MADV_HUGEPAGE"):
            self._memory.madvise(mmap.MADV_HUGEPAGE)
        self._arena = engine.wrap(self._memory)
        self._out = bytearray(WORST)
        engine.entries["start"](self._arena, parameter)

    def encode(self, block: bytes) -> bytes:
        """The payload bytes that became certain with `block` (at most BLOCK bytes)."""
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
        used = self._engine.entries["decode"](
            self._arena, self._parameter, payload, n_payload, wrap(self._out), n
        )
        return bytes(self._out[:n]), used


def model(name: str) -> ModuleType:
    """The kernel module of a model."""
    return importlib.import_module(f"{KERNELS}.{name}")


def interpreted(name: str) -> Engine:
    """Plain Python on memoryviews: about 2,000 times slower, exact, and it checks every store."""
    module = model(name)
    return Engine("interpreted", {entry: getattr(module, entry) for entry in ENTRIES}, memoryview)


def jitted(name: str, cache: Path, digest: str) -> Engine:
    """Compiled in process by Numba, for this machine.

    cache   folder for compiled code; its subfolder is named by the kernels' digest, since Numba looks only at the
            file of the entry point, not at the kernels that it calls
    """
    import numba
    import numpy as np

    from golfkit.compress.kernels import jit, lowering

    module = model(name)
    numba.config.CACHE_DIR = str(cache / f"jit-{digest}")
    jit.register(KERNELS)
    compiled = {entry: numba.njit(cache=True, **lowering.OPTIONS)(getattr(module, entry)) for entry in ENTRIES}
    return Engine("jit", compiled, lambda buffer: np.frombuffer(buffer, np.uint8))


def native(library: Path) -> Engine:
    """The entry points of a shared library made by `native.build`."""
    loaded = ctypes.CDLL(str(library))
    entries = {}
    for entry, arguments in ENTRIES.items():
        function = getattr(loaded, f"golf_{entry}")
        function.argtypes = [ctypes.c_void_p if kind == "p" else ctypes.c_int64 for kind in arguments]
        function.restype = ctypes.c_int64
        entries[entry] = function
    return Engine("native", entries, _address)


def _address(buffer: Any) -> ctypes.Array[ctypes.c_char]:
    return (ctypes.c_char * len(buffer)).from_buffer(buffer)
