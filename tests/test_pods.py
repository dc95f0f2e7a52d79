"""The pods journal, what a pod is charged for, and the watchdog's patience, without a machine."""

import dataclasses
import json
import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfkit.budget.book.journal import Settled
from golfkit.budget.pods import end, watchdog
from golfkit.budget.pods.end import Clock, Ender, rented_seconds
from golfkit.budget.pods.journal import Entry, Journal, replay
from golfkit.budget.providers.protocol import Pod
from golfkit.errors import GolfError

DOCS = Path(__file__).parent.parent / "docs" / "promotion.md"
ENTRY = Entry(
    name="golf-a",
    run="runpod_a",
    provider="rest2",
    account="k",
    reservation="r1",
    worst_cents=1000,
    usd_per_hour=Decimal(20),
    intended=1000.0,
    deadline=2800.0,
    grace=120.0,
)


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.at = 1000.0

    def sleep(self, seconds: float) -> None:
        self.at += seconds

    def clock(self) -> Clock:
        return Clock(now=lambda: self.at, monotonic=lambda: self.at, sleep=self.sleep)


class Machines:
    """A provider with one pod, which is gone after it was asked so often to end."""

    name, rented = "rest2", True

    def __init__(self, looks: int = 1) -> None:
        self.looks = looks

    def list(self) -> list[Pod]:
        return [Pod("p1", "golf-a", "running")] if self.looks else []

    def get(self, pod_id: str) -> Pod | None:
        return Pod("p1", "golf-a", "running") if self.looks else None

    def terminate(self, pod_id: str) -> None:
        self.looks -= 1


class Books:
    """What was booked."""

    def __init__(self) -> None:
        self.booked: list[int] = []

    def settle(self, reservation: str, cents: int, now: float, note: str = "") -> Settled:
        self.booked.append(cents)
        return Settled(cents, None)

    def release(self, reservation: str, now: float, reason: str) -> int:
        self.booked.append(0)
        return 0


def ender(home: Path, time: Time, machines: Machines, entry: Entry = ENTRY) -> Ender:
    journal = Journal(home, lambda: time.at, lambda text: None)
    journal.intend(entry)
    clock = time.clock()
    return Ender(
        home=home, provider=machines, account="k", journal=journal, book=Books(), clock=clock, say=lambda text: None
    )


def test_a_hung_owner_is_overruled_at_the_deadline(tmp_path):
    time, machines = Time(), Machines()
    made = ender(tmp_path, time, machines)
    watchdog.watch(made, "golf-a", lambda: True)
    assert machines.looks == 0
    assert ENTRY.deadline + 60 <= time.at <= ENTRY.deadline + 65
    assert made.book.booked == [end.cost_cents(time.at - ENTRY.intended, Decimal(20))]


def test_a_dead_owner_is_followed_at_once(tmp_path):
    time, machines = Time(), Machines(looks=3)
    made = ender(tmp_path, time, machines)
    watchdog.watch(made, "golf-a", lambda: time.at < 1100)
    assert 1100 <= time.at < 1110
    assert not made.journal.entry("golf-a").open


def test_ending_twice_books_once(tmp_path):
    made = ender(tmp_path, Time(), Machines())
    assert made.end("golf-a") == made.end("golf-a")
    assert len(made.book.booked) == 1


def test_a_torn_line_is_passed_over(tmp_path):
    said: list[str] = []
    journal = Journal(tmp_path, lambda: 1.0, said.append)
    journal.intend(ENTRY)
    with journal.path.open("a") as sink:
        sink.write('{"time": 5, "event": "crea')
    journal.write("created", "golf-a", id="p1", usd_per_hour=None)
    assert journal.entry("golf-a").ids == ("p1",)
    assert "pods.jsonl:2: torn line" in said[0]


def test_an_event_of_no_known_pod_names_its_line(tmp_path):
    journal = Journal(tmp_path, lambda: 1.0, lambda text: None)
    journal.write("gone", "golf-x", id="p1")
    with pytest.raises(GolfError, match=r"pods\.jsonl:1: "):
        journal.entries()


@given(st.lists(st.sampled_from(["created", "terminating", "gone", "absent", "settled"]), max_size=8))
def test_any_order_of_events_adds_up(kinds):
    facts = {"created": {"id": "p1", "usd_per_hour": "21"}, "gone": {"id": "p1"}, "settled": {"cents": 5}}
    intent = {"event": "intent", "time": 1000.0, **dataclasses.asdict(ENTRY)}
    events = [
        {"event": kind, "time": 1001.0 + i, "name": "golf-a", **facts.get(kind, {})} for i, kind in enumerate(kinds)
    ]
    entry = replay(enumerate([json.loads(json.dumps(e, default=str)) for e in (intent, *events)], 1), "x")["golf-a"]
    assert entry.open == ("settled" not in kinds)
    assert set(entry.living) == ({"p1"} if "created" in kinds and "gone" not in kinds else set())


@pytest.mark.parametrize(
    ("seen", "ended", "seconds"),
    [
        (1500.0, 1501.0, 501.0),  # seen alive, and gone at the next look
        (9000.0, 9001.0, 8001.0),  # far past its deadline, and alive until then: all of it
        (None, 1400.0, 400.0),  # found gone before its deadline: charged until it was looked for
        (None, 90_000.0, 1800.0),  # found gone long after: to its deadline, no one knows better
        (3000.0, 90_000.0, 2000.0),  # last seen alive past its deadline, then gone
        (None, 900.0, 1800.0),  # the clock went backwards: the whole reservation
        (None, None, 1800.0),
    ],
)
def test_what_a_pod_is_charged_for(seen, ended, seconds):
    assert rented_seconds(dataclasses.replace(ENTRY, seen=seen, ended=ended)) == seconds


def test_every_row_of_the_fault_table_is_a_test():
    named = re.findall(r"`(test_\w+(?:\.py)?)` \|$", DOCS.read_text(), re.MULTILINE)
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert len(named) >= 20
    for name in named:
        assert f"def {name}(" in tests or (Path(__file__).parent / name).is_file(), name
