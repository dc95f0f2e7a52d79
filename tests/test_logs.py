"""The score of any training log: right or unknown, whatever else the log prints."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import golfkit
from golfkit.train.logs import TrainingLog, decode, parse

CORPUS = Path(__file__).parents[2] / "shared/data/parameter_golf"
needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"{CORPUS} is not there")

SCRIPT = '''"""
train_gpt.py: a run ends with
final_int8_zlib_roundtrip_exact val_loss:1.17000000 val_bpb:0.69000000
---
val_bpb: 0.69
seed:4242
"""
from __future__ import annotations
import os, sys
import torch.nn as nn

BASELINE_VAL_BPB = 1.2244
val_bpb = 1.1
# val_bpb:1.1
class Hyperparameters:
    seed = int(os.environ.get("SEED", 1337))

@torch.no_grad()
def evaluate(model: nn.Module, step, x=3):
    r"""Prints
legal_ttt_exact val_loss:1.18000000 val_bpb:0.70000000
    """
    log0(f"step:{step}/20000 val_loss:{x:.4f} val_bpb:{x:.4f} train_time:{x:.0f}ms")
    print(f"final_int6_sliding_window_exact val_loss:{x} val_bpb:{x}")  # val_bpb:0.71 it's a "quote
    raise ValueError('val_bpb:0.72')

USAGE = """\\
quantized_ttt val_loss:1.19 val_bpb:0.73
"""
if __name__ == "__main__":
    main()
'''
HEAD = f"{'=' * 100}\nRunning Python 3.12\n{'=' * 100}\nval_bpb:enabled tokenizer_kind=sentencepiece\n"
OFFICIAL = f"""{HEAD}train_loader:dataset:fineweb10B_sp1024 train_shards:80
val_loader:shards pattern=./data/fineweb_val_*.bin tokens:62021632
model_params:17059912
world_size:8 grad_accum_steps:1
train_batch_tokens:524288 train_seq_len:1024 iterations:20000 warmup_steps:20 max_wallclock_seconds:600.000
seed:1337
warmup_step:20/20
step:0/20000 val_loss:6.9357 val_bpb:4.1077 train_time:0ms step_avg:0.01ms
step:13780/20000 val_loss:2.0551 val_bpb:1.2172 train_time:600038ms step_avg:43.54ms
stopping_early: wallclock_cap train_time:600038ms step:13780/20000
peak memory allocated: 10184 MiB reserved: 10200 MiB
Serialized model: 67224983 bytes
Code size: 47642 bytes
Total submission size: 67272625 bytes
Serialized model int8+zlib: 15815847 bytes (payload:17178912 raw_torch:17224025 payload_ratio:3.91x)
Total submission size int8+zlib: 15863489 bytes
final_int8_zlib_roundtrip val_loss:2.0673 val_bpb:1.2244 eval_time:1401ms
final_int8_zlib_roundtrip_exact val_loss:2.06729815 val_bpb:1.22436570
"""


def cases():
    path = CORPUS / "log_cases.json"
    return json.loads(path.read_text()) if path.exists() else []


def agrees(log: TrainingLog, expected: float) -> bool:
    """Labels have as many decimals as the records give."""
    decimals = max(4, len(str(expected).partition(".")[2]))
    return log.val_bpb is not None and abs(log.val_bpb - expected) <= 0.51 * 10.0**-decimals


def source() -> str:
    """Python as it stands in front of a log: ours, with its docstrings, and the official kind."""
    package = Path(golfkit.__file__).parent
    ours = "\n".join((package / name).read_text() for name in ("ledger.py", "settings.py", "train/logs/lines.py"))
    return f"{ours}\n{SCRIPT}"


@needs_corpus
def test_every_unambiguous_log_gives_its_score_and_its_size():
    labelled = [case for case in cases() if case["expected_val_bpb"] is not None and case["last_is_expected"]]
    assert len(labelled) == 52
    for case in cases():
        log = parse(decode((CORPUS / case["path"]).read_bytes()))
        assert log.status == "finished", case["path"]
        assert case["total_bytes"] in (None, log.artifact_bytes), case["path"]
        if case in labelled:
            assert agrees(log, case["expected_val_bpb"]), (case["path"], log)


@needs_corpus
def test_test_time_training_that_failed_leaves_the_score():
    (case,) = [case for case in cases() if "SP4096" in case["path"] and not case["last_is_expected"]]
    log = parse(decode((CORPUS / case["path"]).read_bytes()))
    assert agrees(log, case["expected_val_bpb"])
    assert "final_int6_ttt on line 277 made it worse" in log.why


@needs_corpus
def test_source_in_front_and_line_ends_change_no_answer():
    in_front = source()
    for case in cases():
        text = decode((CORPUS / case["path"]).read_bytes())
        log = parse(text)
        shifted = parse(in_front + text)
        assert shifted.line == log.line + in_front.count("\n")
        assert TrainingLog(**vars(shifted) | {"line": log.line, "why": log.why}) == log, case["path"]
        assert parse(text.replace("\n", "\r\n")) == log, case["path"]


def test_an_official_log_gives_all_its_figures():
    log = parse(SCRIPT + OFFICIAL)
    assert log == TrainingLog(
        val_bpb=1.2243657,
        label="final_int8_zlib_roundtrip_exact",
        line=SCRIPT.count("\n") + OFFICIAL.count("\n"),
        status="finished",
        why="final_int8_zlib_roundtrip_exact: the best evaluation of the finished artifact.",
        val_loss=2.06729815,
        bytes_per_token=pytest.approx(2.43593, abs=1e-5),
        artifact_bytes=15863489,
        code_bytes=47642,
        payload_bytes=15815847,
        steps=13780,
        train_seconds=600.038,
        eval_seconds=1.401,
        tokens=62021632,
        n_params=17059912,
        seed=1337,
        world_size=8,
        train_batch_tokens=524288,
        peak_memory_gib=10184 / 1024,
        train_shards=80,
    )


@pytest.mark.parametrize(
    ("line", "val_bpb"),
    [
        ("val_bpb: 0.99", 0.99),
        ("---\nval_bpb:          0.997900\ntraining_seconds: 300.1\nnum_steps:        953", 0.9979),
        ("final_val_bpb=1.0823", 1.0823),
        ("Final val_loss: 2.05 val_bpb: 1.2142", 1.2142),
        ("[rank0]: legal_ttt_exact val_loss:2.79517119 val_bpb:1.08209788 eval_time:293430ms", 1.08209788),
        ("2026-04-01 10:00:00,123 - INFO - final_int6_roundtrip val_bpb:1.1353", 1.1353),
        ("\x1b[32mfinal_sliding_window_exact stride:64 val_loss:1.9 val_bpb:1.125\x1b[0m", 1.125),
        (" 90%|###\r100%|####\rfinal_int6_zstd_roundtrip_exact val_loss:1.9 val_bpb:1.125", 1.125),
        ("quantized pre-ttt val_bpb:1.0994", 1.0994),
    ],
)
def test_forms_of_a_result(line, val_bpb):
    assert (parse(line).val_bpb, parse(line).status) == (val_bpb, "finished")


@pytest.mark.parametrize(
    "line",
    [
        "val_bpb:enabled tokenizer_kind=byte",
        "step:100/200 val_loss:2.0 val_bpb:1.2",
        "5453/20000 val_loss: 2.5257 val_bpb: 1.0976",
        "Epoch 3 val_bpb: 1.21",
        "val_bpb: 1.21 at step 400",
        "DIAGNOSTIC post_ema val_loss:1.9222 val_bpb:1.1385",
        "pre-quantization post-ema val_loss:2.52 val_bpb:1.09",
        "final_prequant val_bpb:1.09",
        "post_ema val_bpb:1.09",
        "best val_bpb: 1.09",
        "baseline final val_bpb: 1.2244",
        "| final | val_bpb: 1.09 |",
        "val_bpb: 1.30 -> val_bpb: 1.20",
        "  ttt_chunk [1/9] val_bpb: 1.09",
        "running_bpb=1.15",
        "probe_bpb:1.2",
        "# val_bpb:1.1",
        'print(f"val_bpb:{x} val_bpb:1.1")',
        "val_bpb:1.2.3",
        "500 val_bpb: 1.2",
        "val_bpb:12.25",
        "val_bpb:0.069",
        "val_bpb: 1",
        "the change to the mixer of last week brought val_bpb: 1.09",
    ],
)
def test_what_states_no_result(line):
    assert parse(line).val_bpb is None
    assert parse(OFFICIAL + line).val_bpb == 1.2243657
    assert parse(OFFICIAL + line + "\n").val_bpb == 1.2243657


def test_a_run_that_crashed_has_no_score():
    steps = OFFICIAL[: OFFICIAL.index("stopping_early")]
    failed = parse(f"{steps}Traceback (most recent call last):\n  File 'x', line 1\nRuntimeError: no\n")
    assert (failed.status, failed.val_bpb, failed.steps) == ("crash", None, 13780)
    assert "ends in an error" in failed.why
    assert parse(f"{steps}step:13800/20000 train_loss:nan train_time:1ms\n").status == "crash"
    assert parse(f"{steps}final_int8_zlib_roundtrip_exact val_loss:nan val_bpb:nan\n").status == "crash"
    assert parse(steps).status == "unknown"
    survived = parse(f"Traceback (most recent call last):\n{OFFICIAL}")
    assert (survived.status, survived.val_bpb) == ("finished", 1.2243657)


def test_a_stage_that_failed_after_the_score_leaves_it():
    log = parse(f"{OFFICIAL}ttt_sliding:start\nTraceback (most recent call last):\nRuntimeError: no\n")
    assert (log.status, log.val_bpb) == ("finished", 1.2243657)
    assert f"failed (line {OFFICIAL.count(chr(10)) + 2})" in log.why


def test_a_value_before_more_training_is_not_final():
    assert parse("val_bpb: 1.3\nstep:2/3 train_loss:2.0 train_time:1ms\n").val_bpb is None
    late = parse(OFFICIAL + "step:20000/20000 val_loss:2.0 val_bpb:1.18 train_time:1ms\n")
    assert late.val_bpb == 1.2243657
    again = parse(f"{OFFICIAL}{OFFICIAL.replace('1.22436570', '1.22436580')}")
    assert again.val_bpb == 1.2243658
    cut = parse(
        OFFICIAL.replace("val_loss:2.0551", "train_loss:2.0551")
        + "seed:7\nstep:1/20000 train_loss:6.9 train_time:24ms step_avg:24ms\n"
    )
    assert (cut.val_bpb, cut.artifact_bytes, cut.seed, cut.steps) == (None, None, 7, 1)


def test_a_cut_number_is_not_believed():
    log = parse(OFFICIAL[:-3])
    assert (log.val_bpb, log.label) == (1.2244, "final_int8_zlib_roundtrip")
    assert parse(OFFICIAL[:-1]).val_bpb == 1.2243657


def test_a_score_that_contradicts_its_own_log_is_unknown():
    halved = OFFICIAL + "legal_ttt_exact val_loss:2.05000000 val_bpb:1.03000000\n"
    assert (parse(halved).val_bpb, parse(halved).status) == (None, "unknown")
    assert "bytes per token" in parse(halved).why
    miscounted = parse("val_tokens: 40540160\nquantized val_loss:3.0469 val_bpb:1.0108\n")
    assert miscounted.val_bpb is None
    assert "miscounted" in miscounted.why
    summary = parse(OFFICIAL + "---\nval_bpb: 1.1999\n")
    assert summary.val_bpb is None
    assert "none of the stages" in summary.why


def test_the_summary_decides_between_the_stages_of_its_log():
    log = parse("final_roundtrip val_bpb:1.12345678\nfinal_sliding val_bpb:1.11\n---\nval_bpb: 1.1235\n")
    assert (log.val_bpb, log.label, log.line) == (1.12345678, "final_roundtrip", 1)


def test_decode_reads_what_shells_write():
    assert parse(decode(OFFICIAL.encode("utf-16"))).val_bpb == 1.2243657
    assert parse(decode(b"\xef\xbb\xbfval_bpb: 0.99\r\n")).val_bpb == 0.99
    assert parse(decode(b"\xff\xfe\x00\x80" * 99 + b"\n")).val_bpb is None
    assert parse(decode(b"\x00\xff junk \xc3\n" + OFFICIAL.encode())).val_bpb == 1.2243657


@pytest.mark.parametrize(
    "unit", ['\\"', "'", '"""\n', "\x1b[", "a,", "val_bpb ", "[a]", "step ", "import a\n", "\r", " "]
)
def test_a_megabyte_of_anything_is_read_in_linear_time(unit):
    junk = unit * (1_000_000 // len(unit))
    assert parse(f"{junk}\n{OFFICIAL}").steps in (None, 13780)  # a backtracking regex would take hours


PIECES = st.sampled_from(
    [*OFFICIAL.splitlines(keepends=True), *SCRIPT.splitlines(keepends=True), '"""', "\r", "\x1b[1m", "val_bpb:", "1.5"]
)


@given(st.lists(PIECES | st.text(max_size=20), max_size=30).map("".join))
def test_any_text_is_read_and_a_score_stands_on_its_line(text):
    log = parse(text)
    assert log.why
    if log.val_bpb is None:
        assert (log.label, log.line) == (None, None)
    else:
        numbers = re.findall(r"\d+\.\d+", text.split("\n")[log.line - 1])
        assert log.val_bpb in map(float, numbers)
        assert 0.5 < log.val_bpb < 4.0
