"""What variants of a model cost: the payload of a file's first bytes, the time, the sizes. Run as its own process:

    python -m golfkit.compress.bench.cost      (in the environment of native.compiler_environment)

stdin   lines of JSON: a Request, then batches of variants, each a list of lists of edits
stdout  lines of JSON, [number in its batch, Cost], for each variant when it is done; an empty line after each batch

What variants have in common is compiled once: each is a fork of a process that has compiled the first of a batch, and
compiles only what is different there, in two thirds of the time. A process of its own, because Numba reads its settings
when it is imported.
"""

import itertools
import json
import multiprocessing
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from multiprocessing import connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from golfkit.compress.bench import variants
from golfkit.compress.runtimes import emit, engines, native
from golfkit.interrupts import stoppable

if TYPE_CHECKING:
    from golfkit.compress.kernels.spec import Spec

STEP = 500_000  # bytes of input a point of the curve
ENTRIES = ("parameter", "arena_bytes", "start", "encode", "finish")
TRANSFORM = ("transform_bytes", "forward")  # entry points that are the same in every variant


class Cost(NamedTuple):
    """Of one variant on one input."""

    edits: tuple[str, ...]
    n_bytes: int
    transformed_bytes: int
    payload_bytes: int
    bits_per_byte: float
    us_per_byte: float  # CPU of the coder; the transform before it is done once for all variants
    arena_bytes: int
    object_bytes: int  # of the encoder's code
    compile_cpu_s: float  # of what was not compiled before
    curve: tuple[int, ...]  # payload bytes of each STEP bytes of input, as if it were transformed evenly


class Request(NamedTuple):
    """What all variants of a process share."""

    module: str  # whose SPEC is changed
    path: str
    n_bytes: int | None  # of the file's first bytes; None: all
    jobs: int  # processes at once


class Input(NamedTuple):
    """What is coded."""

    n_bytes: int
    text: bytes  # transformed


class Lowered(NamedTuple):
    """A variant in Numba's hands."""

    edits: tuple[str, ...]
    entries: Mapping[str, Any]  # as emit.lowered gives them


def main() -> None:
    """Answer stdin's batches, until it ends."""
    request = Request(*json.loads(sys.stdin.readline()))
    first, data = None, None
    for line in sys.stdin:
        batch = [tuple(edits) for edits in json.loads(line)]
        if first is None or data is None:
            first = _lowered(request.module, batch[0])  # before the transform: what is wrong is soon known
            with Path(request.path).open("rb") as source:
                data = transformed(source.read(-1 if request.n_bytes is None else request.n_bytes))
        _answer(request, data, batch, first)
        print(flush=True)


def kernels_of(spec: "Spec") -> Mapping[str, Any]:
    """The kernels of a spec."""
    from golfkit.compress.kernels.spec import entries

    return entries(variants.templates(), spec)


def transformed(original: bytes) -> Input:
    """What the codecs make of an input before they code it."""
    from golfkit.compress.kernels import transform

    compiled = emit.lowered({}, {name: getattr(transform, name) for name in TRANSFORM})
    engine = _loaded(emit.linked(compiled, "pic"), TRANSFORM)
    return Input(len(original), bytes(engines.transformed(engine, bytearray(original))))


def measure(module: str, edits: Sequence[str], data: Input, first: Lowered) -> Cost:
    """Compile a variant in this process, and code `data` with it.

    first  what was lowered before; used where it is this variant
    """
    started_s = time.process_time()
    lowered = first if first.edits == tuple(edits) else _lowered(module, edits)
    code = emit.linked(lowered.entries, "pic")
    compile_cpu_s = time.process_time() - started_s
    engine = _loaded(code, ENTRIES)
    parameter = engine.entries["parameter"](data.n_bytes)
    started_s = time.process_time()
    curve = coded(engine, parameter, data)
    cpu_s = time.process_time() - started_s
    n, total = max(data.n_bytes, 1), sum(curve)
    return Cost(
        edits=tuple(edits),
        n_bytes=data.n_bytes,
        transformed_bytes=len(data.text),
        payload_bytes=total,
        bits_per_byte=round(8 * total / n, 6),
        us_per_byte=round(1e6 * cpu_s / n, 3),
        arena_bytes=engine.entries["arena_bytes"](parameter),
        object_bytes=len(code),
        compile_cpu_s=round(compile_cpu_s, 2),
        curve=curve,
    )


def coded(engine: engines.Engine, parameter: int, data: Input) -> tuple[int, ...]:
    """Payload bytes of each STEP bytes of input; the last holds the end of the payload too."""
    session = engines.Session(engine, parameter)
    steps = range(0, max(data.n_bytes, 1), STEP)
    marks = [at * len(data.text) // max(data.n_bytes, 1) for at in steps] + [len(data.text)]
    curve = []
    for begin, end in itertools.pairwise(marks):
        blocks = (data.text[at : min(at + engines.BLOCK, end)] for at in range(begin, end, engines.BLOCK))
        curve.append(sum(len(session.encode(block)) for block in blocks))
    curve[-1] += len(session.finish())
    return tuple(curve)


def _loaded(code: bytes, names: Sequence[str]) -> engines.Engine:
    """The entry points of an object."""
    with tempfile.TemporaryDirectory(prefix="golf-cost-") as folder:
        made = Path(folder) / "kernels.o"
        made.write_bytes(code)
        native.link_library(made.parent, made.with_suffix(".so"), made)
        entries = engines.library(made.with_suffix(".so"), {name: engines.ENTRIES[name] for name in names})
    return engines.Engine("native", entries, engines.address)


def _lowered(module: str, edits: Sequence[str]) -> Lowered:
    kernels = kernels_of(variants.spec_of(module, edits))
    return Lowered(tuple(edits), emit.lowered(kernels, {name: kernels[name] for name in ENTRIES}))


def _answer(request: Request, data: Input, batch: Sequence[tuple[str, ...]], first: Lowered) -> None:
    """Measure a batch, so many at once; a child that fails ends this process, its own words being on stderr."""
    if len(batch) == 1:
        _say(0, measure(request.module, batch[0], data, first))
        return
    forks = multiprocessing.get_context("fork")
    waiting = list(enumerate(batch))
    running: dict[Any, tuple[int, Any]] = {}
    while waiting or running:
        while waiting and len(running) < request.jobs:
            number, edits = waiting.pop(0)
            reader, writer = forks.Pipe(duplex=False)
            child = forks.Process(target=_child, args=(writer, request.module, edits, data, first), daemon=True)
            child.start()
            writer.close()
            running[reader] = (number, child)
        for reader in connection.wait(list(running)):
            number, child = running.pop(reader)
            try:
                cost = Cost(*reader.recv())
            except EOFError:
                sys.exit(f"variant {' '.join(batch[number]) or '(none)'} failed")
            child.join()
            _say(number, cost)


def _child(writer: Any, module: str, edits: tuple[str, ...], data: Input, first: Lowered) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # at once, also in the middle of compiled code
    writer.send(tuple(measure(module, edits, data, first)))


def _say(number: int, cost: Cost) -> None:
    print(json.dumps([number, cost]), flush=True)


if __name__ == "__main__":
    with stoppable():
        main()
