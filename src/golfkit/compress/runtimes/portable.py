"""`decompress ARCHIVE OUT` and `compress IN ARCHIVE` of a Python bundle: what the native programs do, in Python.

Runs from the program's own zip with the standard library alone. Kernels are interpreted; where numba can be imported,
inputs for which that pays are jitted. Any fault is one line on stderr, exit 1, and no output file.
"""

import contextlib
import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NoReturn

from golfkit.compress.codecs import DamagedError
from golfkit.compress.container import HEADER_BYTES, Header, pack, unpack
from golfkit.compress.runtimes import engines, stream
from golfkit.compress.runtimes.engines import Model
from golfkit.errors import GolfError
from golfkit.interrupts import stoppable

JIT_FROM = 4096  # bytes of input; compiling takes 5 s, interpreting 1.5 ms a byte (measured for cm-fast)


def main(verb: str, model: Model) -> NoReturn:
    """Run the program called `verb`, and exit."""
    try:
        if len(sys.argv) != 3:
            raise GolfError(f"{len(sys.argv) - 1} arguments, expected 2: {verb} FROM TO")
        with stoppable():
            {"compress": compress, "decompress": decompress}[verb](model, Path(sys.argv[1]), Path(sys.argv[2]))
    except (GolfError, OSError) as error:
        sys.exit(f"{verb}: {error}")
    except DamagedError as error:
        sys.exit(f"{verb}: {sys.argv[1]}: {error}; the archive is damaged")
    except MemoryError:
        sys.exit(f"{verb}: no memory")
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0)


def decompress(model: Model, archive: Path, out: Path) -> None:
    """Restore `out` from `archive`."""
    with archive.open("rb") as source:
        header = unpack(source.read(HEADER_BYTES), os.fstat(source.fileno()).st_size, str(archive))
        if (header.codec_id, header.codec_version) != model[:2]:
            found = f"codec {header.codec_id} version {header.codec_version}"
            raise GolfError(f"{archive}: {found}, expected {model.codec_id} version {model.codec_version}")
        digest = hashlib.sha256()
        with _part(out) as sink:
            for block in stream.decoded(_engine(model, header.original_bytes), header, source):
                digest.update(block)
                sink.write(block)
            if digest.digest() != header.sha256:
                raise GolfError(f"{archive}: restored sha256 {digest.hexdigest()}, expected {header.sha256.hex()}")


def compress(model: Model, file: Path, archive: Path) -> None:
    """Make `archive` of `file`."""
    with file.open("rb") as source:
        n_bytes = os.fstat(source.fileno()).st_size
        engine = _engine(model, n_bytes)
        parameter = engine.entries["parameter"](n_bytes)
        with _part(archive) as sink:
            sink.write(bytes(HEADER_BYTES))
            n_payload = 0
            for _, coded in stream.encoded(engine, parameter, source, n_bytes):
                n_payload += sink.write(coded)
            source.seek(0)
            digest = hashlib.file_digest(source, "sha256").digest()
            sink.seek(0)
            sink.write(pack(Header(*model[:2], parameter, n_bytes, n_payload, digest)))


@contextlib.contextmanager
def _part(path: Path) -> Iterator[BinaryIO]:
    """A new file PATH.part: it becomes `path` when the block ends well, and is removed when it does not."""
    part = path.with_name(f"{path.name}.part")
    with part.open("xb") as sink:
        try:
            yield sink
            sink.flush()
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)


def _engine(model: Model, n_bytes: int) -> engines.Engine:
    """The fastest engine for an input of `n_bytes`."""
    if n_bytes >= JIT_FROM and all(importlib.util.find_spec(name) for name in ("numba", "numpy")):
        with contextlib.suppress(ImportError):  # a numba that does not fit this Python
            return engines.jitted(model.name, None)
    return engines.interpreted(model.name)
