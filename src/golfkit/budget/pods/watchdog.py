"""The watchdog of one pod: its own process and session, so that it outlives the owner's death, however it comes.

    python -m golfkit.budget.pods.watchdog HOME NAME

It ends the pod when the owner's lock is free while the pod is open, or when the deadline is past: by its own monotonic
clock, which no jump of the wall clock moves. The key comes in the environment, never in argv.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from golfkit.budget.book.limits import END_SECONDS
from golfkit.budget.pods import aftermath, owner
from golfkit.budget.pods.end import Ender
from golfkit.errors import GolfError

POLL = 1.0  # seconds between two looks at the owner's lock
LONGEST_RETRY = 300.0  # seconds between two tries to end a pod while the provider does not answer
GIVE_UP = 24 * 3600.0  # seconds of that; then `golf pods reap` has to do it


def start(home: Path, name: str) -> None:
    """Start the watchdog of `name`, detached; it is in its own session and holds none of our files."""
    with owner.path_of(home, name, "watchdog.log").open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "golfkit.budget.pods.watchdog", str(home), name],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
        )


def watch(ender: Ender, name: str, is_owned: Callable[[], bool]) -> None:
    """Wait for the owner's end or the deadline, then end the pod if it is open still."""
    clock = ender.clock
    left = ender.journal.entry(name).deadline + END_SECONDS - clock.now()
    until = clock.monotonic() + left
    while is_owned() and clock.monotonic() < until:
        clock.sleep(min(POLL, max(0.0, until - clock.monotonic())))
    wait, give_up = POLL, clock.monotonic() + GIVE_UP
    while ender.journal.entry(name).open:
        try:
            ender.end(name)
        except GolfError as error:  # the provider is down, the book is damaged, ...: all of it may be mended
            ender.say(f"{name}: {error}")
            if clock.monotonic() > give_up:
                raise
            clock.sleep(wait)
            wait = min(2 * wait, LONGEST_RETRY)


def main(home: Path, name: str) -> int:
    """Watch one pod to its end."""
    from golfkit.budget.pods import assemble

    def say(text: str) -> None:
        print(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {text}", flush=True)

    say(f"watching {name}, process {os.getpid()}")
    ender, _ = assemble.ender(home, os.environ, say)
    watch(ender, name, lambda: owner.is_owned(home, name))
    if aftermath.write_row(home, ender.journal.entry(name)):
        say("its run has a row now")
    say("done")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
