"""Is this process really shut in? Looks at a blocked process, from outside and from inside its namespaces.

The process to be certified waits just before it executes the program: everything about it is final by then. From
outside, /proc tells its namespaces, capabilities and mounts. From inside, a child of ours joins its user, network and
mount namespaces and does what a cheating decompressor would do: connect to listeners that are open outside, stat the
original, list the root. Nothing needs to be installed in the sandbox for that. Standard library only.
"""

import ctypes
import errno
import fcntl
import json
import os
import socket
import struct
import time
from typing import NamedTuple

from golfkit.compress.sandbox.plans import Plan

NAMESPACES = ("user", "net", "mnt", "pid", "ipc", "uts")
NS_GET_USERNS = 0xB701  # ioctl of linux/nsfs.h: the user namespace that owns a namespace
SIOCGIFFLAGS = 0x8913  # linux/sockios.h
IFF_UP = 1
CAPABILITY_SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
SETTLE_S = 5.0  # seconds that bwrap gets to shut the program in
TEST_NET = ("192.0.2.1", 9)  # RFC 5737: an address that nobody has; a UDP connect only looks for a route


class Outside(NamedTuple):
    """What /proc says of the blocked process."""

    shared_namespaces: list[str]
    capabilities: list[str]  # sets that are not empty
    no_new_privs: bool
    mounts: dict[str, bool]  # mount point -> writable


class Inside(NamedTuple):
    """What its namespaces look like to one who is in them."""

    entries: list[str]
    visible: list[str]  # of the paths that must be hidden
    sees_original: bool
    interfaces_up: list[str]
    reached: list[str]


def examine(pid: int, plan: Plan) -> list[str]:
    """Everything that is wrong with the isolation of process `pid`; empty when it may be certified."""
    try:
        return _examine(pid, plan)
    except OSError as error:
        return [f"could not be looked at ({error})"]


def _examine(pid: int, plan: Plan) -> list[str]:
    outside = look_outside(pid)
    deadline = time.monotonic() + SETTLE_S
    while judge_outside(outside, plan) and time.monotonic() < deadline:
        time.sleep(0.002)  # bwrap names the process before it has shut it in; dropping capabilities comes last
        outside = look_outside(pid)
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(f"\0golf-probe-{os.getpid()}")
        abstract.listen()
        addresses = {"a TCP listener": tcp.getsockname(), "an abstract socket": abstract.getsockname()}
        inside = _from_inside(pid, plan, addresses)
    return judge_outside(outside, plan) + judge_inside(inside, plan)


def judge_outside(outside: Outside, plan: Plan) -> list[str]:
    """The problems in what /proc says; pure."""
    problems = [f"shares the {name} namespace" for name in outside.shared_namespaces]
    problems += [f"keeps capabilities ({name})" for name in outside.capabilities]
    if not outside.no_new_privs:
        problems.append("can gain privileges (no_new_privs is off)")
    expected = (
        {"/": False} | {bind.target: bind.writable for bind in plan.binds} | ({"/proc": False} if plan.proc else {})
    )
    for point, writable in outside.mounts.items():
        inherited = next((p for p in sorted(expected, reverse=True) if p != "/" and point.startswith(f"{p}/")), None)
        if point not in expected and inherited is None:
            problems.append(f"has a mount at {point}")
        elif writable and not expected.get(point, False) and not point.startswith("/dev/"):
            problems.append(f"can write to {point}")
    return problems + [f"has no mount at {point}" for point in expected if point not in outside.mounts]


def judge_inside(inside: Inside, plan: Plan) -> list[str]:
    """The problems in what was seen from inside; pure."""
    problems = [f"sees /{name}" for name in inside.entries if name not in plan.entries()]
    problems += [f"sees {path}" for path in inside.visible]
    problems += ["sees the original"] if inside.sees_original else []
    problems += [f"has the network interface {name}" for name in inside.interfaces_up if name != "lo"]
    return problems + [f"reaches {name}" for name in inside.reached]


def look_outside(pid: int) -> Outside:
    """What /proc says of process `pid`."""
    shared = [n for n in NAMESPACES if os.readlink(f"/proc/{pid}/ns/{n}") == os.readlink(f"/proc/self/ns/{n}")]
    with open(f"/proc/{pid}/status", encoding="utf-8") as source:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in source if ":\t" in line)
    mounts = {}
    with open(f"/proc/{pid}/mountinfo", encoding="utf-8", errors="surrogateescape") as source:
        for line in source:
            point, options = line.split(" ")[4:6]
            mounts[point] = "ro" not in options.split(",")
    return Outside(
        shared_namespaces=shared,
        capabilities=[name for name in CAPABILITY_SETS if int(status.get(name, "0"), 16)],
        no_new_privs=status.get("NoNewPrivs") == "1",
        mounts=mounts,
    )


def look_around(plan: Plan, outside: dict[str, tuple[int, int] | None], addresses: dict[str, object]) -> Inside:
    """What this very process sees: the part of the probe that runs inside.

    outside    device and inode that the hidden paths and the original have outside: another file of that name is none
    addresses  listeners that are open outside
    """

    def sees(path: str) -> bool:
        return outside[path] is not None and _identity(path) == outside[path]

    return Inside(
        entries=sorted(os.listdir("/")),
        visible=[path for path in plan.hidden if sees(path)],
        sees_original=plan.original is not None and sees(plan.original),
        interfaces_up=[name for _, name in socket.if_nameindex() if _is_up(name)],
        reached=[name for name, address in addresses.items() if _reaches(address)] + _routes(),
    )


def _from_inside(pid: int, plan: Plan, addresses: dict[str, object]) -> Inside:
    outside = {path: _identity(path) for path in (*plan.hidden, *filter(None, [plan.original]))}
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            _join(pid)
            facts = look_around(plan, outside, addresses)
            os.write(writer, json.dumps(facts).encode())
            status = 0
        except OSError as error:
            os.write(writer, str(error).encode(errors="replace"))
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as source:
        said = source.read()
    _, status = os.waitpid(child, 0)
    if status:
        raise OSError(errno.EPERM, f"the probe could not join it: {said.decode(errors='replace')}")
    return Inside(*json.loads(said))


def _join(pid: int) -> None:
    """Enter the user, network and mount namespaces of process `pid`; root and working folder follow."""
    libc = ctypes.CDLL(None, use_errno=True)
    mount, network = (os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY) for name in ("mnt", "net"))
    for handle in (fcntl.ioctl(mount, NS_GET_USERNS), network, mount):
        if libc.setns(handle, 0):
            raise OSError(ctypes.get_errno(), f"setns: {os.strerror(ctypes.get_errno())}")


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_up(name: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        answer = fcntl.ioctl(any_socket, SIOCGIFFLAGS, struct.pack("16sH14x", name.encode(), 0))
    return bool(struct.unpack("16sH14x", answer)[1] & IFF_UP)


def _reaches(address: object) -> bool:
    family = socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX
    with socket.socket(family) as caller:
        caller.settimeout(2)  # seconds; a refusal is immediate
        try:
            caller.connect(address)
        except OSError:
            return False
    return True


def _routes() -> list[str]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
        try:
            caller.connect(TEST_NET)
        except OSError:
            return []
    return ["a route to the network"]
