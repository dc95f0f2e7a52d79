"""Many processes and sudden deaths at one book: every cent is there, and no file is ever half-written."""

import fcntl
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import pytest

from golfkit.budget.book import chain
from golfkit.budget.book.journal import Book
from golfkit.budget.book.state import Limit, Limits
from golfkit.errors import GolfError

NOW = 1_790_000_000.0
LIMITS = Limits(Limit(10**9, "default", False), Limit(0, "default", False))
N = 64  # processes

HEAD = """
import os, signal, sys
from pathlib import Path
from golfkit import files
from golfkit.budget.book.journal import Book
from golfkit.budget.book.state import Limit, Limits

folder, NOW = Path(sys.argv[1]), 1_790_000_000.0
book = Book(folder, Limits(Limit(10**9, "default", False), Limit(0, "default", False)))

def barrier(name):
    import fcntl
    print(name, flush=True)
    with open(folder / name) as gate:
        fcntl.flock(gate, fcntl.LOCK_SH)  # until the test has let go of it
"""

CHARGE = """
import json
cents = int(sys.argv[2])
barrier("start")
book.charge(f"run {cents}", cents, NOW)
naive = folder / "naive.json"
spent = json.loads(naive.read_text())["spent_cents"]
barrier("write")
files.atomic_write(naive, json.dumps({"spent_cents": spent + cents}))
"""


def closed(path: Path) -> TextIO:
    """A barrier; closing the file lets everybody through."""
    gate = path.open("w")
    fcntl.flock(gate, fcntl.LOCK_EX)
    return gate


@contextmanager
def started(folder: Path, code: str, arguments: Iterable[int]) -> Iterator[list["subprocess.Popen[str]"]]:
    """A process for each argument; they have ended, or are killed, when the block is left."""
    command = [sys.executable, "-c", HEAD + code, str(folder)]
    children = [subprocess.Popen([*command, str(n)], stdout=subprocess.PIPE, text=True) for n in arguments]
    try:
        yield children
        for child in children:
            child.wait(120)
    finally:
        for child in children:
            child.kill()
            child.wait()
            child.stdout.close()


class Poller(threading.Thread):
    """Reads both files all the time, as a program that knows nothing of the lock would."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder, self.stop = folder, threading.Event()
        self.spent: list[int] = []
        self.problems: list[str] = []

    def __enter__(self) -> "Poller":
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop.set()
        self.join()

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                self.poll()
            except (ValueError, KeyError) as error:
                self.problems.append(repr(error))

    def poll(self) -> None:
        if (self.folder / "budget.json").exists():
            snapshot = json.loads((self.folder / "budget.json").read_text())
            self.spent.append(snapshot["spent_cents"])
            content = (self.folder / "budget.jsonl").read_bytes()
            reading = chain.read(content[: content.rfind(b"\n") + 1])  # a line may just be arriving
            if reading.damage or reading.seq < snapshot["seq"]:
                self.problems.append(f"{reading.damage} {reading.seq} {snapshot['seq']}")


def test_64_processes_charge_at_once_and_every_cent_is_there_while_the_naive_way_loses_all_but_one(tmp_path):
    (tmp_path / "naive.json").write_text('{"spent_cents": 0}')
    start, write = closed(tmp_path / "start"), closed(tmp_path / "write")
    with started(tmp_path, CHARGE, range(1, N + 1)) as children:
        assert [child.stdout.readline() for child in children] == ["start\n"] * N
        with Poller(tmp_path) as poller:
            start.close()
            assert [child.stdout.readline() for child in children] == ["write\n"] * N
        write.close()
    assert [child.returncode for child in children] == [0] * N

    total = N * (N + 1) // 2
    found = Book(tmp_path, LIMITS).state(NOW)
    assert (found.seq, found.spent_cents) == (N, total)
    assert sorted(charge.cents for charge in found.charges) == list(range(1, N + 1))
    assert json.loads((tmp_path / "budget.json").read_text())["spent_cents"] == total
    assert poller.problems == []
    assert poller.spent == sorted(poller.spent)  # what was seen once is never taken back
    assert len(set(poller.spent)) > 2
    naive = json.loads((tmp_path / "naive.json").read_text())["spent_cents"]
    assert naive <= N < total  # every process had read 0 before the first wrote


def test_of_many_that_want_the_same_slot_one_gets_it(tmp_path):
    code = """
