"""A run on a machine that outlives the connection, and never runs twice in one folder.

Its folder holds train.log (all that the command says) and, once it has begun, job/:

    job/pid      number of the process that looks after the command, and its start in clock ticks
    job/started  Unix seconds
    job/why      `deadline` or `stopped`, where one of these ended it
    job/exit     exit code, why (`done` where it ended by itself), Unix seconds; written last, in one step

job/ is made under another name and then renamed with its pid in it: whoever comes second finds it whole, and leaves.
Every process of the command carries GOLF_JOB in its environment. By that they are found and ended, in whatever group or
session they are: torch's launcher gives each worker its own. The machine runs Linux, with setsid and coreutils.
"""

import re
import shlex
from collections.abc import Mapping
from typing import NamedTuple

from golfkit.budget.remote.machine import checked_path
from golfkit.budget.remote.processes import RemoteError
from golfkit.budget.remote.ssh import Shell
from golfkit.errors import Exit, GolfError

LOG = "train.log"
STATES = ("running", "exited", "lost", "absent")
GRACE_S = 10  # between SIGTERM and SIGKILL
ANSWER_S = 60.0  # for a command that only looks
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MARK = b"golf-job "  # what some images print before it is left out


class JobStatus(NamedTuple):
    """Where a job stands; None where that is not known."""

    state: str  # running; exited; lost: it ended without a word (killed, rebooted); absent: never begun
    rc: int | None  # of the command; above 128 it was ended by a signal
    pid: int | None  # of the process that looks after it
    log_bytes: int
    seconds: int | None  # since it began, or from its beginning to its end
    why: str  # done, deadline or stopped, once it exited; else empty


def start(
    shell: Shell, folder: str, command: str, env: Mapping[str, str], deadline_s: float, *, grace_s: float = GRACE_S
) -> JobStatus:
    """Start a shell command in a folder of the machine, unless one was started there before.

    command     for sh; what it needs of the folder must be there
    env         added to its environment; goes through stdin into a file that the job removes as it begins
    deadline_s  seconds after which the machine ends it by itself, though we may be gone
    grace_s     seconds between SIGTERM and SIGKILL then

    After a dropped connection (RemoteError) the same call may be made again: it starts nothing twice.
    """
    script = _script(folder, command, env, deadline_s, grace_s)
    begun = _status(shell, shell.ask(_launch(folder), ANSWER_S, script.encode()))
    if begun.state == "absent":
        raise RemoteError(f"{shell.machine.name}: the job did not begin in {folder}; is the machine's disk full?")
    return begun


def status(shell: Shell, folder: str) -> JobStatus:
    """Where the job of a folder stands."""
    return _status(shell, shell.ask(f"{enter(folder)}\n{STATE}\nsay_state", ANSWER_S))


def stop(shell: Shell, folder: str, *, grace_s: float = GRACE_S) -> JobStatus:
    """End the job with all its processes: SIGTERM, `grace_s` seconds of patience, SIGKILL. No error if it has ended.

    Raises RemoteError, not dropped, where a process of it is still there after that.
    """
    command = f"{_grace(grace_s)}\n{enter(folder)}\n{STATE}\n{_END}\n{_STOP}"
    return _status(shell, shell.ask(command, ANSWER_S + 3 * grace_s))


def parse_status(line: bytes) -> JobStatus:
    """The status in a line of `say_state`; ValueError for any other line."""
    state, pid, rc, why, size, seconds = line.decode("ascii").split()
    if state not in STATES:
        raise ValueError(state)
    numbers = [None if text == "-" else int(text) for text in (rc, pid, seconds)]
    return JobStatus(state, numbers[0], numbers[1], int(size), numbers[2], "" if why == "-" else why)


def after_mark(said: bytes) -> bytes:
    """What a remote script said, from its first own line on; empty where that is missing."""
    return said.partition(_MARK)[2]


def enter(folder: str) -> str:
    """The start of a remote script: go to the folder, which may not be there."""
    return f"cd {shlex.quote(checked_path(folder))} 2>/dev/null || cd / || exit"


def _status(shell: Shell, said: bytes) -> JobStatus:
    try:
        return parse_status(after_mark(said).partition(b"\n")[0])
    except ValueError as error:
        shown = said[-200:].decode("utf-8", "replace")
        raise RemoteError(f"{shell.machine.name}: answered {shown!r}, expected the status of a job") from error


