"""What goes wrong on the way: no pod is left, every second is charged, nothing stays open, the ledger holds."""

import json
import os
import shutil
import signal
import subprocess

import pytest
from machine import eventually, processes_with
from promoting import KEY, Stage
from standins.cloud import KEY as CLOUD_KEY

FORCE = ("--force", "a test")


def promoted(stage: Stage, *args: object, **environ: str) -> subprocess.CompletedProcess[str]:
    """A promotion to its end; nothing may be left whatever it was."""
    done = stage.golf("promote", *FORCE, *args, **environ)
    stage.check_nothing_left()
    assert KEY not in done.stdout + done.stderr
    return done


def held(stage: Stage) -> subprocess.Popen[str]:
    """A promotion whose script waits at step 5 for as long as the file `hold` is there."""
    (stage.data / "hold").touch()
    child = stage.start("", "promote", *FORCE)
    logs = stage.home / "runs"
    eventually(lambda: any("step:5/" in log.read_text() for log in logs.glob("runpod_*/train.log")), "step 5", 40)
    return child


def ended(stage: Stage, child: subprocess.Popen[str]) -> tuple[int, str]:
    """Its exit code and what it said, when it has ended."""
    out, err = child.communicate(timeout=60)
    stage.check_nothing_left()
    return child.returncode, out + err


def test_a_create_that_timed_out_but_succeeded_is_found_by_its_name_and_used(stage: Stage):
    stage.remote.fault("create", after=True, drop=True)
    done = promoted(stage)
    assert done.returncode == 0, done.stderr
    assert "found by its name" in done.stderr
    assert stage.remote.cloud().creates == 1


def test_a_create_that_was_lost_and_made_nothing_costs_nothing_and_gives_the_hour_back(stage: Stage):
    stage.remote.fault("create", drop=True)
    done = promoted(stage)
    assert done.returncode == 4
    assert stage.book().state(0.0).spent_cents == 0
    assert stage.book().state(0.0).starts == ()
    assert list((stage.home / "runs").glob("runpod_*")) == []


def test_a_storm_of_429_is_sat_out(stage: Stage):
    for what in ("create", "get", "terminate"):
        stage.remote.fault(what, status=429, retry_after=0, times=3)
    assert promoted(stage).returncode == 0


def test_server_errors_while_terminating_do_not_leave_the_pod(stage: Stage):
    stage.remote.fault("terminate", status=500, times=7)
    stage.remote.fault("get", status=503, times=2)
    assert promoted(stage).returncode == 0


def test_no_balance_stops_at_once(stage: Stage):
    stage.remote.fault("create", status=402, detail="insufficient balance")
    done = promoted(stage)
    assert (done.returncode, stage.remote.cloud().creates) == (4, 1)
    assert stage.rows() == []


def test_a_request_that_the_provider_finds_wrong_is_sent_once(stage: Stage):
    stage.remote.fault("create", status=422, detail="unknown field", errors=["gpu"])
    done = promoted(stage)
    assert (done.returncode, stage.remote.cloud().creates) == (3, 1)


def test_a_pod_that_never_boots_is_ended_and_paid(stage: Stage):
    stage.remote.set(boot_looks=10_000)
    config = stage.home / "golf.toml"
    config.write_text(config.read_text().replace("pod_boot_minutes = 0.5", "pod_boot_minutes = 0.05"))
    done = promoted(stage)
    assert done.returncode == 4
    (row,) = stage.rows()
    assert row.status == "crash"
    assert row.cost_usd > 0


def test_a_connection_that_drops_in_the_middle_is_resumed(stage: Stage):
    child = held(stage)
    stage.box.drop()
    stage.box.down()
    stage.box.up()
    (stage.data / "hold").unlink()
    code, said = ended(stage, child)
    assert code == 0, said
    (log,) = (stage.home / "runs").glob("runpod_*/train.log")
    steps = [line.split()[0] for line in log.read_text().splitlines() if line.startswith("step:")]
    assert steps == [f"step:{step}/20" for step in range(1, 21)]  # none lost, none twice, and it ran once


