"""The process that measures variants, as seen from `golf`: batches go in, costs come out. See bench/cost.py."""

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

from golfkit import files, output
from golfkit.compress.bench import variants
from golfkit.compress.bench.cost import Cost, Request
from golfkit.compress.runtimes import native
from golfkit.errors import Exit, GolfError

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
END_S = 10.0  # for the process to end its children in


class Trials:
    """A process that measures variants of one model on one input."""

    def __init__(self, process: "subprocess.Popen[str]", module: str, said: IO[str]) -> None:
        self._process, self.module, self._said = process, module, said

    def measure(self, batch: Sequence[Sequence[str]], done: Callable[[Cost], None] = lambda cost: None) -> list[Cost]:
        """What each variant of the batch costs, in its order.

        batch  lists of edits; all are checked before the first is compiled
        done   called when one is known
        """
        for edits in batch:
            variants.spec_of(self.module, edits)
        asking, answers = self._process.stdin, self._process.stdout
        assert asking is not None
        assert answers is not None
        with contextlib.suppress(BrokenPipeError):  # what ended the process is told below
            asking.write(json.dumps([list(edits) for edits in batch]) + "\n")
            asking.flush()
        costs: dict[int, Cost] = {}
        for line in iter(answers.readline, "\n"):
            if not line:
                raise self._failed()
            number, (edits, *numbers, curve) = json.loads(line)
            costs[number] = Cost(tuple(edits), *numbers, tuple(curve))
            done(costs[number])
        return [costs[i] for i in range(len(batch))]

    def _failed(self) -> GolfError:
        status = self._process.wait()
        self._said.seek(0)
        lines = [_COLOURS.sub("", line) for line in self._said if line.strip()] or [f"exit {status}"]
        why = [line for line in lines if "Error" in line] or lines
        output.note("".join(lines))
        return GolfError(f"compiling or running a variant failed: {files.neutralise(why[-1])}", Exit.NO)


@contextlib.contextmanager
def opened(module: str, path: Path, n_bytes: int | None, jobs: int) -> Iterator[Trials]:
    """A process that measures variants of a module's SPEC on the first bytes of a file, and ends with the block."""
    if why := native.missing():
        raise GolfError(f"variants are compiled to native code: {why}", Exit.MISSING_PACKAGE)
    variants.spec_of(module)
    with path.open("rb"), tempfile.TemporaryFile("w+") as said, tempfile.TemporaryDirectory() as work:
        process = subprocess.Popen(
            [sys.executable, "-m", "golfkit.compress.bench.cost"],
            cwd=work,  # where no file steers Numba
            env=native.compiler_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        )
        assert process.stdin is not None
        try:
            request = Request(module, os.path.abspath(path), n_bytes, jobs)
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(json.dumps(request) + "\n")
            yield Trials(process, module, said)
        finally:
            process.terminate()
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
