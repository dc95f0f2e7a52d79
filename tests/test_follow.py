"""Following a log: every line once, whatever happens to the connection."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machine import (  # noqa: F401
    box_fixture,
    eventually,
    processes_with,
    remote_fixture,
    running_box,
    shell_fixture,
    talk_fixture,
)

from golfkit.budget.remote import follow, job
from golfkit.budget.remote.ssh import Shell

COUNT = """i=0
while [ $i -lt 3000 ]; do
  i=$((i + 1))
  echo line $i
  [ $((i % 20)) = 0 ] && sleep 0.01
  [ $i = 2990 ] && while [ ! -e go ]; do sleep 0.05; done
done
exit 4"""


@pytest.fixture
def told():
    return []


def run(shell, folder, told, seconds=30, **options):
    return follow.follow(shell, str(folder), on_line=told.append, deadline=time.time() + seconds, **options)


def test_lines_come_once_and_in_order_through_dropped_connections(shell, box, remote, told, talk):
    job.start(shell, str(remote), COUNT, {}, 60)

    def disturb():
        until = time.monotonic() + 20
        while len(talk.said) < 3 and time.monotonic() < until:
            eventually(lambda: processes_with("position="))  # it is being asked
            box.drop()
        (remote / "go").touch()

    thread = threading.Thread(target=disturb)
    thread.start()
    outcome = run(shell, remote, told)
    thread.join()
    assert told == [f"line {i}" for i in range(1, 3001)]
    assert outcome == (4, (remote / job.LOG).stat().st_size, "done")
    assert len([text for text in talk.said if "the run goes on" in text]) >= 3


def test_a_machine_that_goes_and_comes_back_is_followed_on(shell, box, remote, told, talk):
    job.start(shell, str(remote), "echo one; while [ ! -e go ]; do sleep 0.05; done; echo two", {}, 60)

    def line(text):
        told.append(text)
        if text == "one":
            box.down()

    def back():
        if talk.said:
            (remote / "go").touch()
            box.up()

    talk.on_sleep = back
    outcome = follow.follow(shell, str(remote), on_line=line, deadline=time.time() + 30)
    assert (told, outcome.rc, outcome.why) == (["one", "two"], 0, "done")
    assert "connection lost" in talk.said[0]


def test_following_can_be_left_and_taken_up_again(shell, remote, told):
    job.start(
        shell, str(remote), "echo one; printf tw; while [ ! -e go ]; do sleep 0.05; done; printf 'o\\nend'", {}, 60
    )
    eventually(lambda: (remote / job.LOG).read_bytes() == b"one\ntw")
    left = run(shell, remote, told, should_stop=lambda: True)
    assert (left, told) == ((None, 4, "left"), ["one"])
    (remote / "go").touch()
    assert run(shell, remote, told, offset=left.offset) == (0, 11, "done")
    assert told == ["one", "two", "end"]


def test_the_deadline_leaves_the_job_alone(shell, remote, told):
    job.start(shell, str(remote), "echo one; while [ ! -e go ]; do sleep 0.05; done", {}, 60)
    ticks = iter([0.0, 0.0, 0.0, 99.0, 99.0])
    hurried = Shell(shell.machine, now=lambda: next(ticks), sleep=shell.sleep, say=print)
    eventually((remote / job.LOG).read_bytes)
    outcome = follow.follow(hurried, str(remote), on_line=told.append, deadline=50.0)
    assert (outcome, told) == ((None, 4, "late"), ["one"])
    assert job.status(shell, str(remote)).state == "running"
    (remote / "go").touch()


def test_a_machine_that_stays_away_is_unreachable(shell, box, remote, told):
    box.down()
    clock = [1000.0]

    def sleep(seconds):
        clock[0] += seconds

    lost = Shell(shell.machine, now=lambda: clock[0], sleep=sleep, say=lambda text: None)
    outcome = follow.follow(lost, str(remote), offset=7, on_line=told.append, deadline=9000.0, grace_s=60.0)
    assert (outcome, told) == ((None, 7, "unreachable"), [])
    assert 1060 < clock[0] < 1100


def test_a_job_without_an_exit_is_lost_and_none_is_absent(shell, remote, told):
    assert run(shell, remote / "none", told) == (None, 0, "absent")
    pid = job.start(shell, str(remote), "echo one; sleep 986.5", {}, 60).pid
    shell.ask(f"kill -9 {pid}", 20)
    assert run(shell, remote, told) == (None, 4, "lost")
    job.stop(shell, str(remote))
    assert told == ["one"]


def test_the_end_of_a_hanging_job_is_told(shell, remote, told):
    job.start(shell, str(remote), "echo one; sleep 986.5", {}, 1)
    assert run(shell, remote, told) == (143, 4, "deadline")


def test_a_log_of_many_pieces_comes_whole(shell, remote, told):
    job.start(shell, str(remote), "seq 1 300000", {}, 60)
    outcome = run(shell, remote, told)
    assert told == [str(i) for i in range(1, 300_001)]
    assert outcome.offset > follow.PIECE


def lines_of(pieces):
    told = []
    lines = follow.Lines(told.append, 0)
    for piece in pieces:
        lines.feed(piece)
    lines.close()
    return told


@given(st.lists(st.binary(max_size=20)))
def test_how_a_log_is_cut_into_pieces_is_nothing(pieces):
    assert lines_of(pieces) == lines_of([b"".join(pieces)])


@given(st.lists(st.binary(max_size=20)), st.integers(0, 10))
def test_from_the_offset_on_nothing_is_told_twice_or_lost(pieces, cut):
    log = b"".join(pieces)
    first, told = sum(map(len, pieces[:cut])), []
    lines = follow.Lines(told.append, 0)
    lines.feed(log[:first])
    again = follow.Lines(told.append, lines.offset)
    again.feed(log[lines.offset :])
    again.close()
    assert told == lines_of([log])


def test_long_lines_are_cut_and_odd_bytes_replaced():
    told = lines_of([b"a" * 60_000, b"b" * 60_000, b"\n\xff\x1b[31m\r\nend"])
    assert told == ["a" * 60_000 + "b" * 5536, "�\x1b[31m", "end"]
