"""Run one command and say what it cost, from a process small enough not to hide the command's memory.

The peak resident set that wait4 reports is never below that of the process that forked: golf itself, with its
libraries, is larger than gzip. So a bare interpreter runs the command; peaks below about 10 MB are its own.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from golfkit import files
from golfkit.errors import Exit, GolfError

_RUNNER = """
import ctypes, json, os, sys, time
command, report = sys.argv[2:], os.fdopen(int(sys.argv[1]), "w")
started = time.monotonic()
pid = os.fork()
if pid == 0:
    try:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)  # PR_SET_PDEATHSIG, SIGKILL: end with the runner
        os.execvp(command[0], command)
    finally:
        os._exit(127)
_, status, usage = os.wait4(pid, 0)
wall_s = time.monotonic() - started
cpu_s = usage.ru_utime + usage.ru_stime
print(json.dumps([os.waitstatus_to_exitcode(status), wall_s, cpu_s, usage.ru_maxrss * 1024]), file=report)
"""


class Cost(NamedTuple):
    """What a command cost: wall, user + system CPU, peak resident set of its largest process."""

    wall_s: float
    cpu_s: float
    ram_peak_bytes: int


def run(command: Sequence[str], *, cwd: Path, stdout: BinaryIO | int = subprocess.DEVNULL) -> Cost:
    """Run `command` in `cwd`; a status other than 0 is an error that quotes what it said last."""
    reader, writer = os.pipe()
    with os.fdopen(reader) as report:
        try:
            done = subprocess.run(
                [sys.executable, "-I", "-S", "-c", _RUNNER, str(writer), *command],
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=subprocess.PIPE,
                pass_fds=[writer],
                check=False,
            )
        finally:
            os.close(writer)
        said = report.read()
    code, *cost = json.loads(said) if done.returncode == 0 and said else (done.returncode, 0.0, 0.0, 0)
    if code:
        text = files.neutralise(done.stderr[-300:].decode(errors="replace"))
        raise GolfError(f"{' '.join(command)}: ended with {code}: {text}", Exit.NO)
    return Cost(*cost)
