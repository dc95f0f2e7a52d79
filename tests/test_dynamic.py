"""--dynamic: scores that know of later text are found by running the script, also where its source tells nothing."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from golfkit.budget.gate import dynamic, legality, probe
from golfkit.budget.gate.dynamic import SPLIT, Call, Ran
from golfkit.train import flatten
from golfkit.train.model import default

TINY = ["vocab_size=260", "seq_len=32", "n_layers=2", "dim=32", "n_heads=4", "n_kv_heads=2", "batch_tokens=512"]
TINY += ["bigram_buckets=32", "trigram_buckets=32", "bigram_dim=8", "rope_dims=4"]
SCORE = "        losses = np.asarray(nll(inputs, targets), np.float64)\n"


@pytest.fixture(scope="module")
def source():
    pytest.importorskip("torch", reason="PyTorch is not installed: scripts/setup test")
    return flatten.flatten(Path(default.__file__).read_text(), TINY, base="LOCAL").readable


def changed(source: str, old: str, new: str) -> str:
    assert source.count(old) == 1
    return source.replace(old, new)


def test_score_first_test_time_training_passes(source):
    verdict = dynamic.check(source)
    assert verdict.passed is True, verdict
    assert f"no loss before token {SPLIT} knew of what follows it" in verdict.reason


def test_adapting_before_the_score_is_caught(source):
    cheat = changed(source, SCORE, f"        if adapt is not None:\n            adapt(inputs, targets)\n{SCORE}")
    verdict = dynamic.check(cheat)
    assert verdict.passed is False, verdict
    assert "the reported score knew of later text" in verdict.reason


def test_attention_that_looks_ahead_is_caught_though_the_source_reads_well(source):
    cheat = changed(source, "is_causal=True", "is_causal=False")
    assert legality.check(cheat).passed is True
    assert dynamic.check(cheat).passed is False


def program(folder: Path, body: str) -> str:
    """A program that stands in for Python, so that no torch is loaded."""
    path = folder / "python"
    path.write_text(f"#!{sys.executable}\n{body}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_a_script_that_needs_cuda_cannot_be_judged(tmp_path):
    python = program(tmp_path, "import sys\nsys.exit('RuntimeError: CUDA is required')")
    verdict = dynamic.check("", python=python)
    assert verdict.passed is None
    assert verdict.reason.startswith("cannot tell: the script needs CUDA (RuntimeError: CUDA is required)")


def test_a_script_that_fails_cannot_be_judged_and_its_last_lines_are_told(tmp_path):
    verdict = dynamic.check("", python=program(tmp_path, "print('step 1')\nraise ValueError('no such shard')"))
    assert verdict.passed is None
    assert verdict.reason == "cannot tell: the run failed (ValueError: no such shard)"
    assert "step 1" in verdict.details


def test_a_script_without_a_loss_that_golf_sees_cannot_be_judged(tmp_path):
    verdict = dynamic.check("", python=program(tmp_path, "print('val_bpb:1.0')"))
    assert verdict.reason == "cannot tell: no loss of validation tokens went through F.cross_entropy"


def test_a_script_that_hangs_is_killed_with_what_it_started(tmp_path):
    body = f"""
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
open({str(tmp_path)!r} + f"/{{child.pid}}.pid", "w").close()
while True:
    print("x" * 9999)
"""
    start = time.monotonic()
    verdict = dynamic.check("", python=program(tmp_path, body), limit_s=1.0)
    assert verdict.reason == "cannot tell: the run took longer than 1 s"
    assert time.monotonic() - start < 10
    pids = [int(path.stem) for path in tmp_path.glob("*.pid")]
    assert len(pids) == 2
    for pid in pids:
        assert not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2][:3]


def test_an_interrupt_does_not_wait_for_the_runs(tmp_path):
    python = program(tmp_path, f"import time\nopen({str(tmp_path / 'ran')!r}, 'w').close()\ntime.sleep(60)")
    code = f"from golfkit.budget.gate import dynamic\ndynamic.check('', python={python!r})"
    start = time.monotonic()
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL) as child:
        while not (tmp_path / "ran").exists() and time.monotonic() - start < 30:
            time.sleep(0.02)
        child.send_signal(signal.SIGINT)
        assert child.wait(20) != 0
    assert time.monotonic() - start < 30


def test_a_script_has_no_network_and_no_secrets(tmp_path, monkeypatch):
    if not dynamic._without_network():
        pytest.skip("this machine allows no namespace without a network")
    monkeypatch.setenv("RUNPOD_API_KEY", "rpa_secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        body = f"""
