"""Run one program on one archive where it can reach nothing else, and say what it cost.

    root "empty"   the file system holds the unzipped bundle, the archive (read-only) and a folder to write to: no
                   Python, no shell, no /proc, no /dev
    root "system"  besides, read-only: /usr with its links (/bin, /lib, ...), /proc of its own processes, five devices;
                   and a scratch /tmp; no home, no /etc but the linker's cache and the alternatives' links

Neither has a network, the environment, or sight of the original. bwrap makes the sandbox, else unshare(2); either is
probed before the program starts (probe.py), and the program does not start when a probe fails.

wall_s runs from start to end of the program. cpu_s and ram_peak_bytes come from wait4: user and system CPU of the
program and all it waited for (and 5 ms of the launcher), and the peak resident set of the largest process; where
several ran at once, the largest sum seen in a sample every 0.1 s counts when it is more. A peak below 15 MB is that of
the launcher.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from golfkit import files
from golfkit.compress.sandbox import plans
from golfkit.compress.sandbox.plans import ARCHIVE, BUNDLE, OUT, Bind, Limits, Plan
from golfkit.errors import Exit, GolfError

ROOTS = ("empty", "system")
LAUNCHERS = ("bwrap", "unshare")
RESTORED = "restored"  # name of the output in OUT
MEMORY_PART = 0.9  # of the machine's memory, where no limit is asked for
SLACK_BYTES = 64 << 20  # that one file may hold beyond the original
BOX_FILES = 4  # files of that size that all it writes may amount to: transforms write intermediate files
PROCESSES = 256
HIDDEN = ("/home", "/root", "/etc/passwd", "/etc/shadow", "/var", "/mnt")
SYSTEM_FOLDERS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/alternatives")
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
DEVICE_LINKS = (("/proc/self/fd", "/dev/fd"), ("/proc/self/fd/0", "/dev/stdin"), ("/proc/self/fd/1", "/dev/stdout"))
_BOOT = "import sys; sys.path.append(sys.argv[1]); from golfkit.compress.sandbox import agent; agent.main()"


class Outcome(NamedTuple):
    """How a run ended and what it cost.

    how        what made the sandbox: "bwrap" or "unshare"
    exit_code  the program's; 128 + n when signal n ended it
    killed     the limit that ended it, None when it ended by itself
    """

    how: str
    exit_code: int
    killed: str | None
    wall_s: float
    cpu_s: float
    ram_peak_bytes: int
    stderr_tail: str

    def failure(self) -> str | None:
        """Why the run is no good, on one line; None when the program ended with 0."""
        said = f": {self.stderr_tail}" if self.stderr_tail else ""
        if self.killed:
            return f"was killed: it {self.killed}{said}"
        if self.exit_code > 128 and self.exit_code - 128 in set(signal.Signals):
            return f"ended with {signal.Signals(self.exit_code - 128).name} (status {self.exit_code}){said}"
        return f"ended with status {self.exit_code}{said}" if self.exit_code else None


class Box(NamedTuple):
    """The folders of one run, all inside a fresh one."""

    bundle: Path
    out: Path
    tmp: Path
    root: Path

    @classmethod
    def make(cls, folder: Path) -> "Box":
        """Create the folders in an empty `folder`."""
        box = cls(*(folder.resolve() / name for name in cls._fields))
        for path in box:
            path.mkdir()
        return box


def default_limits(
    original_bytes: int, *, wall_s: float, memory_bytes: int | None = None, processes: int = PROCESSES
) -> Limits:
    """Limits of a run that is to restore `original_bytes`.

    memory_bytes  asked for: an allocation beyond it fails, a resident set beyond it is killed; None lets a program
                  have most of the machine
    """
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    file_bytes = original_bytes + SLACK_BYTES
    return Limits(
        wall_s=wall_s,
        memory_bytes=memory_bytes or int(MEMORY_PART * machine),
        address_bytes=memory_bytes,
        file_bytes=file_bytes,
        box_bytes=BOX_FILES * file_bytes,
        processes=processes,
    )


def run(
    program: str,
    box: Box,
    archive: Path,
    *,
    root: str,
    limits: Limits,
    original: Path | None = None,
    launchers: Sequence[str] = LAUNCHERS,
) -> Outcome:
    """Run `program ARCHIVE OUT/restored` in a sandbox; a GolfError (5) when no sandbox stands its probe.

    program   path in the bundle, which is its working folder's
    original  must not be visible from inside
    """
    if not sys.platform.startswith("linux"):
        raise GolfError(f"isolation cannot be had on {sys.platform}, expected Linux", Exit.MISSING_PACKAGE)
    plan = make_plan(program, box, archive, root=root, limits=limits, original=original, launchers=launchers)
    said = _ask_agent(plan)
    if "refused" in said:
        reasons = files.neutralise("; ".join(said["refused"]))
        raise GolfError(
            f"isolation cannot be had, nothing was run or certified ({reasons}); install bubblewrap "
            "(apt install bubblewrap), or allow unprivileged user namespaces",
            Exit.MISSING_PACKAGE,
        )
    return Outcome(**said)._replace(stderr_tail=files.neutralise(said["stderr_tail"]))


def make_plan(
    program: str,
    box: Box,
    archive: Path,
    *,
    root: str,
    limits: Limits,
    original: Path | None,
    launchers: Sequence[str] = LAUNCHERS,
) -> Plan:
    """What the sandbox of `run` is to be."""
    inside = Path(BUNDLE) / program
    binds = [
        Bind(str(box.bundle), BUNDLE, writable=True),
        Bind(str(box.out), OUT, writable=True),
        Bind(str(archive.resolve()), ARCHIVE),
    ]
    links: list[tuple[str, str]] = []
    env: dict[str, str] = {}
    hidden = {*HIDDEN, str(Path.home()), str(box.root.parent), str(Path(__file__).resolve())}
    if root == "system":
        binds += [Bind(str(box.tmp), "/tmp", writable=True), Bind("/usr", "/usr")]
        binds += [Bind(path, path) for path in (*SYSTEM_FILES, *DEVICES) if os.path.exists(path)]
        for folder in filter(os.path.lexists, SYSTEM_FOLDERS):
            if os.path.islink(folder):
                links.append((os.readlink(folder), folder))
            else:
                binds.append(Bind(folder, folder))
        links += DEVICE_LINKS
        if os.geteuid() == 0:  # bwrap's device nodes can be chmod'ed by their owner; those of unshare cannot
            launchers = [how for how in launchers if how != "bwrap"]
        env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp", "TMPDIR": "/tmp", "LANG": "C.UTF-8"}
    else:
        hidden |= {"/usr", "/bin/sh", "/proc", "/dev", sys.executable}
    return Plan(
        argv=[str(inside), ARCHIVE, f"{OUT}/{RESTORED}"],
        cwd=str(inside.parent),
        env=env,
        root=str(box.root),
        binds=binds,
        symlinks=links,
        proc=root == "system",
        hidden=sorted(hidden),
        original=str(original.resolve()) if original else None,
        limits=limits,
        launchers=list(launchers),
        bwrap=shutil.which("bwrap"),
        parent=os.getpid(),
    )


def _ask_agent(plan: Plan) -> dict:
    source = Path(__file__).resolve().parents[3]
    command = [sys.executable, "-I", "-S", "-c", _BOOT, str(source)]
    agent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    try:
        answer, _ = agent.communicate(plans.dumps(plan).encode())
    finally:
        if agent.poll() is None:  # interrupted: the agent ends the program, then itself
            agent.terminate()
            agent.wait()
    if agent.returncode:
        raise GolfError(
            f"the sandbox's agent ended with {agent.returncode}, nothing was certified", Exit.MISSING_PACKAGE
        )
    return json.loads(answer)
