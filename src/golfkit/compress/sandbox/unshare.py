"""The second way to shut a program in, where bwrap is not installed: unshare(2), mounts and pivot_root(2).

The same as `unshare --user --map-user --mount --net --pid --ipc --uts --fork` with a pivoted root (chroot alone can be
left by a process with capabilities), capabilities dropped. Standard library only; runs in a child of the agent.
"""

import ctypes
import json
import os
import platform
import resource
import signal
from collections.abc import Callable

from golfkit.compress.sandbox.plans import Plan

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS = 0x20000, 0x02000000, 0x04000000  # linux/sched.h
CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x08000000, 0x10000000, 0x20000000, 0x40000000
NAMESPACES = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32  # linux/mount.h
KEPT_FLAGS = MS_NOSUID | MS_NODEV | MS_NOEXEC | 0x1C00  # the last: noatime, nodiratime, relatime
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH = 2
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 24, 38  # linux/prctl.h
CAPABILITY_VERSION_3 = 0x20080522  # linux/capability.h
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}  # system call numbers; libc has no wrapper
NOBODY = 65534
SETUP_FAILED = 125  # exit status when the sandbox could not be made


def outer(plan: Plan, info: int, go: int) -> None:
    """Make the namespaces and be the parent of the program, which is process 1 in them; never returns.

    info  where {"child-pid": host pid of the program} is written as soon as it is shut in
    go    where one byte is awaited before the program is executed
    """
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.geteuid(), os.getegid()
    _call(libc.unshare, NAMESPACES)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{NOBODY} {uid} 1"), ("gid_map", f"{NOBODY} {gid} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as target:
            target.write(text)
    _call(libc.prctl, PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # again: new credentials may clear it
    ready, is_ready = os.pipe()
    pid = os.fork()
    if pid == 0:
        _in_child(lambda: _inner(libc, plan, is_ready, go))
    os.close(is_ready)
    if os.read(ready, 1):
        os.write(info, json.dumps({"child-pid": pid}).encode())
    os.close(info)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def _in_child(body: Callable[[], None]) -> None:
    try:
        body()
    except OSError as error:
        os.write(2, f"sandbox: {error}\n".encode(errors="replace"))
    finally:
        os._exit(SETUP_FAILED)


def _inner(libc: ctypes.CDLL, plan: Plan, is_ready: int, go: int) -> None:
    _call(libc.prctl, PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    _mount_root(libc, plan)
    for capability in range(64):
        if libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0):
            break  # one more than the kernel knows
    _call(libc.prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    head, nothing = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0), (ctypes.c_uint32 * 6)()
    _call(libc.capset, head, nothing)
    os.chdir(plan.cwd)
    os.write(is_ready, b"1")
    if not os.read(go, 1):
        os._exit(SETUP_FAILED)
    os.closerange(3, min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 4096))
    os.execve(plan.argv[0], plan.argv, plan.env)


def _mount_root(libc: ctypes.CDLL, plan: Plan) -> None:
    def mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
        names = [text.encode() if text is not None else None for text in (source, target, kind, options)]
        _call(libc.mount, *names[:3], ctypes.c_ulong(flags), names[3], what=f"mount {target}")

    mount(None, "/", None, MS_REC | MS_PRIVATE)
    mount("tmpfs", plan.root, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=755")
    for bind in plan.binds:
        target = plan.root + bind.target
        if os.path.isdir(bind.source):
            os.makedirs(target, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
        mount(bind.source, target, None, MS_BIND | MS_REC)
        # The mount keeps the flags that its source has: the kernel refuses to take them away.
        flags = os.statvfs(target).f_flag & KEPT_FLAGS | MS_NOSUID | (0 if bind.writable else MS_RDONLY)
        flags |= 0 if bind.target.startswith("/dev/") else MS_NODEV
        mount(None, target, None, MS_REMOUNT | MS_BIND | flags)
    for link_target, link in plan.symlinks:
        os.makedirs(os.path.dirname(plan.root + link), exist_ok=True)
        os.symlink(link_target, plan.root + link)
    if plan.proc:
        os.mkdir(plan.root + "/proc")
        mount("proc", plan.root + "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY)
    os.chdir(plan.root)
    _call(libc.syscall, PIVOT_ROOT[platform.machine()], b".", b".", what="pivot_root")
    _call(libc.umount2, b".", MNT_DETACH, what="umount of the host")
    os.chdir("/")
    mount(None, "/", None, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_RDONLY)


def _call(function: Callable[..., int], *args: object, what: str | None = None) -> None:
    if function(*args):
        code = ctypes.get_errno()
        raise OSError(code, f"{what or function.__name__}: {os.strerror(code)}")
