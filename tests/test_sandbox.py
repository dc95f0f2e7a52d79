"""The sandbox, with a real decompressor that tries to get out of it."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import cheating
import kernel_allows
import pytest

from golfkit.compress.sandbox import isolation, plans, probe
from golfkit.compress.sandbox.isolation import Box, Outcome
from golfkit.errors import Exit, GolfError

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="namespaces are Linux's")

MB = 1_000_000


@pytest.fixture(scope="session")
def cheat() -> bytes:
    return cheating.build()


@pytest.fixture(params=["bwrap", "unshare"])
def launcher(request: pytest.FixtureRequest, cheat: bytes, tmp_path: Path) -> str:
    if not kernel_allows.isolation(request.param):
        pytest.skip(f"this kernel allows no {request.param}")
    outcome = execute(cheat, tmp_path / "trial", cheating.archive("copy"), launcher=request.param)
    assert outcome.exit_code == 0, outcome
    return request.param


def execute(
    program: bytes,
    folder: Path,
    archive: bytes,
    *,
    launcher: str,
    root: str = "empty",
    wall_s: float = 30.0,
    memory_bytes: int | None = None,
    original: Path | None = None,
) -> Outcome:
    folder.mkdir()
    (folder / "archive").write_bytes(archive)
    box = Box.make(folder)
    (box.bundle / "decompress").write_bytes(program)
    (box.bundle / "decompress").chmod(0o755)
    limits = isolation.default_limits(len(cheating.ORIGINAL), wall_s=wall_s, memory_bytes=memory_bytes)
    return isolation.run(
        "decompress",
        box,
        folder / "archive",
        root=root,
        limits=limits,
        original=original,
        launchers=[launcher],
    )


def plan(tmp_path: Path, root: str = "empty") -> plans.Plan:
    limits = isolation.default_limits(1, wall_s=1.0)
    return isolation.make_plan(
        "decompress", Box.make(tmp_path), tmp_path / "a", root=root, limits=limits, original=None, launchers=["unshare"]
    )


def test_an_honest_program_restores_its_file(launcher: str, cheat: bytes, tmp_path: Path):
    outcome = execute(cheat, tmp_path / "run", cheating.archive("copy"), launcher=launcher)
    assert (outcome.exit_code, outcome.killed, outcome.how, outcome.failure()) == (0, None, launcher, None)
    assert (tmp_path / "run/out/restored").read_bytes() == cheating.ORIGINAL


def test_the_original_cannot_be_read(launcher: str, cheat: bytes, tmp_path: Path):
    original = tmp_path / "original"
    original.write_bytes(cheating.ORIGINAL)
    archive = cheating.archive("read", original)
    outcome = execute(cheat, tmp_path / "run", archive, launcher=launcher, original=original)
    assert outcome.exit_code == 3
    assert "No such file" in outcome.stderr_tail


@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/shadow", "/root", "/home", sys.executable, __file__])
@pytest.mark.parametrize("root", ["empty", "system"])
def test_home_secrets_and_golf_itself_cannot_be_read(cheat: bytes, tmp_path: Path, path: str, root: str):
    if root == "system" and path.startswith("/usr/"):
        pytest.skip("the system root shows /usr")
    outcome = execute(cheat, tmp_path / "run", cheating.archive("read", path), launcher=any_launcher(root), root=root)
    assert outcome.exit_code == 3


def any_launcher(root: str = "empty") -> str:
    """bwrap where it can be had; golf does not use it for root with the system root."""
    for how in ("bwrap", "unshare") if root == "empty" or os.geteuid() else ("unshare",):
        if kernel_allows.isolation(how):
            return how
    pytest.skip("this kernel allows no sandbox")


def test_a_listener_outside_cannot_be_reached(launcher: str, cheat: bytes, tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        socket.create_connection(("127.0.0.1", port)).close()
        outcome = execute(cheat, tmp_path / "run", cheating.archive("connect", port), launcher=launcher)
    assert outcome.exit_code == 3


@pytest.mark.parametrize("path", ["/stray", "/archive.bin", "/../stray", "/proc/self/oom_score_adj"])
def test_nothing_outside_bundle_and_out_can_be_written(launcher: str, cheat: bytes, tmp_path: Path, path: str):
    archive = cheating.archive("write", path)
    outcome = execute(cheat, tmp_path / "run", archive, launcher=launcher)
    assert outcome.exit_code == 3
    assert (tmp_path / "run/archive").read_bytes() == archive
    assert not (tmp_path / "run/stray").exists()
    assert os.listdir(tmp_path / "run/root") == []


@pytest.mark.parametrize("path", ["/usr/stray", "/proc/sys/kernel/hostname", "/etc/stray", "/dev/stray"])
def test_the_system_root_is_read_only(cheat: bytes, tmp_path: Path, path: str):
    launcher = any_launcher("system")
    outcome = execute(cheat, tmp_path / "run", cheating.archive("write", path), launcher=launcher, root="system")
    assert outcome.exit_code == 3
    assert not Path("/usr/stray").exists()


def test_the_system_root_has_devices_tmp_and_tools(cheat: bytes, tmp_path: Path):
    launcher = any_launcher("system")
    script = b'#!/bin/sh\nset -e\necho x >/dev/null\nhead -c 3 /dev/zero >/tmp/z\ncat /tmp/z "$1" | tail -c +1 >"$2"\n'
    outcome = execute(script, tmp_path / "run", b"archive", launcher=launcher, root="system")
    assert outcome.failure() is None
    assert (tmp_path / "run/out/restored").read_bytes() == b"\0\0\0archive"


def test_it_has_no_handles_no_environment_no_root_and_no_terminal(launcher: str, cheat: bytes, tmp_path: Path):
    assert execute(cheat, tmp_path / "run", cheating.archive("look"), launcher=launcher).exit_code == 0
    others, variables, is_root, pid, terminal = (tmp_path / "run/out/restored").read_text().split()
    assert (others, is_root, pid, terminal) == ("0", "0", "1", "0")
    assert int(variables) <= 1  # bwrap sets PWD


def test_200_mb_are_seen_as_200_mb(launcher: str, cheat: bytes, tmp_path: Path):
    outcome = execute(cheat, tmp_path / "run", cheating.archive("allocate", 200 * MB), launcher=launcher)
    assert outcome.exit_code == 0
    assert 200 * MB <= outcome.ram_peak_bytes < 230 * MB


def test_a_small_program_is_not_charged_for_golf(launcher: str, cheat: bytes, tmp_path: Path):
    ballast = bytearray(os.urandom(4096) * 20_000)  # 80 MB resident in the process that asks
    outcome = execute(cheat, tmp_path / "run", cheating.archive("copy"), launcher=launcher)
    assert outcome.ram_peak_bytes < 30 * MB < len(ballast)


def test_children_are_summed(launcher: str, cheat: bytes, tmp_path: Path):
    outcome = execute(cheat, tmp_path / "run", cheating.archive("children", 30 * MB), launcher=launcher)
    assert outcome.exit_code == 0
    assert 120 * MB <= outcome.ram_peak_bytes < 160 * MB


def test_cpu_time_is_that_of_the_program(launcher: str, cheat: bytes, tmp_path: Path):
    outcome = execute(cheat, tmp_path / "run", cheating.archive("burn", 100_000_000), launcher=launcher)
    idle = execute(cheat, tmp_path / "idle", cheating.archive("copy"), launcher=launcher)
    assert outcome.cpu_s > 4 * idle.cpu_s
    assert outcome.wall_s >= 0.9 * outcome.cpu_s


def test_a_program_that_hangs_is_killed_at_its_time(launcher: str, cheat: bytes, tmp_path: Path):
    outcome = execute(cheat, tmp_path / "run", cheating.archive("hang"), launcher=launcher, wall_s=0.3)
    assert outcome.killed == "ran longer than 0.3 s"
    assert 0.3 <= outcome.wall_s < 5
    assert cheating.running((tmp_path / "run/bundle/decompress").stat()) == []


def test_an_allocation_beyond_the_limit_fails(launcher: str, cheat: bytes, tmp_path: Path):
    archive = cheating.archive("allocate", 200 * MB)
    outcome = execute(cheat, tmp_path / "run", archive, launcher=launcher, memory_bytes=100 * MB)
    assert outcome.exit_code == 3
    assert "malloc" in outcome.stderr_tail


def test_children_that_together_use_too_much_are_killed(launcher: str, cheat: bytes, tmp_path: Path):
    archive = cheating.archive("children", 60 * MB)
    outcome = execute(cheat, tmp_path / "run", archive, launcher=launcher, memory_bytes=150 * MB)
    assert outcome.killed == f"used more than {150 * MB} bytes of memory"


def test_a_fork_bomb_is_killed_whole(launcher: str, cheat: bytes, tmp_path: Path):
    outcome = execute(cheat, tmp_path / "run", cheating.archive("forks", 400), launcher=launcher)
    assert outcome.killed == f"started more than {isolation.PROCESSES} processes"
    assert cheating.running((tmp_path / "run/bundle/decompress").stat()) == []


def test_a_child_that_is_left_behind_ends_with_the_program(launcher: str, cheat: bytes, tmp_path: Path):
    outcome = execute(cheat, tmp_path / "run", cheating.archive("daemon"), launcher=launcher)
    assert outcome.exit_code == 0
    assert cheating.running((tmp_path / "run/bundle/decompress").stat()) == []


def test_a_flood_ends_at_the_file_limit(launcher: str, cheat: bytes, tmp_path: Path):
    outcome = execute(cheat, tmp_path / "run", cheating.archive("flood"), launcher=launcher)
    limit = len(cheating.ORIGINAL) + isolation.SLACK_BYTES
    assert outcome.killed == f"wrote a file of {limit} bytes or more"
    assert (tmp_path / "run/out/restored").stat().st_size == limit


def test_a_crash_is_named_by_its_signal(launcher: str, cheat: bytes, tmp_path: Path):
    outcome = execute(cheat, tmp_path / "run", cheating.archive("crash"), launcher=launcher)
    assert outcome.failure() == "ended with SIGSEGV (status 139)"


def test_what_it_says_is_quoted_without_control_characters(launcher: str, cheat: bytes, tmp_path: Path):
    outcome = execute(cheat, tmp_path / "run", cheating.archive("shout"), launcher=launcher)
    assert outcome.failure() == "ended with status 9: [31mred and loud"


def test_without_any_way_nothing_is_run(cheat: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(isolation.shutil, "which", lambda name: None)
    with pytest.raises(GolfError, match="install bubblewrap") as refused:
        execute(cheat, tmp_path / "run", cheating.archive("copy"), launcher="bwrap")
    assert refused.value.exit_code == Exit.MISSING_PACKAGE
    assert "\n" not in str(refused.value)
    assert os.listdir(tmp_path / "run/out") == []


def test_an_original_below_usr_is_seen_by_the_probe_and_nothing_is_run(cheat: bytes, tmp_path: Path):
    launcher = any_launcher("system")
    archive = cheating.archive("copy")
    with pytest.raises(GolfError, match="sees the original") as refused:
        execute(cheat, tmp_path / "run", archive, launcher=launcher, root="system", original=Path("/usr/bin/env"))
    assert refused.value.exit_code == Exit.MISSING_PACKAGE
    assert os.listdir(tmp_path / "run/out") == []


def test_a_path_that_must_be_hidden_and_is_not_stops_everything(
    cheat: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    launcher = any_launcher("system")
    monkeypatch.setattr(isolation, "HIDDEN", ("/usr/bin/env",))
    with pytest.raises(GolfError, match="sees /usr/bin/env"):
        execute(cheat, tmp_path / "run", cheating.archive("copy"), launcher=launcher, root="system")
    assert os.listdir(tmp_path / "run/out") == []
    assert cheating.running((tmp_path / "run/bundle/decompress").stat()) == []


@pytest.mark.parametrize("home", ["/", "/tmp", "/nonexistent"])
def test_the_home_folder_may_be_any(
    launcher: str, cheat: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str
):
    monkeypatch.setenv("HOME", home)
    assert execute(cheat, tmp_path / "run", cheating.archive("copy"), launcher=launcher).exit_code == 0


def test_a_process_that_is_not_shut_in_fails_every_part_of_the_probe(tmp_path: Path):
    with subprocess.Popen(["sleep", "60"]) as free:
        try:
            outside = probe.look_outside(free.pid)
        finally:
            free.kill()
    wanted = plan(tmp_path)
    problems = probe.judge_outside(outside, wanted)
    for name in probe.NAMESPACES:
        assert f"shares the {name} namespace" in problems
    assert "can gain privileges (no_new_privs is off)" in problems
    assert "has no mount at /archive.bin" in problems
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = {path: os.stat(path) for path in wanted.hidden if Path(path).exists()}
        outside_ids = {path: (stat.st_dev, stat.st_ino) for path, stat in found.items()}
        inside = probe.look_around(
            wanted._replace(hidden=list(outside_ids)), outside_ids, {"a TCP listener": listener.getsockname()}
        )
    problems = probe.judge_inside(inside, wanted)
    assert {"sees /proc", "sees /usr", f"sees {sys.executable}", "reaches a TCP listener"} <= set(problems)


def test_the_probe_accepts_exactly_the_plan(tmp_path: Path):
    wanted = plan(tmp_path)
    mounts = {"/": False, "/bundle": True, "/out": True, "/archive.bin": False}
    outside = probe.Outside([], [], True, mounts)
    inside = probe.Inside(["archive.bin", "bundle", "out"], [], False, ["lo"], [])
    assert probe.judge_outside(outside, wanted) == []
    assert probe.judge_inside(inside, wanted) == []
    for worse in (
        outside._replace(mounts=mounts | {"/": True}),
        outside._replace(mounts=mounts | {"/archive.bin": True}),
        outside._replace(mounts=mounts | {"/host": False}),
        outside._replace(capabilities=["CapEff"]),
        outside._replace(no_new_privs=False),
        outside._replace(shared_namespaces=["net"]),
    ):
        assert len(probe.judge_outside(worse, wanted)) == 1
    for worse in (
        inside._replace(interfaces_up=["lo", "eth0"]),
        inside._replace(entries=["archive.bin", "bundle", "out", "usr"]),
        inside._replace(visible=["/root"]),
        inside._replace(sees_original=True),
        inside._replace(reached=["a TCP listener"]),
    ):
        assert len(probe.judge_inside(worse, wanted)) == 1


def test_a_plan_survives_its_way_to_the_agent(tmp_path: Path):
    wanted = plan(tmp_path, "system")
    assert plans.loads(plans.dumps(wanted)) == wanted
