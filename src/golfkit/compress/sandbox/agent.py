"""The process that shuts one program in, looks at the sandbox, runs the program and measures it.

It is a process of its own, started as a bare interpreter, for three reasons: what wait4 calls the peak resident set of
a child is never below that of the process that forked it; a namespace can be joined only without threads; and its
death, however it comes, ends the program. It reads a plan from stdin and writes one JSON object on stdout:
`{"refused": [...]}`, or what `Outcome` of sandbox.py holds.

The program is process 1 of its namespace: when it ends, whatever it started ends with it.
"""

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import sys
import time
from typing import Any, NamedTuple

from golfkit.compress.sandbox import plans, probe, unshare
from golfkit.compress.sandbox.plans import Plan

PR_SET_PDEATHSIG = 1  # linux/prctl.h
SAMPLE_S = 0.1  # seconds between looks at memory, disk and processes
STDERR_BYTES = 4096  # kept of what the program says
FILES_LIMIT = 100_000  # in the folders that it can write to


class Blocked(NamedTuple):
    """A program that is shut in, and waits to be executed."""

    how: str
    launcher: int  # our child: it ends when the program ends, with its exit status
    payload: int  # host pid of the program
    go: int
    stderr: int


class RefusedError(Exception):
    """This way of shutting in does not work here; the text says why."""


def main() -> None:
    """Read the plan, carry it out, write the outcome."""
    plan = plans.loads(sys.stdin.read())
    _die_with(plan.parent)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print(json.dumps(supervise(plan)))


def supervise(plan: Plan) -> dict[str, Any]:
    """Run the program in the first sandbox that stands the probe."""
    refused = []
    for how in plan.launchers:
        try:
            blocked = _launch(how, plan)
        except RefusedError as error:
            refused.append(f"{how}: {error}")
            continue
        problems = probe.examine(blocked.payload, plan)
        if not problems:
            return _watch(blocked, plan)
        os.kill(blocked.launcher, signal.SIGKILL)
        os.waitpid(blocked.launcher, 0)
        refused.append(f"{how}: {_text(blocked.stderr) or 'the program ' + ', '.join(problems)}")
    return {"refused": refused}


def _launch(how: str, plan: Plan) -> Blocked:
    if how == "bwrap" and plan.bwrap is None:
        raise RefusedError("not installed")
    info, info_writer = os.pipe()
    go_reader, go = os.pipe()
    said, stderr = os.pipe()
    agent = os.getpid()
    launcher = os.fork()
    if launcher == 0:
        try:
            _die_with(agent)
            _become_launcher(how, plan, info_writer, go_reader, stderr)
        except OSError as error:
            os.write(2, f"{error}\n".encode(errors="replace"))
        finally:
            os._exit(unshare.SETUP_FAILED)
    for handle in (info_writer, go_reader, stderr):
        os.close(handle)
    payload = _payload_pid(info)
    if payload is None:
        os.waitpid(launcher, 0)
        raise RefusedError(_text(said) or "it ended without a word")
    return Blocked(how, launcher, payload, go, said)


def _become_launcher(how: str, plan: Plan, info: int, go: int, stderr: int) -> None:
    null = os.open("/dev/null", os.O_RDWR)
    for source, target in ((null, 0), (null, 1), (stderr, 2)):
        os.dup2(source, target)
    os.setsid()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if how == "unshare":
        unshare.outer(plan, info, go)
    keep = {info, go}
    for handle in {int(name) for name in os.listdir("/proc/self/fd")} - {0, 1, 2} - keep:
        with contextlib.suppress(OSError):  # the listing's own handle is closed already
            os.close(handle)
    for handle in keep:
        os.set_inheritable(handle, True)
    os.execv(plan.bwrap, bwrap_args(plan, info, go))


def bwrap_args(plan: Plan, info: int, go: int) -> list[str]:
    """The command line of bwrap for a plan; everything is named, nothing is left to its defaults."""
    args = [plan.bwrap, "--unshare-all", "--unshare-user", "--uid", "65534", "--gid", "65534", "--hostname", "golf"]
    args += ["--cap-drop", "ALL", "--die-with-parent", "--new-session", "--as-pid-1", "--clearenv"]
    args += ["--info-fd", str(info), "--block-fd", str(go)]
    for bind in plan.binds:
        kind = "--dev-bind" if bind.target.startswith("/dev/") else "--bind" if bind.writable else "--ro-bind"
        args += [kind, bind.source, bind.target]
    for target, link in plan.symlinks:
        args += ["--symlink", target, link]
    if plan.proc:  # read-only: root of the host could write to its /proc/sys otherwise
        args += ["--proc", "/proc", "--remount-ro", "/proc"]
    for name, value in plan.env.items():
        args += ["--setenv", name, value]
    return [*args, "--remount-ro", "/", "--chdir", plan.cwd, "--", *plan.argv]


