"""Copying folders to and from a machine: rsync that goes on where it was cut, or tar where there is no rsync.

Only options that macOS's openrsync has, too: -r -l -t -z --partial --exclude --include -e. A file that was cut lies
under its own name until the next attempt completes it, so a copy is whole only once the call has returned.
"""

import contextlib
import errno
import re
import shlex
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from golfkit import files
from golfkit.budget.remote import processes
from golfkit.budget.remote.machine import SSH_FAILED
from golfkit.budget.remote.processes import DiskFull, Ended, RemoteError
from golfkit.errors import GolfError

if TYPE_CHECKING:
    from golfkit.budget.remote.ssh import Shell

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 10.0  # before going on after a cut
SMALL_S = 60.0  # for a command that only looks
VANISHED = 24  # rsync: a file was gone before it was read; it was not wanted by its owner either
# rsync's exit codes that mean that the connection broke off: socket, protocol stream, signal, two timeouts, ssh
CUT = (10, 12, 20, 30, 35, SSH_FAILED)
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL = re.compile(r"No space left on device|[Qq]uota exceeded|File too large")
_NAMED = re.compile(r'"([^"\n]+)"[^"\n]*(?:No space left|[Qq]uota exceeded|File too large)')


def up(shell: "Shell", local_dir: Path, remote_dir: str, deadline: float, exclude: Sequence[str]) -> None:
    """Shell.up, with a remote path that was checked."""
    if not local_dir.is_dir():
        raise GolfError(f"{local_dir}: no such folder, expected one to copy")

    def attempt(timeout_s: float) -> None:
        shell.ask(f"mkdir -p {shlex.quote(remote_dir)}", min(timeout_s, SMALL_S))
        if not _has_rsync(shell):
            return _tar_up(shell, local_dir, remote_dir, timeout_s, exclude)
        patterns = [f"--exclude={pattern}" for pattern in exclude]
        ended = _rsync(
            shell, "-rltz", patterns, f"{local_dir.absolute()}/", f"{shell.machine.rsync_host}:{remote_dir}/", timeout_s
        )
        if _FULL.search(ended.err):
            raise RemoteError(f"{shell.machine.name}: its disk is full: {_last_error(ended)}")
        return _judge(shell, ended)

    _until_done(shell, f"copying {local_dir} to {shell.machine.name}", deadline, attempt)


def down(shell: "Shell", remote_dir: str, local_dir: Path, deadline: float, include: Sequence[str]) -> None:
    """Shell.down, with a remote path that was checked."""
    local_dir.mkdir(parents=True, exist_ok=True)

    def attempt(timeout_s: float) -> None:
        if not _has_rsync(shell):
            return _tar_down(shell, remote_dir, local_dir, timeout_s, include)
        patterns = [f"--include=/{pattern}{below}" for pattern in include for below in ("", "/**")]
        patterns += ["--exclude=*"] if include else []
        ended = _rsync(
            shell, "-rtz", patterns, f"{shell.machine.rsync_host}:{remote_dir}/", f"{local_dir.absolute()}/", timeout_s
        )
        if _FULL.search(ended.err):
            named = _NAMED.search(ended.err)
            raise _disk_full(shell, remote_dir, local_dir, Path(named[1]) if named else local_dir)
        return _judge(shell, ended)

    _until_done(shell, f"copying {shell.machine.name}:{remote_dir} back", deadline, attempt)


def _until_done(shell: "Shell", what: str, deadline: float, attempt: Callable[[float], None]) -> None:
    """Attempt until it succeeds, fails for a reason that stays, or the deadline comes."""
    wait_s, why = FIRST_WAIT_S, "there was no time for it"
    while (left := deadline - shell.now()) > 0:
        try:
            attempt(left)
            return
        except RemoteError as error:
            if not error.dropped:
                raise
            why = str(error)
        shell.say(f"{what} was cut ({why}); going on")
        shell.sleep(max(0.0, min(wait_s, deadline - shell.now())))
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)
    raise RemoteError(f"{what}: not done at its deadline ({why})", dropped=True)


def _has_rsync(shell: "Shell") -> bool:
    """Whether both sides have rsync; asked once."""
    if shell.has_rsync is None:
        here = processes.installed("rsync")
        shell.has_rsync = here and shell.run("command -v rsync", SMALL_S).rc == 0
        if not shell.has_rsync:
            where = f"on {shell.machine.name}" if here else "here"
            shell.say(f"no rsync {where}: copying by tar, which starts anew after a cut")
    return shell.has_rsync


