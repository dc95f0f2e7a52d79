"""`--dynamic`: run a script on altered validation text, and see whether a score knew of text that came after it.

A tiny training on random tokens, twice: the validation streams are equal up to a place, and differ from there on. A
loss of a target before that place may not differ. If one does, the script looked ahead, or learnt from what it had
still to score. Not every such loss is reported (test-time training goes over a chunk again, after its score), so a
third run moves exactly those losses by a large number: where the reported score moves along, they are what is reported.
"""

import contextlib
import json
import os
import random
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from golfkit.budget.gate import probe
from golfkit.budget.gate.verdict import Verdict
from golfkit.files import neutralise

NAME = "legality"
SEQ_LEN = 64  # tokens
N_VAL = 32 * SEQ_LEN + 1  # four batches of eight sequences
SPLIT = 18 * SEQ_LEN + 37  # from here on the streams differ: inside of a sequence, a batch and a chunk
N_TRAIN = 1 << 16
DOCUMENT = 5 * SEQ_LEN + 11  # tokens between two starts of documents
BOS = 1
LETTERS = range(101, 127)  # a to z: as byte tokens, in the byte vocabulary and in the contest's
TOLERANCE = 2e-5  # nats; between runs that are the same float32 moves by 1e-6, and what a step taught by 1e-4
TIME_LIMIT_S = 240.0  # of one run
MOST_OUTPUT = 1 << 20  # bytes that are kept, the last ones
SCRIPT = "train_gpt.py"
NAMES = {
    **{"ITERATIONS": "6", "MAX_WALLCLOCK_SECONDS": "0", "VAL_LOSS_EVERY": "0", "TRAIN_LOG_EVERY": "1", "SEED": "1337"},
    **{"WARMUP_STEPS": "0", "WARMDOWN_ITERS": "0", "TRAIN_SEQ_LEN": str(SEQ_LEN), "EVAL_SEQ_LEN": str(SEQ_LEN)},
    **{"TRAIN_BATCH_TOKENS": str(8 * SEQ_LEN), "VAL_BATCH_SIZE": str(8 * SEQ_LEN), "RUN_ID": "probe"},
    **{"VAL_BATCH_TOKENS": str(8 * SEQ_LEN), "EVAL_STRIDE": str(SEQ_LEN // 2), "GPTQ_CALIBRATION_BATCHES": "1"},
    **{"TTT_ENABLED": "1", "TTT_CHUNK_TOKENS": str(4 * SEQ_LEN), "TTT_BATCH_SEQS": "2", "TTT_CHUNK_SIZE": "16"},
    **{"TTT_EVAL_SEQ_LEN": str(SEQ_LEN), "TTT_BATCH_SIZE": "2", "GRAD_ACCUM_STEPS": "1", "OUT_DIR": "."},
    **{"COMPILE": "0", "TORCHDYNAMO_DISABLE": "1", "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
}
KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "PYTHONPATH")
_SCORE = re.compile(r"(?:bpb|val_loss)\W{1,3}(-?[\d.]+(?:e[+-]?\d+)?|nan|inf)", re.IGNORECASE)
_NO_CUDA = re.compile(r"CUDA|NVIDIA|nvidia-smi|cudart|triton|flash_attn", re.IGNORECASE)


class Call(NamedTuple):
    """One evaluation of the loss of validation tokens."""

    positions: dict[int, int]  # of its targets in the stream, by their index in the call
    losses: dict[int, float]  # nats


class Ran(NamedTuple):
    """One run of the script."""

    calls: tuple[Call, ...]
    scores: tuple[str, ...]  # the reported numbers, as printed
    returncode: int | None  # None: the time was up
    tail: str  # the last lines that it printed


def check(
    source: str, *, tokenizer: Path | str = "bytes", python: str = sys.executable, limit_s: float = TIME_LIMIT_S
) -> Verdict:
    """The verdict of running a script.

    tokenizer  the SentencePiece model that the script shall open, or the word bytes
    limit_s    seconds for each of the two or three runs
    """
    if not _has_torch(python):
        return Verdict(NAME, None, "cannot tell: PyTorch is not installed; run: pip install 'golfkit[torch]'")
    with tempfile.TemporaryDirectory(prefix="golf-dynamic-") as name:
        bench = _Bench(Path(name), source, tokenizer, python, limit_s)
        with ThreadPoolExecutor(2) as pool:
            try:
                first, other = pool.map(bench.run, bench.streams)
            finally:  # ^C does not wait for them
                bench.end()
        failed = _failed(first, limit_s) or _failed(other, limit_s)
        if failed is not None:
            return failed
        if len(first.calls) != len(other.calls) or not all(map(_alike, first.calls, other.calls)):
            return Verdict(NAME, None, "cannot tell: which tokens are scored when depends on the validation text")
        leaks = _leaks(first.calls, other.calls)
        n_seen = sum(min(call.positions.values()) < SPLIT for call in first.calls)
        if not leaks:
            told = f"no loss before token {SPLIT} knew of what follows it, in {n_seen} evaluations of the loss"
            return Verdict(NAME, True, f"run on altered validation text: {told}")
        moved = bench.run("first", add=leaks)
        return _failed(moved, limit_s) or _judged(first, other, moved, leaks)


def _judged(first: Ran, other: Ran, moved: Ran, leaks: Sequence[int]) -> Verdict:
    """What losses that knew of later text mean."""
    at = leaks[0]
    place, before, after = next(_differences(first.calls[at], other.calls[at]))
    shown = f"token {place} costs {before:.4f} nats or {after:.4f}, by text that follows token {SPLIT}"
    if any(True for pair in zip(first.calls, moved.calls, strict=False) for _ in _differences(*pair)):
        return Verdict(NAME, None, f"cannot tell: {shown}, but two runs on the same text differ as well")
    if not first.scores or len(moved.scores) != len(first.scores):
        return Verdict(NAME, None, f"cannot tell: {shown}, and no val_bpb is printed to see whether that counts")
    if moved.scores == first.scores:
        told = f"{len(leaks)} evaluations of the loss knew of later text; none of them is in the reported score"
        return Verdict(NAME, True, f"run on altered validation text: {told}")
    if _out_of_order(first.calls):
        return Verdict(NAME, None, f"cannot tell: {shown}; but the script scores documents in an order of its own")
    rule = "a score may depend on earlier tokens alone (C1), and on no update that saw its token (C3)"
    fix = "score a chunk before adapting on it, train on no validation data, and keep attention causal"
    return Verdict(NAME, False, f"the reported score knew of later text: {shown}", (f"{rule}; {fix}",))


class _Bench:
    """A folder with the script, its data, and what it printed."""

    def __init__(self, folder: Path, source: str, tokenizer: Path | str, python: str, limit_s: float) -> None:
        self.folder, self.python, self.limit_s = folder, python, limit_s
        self.tokenizer = "bytes" if str(tokenizer) == "bytes" else str(Path(tokenizer).absolute())
        (folder / SCRIPT).write_text(source, "utf-8")
        start, train = _stream(0, N_VAL), _stream(1, N_TRAIN)
        self.streams = {"first": start, "other": start[:SPLIT] + _stream(2, N_VAL)[SPLIT:]}
        for name, stream in self.streams.items():
            data = folder / name / "fineweb10B_sp1024"
            data.mkdir(parents=True)
            (data / "fineweb_train_000000.bin").write_bytes(_shard(train))
            (data / "fineweb_val_000000.bin").write_bytes(_shard(stream))
        self.prefix = _without_network()
        self.children: list[subprocess.Popen[bytes]] = []

    def end(self) -> None:
        """Kill what still runs."""
        for child in self.children:
            if child.returncode is None:
                _end(child)

    def run(self, stream: str, add: Iterable[int] = ()) -> Ran:
        """One run on a stream; the losses of the calls in `add` are moved."""
        here = Path(tempfile.mkdtemp(prefix=f"{stream}-", dir=self.folder))  # where it leaves its files
        trace, plan = here / "trace.jsonl", here / "plan.json"
        trace.write_text("", "utf-8")
        known = self.streams[stream][1:]
        plan.write_text(json.dumps({"trace": str(trace), "stream": known, "add": list(add)}), "utf-8")
        environ = {name: os.environ[name] for name in KEPT if name in os.environ} | NAMES
        environ |= {"DATA_PATH": str(self.folder / stream / "fineweb10B_sp1024"), "TOKENIZER_PATH": self.tokenizer}
        environ |= {"HOME": str(here), "DATA_DIR": str(self.folder / stream)}
        command = [*self.prefix, self.python, "-u", str(Path(probe.__file__)), str(plan), str(self.folder / SCRIPT)]
        returncode, output = _executed(command, here, environ, self.limit_s, self.children)
        calls = [json.loads(line) for line in trace.read_text("utf-8").split("\n") if line.endswith("]")]
        text = output.decode("utf-8", "replace")
        lines = [line for line in text.splitlines() if line.strip()]
        return Ran(
            tuple(Call(dict(zip(i, p, strict=True)), dict(zip(i, loss, strict=True))) for i, p, loss in calls),
            tuple(number for line in lines for number in _SCORE.findall(line)),
            returncode,
            "\n".join(lines[-20:]),
        )


def _executed(
    command: Sequence[str], folder: Path, environ: Mapping[str, str], limit_s: float, children: list[Any]
) -> tuple[int | None, bytes]:
    """Exit code and output of a program in a session of its own, of which nothing stays; None when time was up.

    children  is told of the process, so that another thread can end it
    """
    until, tail = time.monotonic() + limit_s, b""
    with subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as child:
        assert child.stdout is not None
        children.append(child)
        try:
            while select.select([child.stdout], [], [], max(0.0, until - time.monotonic()))[0]:
                data = os.read(child.stdout.fileno(), 1 << 16)
                if not data:
                    break
                tail = (tail + data)[-MOST_OUTPUT:]
            return child.wait(max(0.0, until - time.monotonic())), tail
        except subprocess.TimeoutExpired:
            return None, tail
        finally:
            _end(child)


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Kill a program's whole session."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _failed(ran: Ran, limit_s: float) -> Verdict | None:
    """Why a run tells nothing."""
    last = neutralise(ran.tail.rpartition("\n")[2])[:200]
    if ran.returncode is None:
        return Verdict(NAME, None, f"cannot tell: the run took longer than {limit_s:.0f} s")
    if ran.returncode != 0:
        if _NO_CUDA.search(last):
            return Verdict(NAME, None, f"cannot tell: the script needs CUDA ({last}); ask where there is an NVIDIA GPU")
        return Verdict(NAME, None, f"cannot tell: the run failed ({last})", tuple(ran.tail.split("\n")))
    if not any(position < SPLIT for call in ran.calls for position in call.positions.values()):
        return Verdict(NAME, None, "cannot tell: no loss of validation tokens went through F.cross_entropy")
    return None


def _leaks(first: Sequence[Call], other: Sequence[Call]) -> list[int]:
    """The calls in which a target before the split cost something else."""
    return [i for i, pair in enumerate(zip(first, other, strict=True)) if any(True for _ in _differences(*pair))]


def _differences(one: Call, other: Call) -> Iterator[tuple[int, float, float]]:
    for index in one.positions.keys() & other.positions.keys():
        place, before, after = one.positions[index], one.losses[index], other.losses[index]
        if place == other.positions[index] and place < SPLIT - 1 and not abs(before - after) <= TOLERANCE:
            yield place, before, after


def _alike(one: Call, other: Call) -> bool:
    """Whether two calls are about the same places, but for those that cannot be told."""
    same = sum(other.positions.get(index) == place for index, place in one.positions.items())
    return same >= 0.8 * max(len(one.positions), len(other.positions))


def _out_of_order(calls: Sequence[Call]) -> bool:
    """Whether some pass comes to tokens for the first time after it was at later ones."""
    seen: set[int] = set()
    highest = -1
    for call in calls:
        places = call.positions.values()
        low = min(places)
        if low < SEQ_LEN and low in seen:  # at the start again: another pass
            seen, highest = set(), -1
        new = [position for position in places if position not in seen]
        if new and min(new) < highest - SEQ_LEN:
            return True
        seen.update(places)
        highest = max(highest, *places)
    return False


def _stream(seed: int, n: int) -> list[int]:
    """Random letters in documents, always the same."""
    rng = random.Random(seed)
    return [BOS if i % DOCUMENT == 0 else rng.choice(LETTERS) for i in range(n)]


def _shard(tokens: Sequence[int]) -> bytes:
    """Tokens in the contest's format: 256 int32 (magic, version, count), then uint16."""
    head = struct.pack("<3i", 20240520, 1, len(tokens)).ljust(1024, b"\0")
    return head + struct.pack(f"<{len(tokens)}H", *tokens)


def _without_network() -> list[str]:
    """What to start a program with so that it has no network, where this machine allows it."""
    command = ["unshare", "--map-root-user", "--net", "--"]
    try:
        allowed = subprocess.run([*command, "true"], capture_output=True, check=False, timeout=10).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return []
    return command if allowed else []


def _has_torch(python: str) -> bool:
    if python != sys.executable:
        return True
    from importlib.util import find_spec

    return find_spec("torch") is not None