import os, socket
assert "rpa_secret" not in str(os.environ)
socket.create_connection(("127.0.0.1", {port}), timeout=5)
"""
        verdict = dynamic.check("", python=program(tmp_path, body))
    assert "refused" in verdict.reason or "unreachable" in verdict.reason, verdict


def call(start: int, n: int = 64, change: float = 0.0) -> Call:
    return Call(dict(enumerate(range(start, start + n))), dict.fromkeys(range(n), 3.0 + change))


def ran(*calls: Call, scores: tuple[str, ...] = ("3.0000",)) -> Ran:
    return Ran(calls, scores, 0, "")


CHUNKS = [call(0), call(64), call(128)]


def judged(first: Ran, other: Ran, moved: Ran):
    return dynamic._judged(first, other, moved, dynamic._leaks(first.calls, other.calls))


def test_a_loss_that_knew_of_later_text_but_is_not_reported_is_no_offence():
    first, other = ran(*CHUNKS, call(128)), ran(*CHUNKS, call(128, change=0.1))
    assert dynamic._leaks(first.calls, other.calls) == [3]
    assert judged(first, other, first).passed is True
    moved = ran(*first.calls, scores=("1003.0000",))
    assert judged(first, other, moved).passed is False


def test_runs_that_differ_by_themselves_tell_nothing():
    first, other = ran(*CHUNKS), ran(*CHUNKS[:2], call(128, change=0.1))
    moved = ran(*CHUNKS[:2], call(128, change=0.05), scores=("9.0",))
    assert "two runs on the same text differ" in judged(first, other, moved).reason


def test_documents_scored_in_an_order_of_their_own_cannot_be_judged():
    first = ran(call(512), call(0), call(256))
    other = ran(call(512), call(0), call(256, change=0.1))
    moved = ran(*first.calls, scores=("9.0",))
    assert "an order of its own" in judged(first, other, moved).reason


def test_passes_and_epochs_are_in_order():
    whole = [call(0), call(64), call(0), call(64), call(128), call(192), call(128), call(192)]
    assert not dynamic._out_of_order([*whole, *whole])
    assert dynamic._out_of_order([call(0), call(640), call(256)])


def test_without_a_printed_score_nothing_is_known():
    first, other = ran(*CHUNKS, scores=()), ran(*CHUNKS[:2], call(128, change=0.1), scores=())
    assert "no val_bpb is printed" in judged(first, other, first).reason


def test_the_probe_knows_where_a_target_stands(tmp_path):
    stream = dynamic._stream(0, 500)
    recorder = probe.Recorder({"trace": str(tmp_path / "trace"), "stream": stream, "add": [1]})
    assert not recorder.record([5] * 40, [0.0] * 40)
    assert not recorder.record(stream[100:140], [1.0] * 40)
    assert recorder.record(stream[300:320] + stream[20:40], [2.0] * 40)
    recorder.trace.close()
    calls = [eval(line) for line in (tmp_path / "trace").read_text().splitlines()]
    assert calls[0][1] == list(range(100, 140))
    places = dict(zip(calls[1][0], calls[1][1], strict=True))
    assert len(places) > 30
    assert all(place == (300 + i if i < 20 else i) for i, place in places.items())


def test_the_streams_are_equal_up_to_the_split_and_documents_start_alike(tmp_path):
    bench = dynamic._Bench(tmp_path, "", "bytes", sys.executable, 1.0)
    one, other = bench.streams["first"], bench.streams["other"]
    assert len(one) == len(other) == dynamic.N_VAL
    assert one[:SPLIT] == other[:SPLIT]
    assert one[SPLIT:] != other[SPLIT:]
    assert [i for i, token in enumerate(one) if token == 1] == [i for i, token in enumerate(other) if token == 1]
    assert os.path.getsize(tmp_path / "first/fineweb10B_sp1024/fineweb_val_000000.bin") == 1024 + 2 * dynamic.N_VAL