def _rsync(shell: "Shell", flags: str, patterns: list[str], source: str, target: str, timeout_s: float) -> Ended:
    # -e is split at spaces by every rsync; quotes, which some paths need, are understood by most
    remote_shell = shlex.join(shell.machine.options())
    ended = processes.call(
        ["rsync", flags, "--partial", *patterns, "-e", remote_shell, source, target], timeout_s, plain=True
    )
    if ended.late:
        raise RemoteError(f"{shell.machine.name}: the time was up", dropped=True)
    return ended


def _judge(shell: "Shell", ended: Ended) -> None:
    """Nothing where rsync succeeded, else its error."""
    if ended.rc in (0, VANISHED):
        return
    if ended.rc == SSH_FAILED:
        raise shell.machine.failure(ended)
    raise RemoteError(f"{shell.machine.name}: {_last_error(ended)}", dropped=ended.rc in CUT or ended.rc < 0)


def _last_error(ended: Ended) -> str:
    """rsync's reason: what it says first; consequences and a summary (`rsync error: ...`) follow."""
    lines = [line.strip() for line in ended.err.splitlines() if line.strip()]
    reasons = [line for line in lines if not line.startswith("rsync error:")]
    return (reasons or lines or [f"rsync ended with {ended.rc}"])[0]


def _disk_full(shell: "Shell", remote_dir: str, local_dir: Path, path: Path) -> DiskFull:
    """The error, with the bytes that arrived and, where the machine still says so, those that there are."""
    arrived = path.stat().st_size if path.is_file() else 0
    whole = "?"
    with contextlib.suppress(RemoteError, ValueError):
        inside = path.relative_to(local_dir.absolute())
        whole = str(int(shell.ask(f"wc -c < {shlex.quote(f'{remote_dir}/{inside}')}", SMALL_S)))
    return DiskFull(
        f"{path}: the disk is full after {arrived} of {whole} bytes, expected room for all; what arrived is kept: "
        "make room, and copy again"
    )


def _tar_up(shell: "Shell", local_dir: Path, remote_dir: str, timeout_s: float, exclude: Sequence[str]) -> None:
    def wanted(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        parts = PurePosixPath(member.name).parts
        return None if any(PurePosixPath(part).match(pattern) for part in parts for pattern in exclude) else member

    def send(running: processes.Running) -> None:
        with contextlib.suppress(BrokenPipeError):  # the exit code says why it went away
            with tarfile.open(fileobj=running.stdin, mode="w|") as archive:
                archive.add(local_dir, ".", filter=wanted)
            running.stdin.close()

    _stream(shell, f"exec tar -xof - -C {shlex.quote(remote_dir)}", timeout_s, send)


def _tar_down(shell: "Shell", remote_dir: str, local_dir: Path, timeout_s: float, include: Sequence[str]) -> None:
    wanted = " -o ".join(f"-name {shlex.quote(pattern)}" for pattern in include) or "-name '*'"
    named = rf"find . ! -name . -prune \( {wanted} \) -print"

    def receive(running: processes.Running) -> None:
        running.stdin.close()
        with contextlib.suppress(tarfile.ReadError, EOFError):  # cut: the exit code says so
            _extract(shell, running.stdout, remote_dir, local_dir)

    _stream(shell, f"cd {shlex.quote(remote_dir)} && {named} | tar -cf - -T -", timeout_s, receive)


def _extract(shell: "Shell", stream: IO[bytes], remote_dir: str, local_dir: Path) -> None:
    """Files and folders of a stream, each file in one step; what would lie elsewhere, and links, stay away."""
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            name = PurePosixPath(member.name)
            if name.is_absolute() or ".." in name.parts or not (member.isfile() or member.isdir()):
                continue
            path = local_dir / name
            try:
                if member.isdir():
                    path.mkdir(parents=True, exist_ok=True)
                elif (content := archive.extractfile(member)) is not None:
                    with files.atomic_path(path) as part, part.open("wb") as sink:
                        while data := content.read(files.CHUNK):
                            sink.write(data)
            except OSError as error:
                if error.errno in FULL:
                    raise _disk_full(shell, remote_dir, local_dir, path) from error
                raise


def _stream(shell: "Shell", command: str, timeout_s: float, talk: Callable[[processes.Running], None]) -> None:
    """Run a remote command, and talk to it through its pipes."""
    with processes.spawned(shell.machine.command_line(command), timeout_s) as running:
        assert running.process.stderr is not None
        said = processes.reader(running.process.stderr)
        talk(running)
        running.process.wait()
        ended = Ended(running.process.returncode, b"", said(), running.late)
    if ended.late:
        raise RemoteError(f"{shell.machine.name}: the time was up", dropped=True)
    if ended.rc == SSH_FAILED or ended.rc < 0:
        raise shell.machine.failure(ended)
    if ended.rc:
        raise RemoteError(f"{shell.machine.name}: {ended.last_words} (exit code {ended.rc})")
