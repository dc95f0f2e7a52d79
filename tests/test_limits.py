"""What a run may take is asked before it starts."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import mutations
import pytest

from golfkit.compress.checkpoint import memory
from golfkit.compress.codecs.cm import CM_FAST
from golfkit.errors import GolfError


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["compress", "in", "--memory", "1000000"], 1, "bytes of memory, expected at most 1,000,000 (--memory)"),
        (["compress", "in", "--codec", "xz", "--memory", "1000000"], 2, "what xz needs is not known"),
        (["compress", "in", "--codec", "xz", "--checkpoint-every", "9"], 2, "xz has no checkpoints"),
        (["compress", "in", "-o", "-", "--fresh"], 2, "not a pipe"),
        (["decompress", "archive", "out", "--memory", "1000000"], 1, "archive: cm-fast: needs "),
        (["decompress", "archive", "-", "--checkpoint-every", "9"], 2, "not a pipe"),
    ],
)
def test_what_cannot_be_honoured_is_refused_before_anything_is_written(
    golf: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, args: list[str], code: int, said: str
):
    (tmp_path / "in").write_bytes(b"x" * 100)
    (tmp_path / "archive").write_bytes(mutations.archive(CM_FAST, b"x" * 100))
    before = sorted(tmp_path.rglob("*"))
    done = golf(*args)
    assert (done.returncode, done.stderr.count("\n")) == (code, 1), done.stderr
    assert said in done.stderr
    assert sorted(path for path in tmp_path.rglob("*") if path.name != "artifacts") == before


def test_memory_that_is_not_free_is_refused_and_an_unknown_amount_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(memory, "free_bytes", lambda: 1000)
    with pytest.raises(GolfError, match="needs 1,001 bytes of memory, 1,000 are free here"):
        memory.check(1001, None, "it")
    memory.check(1000, 1000, "it")
    monkeypatch.setattr(memory, "free_bytes", lambda: None)
    memory.check(10**15, None, "it")


def test_free_memory_is_what_linux_says(tmp_path: Path):
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:    5 kB\n")
    assert memory.free_bytes(tmp_path / "meminfo") == 5 * 1024
    assert memory.free_bytes(tmp_path / "none") is None
