"""What this machine is, and what this process has used of it."""

import os
import platform
import resource
import time
from pathlib import Path
from typing import NamedTuple, Self


class Spent(NamedTuple):
    """Seconds used: by the processors, and on the clock."""

    cpu_s: float
    wall_s: float

    def since(self, before: Self) -> "Spent":
        """What was used between two readings."""
        return Spent(self.cpu_s - before.cpu_s, self.wall_s - before.wall_s)


def spent() -> Spent:
    """A reading of both clocks; only differences mean something."""
    return Spent(cpu_seconds(), time.perf_counter())


def cpu_seconds() -> float:
    """CPU seconds, user and system, of this process and the children that it has waited for."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def peak_bytes() -> int:
    """Peak resident set of this process in bytes.

    Linux: VmHWM, because ru_maxrss starts at the size of whoever forked us.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text("ascii", errors="replace").split("\n"):
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else peak * 1024


def describe() -> str:
    """One line: processor, cores, memory, system; e.g. "AMD EPYC 7B13, 2 cores, 8.2 GB, Linux x86_64"."""
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    name = _processor() or platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores, {memory_gb:.1f} GB, {platform.system()} {platform.machine()}"


def _processor() -> str | None:
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return None
    for line in cpuinfo.read_text("utf-8", errors="replace").split("\n"):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return None
