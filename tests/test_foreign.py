"""A stranger's training script: its environment, its processes, its log, how it ended and what it weighs."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from golfkit.errors import Exit, GolfError
from golfkit.settings import Settings
from golfkit.train.foreign import processes, running
from golfkit.train.foreign.environment import Flags, flags_to_environment, script_environment
from golfkit.train.foreign.processes import Process
from golfkit.train.foreign.running import Finished
from golfkit.train.foreign.score import score_of
from golfkit.train.foreign.verdict import Verdict, verdict_of
from golfkit.train.logs import decode, parse
from golfkit.train.logs.steps import Reading, reading_of

OFFICIAL = '''"""Trains. final_int8_zlib_roundtrip val_loss:1.0000 val_bpb:0.6000"""
import os
from pathlib import Path
def main():
    code = Path(__file__).read_text()
    print(code)
    steps = int(os.environ["ITERATIONS"])
    for step in range(1, steps + 1):
        print(f"step:{step}/{steps} train_loss:2.5000 train_time:{step * 10}ms step_avg:10.00ms tok_s:5000")
    print(f"step:{steps}/{steps} val_loss:2.4000 val_bpb:1.4200 train_time:30ms step_avg:10.00ms")
    Path("final_model.pt").write_bytes(bytes(1000))
    Path("final_model.int8.ptz").write_bytes(b"x" * 700)
    print(f"Code size: {len(code)} bytes")
    print("Serialized model int8+zlib: 700 bytes (payload:900 raw_torch:1000 payload_ratio:1.2x)")
    print(f"Total submission size int8+zlib: {700 + len(code)} bytes")
    print("final_int8_zlib_roundtrip val_loss:2.4100 val_bpb:1.4259 eval_time:5ms")
    print("final_int8_zlib_roundtrip_exact val_loss:2.41000000 val_bpb:1.42591234")
main()
'''
WAIT = "import time\nwhile True: time.sleep(60)\n"


def run(folder: Path, source: str, name: str = "train_gpt.py", **options) -> Finished:
    script = folder / name
    script.write_text(source)
    (folder / "run").mkdir(exist_ok=True)
    environment = script_environment(os.environ, options.pop("flags", Flags()))
    return running.run(script, folder / "run", environment, **options)


def judged(finished: Finished, **options) -> Verdict:
    text = decode(finished.log.read_bytes())
    return verdict_of(text, parse(text), finished.returncode, **options)


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and waits for its parent does not."""
    if not Path("/proc/self/stat").exists():
        return any(process.pid == pid for process in processes.running())
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def end_of(pid: int) -> bool:
    """Whether the process ends within 10 seconds."""
    until = time.monotonic() + 10
    while alive(pid) and time.monotonic() < until:
        pass
    return not alive(pid)


def test_flags_become_the_scripts_names_and_paths_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    flags = Flags(
        iterations=5, minutes=0.5, seed=7, run="a_1", data=Path("d"), tokenizer=Path("t.model"), batch_tokens=8192
    )
    assert flags_to_environment(flags) == {
        "ITERATIONS": "5",
        "MAX_WALLCLOCK_SECONDS": "30",
        "SEED": "7",
        "RUN_ID": "a_1",
        "DATA_PATH": f"{tmp_path}/d",
        "TOKENIZER_PATH": f"{tmp_path}/t.model",
        "TRAIN_BATCH_TOKENS": "8192",
    }
    assert flags_to_environment(Flags(seq_len=64, vocab=256, out=tmp_path)) == {
        "TRAIN_SEQ_LEN": "64",
        "VOCAB_SIZE": "256",
        "OUT_DIR": str(tmp_path),
    }


@pytest.mark.parametrize(("flags", "seconds"), [((5, None), "0"), ((None, 10), "600"), ((None, 0.01), "0.6")])
def test_iterations_alone_lift_the_time_limit(flags, seconds):
    iterations, minutes = flags
    assert flags_to_environment(Flags(iterations=iterations, minutes=minutes))["MAX_WALLCLOCK_SECONDS"] == seconds
    assert flags_to_environment(Flags()) == {}


def test_a_script_sees_no_secret_of_golf_and_keeps_what_the_user_set(tmp_path):
    secrets = {f.metadata["env"] for f in Settings.__dataclass_fields__.values() if f.metadata["secret"]}
    assert {"RUNPOD_API_KEY", "HF_TOKEN", "GITHUB_TOKEN"} <= secrets
    seen = script_environment(dict.fromkeys(secrets, "hush") | {"NUM_LAYERS": "4", "SEED": "1"}, Flags(seed=2))
    assert seen == {"NUM_LAYERS": "4", "SEED": "2"}


