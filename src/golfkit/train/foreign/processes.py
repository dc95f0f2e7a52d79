"""Which processes a process started, and they in turn; torch's launcher gives each worker a group of its own."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")
_PARENT, _STARTED = 1, 19  # fields of /proc/PID/stat behind the name, counted from 0


class Process(NamedTuple):
    """One process; its number comes again, its number with its start does not."""

    pid: int
    parent: int
    started: str


def running() -> list[Process]:
    """All processes, by /proc where there is one (Linux), else by ps (macOS)."""
    if not (_PROC / "self" / "stat").exists():
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,lstart="], capture_output=True, text=True, check=True)
        return [Process(int(pid), int(parent), started) for pid, parent, started in _columns(listed.stdout)]
    found = []
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it ended since
                fields = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
                found.append(Process(int(folder.name), int(fields[_PARENT]), fields[_STARTED]))
    return found


def descendants(pid: int, processes: Iterable[Process]) -> set[Process]:
    """Those of `processes` that `pid` started, and they in turn."""
    below: dict[int, list[Process]] = {}
    for process in processes:
        below.setdefault(process.parent, []).append(process)
    found: set[Process] = set()
    todo = [pid]
    while todo:
        new = [process for process in below.get(todo.pop(), []) if process not in found]
        found.update(new)
        todo += [process.pid for process in new]
    return found


def kill(wanted: Iterable[Process]) -> None:
    """SIGKILL those of `wanted` that still run, whoever their parent is by now."""
    starts = {process.pid: process.started for process in wanted}
    for process in running() if starts else ():
        if starts.get(process.pid) == process.started:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)


def _columns(text: str) -> list[list[str]]:
    return [line.split(maxsplit=2) for line in text.splitlines() if line.strip()]
