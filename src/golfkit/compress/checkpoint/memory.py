"""Whether a coder's memory will do, asked before it starts: being killed for it hours later is no answer."""

from pathlib import Path

from golfkit.errors import Exit, GolfError

PROCESS_BYTES = 64_000_000  # the interpreter and its libraries; measured: 40 MB
_MEMINFO = Path("/proc/meminfo")


def check(needed: int, cap: int | None, what: str) -> None:
    """Refuse a run that needs `needed` bytes, above `cap` or what is free here.

    what  names it, for the error
    """
    if cap is not None and needed > cap:
        raise GolfError(f"{what}: needs {needed:,} bytes of memory, expected at most {cap:,} (--memory)", Exit.NO)
    free = free_bytes()
    if free is not None and needed > free:
        fix = "end other programs, or take a machine with more"
        raise GolfError(f"{what}: needs {needed:,} bytes of memory, {free:,} are free here; {fix}", Exit.NO)


def free_bytes(meminfo: Path = _MEMINFO) -> int | None:
    """What new processes can have without swapping; None where the system does not say (not Linux)."""
    if not meminfo.exists():
        return None
    for line in meminfo.read_text("ascii", errors="replace").split("\n"):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None
