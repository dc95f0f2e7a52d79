"""The file of a checkpoint has the same bytes however the system takes them, and gives the arena back."""

import errno
import fcntl
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from golfkit.compress.checkpoint import direct, state
from golfkit.compress.checkpoint.state import DamagedCheckpointError, Identity, State
from golfkit.compress.runtimes import engines

KEPT = State(Identity("compress", 1, 1, 12, "k", 9, ""), 5, 4, "a", "b", 1.5, 2.5)
N_BYTES = 600 * state.CHUNK + 5001  # more than are moved at once


@pytest.fixture(scope="module")
def arena() -> memoryview:
    """As a coder's is: memory in which there is a stretch of zeros."""
    memory = memoryview(engines.zeros(N_BYTES))
    memory[:] = np.random.default_rng(0).bytes(N_BYTES)
    memory[3 * state.CHUNK : 7 * state.CHUNK] = bytes(4 * state.CHUNK)
    return memory


def restored(path: Path, arena: memoryview) -> memoryview:
    """What a checkpoint puts into `arena`."""
    with path.open("rb") as source:
        assert state.read_state(source) == KEPT
        state.fill(source, arena)
    return arena


def past_the_cache(handle: int) -> bool:
    return bool(fcntl.fcntl(handle, fcntl.F_GETFL) & getattr(os, "O_DIRECT", 0))


def noted(calls: list[bool], call: Callable[[int, Sequence[memoryview]], int]) -> Callable[..., int]:
    """`call`, with a note of whether it went past the page cache once it had done its work."""

    def move(handle: int, views: Sequence[memoryview]) -> int:
        n = call(handle, views)
        calls.append(past_the_cache(handle))
        return n

    return move


def test_any_arena_comes_back_and_zeros_take_no_room(tmp_path: Path):
    for n_bytes in (0, 1, state.CHUNK - 1, state.CHUNK, 9 * state.CHUNK + 7):
        arena = bytearray(n_bytes)
        arena[n_bytes // 2 : n_bytes // 2 + 1] = b"x"[:n_bytes]
        state.write(tmp_path / "c", KEPT, memoryview(arena))
        assert (tmp_path / "c").stat().st_size <= state.CHUNK + 2 * direct.BLOCK
        assert restored(tmp_path / "c", memoryview(bytearray(b"y" * n_bytes))) == arena
        with pytest.raises(DamagedCheckpointError):
            restored(tmp_path / "c", memoryview(bytearray(n_bytes + 8 * state.CHUNK)))


def test_the_bytes_are_the_same_past_the_page_cache_and_through_it(
    arena: memoryview, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    state.write(tmp_path / "aligned", KEPT, arena)
    elsewhere = memoryview(bytearray(N_BYTES + 1))[1:]
    elsewhere[:] = arena
    state.write(tmp_path / "elsewhere", KEPT, elsewhere)
    monkeypatch.setattr(direct, "_O_DIRECT", 0)
    state.write(tmp_path / "without", KEPT, arena)
    files = [(tmp_path / name).read_bytes() for name in ("aligned", "elsewhere", "without")]
    assert files[0] == files[1] == files[2]
    assert len(files[0]) == (1 + 596 * 16 + 2 + 1) * direct.BLOCK  # head, full chunks, the last one, end
    monkeypatch.undo()
    for name in ("aligned", "elsewhere", "without"):
        assert restored(tmp_path / name, memoryview(engines.zeros(N_BYTES))) == arena
        assert restored(tmp_path / name, memoryview(bytearray(N_BYTES + 1))[1:]) == arena


def test_what_this_file_system_takes_past_the_page_cache_goes_so(
    arena: memoryview, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with (tmp_path / "probe").open("wb", buffering=0) as sink:
        direct.start(sink.fileno())
        able = past_the_cache(sink.fileno())
    calls: list[bool] = []
    monkeypatch.setattr(os, "writev", noted(calls, os.writev))
    monkeypatch.setattr(os, "readv", noted(calls, os.readv))
    state.write(tmp_path / "c", KEPT, arena)
    restored(tmp_path / "c", memoryview(engines.zeros(N_BYTES)))
    assert calls == [able] * len(calls)
    assert len(calls) >= 9  # head with chunks in three, end; head, chunks in three, end


def test_a_system_that_refuses_and_one_that_takes_little_at_a_time_get_the_same_bytes(
    arena: memoryview, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    state.write(tmp_path / "c", KEPT, arena)
    expected, writev, readv = (tmp_path / "c").read_bytes(), os.writev, os.readv

    def little(call: Callable[..., int]) -> Callable[..., int]:
        def move(handle: int, views: Sequence[memoryview]) -> int:
            if past_the_cache(handle):
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
            whole = call(handle, [*views[:20], views[20][:999]] if len(views) > 20 else [views[0][:3000]])
            return whole

        return move

    monkeypatch.setattr(os, "writev", little(writev))
    state.write(tmp_path / "c", KEPT, arena)
    assert (tmp_path / "c").read_bytes() == expected
    monkeypatch.setattr(os, "readv", little(readv))
    assert restored(tmp_path / "c", memoryview(engines.zeros(N_BYTES))) == arena


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EINVAL])
def test_a_disk_that_is_full_halfway_keeps_the_checkpoint_before(
    arena: memoryview, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
):
    state.write(tmp_path / "c", KEPT, memoryview(b"before"))
    before, writev, calls = (tmp_path / "c").read_bytes(), os.writev, []

    def full(handle: int, views: Sequence[memoryview]) -> int:
        calls.append(len(views))
        if len(calls) > 1:
            raise OSError(number, os.strerror(number))
        return writev(handle, views)

    monkeypatch.setattr(os, "writev", full)
    with pytest.raises(OSError, match=os.strerror(number)):
        state.write(tmp_path / "c", KEPT, arena)
    assert (tmp_path / "c").read_bytes() == before
    assert os.listdir(tmp_path) == ["c"]


def test_a_checkpoint_cut_at_any_block_is_damaged(tmp_path: Path):
    arena = memoryview(bytearray(b"x" * (2 * state.CHUNK + 5)))
    state.write(tmp_path / "c", KEPT, arena)
    content = (tmp_path / "c").read_bytes()
    for cut in range(0, len(content), direct.BLOCK // 2):
        (tmp_path / "c").write_bytes(content[:cut])
        with pytest.raises(DamagedCheckpointError):
            restored(tmp_path / "c", arena)
