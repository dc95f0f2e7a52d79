"""Commands and copies over real ssh and rsync on the loopback interface: what comes through, and what a cut leaves."""

import hashlib
import os
import random
import resource
import signal
import subprocess
import threading
import time
from contextlib import contextmanager

import pytest
from machine import (  # noqa: F401
    box_fixture,
    eventually,
    processes_with,
    remote_fixture,
    running_box,
    shell_fixture,
    talk_fixture,
)

from golfkit.budget.providers.protocol import Address
from golfkit.budget.remote import transfer
from golfkit.budget.remote.machine import Machine, checked_path
from golfkit.budget.remote.processes import DiskFull, RemoteError
from golfkit.budget.remote.ssh import Shell
from golfkit.errors import Exit, GolfError

LARGE = 12_000_000  # bytes; about half a second of rsync -z


def soon(seconds=30):
    return time.time() + seconds


def fill(folder, n_bytes=1000):
    """A folder with a large file, a small one in a folder, and names that shells dislike."""
    (folder / "sub dir").mkdir(parents=True)
    (folder / "weights.bin").write_bytes(random.Random(1).randbytes(n_bytes))
    (folder / "sub dir" / "a'b $(c).txt").write_text("text\n")
    (folder / "train_gpt.py").write_text("print(1)\n")


