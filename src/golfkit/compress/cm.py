"""The own codecs: context mixing, one kernel source in three runtimes."""

from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from golfkit import settings
from golfkit.compress import native, runtime
from golfkit.compress.codecs import Advance, Bundle, DamagedError, cut_short
from golfkit.compress.container import Header
from golfkit.errors import Exit, GolfError


class ContextMixing:
    """A codec whose model is a module of `compress/kernels`."""

    own = True

    def __init__(self, name: str, codec_id: int, version: int, model: str) -> None:
        self.name, self.codec_id, self.version, self.model = name, codec_id, version, model

    @cached_property
    def engine(self) -> runtime.Engine:
        """What runs the kernels here: GOLF_RUNTIME, else native, else jit, else interpreted."""
        import os

        chosen = settings.load(os.environ, None)
        return self.engine_of("interpreted" if chosen.nojit else chosen.runtime, settings.cache_folder(os.environ))

    def engine_of(self, wanted: str, cache: Path) -> runtime.Engine:
        """The engine of one runtime: native, jit, interpreted, or auto for the fastest there is."""
        why = native.missing() if wanted in ("auto", "native") else None
        if wanted == "native" and why:
            raise GolfError(f"GOLF_RUNTIME=native: {why}", Exit.MISSING_PACKAGE)
        if wanted == "native" or (wanted == "auto" and not why):
            return runtime.native(self._built(cache).library)
        if wanted in ("auto", "jit"):
            return runtime.jitted(self.model, cache, native.digest(self.model))
        return runtime.interpreted(self.model)

    def _built(self, cache: Path) -> native.Built:
        return native.build(self.model, self.codec_id, self.version, cache)

    def prepare(self) -> str:
        """Build or load the engine."""
        return self.engine.runtime

    def parameter(self, n_bytes: int) -> int:
        """Sizes of the tables, for an input of `n_bytes`."""
        return self.engine.entries["parameter"](n_bytes)

    def encode(self, source: BinaryIO, sink: BinaryIO, n_bytes: int, parameter: int, advance: Advance) -> None:
        """Write the payload of the next `n_bytes` of `source`."""
        session = runtime.Session(self.engine, parameter)
        left = n_bytes
        while left:
            block = source.read(min(runtime.BLOCK, left))
            if not block:
                raise cut_short(n_bytes, left)
            left -= len(block)
            coded = session.encode(block)
            sink.write(coded)
            advance(len(block), len(coded))
        coded = session.finish()
        sink.write(coded)
        advance(0, len(coded))

    def decode(self, source: BinaryIO, sink: BinaryIO, header: Header, advance: Advance) -> None:
        """Write what the payload in `source` stands for."""
        if not self.engine.entries["arena_bytes"](header.parameter):
            raise DamagedError(f"byte 7: parameter {header.parameter} is not one of {self.name}")
        if header.original_bytes >> 16 > header.payload_bytes:
            raise DamagedError(f"byte 8: {header.original_bytes} bytes cannot be in {header.payload_bytes}")
        session = runtime.Session(self.engine, header.parameter)
        payload = self.engine.wrap(bytearray(source.read()))
        left, used = header.original_bytes, 4
        while left:
            block, used = session.decode(payload, header.payload_bytes, min(runtime.BLOCK, left))
            if used > header.payload_bytes:
                raise DamagedError("the payload ends early")
            left -= len(block)
            sink.write(block)
            advance(0, len(block))
        if used != header.payload_bytes:
            raise DamagedError(f"{header.payload_bytes} bytes of payload, {used} of them used")

    def bundle(self) -> Bundle:
        """The native programs, or where they cannot be built the kernels in Python."""
        import os

        if why := native.missing():
            raise GolfError(f"a bundle needs cc: {why}", Exit.MISSING_PACKAGE)
        built = self._built(settings.cache_folder(os.environ))
        programs = {"compress": built.compress.read_bytes(), "decompress": built.decompress.read_bytes()}
        return Bundle(
            {"decompress": programs["decompress"]}, programs, True, "empty", "static program, no libc, no Python"
        )


CM_FAST = ContextMixing("cm-fast", 1, 1, "cm_fast")
