"""Follow a job's log from here, through dropped connections: every line once, until its end."""

import shlex
from collections.abc import Callable
from typing import NamedTuple

from golfkit.budget.remote import job
from golfkit.budget.remote.processes import RemoteError
from golfkit.budget.remote.ssh import Shell

LONGEST = 65_536  # bytes of a line that `on_line` is told; of what is longer, the start
PIECE = 1 << 20  # bytes of the log in one answer
HOLD_S = 10  # how long the machine waits for news before it answers that there is none
ANSWER_S = HOLD_S + 50.0
PAUSE_S = 0.5  # between two questions
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 15.0  # after a dropped connection
GRACE_S = 180.0  # without an answer until a machine counts as lost


class Outcome(NamedTuple):
    """Why following ended."""

    rc: int | None  # of the job, once it exited and its whole log was told
    offset: int  # bytes of the log that were told; follow again from here
    why: str  # done, deadline, stopped (as the job says); left: should_stop; late: our deadline; lost: the job;
    # unreachable: the machine; absent: no job there


def follow(
    shell: Shell,
    folder: str,
    *,
    offset: int = 0,
    on_line: Callable[[str], None],
    deadline: float,
    should_stop: Callable[[], bool] = lambda: False,
    grace_s: float = GRACE_S,
) -> Outcome:
    """Tell `on_line` the lines of a job's log as they come, until the job ended and all were told.

    offset       bytes of the log that were told before; the start of a line
    on_line      is told each line without its end, bytes that are not UTF-8 replaced; control characters are in it
    deadline     time at which following ends; the job is left alone
    should_stop  asked after every answer of the machine
    grace_s      seconds without an answer after which the machine counts as lost
    """
    lines = Lines(on_line, offset)
    heard, wait_s = shell.now(), FIRST_WAIT_S
    while shell.now() < deadline:
        try:
            status, data = _read(shell, folder, lines.position)
        except RemoteError as error:
            if not error.dropped or shell.now() - heard > grace_s:
                return Outcome(None, lines.offset, "unreachable")
            shell.say(f"connection lost ({error}); trying again, the run goes on")
            shell.sleep(max(0.0, min(wait_s, deadline - shell.now())))
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
            continue
        heard, wait_s = shell.now(), FIRST_WAIT_S
        lines.feed(data)
        if status.state != "running" and lines.position >= status.log_bytes:
            lines.close()
            return Outcome(status.rc, lines.offset, status.why or status.state)
        if should_stop():
            return Outcome(None, lines.offset, "left")
        if len(data) < PIECE:
            shell.sleep(PAUSE_S)
    return Outcome(None, lines.offset, "late")


class Lines:
    """Cuts what comes into lines; of one that goes on it keeps at most LONGEST bytes."""

    def __init__(self, on_line: Callable[[str], None], offset: int) -> None:
        self.position = offset  # bytes taken
        self.offset = offset  # bytes whose lines were told
        self._on_line, self._rest = on_line, b""

    def feed(self, data: bytes) -> None:
        """Take the next piece, and tell the lines that it ends."""
        self.position += len(data)
        *ended, rest = data.split(b"\n")
        for line in ended:
            whole, self._rest = self._rest + line[:LONGEST], b""
            self._on_line(whole[:LONGEST].removesuffix(b"\r").decode("utf-8", "replace"))
        if ended:
            self.offset = self.position - len(rest)
        self._rest = (self._rest + rest)[:LONGEST]

    def close(self) -> None:
        """The last line may have no end."""
        self.offset = self.position
        if self._rest:
            rest, self._rest = self._rest, b""
            self._on_line(rest.decode("utf-8", "replace"))


def _read(shell: Shell, folder: str, position: int) -> tuple[job.JobStatus, bytes]:
    """The job's status, and its log from `position` on; the machine waits a little where there is no news."""
    said = shell.ask(f"position={position}\n{job.enter(folder)}\n{job.STATE}\n{_READ}", ANSWER_S)
    head, _, data = job.after_mark(said).partition(b"\n")
    try:
        status = job.parse_status(head)
    except ValueError as error:
        raise RemoteError(f"{shell.machine.name}: an answer was cut", dropped=True) from error
    if len(data) != min(max(status.log_bytes - position, 0), PIECE):
        raise RemoteError(f"{shell.machine.name}: an answer was cut", dropped=True)
    return status, data


# The state is looked at before the size: what a job that exited has written by then is all that it ever writes.
_READ = f"""turn=0
while said=$(say_state); set -- $said
  [ "$2" = running ] && [ "$6" -le $position ] && [ $turn -lt {HOLD_S * 4} ]; do
  turn=$((turn + 1))
  sleep 0.25
done
echo "$said"
n=$(($6 - position))
[ $n -gt {PIECE} ] && n={PIECE}
[ $n -gt 0 ] && tail -c +$((position + 1)) {shlex.quote(job.LOG)} | head -c $n
exit 0"""