def test_a_copy_that_is_cut_in_the_middle_of_a_file_goes_on(stage: Stage):
    (stage.data / "size").write_text("30000000")  # large enough to be caught on its way
    child = held(stage)
    (stage.data / "hold").unlink()
    eventually(lambda: any((stage.home / "runs").glob("runpod_*/.down*/*")), "the copy began", 40)
    stage.box.drop()
    code, said = ended(stage, child)
    assert code == 0, said
    (folder,) = (stage.home / "runs").glob("runpod_*")
    (there,) = stage.disk.glob("runpod_*/seed1337/final_model.int8.ptz")
    assert (folder / "final_model.int8.ptz").read_bytes() == there.read_bytes()


def test_a_script_that_crashes_is_a_crash_with_its_price(stage: Stage):
    (stage.data / "crash").touch()
    done = promoted(stage)
    assert done.returncode == 1
    (row,) = stage.rows()
    assert (row.status, row.val_bpb) == ("crash", None)
    assert row.cost_usd > 0
    (log,) = (stage.home / "runs").glob("runpod_*/train.log")
    assert "illegal memory access" in log.read_text()


def test_a_hopeless_run_is_aborted_early(stage: Stage):
    (stage.data / "nan").touch()
    done = promoted(stage)
    assert done.returncode == 1
    assert "step 20: the loss is nan" in done.stderr
    (row,) = stage.rows()
    assert row.status == "crash"


def test_a_script_that_hangs_is_ended_at_its_deadline(stage: Stage):
    (stage.data / "hold").touch()
    config = stage.home / "golf.toml"
    config.write_text(config.read_text().replace("pod_run_minutes = 1.0", "pod_run_minutes = 0.1"))
    done = promoted(stage)
    assert done.returncode == 1
    (row,) = stage.rows()
    assert row.status == "crash"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_cleans_up_and_exits(stage: Stage, number: signal.Signals):
    child = held(stage)
    child.send_signal(number)
    code, said = ended(stage, child)
    assert code in (130, 128 + number), said
    (row,) = stage.rows()
    assert (row.status, row.description) == ("crash", "idea local_better_1")


def test_a_full_disk_on_the_way_back_is_a_crash_that_is_paid_and_named(stage: Stage):
    (stage.data / "size").write_text("300000")
    child = held(stage)
    subprocess.run(["prlimit", "--fsize=100000", "--pid", str(child.pid)], check=True)
    (stage.data / "hold").unlink()
    code, said = ended(stage, child)
    assert code == 3, said
    assert "final_model.int8.ptz" in said
    (row,) = stage.rows()
    assert row.status == "crash"


@pytest.mark.parametrize("jump_s", [86_400.0, -86_400.0])
def test_a_jump_of_the_clock_changes_no_charge(stage: Stage, jump_s: float):
    child = stage.start(f"clock {jump_s}", "promote", *FORCE)
    code, said = ended(stage, child)
    assert code == 0, said
    (pod,) = stage.remote.cloud().machines
    seconds = stage.remote.cloud().billed_s(pod)
    assert stage.book().state(0.0).spent_cents < (seconds + 10) * 267


def test_two_promotions_at_once_share_one_hourly_slot(stage: Stage):
    config = stage.home / "golf.toml"
    config.write_text(config.read_text().replace("promotions_per_hour = 100", "promotions_per_hour = 1"))
    children = [stage.start("", "promote", *FORCE) for _ in range(2)]
    said = [child.communicate(timeout=90) for child in children]
    stage.check_nothing_left()
    assert sorted(child.returncode for child in children) == [0, 1], said
    assert stage.remote.cloud().creates == 1
    assert "hour" in "".join(out + err for out, err in said)


def test_a_pod_that_costs_more_than_was_reserved_is_ended_and_charged_at_its_price(stage: Stage):
    config = stage.home / "golf.toml"
    config.write_text(config.read_text().replace("gpu_rate_usd = 9600.0", "gpu_rate_usd = 20.0"))
    stage.remote.fault("price", status=500, times=50)  # so the settings' price is believed
    done = promoted(stage)
    assert done.returncode == 4
    assert "more than the $20.0" in done.stderr