def _payload_pid(info: int) -> int | None:
    """The program's host pid: in the JSON object of the launcher; None if none came."""
    text = b""
    with os.fdopen(info, "rb", buffering=0) as source:
        while not text.endswith((b"}", b"}\n")) and (chunk := source.read(4096)):
            text += chunk
    return json.loads(text)["child-pid"] if text else None


def _watch(blocked: Blocked, plan: Plan) -> dict[str, Any]:
    payload = os.pidfd_open(blocked.payload)
    namespace = os.readlink(f"/proc/{blocked.payload}/ns/pid")
    _limit(blocked.payload, plan)
    os.set_blocking(blocked.stderr, False)
    ended = os.pidfd_open(blocked.launcher)
    waiter = select.poll()
    waiter.register(ended, select.POLLIN)
    waiter.register(blocked.stderr, select.POLLIN)
    tail, killed, peak, usage = b"", None, 0, None
    started = next_look = time.monotonic()
    os.write(blocked.go, b"1")
    try:
        while usage is None:
            now = time.monotonic()
            if now >= next_look:
                resident, processes = _resident(namespace)
                peak = max(peak, resident)
                killed = killed or _excess(now - started, resident, processes, plan)
                if killed:
                    _kill(payload)
                next_look = now + SAMPLE_S
            ready = dict(waiter.poll(max(0.0, next_look - time.monotonic()) * 1000))
            if blocked.stderr in ready:
                said = _read(blocked.stderr)
                tail = (tail + said)[-STDERR_BYTES:]
                if not said:
                    waiter.unregister(blocked.stderr)
            if ended in ready:
                _, status, usage = os.wait4(blocked.launcher, 0)
    finally:
        if usage is None:  # interrupted
            _kill(payload)
            os.waitpid(blocked.launcher, 0)
    wall_s = time.monotonic() - started
    killed = killed or _excess_on_disk(plan)
    code = os.waitstatus_to_exitcode(status)
    return {
        "how": blocked.how,
        "exit_code": code if code >= 0 else 128 - code,
        "killed": killed,
        "wall_s": wall_s,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "ram_peak_bytes": max(usage.ru_maxrss * 1024, peak),
        "stderr_tail": (tail + _read(blocked.stderr))[-STDERR_BYTES:].decode(errors="replace"),
    }


def _limit(pid: int, plan: Plan) -> None:
    limits = plan.limits
    for which, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_AS, limits.address_bytes),
        (resource.RLIMIT_MEMLOCK, 0),
    ):
        if value is not None:
            resource.prlimit(pid, which, (value, value))


def _excess(wall_s: float, resident: int, processes: int, plan: Plan) -> str | None:
    limits = plan.limits
    if wall_s > limits.wall_s:
        return f"ran longer than {limits.wall_s:g} s"
    if resident > limits.memory_bytes:
        return f"used more than {limits.memory_bytes} bytes of memory"
    if processes > limits.processes:
        return f"started more than {limits.processes} processes"
    return _excess_on_disk(plan)


def _excess_on_disk(plan: Plan) -> str | None:
    """What is wrong with the size of all that the program has written."""
    folders, total, n_files = plan.writable(), 0, 0
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    found = entry.stat(follow_symlinks=False)
                    n_files += 1
                    total += found.st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    elif found.st_size >= plan.limits.file_bytes:
                        return f"wrote a file of {plan.limits.file_bytes} bytes or more"
                    if total > plan.limits.box_bytes:
                        return f"wrote more than {plan.limits.box_bytes} bytes"
                    if n_files > FILES_LIMIT:
                        return f"wrote more than {FILES_LIMIT} files"
        except OSError:
            continue  # it went away, or was closed to us, while we looked
    return None


def _resident(namespace: str) -> tuple[int, int]:
    """Resident bytes of all processes in a pid namespace (shared pages count in each), and how many there are."""
    pages = processes = 0
    for name in os.listdir("/proc"):
        if not name.isdecimal():
            continue
        try:
            if os.readlink(f"/proc/{name}/ns/pid") != namespace:
                continue
            with open(f"/proc/{name}/statm", encoding="ascii") as source:
                pages += int(source.read().split()[1])
        except OSError:
            continue  # ended while we looked, or another user's
        processes += 1
    return pages * resource.getpagesize(), processes


def _kill(payload: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # it has ended already
        signal.pidfd_send_signal(payload, signal.SIGKILL)


def _text(handle: int) -> str:
    os.set_blocking(handle, False)
    return _read(handle)[-STDERR_BYTES:].decode(errors="replace").strip()


def _read(handle: int) -> bytes:
    try:
        return os.read(handle, 65536)
    except BlockingIOError:
        return b""


def _die_with(parent: int) -> None:
    """Be killed when `parent` dies; die now when it is dead already."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)