def test_the_official_lines_are_followed_scored_and_weighed(tmp_path):
    steps: list[Reading] = []
    finished = run(
        tmp_path,
        OFFICIAL,
        "mine.py",
        flags=Flags(iterations=3),
        on_line=lambda line: steps.extend([p] if (p := reading_of(line)) else []),
    )
    assert steps[0] == Reading(1, 3, 2.5, train_s=0.01, tokens_per_second=5000.0)
    assert steps[-1] == Reading(3, 3, val_loss=2.4, val_bpb=1.42, train_s=0.03)
    assert (finished.script.name, finished.script.read_text()) == ("train_gpt.py", OFFICIAL)
    assert [path.name for path in finished.payloads] == ["final_model.int8.ptz"]
    assert finished.wall_s > 0
    assert finished.peak_memory_bytes > 1 << 20
    assert judged(finished) == (
        "finished",
        "final_int8_zlib_roundtrip_exact: the best evaluation of the finished artifact.",
        None,
    )
    log = parse(decode(finished.log.read_bytes()))
    score = score_of(log, finished.script, finished.payloads, 16_000_000)
    assert (score.val_bpb, score.code_bytes, score.payload_bytes) == (1.42591234, len(OFFICIAL), 700)
    assert (score.artifact_bytes, score.notes) == (len(OFFICIAL) + 700, ())