from decimal import Decimal
from golfkit.errors import GolfError
barrier("start")
try:
    print(book.reserve(sys.argv[2], 100, Decimal(20), NOW, 1, NOW + 3600))
except GolfError as error:
    print(int(error.exit_code), error)
"""
    start = closed(tmp_path / "start")
    with started(tmp_path, code, range(8)) as children:
        assert [child.stdout.readline() for child in children] == ["start\n"] * 8
        start.close()
        said = [child.stdout.readline() for child in children]
    won = [text for text in said if text.startswith("r1-")]
    assert len(won) == 1
    assert sum(text.startswith("1 ") and "promotions_per_hour is 1" in text for text in said) == 7
    found = Book(tmp_path, LIMITS).state(NOW)
    assert [reservation.id for reservation in found.open] == [won[0].strip()]


def run(folder: Path, code: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", HEAD + code, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


KILL = """
def die(*args):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(
    ("point", "spent"),
    [
        ("files.append_line = die", 100),  # before anything
        ("files.atomic_write = die", 300),  # line written, snapshot not begun
        ("os.replace = die", 300),  # between the temporary file and the snapshot
    ],
)
def test_a_process_killed_in_the_middle_leaves_a_good_book(tmp_path, point, spent):
    book = Book(tmp_path, LIMITS)
    book.charge("before", 100, NOW)
    assert run(tmp_path, KILL + f"{point}\nbook.charge('x', 200, NOW)").returncode == -signal.SIGKILL
    assert json.loads(book.snapshot.read_text())["spent_cents"] == 100
    assert book.state(NOW).spent_cents == spent
    assert json.loads(book.snapshot.read_text())["spent_cents"] == spent
    book.charge("after", 1, NOW)
    assert book.state(NOW).spent_cents == spent + 1


FULL = """
import resource
size = book.journal.stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, resource.RLIM_INFINITY))
book.charge("x", 200, NOW)
"""


@pytest.mark.parametrize("room", [0, 20])
def test_a_full_disk_books_nothing_and_leaves_the_journal_as_it_was(tmp_path, room):
    book = Book(tmp_path, LIMITS)
    for n in range(20):
        book.charge(f"before {n}", 100, NOW)
    content = book.journal.read_bytes()
    result = run(tmp_path, FULL.replace("20", str(room)))
    assert "OSError" in result.stderr
    assert book.journal.read_bytes() == content
    assert book.state(NOW).spent_cents == 2000


def test_a_full_disk_after_the_line_leaves_the_charge_booked_and_the_snapshot_for_the_next(tmp_path):
    book = Book(tmp_path, LIMITS)
    book.charge("before", 100, NOW)
    code = """
def full(path, content):
    raise OSError(28, "No space left on device", str(path))
files.atomic_write = full
print(book.charge("x", 200, NOW).spent_cents)
"""
    assert run(tmp_path, code).stdout == "300\n"
    assert json.loads(book.snapshot.read_text())["spent_cents"] == 100
    assert book.state(NOW).spent_cents == 300
    assert json.loads(book.snapshot.read_text())["spent_cents"] == 300


def test_a_line_torn_by_a_kill_is_reported_and_recovered_without_it(tmp_path):
    book = Book(tmp_path, LIMITS)
    for n in range(20):
        book.charge(f"before {n}", 100, NOW)
    result = run(tmp_path, KILL + "os.truncate = die" + FULL)
    assert result.returncode == -signal.SIGKILL
    for call in (lambda: book.state(NOW), lambda: book.charge("x", 1, NOW)):
        with pytest.raises(
            GolfError, match=r"budget\.jsonl:21: a torn line of 20 bytes.* sequence 20: .*spent \$20\.00"
        ):
            call()
    found = book.recover(NOW)
    assert (found.plan.n_kept, found.plan.n_read, found.plan.n_lost, found.plan.added_cents) == (20, 0, 1, 0)
    assert book.state(NOW).spent_cents == 2000
