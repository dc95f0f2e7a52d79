"""The own codecs: context mixing, one kernel source in three runtimes."""

import os
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from golfkit import settings
from golfkit.compress.codecs import Advance, Bundle
from golfkit.compress.container import Header
from golfkit.compress.runtimes import engines, native, python_bundle, stream
from golfkit.compress.runtimes.engines import Model
from golfkit.errors import Exit, GolfError


class ContextMixing:
    """A codec whose model is a module of `compress/kernels`."""

    own = True

    def __init__(self, name: str, codec_id: int, version: int, model: str) -> None:
        self.name, self.codec_id, self.version = name, codec_id, version
        self.model = Model(codec_id, version, model)

    @cached_property
    def engine(self) -> engines.Engine:
        """What runs the kernels here: GOLF_RUNTIME, else native, else jit."""
        chosen = settings.load(os.environ, None)
        return self.engine_of("interpreted" if chosen.nojit else chosen.runtime, settings.cache_folder(os.environ))

    def engine_of(self, wanted: str, cache: Path) -> engines.Engine:
        """The engine of one runtime: native, jit, interpreted, or auto for the faster of the first two.

        cache  folder for what is compiled
        """
        if wanted == "interpreted":
            return engines.interpreted(self.model.name)
        if wanted != "jit":
            built = native.built(self.model, cache)
            if isinstance(built, native.Built):
                return engines.native(built.library)
            if wanted == "native":
                raise GolfError(f"GOLF_RUNTIME=native: {built}", Exit.MISSING_PACKAGE)
        return engines.jitted(self.model.name, cache / f"jit-{native.kernels_digest()}")

    def prepare(self) -> str:
        """Build or load the engine."""
        return self.engine.runtime

    def parameter(self, n_bytes: int) -> int:
        """Sizes of the tables, for an input of `n_bytes`."""
        return self.engine.entries["parameter"](n_bytes)

    def encode(self, source: BinaryIO, sink: BinaryIO, n_bytes: int, parameter: int, advance: Advance) -> None:
        """Write the payload of the next `n_bytes` of `source`."""
        for n_read, coded in stream.encoded(self.engine, parameter, source, n_bytes):
            sink.write(coded)
            advance(n_read, len(coded))

    def decode(self, source: BinaryIO, sink: BinaryIO, header: Header, advance: Advance) -> None:
        """Write what the payload in `source` stands for."""
        for block in stream.decoded(self.engine, header, source):
            sink.write(block)
            advance(0, len(block))

    def bundle(self) -> Bundle:
        """The native programs, or where they cannot be built a Python program with the kernels in it."""
        built = native.built(self.model, settings.cache_folder(os.environ))
        if isinstance(built, str):
            return python_bundle.make(self.model, built)
        programs = {"compress": built.compress.read_bytes(), "decompress": built.decompress.read_bytes()}
        decompressor = {"decompress": programs["decompress"]}
        return Bundle(decompressor, programs, True, "empty", "static program, no libc, no Python")


CM_FAST = ContextMixing("cm-fast", 1, 1, "cm_fast")