def test_a_payload_that_was_there_before_is_not_the_runs(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/old.ptz").write_bytes(b"old")
    (tmp_path / "run/again.ptz").write_bytes(b"old")
    finished = run(tmp_path, "open('again.ptz', 'wb').write(b'new')\n")
    assert [path.name for path in finished.payloads] == ["again.ptz"]


def test_a_missing_script_is_one_line(tmp_path):
    with pytest.raises(GolfError, match=r"none\.py: not found"):
        running.run(tmp_path / "none.py", tmp_path, {})


def test_junk_progress_bars_and_endless_lines_reach_the_log_whole(tmp_path):
    source = """import sys
out = sys.stdout.buffer
out.write(bytes(range(256)) * 10 + b"\\n")
out.write(b"\\rstep:1/2 train_loss:3.0\\rstep:2/2 train_loss:2.0\\r\\n")
out.write(b"y" * (1 << 20))
sys.stderr.write("\\nlast")
"""
    told: list[str] = []
    finished = run(tmp_path, source, on_line=told.append)
    assert finished.returncode == 0
    written = finished.log.read_bytes()
    assert sorted(written) == sorted(
        bytes(range(256)) * 10
        + b"\n\rstep:1/2 train_loss:3.0\rstep:2/2 train_loss:2.0\r\n"
        + b"y" * (1 << 20)
        + b"\nlast"
    )
    assert [p.step for line in told if (p := reading_of(line))] == [1, 2]
    assert max(map(len, told)) <= running.LONGEST
    assert judged(finished).status == "finished"


def test_a_script_that_closes_its_output_is_waited_for(tmp_path):
    source = "import os, time\nos.close(1); os.close(2)\ntime.sleep(0.3)\nopen('late', 'w').close()\nos._exit(3)\n"
    assert run(tmp_path, source).returncode == 3
    assert (tmp_path / "run/late").exists()


def test_a_child_that_holds_the_pipe_does_not_hold_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr(running, "DRAIN_S", 0.3)
    source = f"import subprocess, sys\nprint(subprocess.Popen([sys.executable, '-c', {WAIT!r}]).pid)\n"
    finished = run(tmp_path, source)
    assert finished.returncode == 0
    assert end_of(int(finished.log.read_text()))


def test_a_full_disk_is_one_line_and_ends_the_script(tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    (tmp_path / "run").mkdir()
    (tmp_path / "run/train.log").symlink_to("/dev/full")
    with pytest.raises(GolfError, match=r"train\.log: cannot be written \(No space left on device\)"):
        run(tmp_path, "import os\nopen('pid', 'w').write(str(os.getpid()))\nprint('full')\n" + WAIT)
    assert end_of(int((tmp_path / "run/pid").read_text()))


DRIVER = """
import os, sys
from pathlib import Path
from golfkit.interrupts import stoppable
from golfkit.train.foreign import running
with stoppable():
    running.run(Path(sys.argv[1]), Path(sys.argv[2]), dict(os.environ), on_line=lambda line: print(line, flush=True))
"""
ENDLESS = f"""import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {WAIT!r}])
print("step:1/9 train_loss:2.0", child.pid, os.getpid())
{WAIT}"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 143)])
def test_a_signal_to_golf_ends_every_process_and_keeps_the_log(tmp_path, number, code):
    (tmp_path / "train_gpt.py").write_text(ENDLESS)
    (tmp_path / "run").mkdir()
    command = [sys.executable, "-c", DRIVER, str(tmp_path / "train_gpt.py"), str(tmp_path / "run")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as driver:
        said = driver.stdout.readline()
        os.killpg(driver.pid, number)
        driver.communicate(timeout=30)
    assert driver.returncode == code
    assert (tmp_path / "run/train.log").read_text() == said
    assert all(end_of(int(pid)) for pid in said.split()[-2:])


def test_workers_that_ignore_sigterm_in_sessions_of_their_own_are_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(running, "GRACE_S", 0.3)
    deaf = "import os, signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint(os.getpid(), flush=True)\n" + WAIT
    source = (
        f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {deaf!r}], start_new_session=True)\n{WAIT}"
    )

    def interrupt(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, source, on_line=interrupt)
    assert end_of(int((tmp_path / "run/train.log").read_text()))


def test_modules_beside_the_script_are_known(tmp_path):
    for name in ("train_gpt.py", "helpers.py", "package/__init__.py", "folder/part.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert running.modules_beside(tmp_path / "train_gpt.py") == {"helpers", "package"}


def test_descendants_are_found_through_generations_and_circles():
    table = [Process(2, 1, "a"), Process(3, 2, "b"), Process(4, 3, "c"), Process(5, 9, "d"), Process(1, 4, "e")]
    assert {process.pid for process in processes.descendants(2, table)} == {1, 2, 3, 4}
    assert processes.descendants(7, table) == set()


GLOO = """import os
import torch
import torch.distributed as dist
dist.init_process_group("gloo")
total = torch.ones(1)
dist.all_reduce(total)
if dist.get_rank() == 0:
    print(f"world_size:{int(total)}\\nfinal_int8_zlib_roundtrip_exact val_loss:2.41000000 val_bpb:1.42591234")
dist.destroy_process_group()
"""


def test_two_processes_run_under_torchs_launcher(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    finished = run(tmp_path, GLOO, n_processes=2)
    log = parse(decode(finished.log.read_bytes()))
    assert (finished.returncode, log.world_size, log.val_bpb) == (0, 2, 1.42591234), finished.log.read_text()


def test_torch_without_cuda_is_a_missing_package(tmp_path):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is CUDA here")
    verdict = judged(run(tmp_path, "import torch\nprint('seed:1')\ntorch.ones(1).cuda()\n"))
    assert verdict.status == "crash"
    assert verdict.missing.exit_code == Exit.MISSING_PACKAGE
    assert str(verdict.missing).startswith("train_gpt.py:3: the script needs CUDA, there is none here (")


@pytest.mark.parametrize(
    ("line", "progress"),
    [
        ("4988/20000 val_loss: 2.8177 val_bpb: 1.0908 train_time: 5s", (4988, 20000, None, 2.8177, 1.0908, 5.0, None)),
        ("step:7/9 train_loss:nan train_time:1ms", (7, 9, "nan", None, None, 0.001, None)),
        ("[rank0]: step:7/9 train_loss:1e-3 tok_s:5000", (7, 9, 0.001, None, None, None, 5000.0)),
        ("warmup_step:1/20", None),
        ("epoch 3", None),
    ],
)
def test_step_lines_are_read_in_all_their_forms(line, progress):
    found = reading_of(line)
    assert (None if found is None else tuple("nan" if value != value else value for value in found)) == progress


@given(st.text() | st.from_regex(r"step:\d{1,40}/\d{1,40} (train_loss|val_bpb|tok_s)[:=][-+.\de]{1,400}"))
@example("step:1/2 train_loss:" + "9" * 400)
@example("step:٣/٣ train_loss:٣")
def test_no_line_upsets_the_progress(line):
    assert reading_of(line) is None or isinstance(reading_of(line), Reading)
