"""Where ssh answers, how it is called, and what its failures mean."""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

from golfkit.budget.providers.protocol import Address
from golfkit.budget.remote.processes import Ended, RemoteError
from golfkit.errors import Exit, GolfError

CONNECT_S = 10  # until an attempt to connect counts as failed
ALIVE_S, ALIVE_COUNT = 15, 3  # a connection that is silent for 45 s is given up
SSH_FAILED = 255  # ssh's own exit code; a remote command that ends with it looks like a dropped connection
_LASTING = re.compile(
    r"Host key verification failed|IDENTIFICATION HAS CHANGED|Permission denied|Too many authentication failures"
)
_HOST = re.compile(r"[A-Za-z0-9:][A-Za-z0-9_.:%-]*")
_REMOTE_PATH = re.compile(r"/|/?[A-Za-z0-9_.,+@%=][A-Za-z0-9_.,+@%=/-]*")


class Machine(NamedTuple):
    """One machine, and as whom to call."""

    address: Address
    identity: Path | None  # private key; None: ssh's own choice
    known_hosts: Path  # one file a pod: addresses come again with other keys

    @property
    def name(self) -> str:
        """The machine in messages."""
        return f"{self.address.host}:{self.address.port}"

    @property
    def rsync_host(self) -> str:
        """The machine in front of rsync's colon."""
        return f"[{self.address.host}]" if ":" in self.address.host else self.address.host

    def options(self) -> list[str]:
        """The start of an ssh command line: all but host and command."""
        values = {
            "BatchMode": "yes",
            "StrictHostKeyChecking": "accept-new",
            "UserKnownHostsFile": _quoted(self.known_hosts.absolute()),
            "ConnectTimeout": str(CONNECT_S),
            "ServerAliveInterval": str(ALIVE_S),
            "ServerAliveCountMax": str(ALIVE_COUNT),
            "LogLevel": "ERROR",
            "ControlPath": "none",  # a shared connection of the user's would end with ours
            "ClearAllForwardings": "yes",
            "ForwardAgent": "no",
            "ForwardX11": "no",
            "PermitLocalCommand": "no",
        }
        if self.identity is not None:
            values |= {"IdentitiesOnly": "yes", "IdentityFile": _quoted(self.identity.absolute())}
        words = [word for name, value in values.items() for word in ("-o", f"{name}={value}")]
        return ["ssh", "-T", "-p", str(self.address.port), "-l", self.address.user, *words]

    def command_line(self, command: str) -> list[str]:
        """ssh, and a command for the machine's POSIX shell, whatever the login shell is."""
        return [*self.options(), self.address.host, f"exec sh -c {shlex.quote(command)}"]

    def failure(self, ended: Ended) -> RemoteError:
        """What it means that ssh itself failed."""
        return RemoteError(f"{self.name}: {ended.last_words}", dropped=not _LASTING.search(ended.err))


def checked(machine: Machine) -> Machine:
    """The machine, if its host cannot be read as an option."""
    if not _HOST.fullmatch(machine.address.host):
        raise GolfError(f"{machine.address.host!r}: no host name or address, expected one; correct it", Exit.USAGE)
    return machine


def checked_path(path: str) -> str:
    """A remote path without a character that a shell, ssh or an old rsync could read as anything else."""
    if not _REMOTE_PATH.fullmatch(path) or ".." in path.split("/"):
        raise GolfError(
            f"{path!r}: a path on the machine, expected letters, digits and _.,+@%=- only, and no ..; name another",
            Exit.USAGE,
        )
    return path


def _quoted(path: Path) -> str:
    """A path as a value of ssh's configuration, where % and spaces have a meaning."""
    text = str(path).replace("%", "%%")
    return f'"{text}"' if " " in text else text