def _script(folder: str, command: str, env: Mapping[str, str], deadline_s: float, grace_s: float) -> str:
    """What looks after the command; its first act is to remove itself, since it holds the environment."""
    for name, value in env.items():
        if not _NAME.fullmatch(name) or "\0" in value:
            raise GolfError(
                f"{name!r}: no name of an environment variable, or a NUL in its value; correct it", Exit.USAGE
            )
    exports = "\n".join(f"export {name}={shlex.quote(value)}" for name, value in env.items())
    return f"""rm -f -- "$0"
cd {shlex.quote(checked_path(folder))} || exit
{_grace(grace_s)}
{_END}
{_BEGIN}
(
  trap 'kill "$pause" 2>/dev/null; exit' TERM
  sleep {max(1, round(deadline_s))} & pause=$!
  wait "$pause"
  [ -e job/why ] || echo deadline > job/why
  end_all
) < /dev/null > /dev/null 2>&1 &
guard=$!
(
  umask 022
  export GOLF_JOB="$mark"
  {exports}
  exec setsid sh -c {shlex.quote(command)}
) < /dev/null > {LOG} 2>&1 &
wait $!
rc=$?
kill "$guard"
end_all
why=done
[ -e job/why ] && why=$(cat job/why)
echo "$rc $why $(date +%s)" > job/exit.part && mv job/exit.part job/exit
{_WHOLE}
"""


_WHOLE = "# whole"  # last line of a script that arrived undamaged

# The mark is the number and start time of the process that looks after the job: unique on this machine.
_BEGIN = """read -r line < "/proc/$$/stat"
set -- ${line##*) }
ticks=${20}
mark="$$-$ticks."
mkdir "job.$$" && echo "$$ $ticks" > "job.$$/pid" && date +%s > "job.$$/started" || exit
mv -T "job.$$" job 2> /dev/null || { rm -rf "job.$$"; exit 0; }"""

# end_all: SIGTERM to every process that carries the mark, patience, SIGKILL until none is left; fails if one stays.
_END = """marked() { grep -lsF "GOLF_JOB=$mark" /proc/[0-9]*/environ; }
end_all() {
  for signal in TERM KILL; do
    turn=0
    while found=$(marked); [ -n "$found" ] && [ $turn -lt $patience ]; do
      if [ $turn -eq 0 ] || [ $signal = KILL ]; then
        for path in $found; do
          path=${path%/environ}
          kill -$signal "${path#/proc/}" 2> /dev/null
        done
      fi
      turn=$((turn + 1))
      sleep 0.2
    done
  done
  [ -z "$(marked)" ]
}"""

STATE = f"""alive() {{ # a zombie that nobody reaps is not
  read -r line 2> /dev/null < "/proc/$pid/stat" || return 1
  set -- ${{line##*) }}
  [ "$1" != Z ] && [ "${{20}}" = "$ticks" ]
}}
look() {{
  state=absent pid=- ticks=- rc=- why=- seconds=-
  [ -e job/pid ] || return
  read -r pid ticks < job/pid
  read -r began < job/started
  mark="$pid-$ticks."
  now=$(date +%s)
  state=running
  [ -e job/exit ] || alive || state=lost
  if [ -e job/exit ]; then
    state=exited
    read -r rc why now < job/exit
  fi
  [ $state = lost ] || seconds=$((now - began))
}}
say_state() {{
  look
  size=0
  [ -e {LOG} ] && size=$(wc -c < {LOG})
  echo "{_MARK.decode()}$state $pid $rc $why $((size)) $seconds"
}}"""

_STOP = """look
if [ $state != absent ]; then
  [ $state = running ] && [ ! -e job/why ] && echo stopped > job/why
  end_all || { echo "a process of the job cannot be ended" >&2; exit 1; }
  turn=0
  while look; [ $state = running ] && [ $turn -lt $((patience + 50)) ]; do
    turn=$((turn + 1))
    sleep 0.2
  done
fi
say_state"""


def _grace(seconds: float) -> str:
    """The patience of end_all, in turns of 0.2 s, once after each signal."""
    return f"patience={max(1, round(seconds * 5))}"


def _launch(folder: str) -> str:
    """Take the script from stdin, and start it if it came whole and no job is there."""
    quoted = shlex.quote(checked_path(folder))
    return f"""umask 077
mkdir -p {quoted} && cd {quoted} || exit
{STATE}
command -v setsid > /dev/null || {{ echo "no setsid on the machine" >&2; exit 1; }}
part=".golf.$$.sh"
cat > "$part"
if [ "$(tail -n 1 "$part")" != {shlex.quote(_WHOLE)} ]; then
  rm -f "$part"
  echo "the script did not arrive whole" >&2
  exit 1
fi
if [ -e job ]; then
  rm -f "$part"
else
  setsid nohup sh "$PWD/$part" < /dev/null > /dev/null 2>&1 &
  turn=0
  while [ ! -e job ] && [ $turn -lt 100 ]; do
    turn=$((turn + 1))
    sleep 0.1
  done
fi
say_state"""