def digests(folder):
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@contextmanager
def beside(work):
    """Run `work` in a thread while the block runs."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield
    thread.join()


def cut_once(box, folder):
    """Cut the connections as soon as rsync has a megabyte of the file that it is writing."""

    def work():
        eventually(lambda: any(path.stat().st_size > 1_000_000 for path in folder.glob(".weights.bin.*")))
        assert box.drop() > 0

    return beside(work)


@pytest.mark.parametrize("rc", [0, 1, 7, 124, 254])
def test_exit_codes_pass_through(shell, rc):
    result = shell.run(f"cat; echo out; echo err >&2; exit {rc}", 20, b"in ")
    assert result == (rc, b"in out\n", "err\n")


def test_a_command_that_does_not_end_is_left_at_its_time(shell):
    with pytest.raises(RemoteError, match="no answer within 0 s") as error:
        shell.run("exec sleep 30", 0.4)
    assert error.value.dropped
    assert error.value.exit_code == Exit.REMOTE


def test_a_failing_command_that_must_not_fail_says_its_last_words(shell):
    with pytest.raises(RemoteError, match=r"no such thing \(exit code 3\)") as error:
        shell.ask("echo hello; echo no such thing >&2; exit 3", 20)
    assert not error.value.dropped


def test_an_interrupted_command_leaves_no_ssh_behind(shell):
    def leave(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, leave)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        with pytest.raises(KeyboardInterrupt):
            shell.run("exec sleep 28.5", 20)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert not processes_with("exec sleep 28.5")  # as it stands in the line of ssh; the machine's may go on


def test_a_connection_that_is_cut_is_a_dropped_one(shell, box):
    def work():
        eventually(lambda: processes_with("sleep 29.5"))
        box.drop()

    with beside(work), pytest.raises(RemoteError) as error:
        shell.run("sleep 29.5", 20)
    assert error.value.dropped


def test_a_machine_that_does_not_answer_is_a_dropped_connection(shell, box):
    box.down()
    with pytest.raises(RemoteError, match="refused") as error:
        shell.run("true", 20)
    assert error.value.dropped


def test_waiting_ends_when_the_machine_is_up(shell, box, talk):
    box.down()
    talk.on_sleep = box.up
    shell.wait_until_up(soon())
    assert len(talk.said) == 1
    assert "refused" in talk.said[0]


def test_waiting_ends_at_its_deadline(shell, box, tmp_path):
    box.down()
    clock = [0.0]

    def sleep(seconds):
        clock[0] += seconds

    hurried = Shell(shell.machine, now=lambda: clock[0], sleep=sleep, say=lambda text: None)
    with pytest.raises(RemoteError, match=r"did not let us in before the deadline .*refused"):
        hurried.wait_until_up(9.0)
    assert clock == [9.0]


def test_a_key_that_is_refused_is_not_a_dropped_connection(shell, box, tmp_path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")], check=True)
    wrong = Machine(box.address, tmp_path / "other", tmp_path / "known")
    with pytest.raises(RemoteError, match="Permission denied") as error:
        Shell(wrong, now=time.time, sleep=time.sleep, say=print).run("true", 20)
    assert not error.value.dropped


def test_another_machine_at_the_same_address_is_refused(shell, box, tmp_path):
    other = (box.folder / "id.pub").read_text().split()[:2]
    shell.machine.known_hosts.write_text(" ".join([f"[{box.address.host}]:{box.address.port}", *other]) + "\n")
    with pytest.raises(RemoteError, match="Host key verification failed") as error:
        shell.run("true", 20)
    assert not error.value.dropped


@pytest.mark.parametrize("path", ["", "a b", "~/x", "-x", "a/../b", "a;b", "$HOME", "a\nb", "a'b", "a:b"])
def test_remote_paths_are_plain(path):
    with pytest.raises(GolfError, match="a path on the machine"):
        checked_path(path)
    assert checked_path("/workspace/golf/run_1.0") == "/workspace/golf/run_1.0"


def test_a_host_cannot_be_an_option(tmp_path):
    with pytest.raises(GolfError, match="no host name"):
        Shell(Machine(Address("-oProxyCommand=x", 22), None, tmp_path), now=time.time, sleep=time.sleep, say=print)


@pytest.mark.parametrize("has_rsync", [True, False])
def test_folders_go_up_and_come_down_whole(shell, remote, tmp_path, has_rsync):
    shell.has_rsync = has_rsync
    fill(tmp_path / "here")
    (tmp_path / "back").mkdir()
    (tmp_path / "back" / "mine.txt").write_text("stays")
    shell.up(tmp_path / "here", str(remote / "run"), soon(), exclude=["*.py"])
    shell.down(str(remote / "run"), tmp_path / "back", soon())
    found = digests(tmp_path / "back")
    del found["mine.txt"]
    wanted = digests(tmp_path / "here")
    del wanted["train_gpt.py"]
    assert found == wanted


@pytest.mark.parametrize("has_rsync", [True, False])
def test_only_what_is_wanted_comes_down_and_no_links(shell, remote, tmp_path, has_rsync):
    shell.has_rsync = has_rsync
    fill(remote / "run")
    (remote / "run" / "link").symlink_to("/etc/passwd")
    shell.down(str(remote / "run"), tmp_path / "some", soon(), include=["*.bin", "sub dir"])
    assert sorted(digests(tmp_path / "some")) == ["sub dir/a'b $(c).txt", "weights.bin"]
    shell.down(str(remote / "run"), tmp_path / "all", soon())
    assert "link" not in os.listdir(tmp_path / "all")


@pytest.mark.parametrize("has_rsync", [True, False])
def test_a_folder_that_is_not_there_is_said_at_once(shell, remote, tmp_path, has_rsync):
    shell.has_rsync = has_rsync
    with pytest.raises(RemoteError, match=r"cd|change_dir") as error:
        shell.down(str(remote / "none"), tmp_path / "back", soon())
    assert not error.value.dropped
    with pytest.raises(GolfError, match="no such folder"):
        shell.up(tmp_path / "none", str(remote), soon())


def test_without_rsync_here_tar_is_used(shell, remote, tmp_path, talk, monkeypatch):
    monkeypatch.setattr(transfer.processes, "installed", lambda program: False)
    fill(remote / "run")
    shell.down(str(remote / "run"), tmp_path / "back", soon())
    assert digests(tmp_path / "back") == digests(remote / "run")
    assert "no rsync here" in talk.said[0]


def test_a_download_that_is_cut_goes_on_where_it_was(shell, box, remote, tmp_path, talk):
    fill(remote / "run", LARGE)
    kept = []
    talk.on_sleep = lambda: kept.append((tmp_path / "back" / "weights.bin").stat().st_size)
    with cut_once(box, tmp_path / "back"):
        shell.down(str(remote / "run"), tmp_path / "back", soon())
    assert digests(tmp_path / "back") == digests(remote / "run")
    assert len(kept) == 1
    assert 1_000_000 < kept[0] < LARGE
    assert "was cut" in talk.said[0]


def test_an_upload_that_is_cut_goes_on_where_it_was(shell, box, remote, tmp_path, talk):
    fill(tmp_path / "here", LARGE)
    with cut_once(box, remote):
        shell.up(tmp_path / "here", str(remote), soon())
    assert digests(tmp_path / "here") == digests(remote)
    assert len(talk.said) == 1


def test_a_copy_by_tar_that_is_cut_is_made_again(shell, box, remote, tmp_path, talk):
    fill(remote / "run", LARGE)
    shell.has_rsync = False
    with cut_once(box, tmp_path / "back"):
        shell.down(str(remote / "run"), tmp_path / "back", soon())
    assert digests(tmp_path / "back") == digests(remote / "run")
    assert len(talk.said) == 1


def test_a_copy_waits_for_a_machine_that_is_away_for_a_while(shell, box, remote, tmp_path, talk):
    fill(tmp_path / "here")
    box.down()
    talk.on_sleep = box.up
    shell.up(tmp_path / "here", str(remote), soon())
    assert digests(tmp_path / "here") == digests(remote)


def test_a_copy_to_a_machine_that_stays_away_ends_at_its_deadline(shell, box, remote, tmp_path):
    box.down()
    with pytest.raises(RemoteError, match=r"not done at its deadline .*refused") as error:
        shell.down(str(remote), tmp_path / "back", soon(0.5))
    assert error.value.dropped


@contextmanager
def small_disk(kind, folder):
    """A folder on a disk with room for 3 MB; or a limit for files of that size, which needs no rights."""
    folder.mkdir()
    if kind == "tmpfs":
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], check=False).returncode:
            pytest.skip("tmpfs cannot be mounted here")
        try:
            yield
        finally:
            subprocess.run(["umount", folder], check=True)
        return
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("has_rsync", [True, False])
@pytest.mark.parametrize("kind", ["tmpfs", "limit"])
def test_a_full_disk_here_is_named_and_what_arrived_stays(shell, remote, tmp_path, kind, has_rsync):
    shell.has_rsync = has_rsync
    fill(remote / "run", 5_000_000)
    with small_disk(kind, tmp_path / "back"):
        with pytest.raises(DiskFull) as error:
            shell.down(str(remote / "run"), tmp_path / "back", soon())
        arrived = digests(tmp_path / "back")
        size = (tmp_path / "back" / "weights.bin").stat().st_size if has_rsync else 0
    assert error.value.exit_code == Exit.BAD_FILE
    assert f"weights.bin: the disk is full after {size} of 5000000 bytes" in str(error.value)
    assert size > 0 or not has_rsync
    assert arrived.get("train_gpt.py") or arrived.get("sub dir/a'b $(c).txt") or has_rsync


def test_nothing_of_a_copy_runs_on_after_its_deadline(shell, remote, tmp_path):
    fill(remote / "run", LARGE)
    with pytest.raises(RemoteError, match="not done at its deadline"):
        shell.down(str(remote / "run"), tmp_path / "back", soon(0.1))
    assert not processes_with(str(tmp_path / "back"))
    eventually(lambda: not processes_with(str(remote)))
