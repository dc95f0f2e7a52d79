"""A job outlives the connection, runs once, ends at its deadline with all that it started, and keeps its secrets."""

import ctypes
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress

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

from golfkit.budget.remote import job
from golfkit.budget.remote.processes import RemoteError
from golfkit.budget.remote.ssh import Shell
from golfkit.errors import GolfError

SECRET = "it's\na 'key' $HOME `id` \\"
FAMILY = "setsid sh -c 'sleep 987.5; true' & sleep 987.5 & sleep 987.5"  # one of them in a session of its own


def ended(shell, folder):
    eventually(lambda: job.status(shell, folder).state != "running")
    return job.status(shell, folder)


def test_a_job_runs_in_its_folder_and_leaves_log_and_exit_code(shell, remote):
    folder = str(remote / "run")
    assert job.status(shell, folder) == ("absent", None, None, 0, None, "")
    assert job.start(shell, folder, "pwd; echo err >&2; exit 3", {}, 60).pid is not None
    done = ended(shell, folder)
    assert done._replace(pid=None, seconds=None) == ("exited", 3, None, len(folder) + 5, None, "done")
    assert 0 <= done.seconds < 20
    assert (remote / "run" / job.LOG).read_text() == f"{folder}\nerr\n"
    assert sorted(path.name for path in (remote / "run").iterdir()) == ["job", "train.log"]


def test_a_job_goes_on_when_the_connection_is_lost(shell, remote, box):
    job.start(shell, str(remote), "while [ ! -e go ]; do sleep 0.05; done; echo went", {}, 60)
    box.down()
    (remote / "go").touch()
    eventually((remote / "job" / "exit").exists)
    box.up()
    assert job.status(shell, str(remote)).rc == 0


def test_a_job_that_was_started_is_not_started_again(shell, remote):
    command = "echo ran >> runs; sleep 0.3"
    first = job.start(shell, str(remote), command, {}, 60)
    assert job.start(shell, str(remote), command, {"KEY": SECRET}, 60).pid == first.pid
    assert ended(shell, str(remote)).rc == 0
    assert job.start(shell, str(remote), command, {"KEY": SECRET}, 60).state == "exited"
    assert (remote / "runs").read_text() == "ran\n"
    assert not [path for path in remote.iterdir() if path.name.startswith(".golf")]


def test_of_many_that_start_a_job_at_once_one_does(shell, remote):
    with ThreadPoolExecutor(6) as pool:
        begun = list(pool.map(lambda i: job.start(shell, str(remote), f"echo {i} >> runs", {}, 60), range(6)))
    assert len({status.pid for status in begun}) == 1
    assert ended(shell, str(remote)).rc == 0
    eventually(lambda: {path.name for path in remote.iterdir()} == {"job", "train.log", "runs"})
    assert len((remote / "runs").read_text()) == 2


def test_a_start_whose_connection_is_cut_can_be_made_again(shell, remote, box):
    refused = []

    def cut():
        eventually(lambda: processes_with(str(remote)))
        box.drop()

    for _ in range(3):
        cutter = threading.Thread(target=cut)
        cutter.start()
        try:
            job.start(shell, str(remote), "echo ran >> runs", {"KEY": SECRET * 4000}, 60)
        except RemoteError as error:
            refused.append(error.dropped)
        cutter.join()
    job.start(shell, str(remote), "echo ran >> runs", {}, 60)
    assert all(refused)
    assert ended(shell, str(remote)).rc == 0
    assert (remote / "runs").read_text() == "ran\n"


def test_a_job_ends_at_its_deadline_with_all_it_started_though_nobody_looks(shell, remote, box):
    job.start(shell, str(remote), FAMILY, {}, 1)
    eventually(lambda: len(processes_with("sleep\0987.5")) == 3)
    box.down()
    eventually((remote / "job" / "exit").exists)
    assert not processes_with("987.5")
    box.up()
    assert job.status(shell, str(remote))[:2] == ("exited", 143)
    assert job.status(shell, str(remote)).why == "deadline"


def test_a_job_that_ignores_sigterm_is_killed(shell, remote):
    job.start(shell, str(remote), "trap '' TERM; " + FAMILY, {}, 60)
    eventually(lambda: len(processes_with("sleep\0987.5")) == 3)
    stopped = job.stop(shell, str(remote), grace_s=0.4)
    assert (stopped.state, stopped.rc, stopped.why) == ("exited", 137, "stopped")
    assert not processes_with("987.5")