def test_a_pod_of_someone_else_is_never_touched(stage: Stage):
    from golfkit.budget.providers.choose import REAL
    from golfkit.budget.providers.protocol import PodRequest
    from golfkit.budget.providers.rest2 import Rest2

    other = Rest2(CLOUD_KEY, stage.remote.url, REAL).create(
        PodRequest(
            name="golf-of-my-neighbour", gpu="NVIDIA H100 80GB HBM3", gpu_count=8, cloud="SECURE", image="i", disk_gb=50
        )
    )
    assert stage.golf("promote", *FORCE).returncode == 0
    assert stage.golf("pods", "reap").returncode == 0
    assert [pod.id for pod in stage.remote.cloud().alive()] == [other.id]


def test_another_accounts_key_ends_nothing_and_says_so(stage: Stage):
    child = stage.start("training,nodog", "promote", *FORCE)
    child.communicate(timeout=60)
    done = stage.golf("pods", "reap", RUNPOD_API_KEY="rpa_another")
    assert done.returncode == 4
    assert "another RUNPOD_API_KEY" in done.stderr
    assert stage.remote.cloud().alive()
    assert stage.golf("pods", "reap").returncode == 0
    stage.check_nothing_left()


def test_pods_list_shows_what_is_alive_and_what_it_costs(stage: Stage):
    child = held(stage)
    shown = json.loads(stage.golf("pods", "list", "--json").stdout)
    (pod,) = shown["pods"]
    assert (pod["status"], pod["journal"], pod["owner"]) == ("running", "open", "alive")
    assert shown["usd_per_minute"] == "160.00"
    (stage.data / "hold").unlink()
    assert ended(stage, child)[0] == 0
    assert json.loads(stage.golf("pods", "list", "--json").stdout)["pods"] == []


def test_no_secret_is_in_argv_files_or_the_pods_environment(stage: Stage):
    child = held(stage)
    assert processes_with(KEY) == []
    assert processes_with("RUNPOD_API_KEY", where="environ") != []  # golf has it: the search can find
    assert "RUNPOD_API_KEY" not in json.dumps([pod.env for pod in stage.remote.cloud().machines.values()])
    (stage.data / "hold").unlink()
    code, said = ended(stage, child)
    assert (code, KEY in said) == (0, False)
    found = subprocess.run(
        ["grep", "-rlaF", KEY, str(stage.home), str(stage.disk)], capture_output=True, text=True, check=False
    )
    assert found.stdout == ""


def test_by_the_runpod_package_too(stage: Stage):
    config = stage.home / "golf.toml"
    config.write_text(config.read_text() + 'pod_provider = "sdk"\n')
    done = promoted(stage)
    assert done.returncode == 0, done.stderr


def test_ones_own_machine_is_not_rented_and_not_charged(stage: Stage):
    address = stage.box.address
    host = f"{address.user}@{address.host}:{address.port}"
    done = stage.golf("promote", *FORCE, "--tier", "ssh", "--host", host)
    assert done.returncode == 0, done.stderr
    (row,) = stage.rows("ssh")
    assert (row.status, row.cost_usd) == ("keep", None)
    assert stage.remote.cloud().creates == 0
    assert not (stage.home / "budget.jsonl").exists()


def test_a_key_of_its_own_is_made_for_each_pod(stage: Stage):
    config = stage.home / "golf.toml"
    config.write_text("".join(line + "\n" for line in config.read_text().splitlines() if "ssh_key" not in line))
    allowed = stage.box.folder / "authorized_keys"
    before = allowed.read_text()
    child = stage.start("", "promote", *FORCE)
    try:
        eventually(lambda: stage.remote.cloud().alive(), "rented", 40)
        (pod,) = stage.remote.cloud().alive()
        allowed.write_text(before + pod.env["PUBLIC_KEY"] + "\n")  # as the image of a pod does
        code, said = ended(stage, child)
    finally:
        allowed.write_text(before)
    assert code == 0, said
    assert shutil.which("ssh-keygen")
    assert os.listdir(stage.home / ".pods")
