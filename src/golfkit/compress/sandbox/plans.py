"""What a sandbox is to be: the record that the sandbox hands to its agent process, and nothing else.

Standard library only, because the agent runs outside the virtual environment.
"""

import json
from typing import NamedTuple

ARCHIVE = "/archive.bin"
BUNDLE = "/bundle"  # the unzipped decompressor.zip: a fresh copy, writable, thrown away
OUT = "/out"


class Bind(NamedTuple):
    """One path of the host that the program sees."""

    source: str
    target: str
    writable: bool = False


class Limits(NamedTuple):
    """What ends a run; bytes and seconds."""

    wall_s: float
    memory_bytes: int  # resident, summed over the processes (sampled)
    address_bytes: int | None  # RLIMIT_AS of each process; None for no limit
    file_bytes: int  # RLIMIT_FSIZE: no file may become longer
    box_bytes: int  # all that is written together, on disk (sampled)
    processes: int  # at one time (sampled)


class Plan(NamedTuple):
    """One program, what it sees, and what ends it.

    root      an empty folder of the host on which the sandbox's root is mounted
    proc      whether the program gets a read-only /proc of its own processes
    hidden    paths of the host that must not be visible from inside
    original  the file whose very inode must not be visible from inside; None when there is none
    launchers ways to try, in order: "bwrap", "unshare"
    bwrap     path of bwrap, or None
    parent    process id that the agent must not outlive
    """

    argv: list[str]
    cwd: str
    env: dict[str, str]
    root: str
    binds: list[Bind]
    symlinks: list[tuple[str, str]]  # (target, link)
    proc: bool
    hidden: list[str]
    original: str | None
    limits: Limits
    launchers: list[str]
    bwrap: str | None
    parent: int

    def entries(self) -> set[str]:
        """The names that the program may find in /."""
        points = [bind.target for bind in self.binds] + [link for _, link in self.symlinks]
        return {point.split("/")[1] for point in points} | ({"proc"} if self.proc else set())

    def writable(self) -> list[str]:
        """The folders of the host that the program can write to."""
        return [bind.source for bind in self.binds if bind.writable]


def dumps(plan: Plan) -> str:
    """The plan as JSON."""
    return json.dumps(plan._asdict())


def loads(text: str) -> Plan:
    """The plan that `dumps` wrote."""
    record = json.loads(text)
    record["binds"] = [Bind(*bind) for bind in record["binds"]]
    record["limits"] = Limits(*record["limits"])
    record["symlinks"] = [(target, link) for target, link in record["symlinks"]]
    return Plan(**record)
