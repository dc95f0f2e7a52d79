"""The stand-in as a process of its own, and the door to it."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from standins.cloud import Cloud


class Remote(NamedTuple):
    """A stand-in that runs elsewhere."""

    url: str

    def cloud(self) -> Cloud:
        """A copy of its cloud as it is now."""
        return Cloud.of_record(self._admin(None))

    def fault(self, what: str, **how: Any) -> None:
        """Order a fault; see Cloud.fault."""
        self._admin({"fault": {"what": what, **how}})

    def set(self, **fields: Any) -> None:
        """Assign fields of its cloud; see Cloud."""
        self._admin({"set": fields})

    def _admin(self, given: dict[str, Any] | None) -> dict[str, Any]:
        data = None if given is None else json.dumps(given).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/admin", data), timeout=10) as answer:
            return json.load(answer)


@contextmanager
def started(state: Path) -> Iterator[Remote]:
    """A stand-in on this state file, while the block runs."""
    environ = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-m", "standins", "--state", str(state)]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            yield Remote(child.stdout.readline().strip())
        finally:
            child.kill()