def test_what_a_command_leaves_running_ends_with_it(shell, remote):
    job.start(shell, str(remote), "setsid sleep 987.5 & echo done", {}, 60)
    assert ended(shell, str(remote))[:2] == ("exited", 0)
    assert not processes_with("987.5")


def test_stopping_again_and_stopping_nothing_is_no_error(shell, remote):
    assert job.stop(shell, str(remote / "none")).state == "absent"
    job.start(shell, str(remote), "exit 5", {}, 60)
    before = ended(shell, str(remote))
    assert job.stop(shell, str(remote)) == before
    assert before.why == "done"


@contextmanager
def orphans_that_nobody_reaps():
    """As in a container whose first process does not wait for others: what ends there stays as a zombie."""
    prctl, subreaper = ctypes.CDLL(None).prctl, 36
    assert prctl(subreaper, 1, 0, 0, 0) == 0
    try:
        yield
    finally:
        prctl(subreaper, 0, 0, 0, 0)


@pytest.mark.parametrize("reaped", [True, False])
def test_a_job_whose_keeper_was_killed_is_lost_and_can_be_stopped(shell, remote, reaped):
    with nullcontext() if reaped else orphans_that_nobody_reaps():
        pid = job.start(shell, str(remote), FAMILY, {}, 30).pid
        eventually(lambda: len(processes_with("sleep\0987.5")) == 3)
        shell.ask(f"kill -9 {pid}", 20)
        eventually(lambda: job.status(shell, str(remote)).state == "lost")
        assert job.status(shell, str(remote)).seconds is None
        assert job.stop(shell, str(remote)).state == "lost"
        assert not processes_with("987.5")


def test_secrets_reach_the_job_and_nothing_else(shell, remote, box):
    seen, over = set(), threading.Event()

    def watch():
        while not over.is_set():
            seen.update(processes_with("5ecre7"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    value = f"5ecre7 {SECRET}"
    command = 'printf %s "$KEY" | wc -c; ls -a; while [ ! -e go ]; do sleep 0.05; done'
    job.start(shell, str(remote), command, {"KEY": value, "OTHER": "1"}, 60)
    eventually(lambda: (remote / job.LOG).read_text().count("\n") > 3)
    assert processes_with("5ecre7", "environ")
    kept = [path for path in remote.rglob("*") if path.is_file() and b"5ecre7" in path.read_bytes()]
    (remote / "go").touch()
    assert ended(shell, str(remote)).rc == 0
    over.set()
    watcher.join()
    assert (seen, kept) == (set(), [])
    assert "5ecre7" not in box.log.read_text()
    assert (remote / job.LOG).read_text().split() == [str(len(value)), ".", "..", "job", "train.log"]


@pytest.mark.parametrize("env", [{"A B": "1"}, {"1A": "1"}, {"A": "x\0y"}, {"A;id": "1"}])
def test_names_of_the_environment_are_plain(shell, env):
    with pytest.raises(GolfError, match="environment variable") as error:
        job.start(shell, "folder", "true", env, 60)
    assert "x\0y" not in str(error.value)


def test_a_folder_that_cannot_be_made_is_said(shell, remote):
    (remote / "file").write_text("")
    with pytest.raises(RemoteError, match=r"File exists|Not a directory") as error:
        job.start(shell, str(remote / "file" / "run"), "true", {}, 60)
    assert not error.value.dropped


def test_what_a_login_prints_does_not_disturb(box, remote, tmp_path, monkeypatch):
    shell = Shell(box.machine(tmp_path / "known"), now=time.time, sleep=time.sleep, say=print)
    plain = shell.ask
    monkeypatch.setattr(shell, "ask", lambda *args: b"Welcome!\n" + plain(*args))
    assert job.start(shell, str(remote), "true", {}, 60).pid is not None
    monkeypatch.setattr(shell, "ask", lambda *args: b"Welcome!\n")
    with pytest.raises(RemoteError, match="expected the status of a job"):
        job.status(shell, str(remote))


@given(st.binary(max_size=80))
def test_any_answer_is_a_status_or_an_error(line):
    with suppress(ValueError):
        assert job.parse_status(line).state in job.STATES
