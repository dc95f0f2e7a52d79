"""One machine over the system's ssh: commands, and copying by rsync (transfer.py).

Nothing secret stands on a command line, here or there: what is secret goes through stdin.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from golfkit.budget.remote import transfer
from golfkit.budget.remote.machine import CONNECT_S, SSH_FAILED, Machine, checked, checked_path
from golfkit.budget.remote.processes import DiskFull, Ended, RemoteError, call

__all__ = ["DiskFull", "Machine", "RemoteError", "Result", "Shell"]

RETRY_S = 2.0  # between attempts while a machine boots


class Result(NamedTuple):
    """What a remote command said, and its exit code."""

    rc: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """Its output as text."""
        return self.out.decode("utf-8", "replace")


class Shell:
    """Commands and copies on one machine. Deadlines are times of `now`'s clock, Unix seconds."""

    def __init__(
        self,
        machine: Machine,
        *,
        now: Callable[[], float],
        sleep: Callable[[float], None],
        say: Callable[[str], None],
    ) -> None:
        """`say` is told, in one line each, what takes long and what went wrong on the way."""
        self.machine, self.now, self.sleep, self.say = checked(machine), now, sleep, say
        self.has_rsync: bool | None = None  # on both sides; None: not asked yet

    def run(self, command: str, timeout_s: float, stdin: bytes | None = None) -> Result:
        """Run a POSIX shell command on the machine; its exit code is passed on.

        command  stands in `ps` of both machines: nothing secret, and shlex.quote around all that varies
        Raises RemoteError when there was no connection, or none any more, or no end within `timeout_s` seconds; the
        command may be running still then.
        """
        ended = call(self.machine.command_line(command), timeout_s, stdin)
        if ended.late:
            raise RemoteError(f"{self.machine.name}: no answer within {timeout_s:.0f} s", dropped=True)
        if ended.rc == SSH_FAILED or ended.rc < 0:
            raise self.machine.failure(ended)
        return Result(ended.rc, ended.out, ended.err)

    def ask(self, command: str, timeout_s: float, stdin: bytes | None = None) -> bytes:
        """The output of a command that is to succeed; RemoteError, not dropped, where it does not."""
        result = self.run(command, timeout_s, stdin)
        if result.rc:
            words = Ended(result.rc, b"", result.err, False).last_words
            raise RemoteError(f"{self.machine.name}: {words} (exit code {result.rc})")
        return result.out

    def wait_until_up(self, deadline: float) -> None:
        """Wait until ssh lets us in; RemoteError with the last reason at the deadline.

        A refused key is waited for, too: a pod answers before it has written its keys.
        """
        why = "there was no time to try"
        while (left := deadline - self.now()) > 0:
            try:
                self.ask("true", min(left, 3 * CONNECT_S))
                return
            except RemoteError as error:
                if str(error) != why:
                    self.say(f"waiting for ssh: {error}")
                why = str(error)
            self.sleep(max(0.0, min(RETRY_S, deadline - self.now())))
        raise RemoteError(f"{self.machine.name}: ssh did not let us in before the deadline ({why})", dropped=True)

    def up(self, local_dir: Path, remote_dir: str, deadline: float, exclude: Sequence[str] = ()) -> None:
        """Copy what is in a local folder into a remote one, which is made; nothing there is deleted.

        exclude  names or patterns of names, at any depth
        Raises RemoteError: dropped where the deadline came first, not dropped where the machine's disk is full.
        """
        transfer.up(self, local_dir, checked_path(remote_dir), deadline, exclude)

    def down(self, remote_dir: str, local_dir: Path, deadline: float, include: Sequence[str] = ()) -> None:
        """Copy what is in a remote folder into a local one, which is made; nothing here is deleted, links stay away.

        include  names or patterns of names right in the folder; empty: all
        Raises DiskFull where the disk here is full; RemoteError, dropped, where the deadline came first.
        """
        transfer.down(self, checked_path(remote_dir), local_dir, deadline, include)
