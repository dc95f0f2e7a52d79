"""A compression killed again and again: scripts/kill-test FILE [--kills 20] [--codec NAME] [--seed 0] [--every S].

Compresses FILE once undisturbed. Then a second time, killing the process (SIGKILL) at random places of the transformed
input and giving the same command again; the last process may finish. Prints where each process resumed, whether both
archives are the same, and the CPU time of all processes together as a multiple of the undisturbed one's, start-ups and
checkpoints included; and that of user CPU time alone, as a virtual machine whose host takes back what a killed process
gave up pays for it again in the system's. Exit 1 when the archives differ, a process resumed at zero, or a kill came
too late.
"""

import argparse
import json
import math
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from golfkit import files, output

GOLF = [sys.executable, "-c", "from golfkit.cli import main; main()"]
BYTECODE = "PYTHONDONTWRITEBYTECODE"  # would have each process compile golf anew, which no user's does
CHECKPOINT_S = 0.05  # CPU seconds that one takes for each GB of memory; docs/tuning.md; decides how often they pay
POLL_S = 0.005
LATEST = 0.55  # of the input, of which the transform leaves 0.65 or more: a checkpoint comes behind the last place


class Ended(NamedTuple):
    """One process."""

    user_s: float
    system_s: float
    wall_s: float
    peak_bytes: int
    killed: bool
    resumed_at: int | None

    @property
    def cpu_s(self) -> float:
        """Both."""
        return self.user_s + self.system_s


def main(arguments: argparse.Namespace) -> int:
    """Measure and print."""
    with tempfile.TemporaryDirectory(dir=arguments.folder, prefix="kill-test-") as name:
        folder = Path(name)
        command = [*GOLF, "compress", str(arguments.file.resolve()), "-o"]
        codec = ["--codec", arguments.codec] if arguments.codec else []
        calm = run([*command, "calm", *codec, "--checkpoint-every", "0"], folder)
        checkpoint_s = CHECKPOINT_S * calm.peak_bytes / 1e9
        every_s = arguments.every or math.sqrt(2 * calm.wall_s * checkpoint_s / arguments.kills)
        stormy = [*command, "stormy", *codec, "--checkpoint-every", f"{every_s:.3f}"]
        rng, last = random.Random(arguments.seed), int(LATEST * arguments.file.stat().st_size)
        ended = storm(stormy, folder, sorted(rng.choices(range(last), k=arguments.kills)), every_s, rng)
        same = files.digest(folder / "calm/archive.bin") == files.digest(folder / "stormy/archive.bin")
        left = sorted(path.name for path in folder.iterdir())
    user_s, cpu_s = sum(one.user_s for one in ended), sum(one.cpu_s for one in ended)
    resumed = [one.resumed_at for one in ended[1:]]
    facts = {
        "input_bytes": arguments.file.stat().st_size,
        "kills": sum(one.killed for one in ended),
        "checkpoint_every_s": round(every_s, 2),
        "peak_bytes": calm.peak_bytes,
        "resumed_at": resumed,
        "archives_identical": same,
        "files_left": left,
        "calm_cpu_s": round(calm.cpu_s, 2),
        "killed_cpu_s": round(cpu_s, 2),
        "cpu_ratio": round(cpu_s / calm.cpu_s, 2),
        "user_cpu_ratio": round(user_s / calm.user_s, 2),
    }
    output.emit(facts)
    return 0 if same and all(resumed) and facts["kills"] == arguments.kills else 1


def storm(command: list[str], folder: Path, places: list[int], every_s: float, rng: random.Random) -> list[Ended]:
    """Run `command` until it ends, killing it a random time after the checkpoint has passed each of `places`."""
    ended: list[Ended] = []
    while not ended or ended[-1].killed:
        place = places[len(ended)] if len(ended) < len(places) else None
        ended.append(run(command, folder, place, rng.uniform(0, every_s), resuming=bool(ended)))
        output.note(f"{len(ended)}: {ended[-1]}")
    return ended


def run(
    command: list[str], folder: Path, place: int | None = None, after_s: float = 0.0, *, resuming: bool = False
) -> Ended:
    """One process, killed `after_s` seconds after its checkpoint has passed `place`; or, None, left to end.

    resuming  not before it has gone on where the one before it was
    """
    begun, due = time.perf_counter(), math.inf
    environment = {name: value for name, value in os.environ.items() if name != BYTECODE}
    with tempfile.TemporaryFile("w+") as said:
        running = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=said)
        while place is not None and not _has_ended(running.pid) and time.perf_counter() < due:
            if due == math.inf and position(folder) >= place and (not resuming or os.fstat(said.fileno()).st_size):
                due = time.perf_counter() + after_s
            time.sleep(POLL_S)
        if place is not None:
            os.kill(running.pid, signal.SIGKILL)  # or it waits to be waited for, and nothing happens
        _, status, used = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        words = said.read()
    if running.returncode not in (0, -signal.SIGKILL):
        sys.exit(words)
    found = re.search(r"resumed at ([\d,]+) bytes of", words)
    at = int(found[1].replace(",", "")) if found else None
    peak_bytes = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    wall_s = time.perf_counter() - begun
    return Ended(used.ru_utime, used.ru_stime, wall_s, peak_bytes, running.returncode != 0, at)


def position(folder: Path) -> int:
    """Where the checkpoint is; -1 before there is one."""
    try:
        with (folder / ".stormy.work/checkpoint").open("rb") as source:
            return json.loads(source.readline().partition(b" ")[2])["position"]
    except FileNotFoundError:
        return -1


def _has_ended(pid: int) -> bool:
    """Whether a child is over; it stays to be waited for, with what it used."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--codec", help="default: that of golf compress")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=float, help="seconds between checkpoints; default: what costs least")
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="where to work; default: here")
    sys.exit(main(parser.parse_args()))
