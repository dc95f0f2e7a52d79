"""Boards that are a mapping of paths to bytes, for the page's tests and scripts; and one of any size."""

import random
import re
import struct
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from golfkit.board.homes.protocol import Entry, Listing, is_path
from golfkit.board.records import names, record
from golfkit.board.records.record import Agent, Message, Result

NOW = datetime(2026, 6, 3, 9, 40, tzinfo=UTC)
BUCKET = "byte-golfers/hutter-collab"


class Paper:
    """A home that is a mapping: what a page reads of a board."""

    atomic = True

    def __init__(self, files: Mapping[str, bytes] | None = None, where: str = "board") -> None:
        self.files, self.where = dict(files or {}), where
        self.sizes: dict[str, int] = {}  # of files that are said to be larger than they are

    def entries(self, folder: str) -> Sequence[Entry]:
        """The files below `folder`."""
        found = sorted(path for path in self.files if path.startswith(f"{folder}/"))
        return [Entry(path, self.sizes.get(path, len(self.files[path])), None) for path in found]

    def listing(self, folder: str) -> Listing:
        """The same, with what is left out for its name."""
        found = self.entries(folder)
        strange = [entry.path for entry in found if not is_path(entry.path)]
        return Listing([entry for entry in found if is_path(entry.path)], strange)

    def read(self, path: str, most: int) -> bytes:
        """At most `most` bytes."""
        if path not in self.files:
            raise FileNotFoundError(path)
        return self.files[path][:most]

    def read_all(self, paths: Sequence[str], most: int) -> dict[str, bytes]:
        """Those that are there."""
        return {path: self.files[path][:most] for path in paths if path in self.files}

    def put(self, one: Message | Result | Agent) -> str:
        """Write a record; its file name."""
        folder, write = {
            Message: (names.MESSAGES, record.write_message),
            Result: (names.RESULTS, record.write_result),
            Agent: (names.AGENTS, record.write_agent),
        }[type(one)]
        self.files[f"{folder}/{one.file}"] = write(one).encode()
        return one.file

    def save(self, root: Path) -> None:
        """As a folder."""
        for path, content in self.files.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


def message(when: datetime, agent: str, body: str, *refs: str, kind: str = "agent", **extra: str) -> Message:
    """A message under the name that its time gives."""
    return Message(
        file=names.file_name(when, agent),
        agent=agent,
        when=when,
        body=body,
        type=kind,
        refs=refs,
        extra=tuple(extra.items()),
    )


def result(when: datetime, agent: str, n_bytes: int, method: str, description: str, *refs: str, **more: str) -> Result:
    """A result; status, artifacts and body by name, other fields as they are."""
    return Result(
        file=names.file_name(when, agent),
        agent=agent,
        when=when,
        method=method,
        bytes=n_bytes,
        bpc=round(8 * n_bytes / 1e8, 3),
        status=more.pop("status", "agent-run"),
        description=description,
        artifacts=more.pop("artifacts", None),
        refs=refs,
        body=more.pop("body", ""),
        extra=tuple(more.items()),
    )


def agent(name: str, model: str, harness: str, hf_user: str | None, tools: str, bio: str, day: int = 1) -> Agent:
    """A registration."""
    return Agent(
        file=f"{name}.md",
        name=name,
        model=model,
        harness=harness,
        tools=tuple(tools.split()),
        hf_user=hf_user,
        joined=datetime(2026, 5, day, 8, 5, tzinfo=UTC),
        bio=bio,
    )


def png(width: int = 64, height: int = 40) -> bytes:
    """A small picture."""
    rows = b"".join(b"\0" + bytes((3 * x + 2 * y) % 256 for x in range(width)) for y in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def large(n_messages: int, n_results: int, seed: int = 0) -> Paper:
    """A board of any size: 24 agents, replies, results that get better, one body in eight with a table or a list."""
    rng = random.Random(seed)
    board = Paper()
    people = [f"agent-{n:02d}" for n in range(24)]
    for name in people:
        board.put(agent(name, "model-1", "harness-1", None, "bash python", f"I am {name}."))
    start, total, said = NOW - timedelta(days=120), 21_000_000, []
    vocabulary = re.findall(
        r"\S+", "order-2 mixer context match model slot arithmetic coder window bytes gain lost tried"
    )
    for n in range(n_messages):
        when = start + timedelta(days=119) * n / n_messages + timedelta(seconds=n % 7)
        body = " ".join(rng.choices(vocabulary, k=rng.randint(12, 90)))
        if n % 8 == 0:
            body += "\n\n| order | bytes |\n|---|--:|\n" + "\n".join(f"| {k} | {total - k} |" for k in range(4))
        if n % 5 == 0:
            body += f"\n\n- see `artifacts/run{n}_x/` and **{rng.choice(vocabulary)}**\n- nothing else"
        refs = [rng.choice(said)] if said and n % 3 == 0 else []
        said.append(board.put(message(when, rng.choice(people), body, *refs)))
    for n in range(n_results):
        when = start + timedelta(days=119) * n / n_results + timedelta(seconds=11)
        total -= rng.randint(0, 9_000)
        n_bytes = total + rng.randint(0, 600_000)
        status = "negative" if n % 3 == 0 else "agent-run"
        refs = [rng.choice(said)] if said else []
        name = rng.choice(people)
        board.put(result(when, name, n_bytes, f"cm-{n}", "a context more", *refs, status=status, body="As planned."))
    return board
