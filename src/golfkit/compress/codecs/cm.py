"""The own codecs: context mixing, one kernel source in three runtimes."""

import os
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from golfkit import settings
from golfkit.compress.checkpoint import memory
from golfkit.compress.checkpoint.keeper import Keeper
from golfkit.compress.codecs import Advance, Bundle, Held
from golfkit.compress.container import Header
from golfkit.compress.runtimes import engines, native, python_bundle, stream
from golfkit.compress.runtimes.engines import Model, Session
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
        return engines.jitted(self.model.name, cache / f"jit-{self.model.name}-{native.kernels_digest()}")

    def prepare(self) -> str:
        """Build or load the engine."""
        return self.engine.runtime

    def parameter(self, n_bytes: int) -> int:
        """Sizes of the tables, for an input of `n_bytes`."""
        return self.engine.entries["parameter"](n_bytes)

    def kernels(self) -> str:
        """Digest of the kernels' code."""
        return native.kernels_digest()

    def memory_bytes(self, parameter: int, held: Held) -> int:
        """What encode or decode takes at most, the process included."""
        model = self.engine.entries["arena_bytes"](parameter)
        transform = self.engine.entries["transform_bytes"](held.n_input) + 3 * held.n_input if held.n_input else 0
        return model + transform + 2 * held.n_payload + memory.PROCESS_BYTES

    def encode(
        self,
        source: BinaryIO,
        sink: BinaryIO,
        n_bytes: int,
        parameter: int,
        advance: Advance,
        keeper: Keeper | None = None,
    ) -> None:
        """Write the payload of the next `n_bytes` of `source`.

        keeper  where the run goes on from a checkpoint, and leaves some
        """
        original = stream.read(source, n_bytes)

        def make() -> memoryview:
            return engines.transformed(self.engine, original)

        text = keeper.transformed(make) if keeper else make()
        session, n_done = self._session(parameter, keeper)
        shown = n_done * n_bytes // max(len(text), 1)  # of the input: as if it were transformed evenly
        advance(shown, keeper.n_written if keeper else 0)
        for at, coded in stream.encoded_on(session, text, n_done):
            sink.write(coded)
            now = at * n_bytes // max(len(text), 1)
            advance(now - shown, len(coded))
            shown = now
            if keeper:
                keeper.offer(session, at, len(text))

    def decode(
        self, source: BinaryIO, sink: BinaryIO, header: Header, advance: Advance, keeper: Keeper | None = None
    ) -> None:
        """Write what the payload in `source` stands for."""
        stream.check(self.engine, header)
        session, n_done = self._session(header.parameter, keeper)
        advance(0, n_done)
        for block in stream.decoded_on(session, self.engine, header, source, n_done):
            sink.write(block)
            n_done += len(block)
            advance(0, len(block))
            if keeper:
                keeper.offer(session, n_done, header.original_bytes)

    def _session(self, parameter: int, keeper: Keeper | None) -> tuple[Session, int]:
        """A coder, and how many bytes it has done: of the transformed input, or restored."""

        def new() -> Session:
            return Session(self.engine, parameter)

        return keeper.restore(new) if keeper else (new(), 0)

    def bundle(self) -> Bundle:
        """The native programs, or where they cannot be built a Python program with the kernels in it."""
        built = native.built(self.model, settings.cache_folder(os.environ))
        if isinstance(built, str):
            return python_bundle.make(self.model, built)
        programs = {"compress": built.compress.read_bytes(), "decompress": built.decompress.read_bytes()}
        decompressor = {"decompress": programs["decompress"]}
        return Bundle(decompressor, programs, True, "empty", "static program, no libc, no Python")


CM_FAST = ContextMixing("cm-fast", 1, 4, "cm_fast")
CM_MID = ContextMixing("cm-mid", 2, 4, "cm_mid")
CM_MAX = ContextMixing("cm-max", 3, 4, "cm_max")
