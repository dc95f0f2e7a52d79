"""How a stranger's run ended, by its exit code and last lines, and what it weighs."""

import subprocess
import sys
from pathlib import Path

import pytest

from golfkit.errors import Exit
from golfkit.train.foreign.score import Score, score_of
from golfkit.train.foreign.verdict import Verdict, verdict_of
from golfkit.train.logs import parse


def judged(folder: Path, source: str, **options) -> Verdict:
    """The verdict on a real run of `source`."""
    (folder / "train_gpt.py").write_text(source)
    ended = subprocess.run([sys.executable, "train_gpt.py"], cwd=folder, capture_output=True, text=True, check=False)
    text = ended.stdout + ended.stderr
    return verdict_of(text, parse(text), ended.returncode, **options)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            "raise RuntimeError('CUDA is required')",
            "train_gpt.py:1: the script needs CUDA, there is none here (Runtime",
        ),
        ("import sys; sys.exit('This script needs a CUDA GPU')", "train_gpt.py: the script needs CUDA, there is none"),
        (
            "import no_such_thing",
            "train_gpt.py:1: needs package no_such_thing, which is not installed; run: pip install no",
        ),
        (
            "import flash_attn_interface",
            "and that needs CUDA; where there is an NVIDIA GPU run: pip install flash-attn",
        ),
        ("import json.nothing", "train_gpt.py:1: needs module json.nothing, which the json here lacks"),
        ("import helpers", "imports helpers, which lies beside the script, expected one file"),
    ],
)
def test_what_the_machine_lacks_is_exit_5_with_the_reason(tmp_path, source, said):
    verdict = judged(tmp_path, source, beside={"helpers"})
    assert said in str(verdict.missing)
    assert (verdict.status, verdict.missing.exit_code) == ("crash", Exit.MISSING_PACKAGE)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (
            "import json\njson.loads('{')",
            "train_gpt.py:2: JSONDecodeError: Expecting property name enclosed in double quo",
        ),
        ("def f(:", "train_gpt.py:1: SyntaxError: invalid syntax."),
        ("try: 1/0\nexcept ZeroDivisionError as e: raise ValueError('x') from e", "train_gpt.py:2: ValueError: x."),
        ("print('gone'); raise SystemExit(4)", "It ended with exit code 4 and said last: gone."),
        ("raise SystemExit(1)", "It ended with exit code 1 and said nothing."),
        ("raise MemoryError", "It ran out of memory (train_gpt.py:1: MemoryError)."),
        ("import os; os.kill(os.getpid(), 9)", "It was ended by SIGKILL, as the system does when memory runs out."),
        (
            "print('step:3/9 train_loss:nan train_time:1ms'); assert 0",
            "The loss was nan at step 3 (train_gpt.py:1: Asser",
        ),
    ],
)
def test_a_crash_is_told_in_one_sentence(tmp_path, source, why):
    verdict = judged(tmp_path, source)
    assert verdict.why.startswith(why)
    assert (verdict.status, verdict.missing) == ("crash", None)
    assert "\n" not in verdict.why


FINAL = "step:9/9 train_loss:2.0 train_time:9ms\nfinal_int8_zlib_roundtrip_exact val_loss:2.41 val_bpb:1.4259\n"
TRACEBACK = 'Traceback (most recent call last):\n  File "/r/train_gpt.py", line 7, in <module>\n'


RANK_1 = '[rank1]: Traceback (most recent call last):\n[rank1]:   File "/r/train_gpt.py", line 7, in <module>\n'
REPORT = "E1121 23:01:28.679000 1845 torch/distributed/elastic/multiprocessing/api.py:1002] failed (exitcode: 1)\n"
FAILED = "torch.distributed.elastic.multiprocessing.errors.ChildFailedError: \n"
LAUNCHER = REPORT + TRACEBACK.replace("train_gpt", "run") + FAILED


@pytest.mark.parametrize(
    ("text", "returncode", "status", "why"),
    [
        ("all is well\n", 0, "finished", "It ended well, but no line states a val_bpb."),
        ("step:3/9 train_loss:nan train_time:1ms\n", 0, "crash", "the loss was NaN or infinite; no line states"),
        (FINAL + TRACEBACK + "ValueError: ttt\n", 1, "finished", "final_int8_zlib_roundtrip_exact: the best"),
        ("val_bpb: 1.5000\n", -9, "crash", "It was ended by SIGKILL"),
        (RANK_1 + "[rank1]: KeyError: 'a'\n" + LAUNCHER, 1, "crash", "train_gpt.py:7: KeyError: 'a'."),
        ("gone\n" + LAUNCHER + "=" * 60, 1, "crash", "It ended with exit code 1 and said last: gone."),
        (LAUNCHER + "  exitcode  : -9 (pid: 4)\n", 1, "crash", "It was ended by SIGKILL"),
        (TRACEBACK + "torch.OutOfMemoryError: CUDA out of memory. Tried\n", 1, "crash", "It ran out of memory (train"),
    ],
)
def test_the_log_and_the_exit_code_decide_together(text, returncode, status, why):
    verdict = verdict_of(text, parse(text), returncode)
    assert (verdict.status, verdict.missing) == (status, None)
    assert verdict.why.startswith(why), verdict.why


def test_a_source_that_is_printed_does_not_decide():
    text = "import torch\nif not torch.cuda.is_available():\n    raise RuntimeError('CUDA is required')\n" + (
        TRACEBACK + "FileNotFoundError: No files found for pattern: data/fineweb_val_*.bin\n"
    )
    assert verdict_of(text, parse(text), 1).why.startswith("train_gpt.py:7: FileNotFoundError: No files")


def test_disk_counts_before_the_log_and_a_contradiction_is_told(tmp_path):
    script, payload, other = tmp_path / "train_gpt.py", tmp_path / "a.ptz", tmp_path / "b.ptz"
    script.write_bytes(bytes(100))
    payload.write_bytes(bytes(700))
    other.write_bytes(bytes(800))
    score = "final_int8_zlib_roundtrip_exact val_loss:2.41 val_bpb:1.4259\n"

    def of(total: int, payloads: list[Path], size: int = 700, limit: int = 1000) -> Score:
        said = f"Serialized model int8+zlib: {size} bytes (x)\nTotal submission size int8+zlib: {total} bytes\n"
        return score_of(parse(said + score), script, payloads, limit)

    assert of(800, [payload])[1:] == (100, 700, 800, payload, False, ())
    assert of(730, [payload]).notes == ()  # the code was packed
    assert of(730, [payload], limit=750).notes[0].startswith("it fits only with the code packed")
    assert "the log says 900 in all" in of(900, [payload]).notes[0]
    assert "the log says 650; what lies on disk counts" in of(800, [payload], size=650).notes[0]
    assert of(800, [other, payload]).payload == payload
    unclear = of(850, [other, payload], size=750)
    assert (unclear.payload, unclear.artifact_bytes) == (None, 850)
    assert "does not tell which one" in unclear.notes[0]
    none = score_of(parse(score), script, [], 1000)
    assert (none.val_bpb, none.code_bytes, none.artifact_bytes) == (1.4259, None, None)
