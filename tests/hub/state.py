"""What the stand-in holds: buckets, stored bytes, orders to go wrong, and what was asked."""

import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from hub import xet

TOKEN = "hf_alice"
ROUTES = (
    *("whoami", "create", "info", "list", "tree", "paths-info", "batch", "xet-write-token", "xet-read-token"),
    *("resolve", "xorb", "shard", "reconstruction", "fetch"),
)


@dataclass(frozen=True)
class Stored:
    """A file of a bucket."""

    path: str
    size: int
    hash: str
    mtime: int  # milliseconds, by the client's clock
    uploaded: float  # by the server's

    def record(self) -> dict[str, object]:
        """As the tree and paths-info say it."""
        times = {"mtime": stamp(self.mtime / 1000), "uploadedAt": stamp(self.uploaded)}
        return {"type": "file", "path": self.path, "size": self.size, "xetHash": self.hash, **times}


class Fault(NamedTuple):
    """An order: the next request of a route goes wrong."""

    status: int = 0  # the answer; 0: the true one
    headers: Mapping[str, str] = {}
    drop: bool = False  # the connection is cut without an answer
    after: bool = False  # the request has its effect first
    half: bool = False  # of a batch: every second operation fails
    slow_s: float = 0.0


@dataclass
class Hub:
    """The state; one lock, held for each request."""

    users: dict[str, str] = field(default_factory=lambda: {TOKEN: "alice", "hf_reader": "reader"})
    readers: set[str] = field(default_factory=lambda: {"reader"})  # may not write
    buckets: dict[str, dict[str, Stored]] = field(default_factory=dict)
    xorbs: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, tuple[xet.Term, ...]] = field(default_factory=dict)
    plain: dict[str, bytes] = field(default_factory=dict)  # what `put` stored
    page: int = 1000  # entries of a listing
    now: float | None = None
    seen: list[tuple[str, str]] = field(default_factory=list)  # (route, path asked)
    overwritten: list[str] = field(default_factory=list)  # paths whose content changed
    lock: threading.RLock = field(default_factory=threading.RLock)
    _faults: list[tuple[str, Fault]] = field(default_factory=list)

    def time(self) -> float:
        """Unix seconds by the server's clock."""
        return time.time() if self.now is None else self.now

    def make(self, bucket: str) -> None:
        """An empty bucket."""
        self.buckets.setdefault(bucket, {})

    def fault(self, route: str, status: int = 0, *, times: int = 1, **how: object) -> None:
        """The next `times` requests of a route (one of ROUTES, or * for any) go wrong; see Fault."""
        assert route in (*ROUTES, "*"), route
        self._faults += [(route, Fault(status, **how))] * times  # type: ignore[arg-type]

    def due(self, route: str) -> Fault | None:
        """The order for this request, used up."""
        found = next((i for i, (name, _) in enumerate(self._faults) if name in (route, "*")), None)
        return None if found is None else self._faults.pop(found)[1]

    def mend(self) -> None:
        """No more faults."""
        self._faults.clear()

    def asked(self, route: str) -> int:
        """How often a route was asked."""
        return sum(name == route for name, _ in self.seen)

    def put(self, bucket: str, path: str, content: bytes) -> None:
        """A file that another client uploaded."""
        import hf_xet  # the hash that clients compare with

        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            name = hf_xet.hash_files([file.name])[0].hash
        self.plain[name] = content
        self.add(bucket, path, name, 0)

    def add(self, bucket: str, path: str, name: str, mtime: int) -> None:
        """A file of stored content."""
        files = self.buckets[bucket]
        if path in files and files[path].hash != name:
            self.overwritten.append(path)
        files[path] = Stored(path, self.size(name), name, mtime, self.time())

    def size(self, name: str) -> int:
        """Bytes of a stored content."""
        return len(self.plain[name]) if name in self.plain else sum(term.n_bytes for term in self.files[name])

    def read(self, name: str) -> bytes:
        """A stored content."""
        if name in self.plain:
            return self.plain[name]
        return b"".join(xet.content(self.xorbs[term.xorb], term.first, term.past) for term in self.files[name])

    def contents(self, bucket: str) -> dict[str, bytes]:
        """The files of a bucket."""
        with self.lock:
            return {path: self.read(stored.hash) for path, stored in sorted(self.buckets[bucket].items())}


def stamp(seconds: float) -> str:
    """A time as the Hub writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
