"""What promotions are tested on: a workspace with a promotable run, a stand-in of RunPod, a real ssh server as pod."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
from machine import Box
from standins import process
from standins.cloud import H100, KEY
from standins.process import Remote

from golfkit import ledger
from golfkit.budget.book.journal import Book
from golfkit.budget.book.limits import limits
from golfkit.budget.book.money import cost_cents
from golfkit.budget.pods.journal import Entry, Journal
from golfkit.ledger import Row
from golfkit.train.runs import record
from golfkit.train.runs.record import Artifact, Data, RunRecord, SeedResult

GPU_USD = 1200.0  # an hour: a second of eight costs 267 cents, so that a lost one is seen
BASE, GOOD = "local_base_1", "local_better_1"

# What a training script of the contest says and leaves, without the training.
SCRIPT = textwrap.dedent(
    """
    import os, sys, time
    seed = int(os.environ["SEED"])
    until = os.environ["DATA_PATH"] + "/go"
    print("world_size:8 grad_accum_steps:1")
    print("train_batch_tokens:524288 train_seq_len:1024 iterations:20 max_wallclock_seconds:600.000", flush=True)
    print(f"seed:{seed}", flush=True)
    for step in range(1, 21):
        print(f"step:{step}/20 train_loss:{3.0 - step / 20:.4f} train_time:{step * 10}ms step_avg:10.00ms", flush=True)
        if step == 5:
            while os.path.exists(os.environ["DATA_PATH"] + "/hold"):
                time.sleep(0.02)
    if os.path.exists(os.environ["DATA_PATH"] + "/nan"):
        print("step:20/20 train_loss:nan train_time:200ms step_avg:10.00ms", flush=True)
        time.sleep(600)
    if os.path.exists(os.environ["DATA_PATH"] + "/crash"):
        sys.exit("RuntimeError: CUDA error: an illegal memory access was encountered")
    size = os.environ["DATA_PATH"] + "/size"
    payload = os.urandom(int(open(size).read()) if os.path.exists(size) else 20000)
    with open("final_model.int8.ptz", "wb") as out:
        out.write(bytes([0x78, 0xDA]) + payload)
    print("peak memory allocated: 10184 MiB reserved: 10200 MiB")
    print(f"Serialized model int8+zlib: {len(payload) + 2} bytes (payload:1 raw_torch:1 payload_ratio:1.00x)")
    bpb = 1.2 + seed / 1e6
    loss = bpb * 0.6931471805599453 * 2.43593
    print(f"final_int8_zlib_roundtrip val_loss:{loss:.4f} val_bpb:{bpb:.4f} eval_time:100ms")
    print(f"final_int8_zlib_roundtrip_exact val_loss:{loss:.8f} val_bpb:{bpb:.8f}", flush=True)
    """
).lstrip()


@dataclass
class Stage:
    """A workspace, its cloud and its pod."""

    home: Path
    remote: Remote
    box: Box
    disk: Path  # pod_folder on the pod

    @property
    def data(self) -> Path:
        """DATA_PATH on the pod; `hold` and `crash` in it steer the script."""
        return self.disk / "data"

    def environ(self, **more: str) -> dict[str, str]:
        """The environment of golf."""
        ours = {"RUNPOD_API_KEY": KEY, "RUNPOD_API_BASE_URL": self.remote.url, "NO_COLOR": "1"}
        tests = str(Path(__file__).parent)
        return os.environ | ours | {"PYTHONPATH": tests} | more

    def golf(self, *args: object, **more: str) -> "subprocess.CompletedProcess[str]":
        """Run golf in the workspace to its end."""
        command = [str(Path(sys.executable).with_name("golf")), *map(str, args)]
        return subprocess.run(
            command, cwd=self.home, env=self.environ(**more), capture_output=True, text=True, timeout=120, check=False
        )

    def start(self, point: str, *args: object, **more: str) -> "subprocess.Popen[str]":
        """Start golf so that it is killed at a point (tests/killing.py); an empty one lets it live."""
        command = [sys.executable, "-m", "killing", point, *map(str, args)]
        return subprocess.Popen(
            command, cwd=self.home, env=self.environ(**more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def entries(self) -> dict[str, Entry]:
        """The pods journal."""
        return Journal(self.home, lambda: 0.0, lambda text: None).entries()

    def book(self) -> Book:
        """The budget."""
        return Book(self.home, limits({}, self.home))

    def rows(self, tier: str = "runpod") -> list[Row]:
        """The rows of a tier; results.tsv is well-formed when this returns."""
        return [row for row in ledger.read_rows(self.home / "results.tsv") if row.tier == tier]

    def check_nothing_left(self) -> None:
        """Zero pods, every started second charged, no reservation open, results.tsv well-formed."""
        cloud = self.remote.cloud()
        assert cloud.alive() == []
        assert [entry for entry in self.entries().values() if entry.open] == []
        state = self.book().state(0.0)
        assert state.open == ()
        billed = sum(cost_cents(cloud.billed_s(pod), self.usd_per_hour) for pod in cloud.machines)
        assert state.spent_cents >= billed - len(cloud.machines)  # a cent of rounding a pod
        rented = {entry.run for entry in self.entries().values() if entry.ids}
        assert {row.commit for row in self.rows()} == rented
        assert sum(row.cost_usd for row in self.rows()) * 100 == state.spent_cents

    @property
    def usd_per_hour(self) -> Decimal:
        """Price of the machine."""
        return Decimal(repr(GPU_USD)) * 8


def local_run(home: Path, name: str, val_bpb: float, promoted: str, script: str = SCRIPT) -> None:
    """A finished local run of a script: folder, record, row."""
    folder = home / "runs" / name
    folder.mkdir(parents=True)
    (folder / "train_gpt.py").write_text(script)
    (folder / "final_model.int8.ptz").write_bytes(b"\x78\xda" + os.urandom(1000))
    size = len(script.encode()) + 1002
    made = RunRecord(
        run=name,
        tier="local",
        source="script",
        description=f"idea {name}",
        status="keep",
        data=Data(train_sha256="a" * 64, val_sha256="b" * 64, tokenizer="sp1024"),
        iterations=10,
        steps=10,
        batch_tokens=8192,
        seq_len=256,
        tokens_seen=81920,
        seeds=(SeedResult(seed=1, val_bpb=val_bpb), SeedResult(seed=2, val_bpb=val_bpb + 0.001)),
        val_bpb=val_bpb + 0.0005,
        noise_bpb=0.0007,
        artifact=Artifact(
            code_bytes=size - 1002,
            payload_bytes=1002,
            artifact_bytes=size,
            limit=16_000_000,
            payload="final_model.int8.ptz",
        ),
    )
    record.write(folder / "run.json", made)
    row = Row(name, "local", val_bpb + 0.0005, size, 1.0, "keep", promoted, None, f"idea {name}")
    ledger.append_row(home / "results.tsv", row)


@contextmanager
def staged(folder: Path, box: Box, **settings: object) -> Iterator[Stage]:
    """A stage below `folder`; `settings` go into its golf.toml."""
    home, disk = folder / "work", box.home / folder.name
    home.mkdir()
    (disk / "data").mkdir(parents=True)
    given = {
        "pod_folder": str(disk),
        "pod_data_path": "data",
        "pod_command": f"{sys.executable} train_gpt.py",
        "pod_lost_seconds": 1.0,
        "pod_boot_minutes": 0.5,
        "pod_run_minutes": 1.0,
        "total_compute_credits": 1e9,
        "gpu_rate_usd": GPU_USD * 8,
        "ssh_key": str(box.identity),
        "promotions_per_hour": 100,
        **settings,
    }
    (home / "golf.toml").write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in given.items()))
    local_run(home, BASE, 2.0, "no")
    local_run(home, GOOD, 1.8, "pending")
    with process.started(folder / "cloud.json") as remote:
        address = [box.address.host, box.address.port]
        remote.set(address=address, user=box.address.user, prices={H100: [GPU_USD, GPU_USD]})
        yield Stage(home, remote, box, disk)


@pytest.fixture
def stage(tmp_path: Path, box: Box) -> Iterator[Stage]:
    """A stage with the defaults."""
    with staged(tmp_path, box) as made:
        yield made
