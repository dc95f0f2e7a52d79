"""What `golf board render` and `golf board serve` do once their options are read."""

import hashlib
import os
import sys
import webbrowser
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from golfkit import interrupts, output
from golfkit.board import command_common as common
from golfkit.board.command_common import Opened
from golfkit.board.homes.protocol import Entry
from golfkit.board.page import chart, data, links, render, serve
from golfkit.board.page.checks import Digests
from golfkit.board.page.data import Board, State
from golfkit.errors import Exit, GolfError

REMOTE_S = 5.0  # seconds between two looks at a bucket
MOST_DIGEST = 500_000_000  # bytes of a file that is read for its digest


class Source:
    """A board that is read again and again; digests of its artifacts are kept as long as their files are the same."""

    def __init__(self, found: Opened, bucket: str | None) -> None:
        from golfkit.board.homes.local import LocalHome

        self.home = found.home
        self.root = found.home.root if isinstance(found.home, LocalHome) else None
        named = bucket or found.values.bucket
        if self.root is None:
            named = found.home.where.removeprefix("hf://buckets/")
        elif not self.root.is_dir():
            raise GolfError(f"{found.home.where}: no such folder; name the board with --board, or post to it first")
        self.bucket = links.bucket(named)
        if named is not None and self.bucket is None:
            raise GolfError(f"--bucket is {named!r:.100}, expected ORG/NAME", Exit.USAGE)
        self._digests: dict[Entry, str] = {}

    def load(self, state: State) -> Board:
        """The board in a state."""
        return data.load(self.home, state, self.bucket, self._digest_of(state) if self.root else None)

    def _digest_of(self, state: State) -> Digests:
        entries = {entry.path: entry for entry in state.files}

        def digest(path: str) -> str | None:
            entry = entries[path]
            if entry.size > MOST_DIGEST:
                return None
            if entry not in self._digests:
                self._digests[entry] = hashlib.sha256(self.home.read(path, entry.size)).hexdigest()
            return self._digests[entry]

        return digest


def page(out: Path, board: str | None, bucket: str | None, *, as_json: bool) -> None:
    """`golf board render`."""
    source = Source(common.opened(board), bucket)
    loaded = source.load(data.state(source.home))
    base = None if source.root is None else f"{quote(os.path.relpath(source.root, out.absolute()))}/"
    made = render.page(loaded, datetime.now(UTC), base)
    target = render.write(made, out)
    if not chart.available():
        output.note("note: matplotlib is not installed, so a table stands for the chart; pip install 'golfkit[plot]'")
    counts = {name: len(getattr(loaded, name)) for name in ("messages", "results", "agents", "artifacts", "broken")}
    facts = {"page": str(target), "bytes": len(made.html), "chart": made.chart, **counts}
    output.emit(facts, as_json=as_json)


def show(out: Path | None, port: int, board: str | None, bucket: str | None, *, browser: bool, as_json: bool) -> None:
    """`golf board serve`."""
    source = Source(common.opened(board), bucket)

    def make(state: State) -> bytes:
        made = render.page(source.load(state), datetime.now(UTC), None if source.root is None else "")
        if out is not None:
            render.write(made, out)
        return made.html

    recheck_s = 0.0 if source.root is not None else REMOTE_S
    site = serve.Site(source.home, make, recheck_s=recheck_s, files=source.root is not None)
    with interrupts.stoppable(), serve.server(site, port) as server:
        site.page()  # what is wrong with the board is said here, not in the browser
        address = f"http://{serve.ADDRESS}:{server.server_port}/"
        output.emit({"url": address}, as_json=as_json)
        sys.stdout.flush()  # who started it through a pipe waits for the address
        output.note("serving until ^C")
        if browser:
            webbrowser.open(address)
        server.serve_forever(poll_interval=0.1)
