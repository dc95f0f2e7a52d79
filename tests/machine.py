"""The rented machine of the tests: a real OpenSSH server on the loopback interface, with throwaway keys.

Its "disk" is a folder of its own; down() and up() take the machine away and bring it back, drop() cuts the open
connections. Where no sshd can be had, tests are skipped with a reason, but fail where GOLF_CI=1. A test module imports
the fixtures that it uses: `from machine import box_fixture, running_box  # noqa: F401`.
"""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from golfkit.budget.providers.protocol import Address
from golfkit.budget.remote.ssh import Machine, Shell

PATIENCE_S = 20.0


def eventually(claim: Callable[[], object], what: str = "", within_s: float = PATIENCE_S) -> None:
    """Wait until a claim holds; fail when it does not in time."""
    deadline = time.monotonic() + within_s
    while not claim():
        assert time.monotonic() < deadline, f"not within {within_s} s: {what or claim}"
        time.sleep(0.02)


class Box:
    """A machine that answers ssh."""

    def __init__(self, folder: Path, sshd: str, user: str) -> None:
        self.folder = folder
        self.home = folder / "disk"  # what lies on the machine; its HOME
        self.home.mkdir(parents=True)
        self.identity = folder / "id"
        self.log = folder / "sshd.log"
        for name in ("host_key", "id"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
        shutil.copy(folder / "id.pub", folder / "authorized_keys")
        self.address = Address("127.0.0.1", _free_port(), user)
        self._sshd, self._process = sshd, None
        self._config = folder / "sshd_config"
        self._config.write_text(
            f"""Port {self.address.port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
StrictModes no
PermitRootLogin prohibit-password
MaxStartups 100
SetEnv HOME={self.home}
"""
        )

    def machine(self, known_hosts: Path) -> Machine:
        """As whom and where to call; each test has known hosts of its own."""
        return Machine(self.address, self.identity, known_hosts)

    def up(self) -> None:
        """The machine answers (again)."""
        if self._process is None:
            command = [self._sshd, "-D", "-f", str(self._config), "-E", str(self.log)]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        eventually(self._answers, f"sshd answers; {self.log}")

    def down(self) -> None:
        """The machine answers no more, and its connections are gone; what runs on it goes on."""
        if self._process is not None:
            self.drop()
            self._process.terminate()
            self._process.wait()
            self._process = None

    def drop(self) -> int:
        """Cut the open connections; how many there were."""
        assert self._process is not None
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        pairs = [line.split() for line in listed.splitlines()]
        children = [int(pid) for pid, parent in pairs if int(parent) == self._process.pid]
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(children)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()
        with socket.socket() as probe:
            return probe.connect_ex((self.address.host, self.address.port)) == 0


def processes_with(text: str, where: str = "cmdline") -> list[int]:
    """Processes whose command line (or environ) holds a text; this one's own aside."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if text.encode() in (folder / where).read_bytes() and int(folder.name) != os.getpid():
                found.append(int(folder.name))
    return found


@pytest.fixture(scope="session")
def running_box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """One server for all tests of a session."""
    sshd = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin:/sbin")
    missing = [name for name in ("ssh", "ssh-keygen", "setsid") if shutil.which(name) is None]
    if sshd is None or missing:
        _cannot(f"no {', '.join(['sshd'] * (sshd is None) + missing)}")
    if os.geteuid() == 0:
        with suppress(OSError):
            Path("/run/sshd").mkdir(parents=True, exist_ok=True)  # sshd's empty folder, made by its service elsewhere
    box = Box(tmp_path_factory.mktemp("box"), sshd, getpass.getuser())
    try:
        box.up()
    except AssertionError as error:
        _cannot(f"sshd does not start: {error}")
    yield box
    box.down()


@pytest.fixture(name="box")
def box_fixture(running_box: Box) -> Iterator[Box]:
    """The server, answering; a test may take it down."""
    running_box.up()
    yield running_box
    running_box.up()


class Talk:
    """A shell's voice and patience: what it said, and what happens where it would wait."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.on_sleep: Callable[[], object] = lambda: None

    def sleep(self, seconds: float) -> None:
        """A short rest, after `on_sleep`."""
        self.on_sleep()
        time.sleep(min(seconds, 0.05))


@pytest.fixture(name="talk")
def talk_fixture() -> Talk:
    """What the test's shell says."""
    return Talk()


@pytest.fixture(name="shell")
def shell_fixture(box: Box, tmp_path: Path, talk: Talk) -> Shell:
    """A shell on the server; its known hosts are new, and their path has a space."""
    return Shell(box.machine(tmp_path / "known hosts"), now=time.time, sleep=talk.sleep, say=talk.said.append)


@pytest.fixture(name="remote")
def remote_fixture(box: Box, tmp_path: Path) -> Path:
    """A folder of the test's own on the server's disk."""
    folder = box.home / tmp_path.name
    folder.mkdir()
    return folder


def _cannot(why: str) -> None:
    if os.environ.get("GOLF_CI") == "1":
        pytest.fail(why)
    pytest.skip(f"no ssh server: {why}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
