"""golf, killed by SIGKILL at a point of a promotion: python -m killing POINT ARGUMENTS...

Nothing of golf knows of it: a function is wrapped from outside, and ends the process before or after it is called.
POINT may have `,nodog` behind it: then no watchdog is started, as if the machine had lost power.
"""

import functools
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from golfkit import cli
from golfkit.budget.pods import assemble, watchdog
from golfkit.budget.pods.end import Ender
from golfkit.budget.pods.journal import Journal
from golfkit.budget.promote.seeds import Seeds
from golfkit.budget.providers.rest2 import Rest2
from golfkit.budget.remote.ssh import Shell


def die(*_: object) -> None:
    """The end, as the kernel's OOM killer brings it."""
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def before(holder: Any, name: str) -> None:
    """Die instead of the call."""
    setattr(holder, name, die)


def after(holder: Any, name: str) -> None:
    """Die when the call has done its work, before anyone learns of it."""
    true = getattr(holder, name)

    @functools.wraps(true)
    def call(*args: Any, **kwargs: Any) -> None:
        true(*args, **kwargs)
        die()

    setattr(holder, name, call)


def during(holder: Any, name: str, seen: Callable[[tuple[Any, ...]], bool]) -> None:
    """Die in the middle of the call, once `seen` of its arguments holds."""
    true = getattr(holder, name)

    @functools.wraps(true)
    def call(*args: Any, **kwargs: Any) -> Any:
        def watch() -> None:
            while not seen(args):
                time.sleep(0.001)
            die()

        threading.Thread(target=watch, daemon=True).start()
        return true(*args, **kwargs)

    setattr(holder, name, call)


def at_a_step(seeds: Seeds) -> None:
    """Die at the fifth step of the training."""
    true = Seeds._train

    def train(self: Seeds, seed: int) -> Any:
        said = self.on_line

        def on_line(line: str) -> None:
            said(line)
            if line.startswith("step:5/"):
                die()

        self.on_line = on_line
        return true(self, seed)

    Seeds._train = train  # type: ignore[method-assign]


POINTS: dict[str, Callable[[], None]] = {
    "after reserve": lambda: before(Journal, "intend"),
    "after intent": lambda: after(Journal, "intend"),
    "create sent": lambda: after(Rest2, "create"),
    "id journaled": lambda: after(Ender, "created"),
    "ssh up": lambda: after(Shell, "wait_until_up"),
    "mid rsync up": lambda: during(Shell, "up", lambda args: Path(args[2]).exists()),
    "training": lambda: at_a_step(Seeds),  # type: ignore[arg-type]
    "mid rsync down": lambda: during(Shell, "down", lambda args: any(Path(args[2]).iterdir())),
    "terminate sent": lambda: after(Rest2, "terminate"),
    "before settle": lambda: before(Ender, "_settle"),
    "": lambda: None,
}


def jump(seconds: float) -> None:
    """The wall clock jumps when the pod is there."""
    true, created = time.time, Ender.created
    ahead = [0.0]
    time.time = lambda: true() + ahead[0]
    object.__setattr__(assemble.REAL, "now", lambda: true() + ahead[0])

    def and_jump(*args: Any) -> None:
        created(*args)
        ahead[0] = seconds

    Ender.created = and_jump  # type: ignore[method-assign]


if __name__ == "__main__":
    point, _, option = sys.argv[1].partition(",")
    if point.startswith("clock "):
        jump(float(point.split()[1]))
    else:
        POINTS[point]()
    if option == "nodog":
        watchdog.start = lambda home, name: None  # type: ignore[assignment]
    sys.argv = ["golf", *sys.argv[2:]]
    sys.exit(cli.main())
