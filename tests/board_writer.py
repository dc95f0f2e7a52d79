"""One of several agents that share an AGENT_ID: python -m board_writer BOARD OUTBOX N, all within one frozen second.

`python -m board_writer BOARD sync FOLDER` mirrors the board instead.

With KILL set to FUNCTION:before or FUNCTION:after it is ended by SIGKILL around the first call of that function.
"""

import functools
import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

from golfkit.board.homes import bucket, choose, folders, outbox
from golfkit.board.homes import sync as mirror
from golfkit.board.homes.local import LocalHome
from golfkit.board.homes.outbox import Outbox
from golfkit.board.homes.protocol import Home, Taken
from golfkit.board.records import names, record
from golfkit.settings import Settings

NOW = datetime(2026, 5, 1, 14, 30, tzinfo=UTC)
AGENT = "agent-01"
MODULES = {"bucket": bucket.BucketHome, "outbox": outbox, "Outbox": Outbox, "folders": folders, "os": os, "Path": Path}


def deadly(point: str) -> None:
    """End this process around a function: MODULE.NAME:before or :after, :N for the N-th call."""
    name, when, *nth = point.split(":")
    module, attribute = name.split(".")
    holder = MODULES[module]
    true = getattr(holder, attribute)
    calls = [0]

    @functools.wraps(true)
    def call(*args: Any, **kwargs: Any) -> Any:
        calls[0] += 1
        last = calls[0] == int(nth[0] if nth else 1)
        if last and when == "before":
            die()
        answer = true(*args, **kwargs)
        if last:
            die()
        return answer

    setattr(holder, attribute, call)


def die() -> None:
    """The end, as the kernel's OOM killer brings it."""
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def write(home: Home, box: Outbox | None, n: int) -> str:
    """One message; its path."""
    body = f"post {n} of {os.getpid()}"
    message = record.Message(file="", agent=AGENT, when=NOW, body=body)
    content = record.write_message(message).encode()
    suffix = names.unique(NOW, token_hex(5)[:9])
    if box is not None:
        posted = box.post(home, f"{names.MESSAGES}/{names.file_name(NOW, AGENT, suffix)}", content, NOW.timestamp())
        return f"{posted.path} {posted.waiting}"
    try:
        path = f"{names.MESSAGES}/{names.file_name(NOW, AGENT)}"
        home.create(path, content)
    except Taken:
        path = f"{names.MESSAGES}/{names.file_name(NOW, AGENT, suffix)}"
        home.create(path, content)
    return path


if __name__ == "__main__":
    chosen = choose.home(sys.argv[1], Settings(hf_token=os.environ.get("HF_TOKEN")))
    queue = Outbox(Path(sys.argv[2])) if chosen.where.startswith("hf:") else None
    if "KILL" in os.environ:
        deadly(os.environ["KILL"])
    if sys.argv[2] == "sync":
        mirror.sync(LocalHome(Path(sys.argv[3])), chosen)
    else:
        for i in range(int(sys.argv[3])):
            print(write(chosen, queue, i), flush=True)
