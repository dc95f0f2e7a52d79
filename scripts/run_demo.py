"""The demo: golf's main job on text and weights that are made here; ends with a table of what was measured.

scripts/demo        runs this with a folder that is made anew
"""

import json
import pydoc_data.topics
import random
import shlex
import shutil
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from golfkit import output

N_PARAMS = 17_059_912  # those of the official Parameter Golf baseline
SEED = 1337
MARKER = ".golf-demo"
VERIFIED = "roundtrip verified"
TINY = {  # a spec for a minute or two on a CPU
    "vocab_size": 260,
    "seq_len": 128,
    "batch_tokens": 1024,
    "n_layers": 2,
    "dim": 128,
    "n_heads": 2,
    "n_kv_heads": 2,
    "bigram_buckets": 1024,
    "trigram_buckets": 1024,
    "embed_rate": 0.1,
}
ITERATIONS = 60
VAL_TOKENS = 8192
SHOWN = {
    "total_bytes": "total bytes",
    "archive_bytes": "archive bytes",
    "decompressor_zip_bytes": "decompressor.zip bytes",
    "bpc": "bits per character of the total",
    "runtime_seconds": "seconds both ways",
    "ram_peak_gb": "peak memory, GB",
}
GOLF = Path(sys.executable).with_name("golf")


def main(folder: Path) -> int:
    """Run the demo in `folder`; 1 when a step's answer was no."""
    if (folder / MARKER).exists():  # nothing is removed but what an earlier demo made
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARKER).touch()
    started = time.perf_counter()
    measured = [*demo_measure(folder), *demo_train(folder), *demo_compress(folder), *demo_board(folder)]
    measured.append(("whole demo, seconds", f"{time.perf_counter() - started:.1f}"))
    print()
    output.table(["measured", "value"], measured)
    return 0 if (VERIFIED, "true") in measured else 1


def demo_measure(folder: Path) -> list[tuple[str, str]]:
    """Weigh a script and a payload, as before a training run."""
    (folder / "train_gpt.py").write_text("print('the counted script would train here')\n")
    weights = np.random.default_rng(SEED).normal(0, 24, N_PARAMS).clip(-127, 127).astype(np.int8)
    (folder / "final_model.int8.ptz").write_bytes(zlib.compress(weights.tobytes(), 9))
    golf(folder, "measure", "--params", str(N_PARAMS), "--bits", "8")
    golf(folder, "measure")
    weight = json.loads(golf(folder, "measure", "--json", quiet=True))
    return [("artifact bytes", str(weight["artifact_bytes"])), ("artifact status", weight["status"])]


def demo_train(folder: Path) -> list[tuple[str, str]]:
    """Make a workspace, pack text, and train the local model for a minute: score and bytes of what lies on disk."""
    (folder / "book").write_text(embedded_text())
    home = folder / "workspace"
    golf(folder, "init", "workspace")
    golf(folder, "data", "pack", "book", "--tokenizer", "bytes", "--val-fraction", "0.1", "--out", "workspace/shards")
    changes = [word for key, value in TINY.items() for word in ("--set", f"{key}={value}")]
    data = ["--data", "shards", "--tokenizer", "bytes", "--iterations", str(ITERATIONS)]
    data += ["--val-tokens", str(VAL_TOKENS)]
    began = time.perf_counter()
    golf(home, "train-local", *data, *changes, "--description", "the first try")
    seconds = time.perf_counter() - began
    record = json.loads(golf(home, "results", "best", "--json", quiet=True))
    weight = json.loads(golf(home, "measure", "--json", quiet=True))
    return [
        ("train-local, seconds", f"{seconds:.1f}"),
        ("val_bpb of the artifact", f"{record['val_bpb']:.4f}"),
        ("its bytes", str(weight["artifact_bytes"])),
        ("headroom", str(weight["headroom"])),
    ]


def demo_compress(folder: Path) -> list[tuple[str, str]]:
    """Compress a text with golf's default codec and with xz, and certify golf's own in the sandbox."""
    text = folder / "text"
    text.write_text(embedded_text())
    rows = [("text bytes", str(text.stat().st_size))]
    golf(folder, "compress", "text", "--codec", "xz", "-o", "xz")
    began = time.perf_counter()
    golf(folder, "compress", "text")
    rows.append(("compress, seconds (kernels compiled once)", f"{time.perf_counter() - began:.1f}"))
    golf(folder, "roundtrip", "--original", "text", may_say_no=True)
    own, peer = results(folder / "artifacts" / "latest"), results(folder / "xz")
    rows.append(("xz -9e, total bytes", str(peer["total_bytes"])))
    for key, label in SHOWN.items():
        rows.append((f"{own['method']}, {label}", str(own[key])))
    rows.append((VERIFIED, json.dumps(own.get("verified", False))))
    return rows


def demo_board(folder: Path) -> list[tuple[str, str]]:
    """Post the certified result to a local board, as evidence and not as a number."""
    agent = ["--agent", "demo"]
    golf(folder, "board", "agent", "register", "--model", "none", "--harness", "scripts/demo", *agent, "golf's demo")
    golf(folder, "board", "post", "plan: cm-mid on the text that comes with Python", *agent)
    post = ["board", "result", "post", "--from", "artifacts/latest", "--negative", "--announce", *agent]
    golf(folder, *post, may_say_no=True)  # where there is no sandbox it is not certified, and so not posted
    golf(folder, "board", "digest")
    count = json.loads(golf(folder, "board", "result", "info", "--json", quiet=True))
    return [("results on the board", str(count["results"]))]


def embedded_text() -> str:
    """English that comes with Python (700 kB), and a log that is made here."""
    rng = random.Random(SEED)
    log = [
        f"step:{n}/20000 train_loss:{6.9 * n**-0.12 + rng.gauss(0, 0.02):.4f} step_avg:{43 + rng.random():.2f}ms"
        for n in range(1, 2001)
    ]
    topics = pydoc_data.topics.topics
    return "\n".join([*(topics[key] for key in sorted(topics)), *log]) + "\n"


def results(artifact: Path) -> dict[str, Any]:
    """What an artifact folder says of itself."""
    return json.loads((artifact / "results.json").read_text())


def golf(folder: Path, *args: str, quiet: bool = False, may_say_no: bool = False) -> str:
    """Run a golf command as a user would, show it with what it printed, and return its data."""
    here = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE}
    done = subprocess.run([GOLF, *args], cwd=folder, **here, text=True, check=False)
    if not quiet:
        print(f"\n$ golf {shlex.join(args)}\n{done.stdout}", end="", flush=True)
    if done.returncode and not may_say_no:
        sys.exit(f"golf {shlex.join(args)}: exit {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
