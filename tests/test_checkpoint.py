"""A run that was killed goes on from its checkpoint, and ends with the same bytes; or says why it cannot."""

import hashlib
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import samples

from golfkit.compress import pipeline
from golfkit.compress.checkpoint import direct, state, work
from golfkit.compress.checkpoint.keeper import Keeper
from golfkit.compress.codecs.cm import CM_FAST
from golfkit.compress.container import Header, pack
from golfkit.compress.runtimes import engines, native
from golfkit.errors import Exit, GolfError
from golfkit.settings import cache_folder

FAST = ["--codec", "cm-fast"]
GOLF = [sys.executable, "-c", "from golfkit.cli import main; main()"]
BLOCK = 4096  # bytes, so that small inputs have many
DATA = samples.mixed(10 * BLOCK + 100)
OF_INPUT, OF_OUTPUT = "bytes of the transformed input", "bytes of output"
DEADLINE_S = 60.0
NEVER = 1 << 40  # bytes


class Cut(Exception):
    """The process ends here."""


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "BLOCK", BLOCK)


def cut_after(n: float) -> Callable[[int, int], None]:
    """An `advance` that ends the run at its n-th call, before the checkpoint of that block."""
    calls = 0

    def advance(n_in: int, n_out: int) -> None:
        nonlocal calls
        calls += 1
        if calls > n:
            raise Cut

    return advance


class Run:
    """Runs on files of a folder, with what they said."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.said = folder, []
        self.part, self.checkpoint = folder / "part", folder / "checkpoint"

    def keeper(self, every_bytes: int = 1) -> Keeper:
        self.part.touch()
        return Keeper(self.checkpoint, 0, self.said.append, every_bytes=every_bytes)

    def compress(self, data: bytes, stop: float = float("inf"), every_bytes: int = 1) -> bytes:
        (self.folder / "in").write_bytes(data)
        keeper = self.keeper(every_bytes)
        with (self.folder / "in").open("rb") as source, self.part.open("r+b") as sink:
            pipeline.compress_file(CM_FAST, source, sink, len(data), cut_after(stop), keeper)
        return self.part.read_bytes()

    def decompress(self, archive: bytes, stop: float = float("inf"), every_bytes: int = 1) -> bytes:
        (self.folder / "in").write_bytes(archive)
        keeper = self.keeper(every_bytes)
        with (self.folder / "in").open("rb") as source, self.part.open("r+b") as sink:
            header = pipeline.read_header(source, "it")
            pipeline.decompress_file(source, header, sink, "it", cut_after(stop), keeper)
        return self.part.read_bytes()

    def left(self, data: bytes = DATA) -> "Run":
        """After a process that was killed in the middle."""
        with pytest.raises(Cut):
            self.compress(data, stop=5)
        return self


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def coded_bytes(data: bytes) -> int:
    """Of the transformed input, which is what positions count when compressing."""
    return len(engines.transformed(CM_FAST.engine, bytearray(data)))


def whole(folder: Path, data: bytes) -> bytes:
    folder.mkdir()
    return Run(folder).compress(data, every_bytes=NEVER)


def folders(parent: Path) -> Iterator[Path]:
    for n in range(1000):
        (parent / str(n)).mkdir()
        yield parent / str(n)


def test_a_run_cut_at_any_block_goes_on_to_the_same_archive_and_back(tmp_path: Path, small_blocks: None):
    archive, fresh = whole(tmp_path / "whole", DATA), folders(tmp_path)
    n_coded = coded_bytes(DATA)
    assert n_coded < len(DATA) - BLOCK  # there is something to transform
    for stop in range(1, 1 + -(-n_coded // BLOCK)):
        run = Run(next(fresh))
        with pytest.raises(Cut):
            run.compress(DATA, stop)
        with run.part.open("ab") as torn:
            torn.write(b"what came after the checkpoint")
        assert run.compress(DATA, every_bytes=NEVER) == archive
        at = (stop - 1) * BLOCK
        assert run.said == ([f"resumed at {at:,} {OF_INPUT}"] if stop > 1 else [])
    for stop in range(1, 1 + -(-len(DATA) // BLOCK)):
        run = Run(next(fresh))
        with pytest.raises(Cut):
            run.decompress(archive, stop)
        assert run.decompress(archive, every_bytes=NEVER) == DATA
        at = (stop - 1) * BLOCK
        assert run.said == ([f"resumed at {at:,} {OF_OUTPUT}"] if stop > 1 else [])


def test_a_run_cut_in_the_middle_of_a_word_s_restored_bytes_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A symbol may restore more bytes than were asked for: the rest is kept."""
    data = b"The internationalisation of internationalisation, " * 6
    archive, fresh = whole(tmp_path / "whole", data), folders(tmp_path)
    monkeypatch.setattr(engines, "BLOCK", 7)
    for stop in range(2, 6):
        run = Run(next(fresh))
        with pytest.raises(Cut):
            run.decompress(archive, stop)
        assert run.decompress(archive, every_bytes=NEVER) == data
        assert run.said == [f"resumed at {(stop - 1) * 7:,} {OF_OUTPUT}"]


def test_a_run_may_be_cut_again_and_again(run: Run, tmp_path: Path, small_blocks: None):
    archive = whole(tmp_path / "whole", DATA)
    for _ in range(3):
        with pytest.raises(Cut):
            run.compress(DATA, stop=3)
    assert run.compress(DATA) == archive
    assert [said.split()[2] for said in run.said] == ["8,192", "16,384", "24,576"]


def test_a_run_that_goes_on_transforms_again_only_what_was_not_kept_well(
    run: Run, tmp_path: Path, small_blocks: None, monkeypatch: pytest.MonkeyPatch
):
    archive, made, true = whole(tmp_path / "whole", DATA), [], engines.transformed
    run.left()
    kept, content = run.folder / "transformed", (run.folder / "transformed").read_bytes()
    checkpoint, written = run.checkpoint.read_bytes(), run.part.read_bytes()
    monkeypatch.setattr(engines, "transformed", lambda *given: made.append(1) or true(*given))
    for damaged in (content, content[:-1], content[:5], b"", b"x" + content[1:], content[:-1] + b"x", None):
        run.checkpoint.write_bytes(checkpoint)
        run.part.write_bytes(written)
        kept.write_bytes(damaged) if damaged is not None else kept.unlink()
        assert run.compress(DATA) == archive
        assert kept.read_bytes() == content
    assert len(made) == 6
    assert len(run.said) == 7
    assert all(said.startswith("resumed at ") for said in run.said)


def test_an_interpreted_run_goes_on_natively_and_a_native_one_interpreted(
    native_programs: native.Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    data = samples.text(120)
    archive, run = whole(tmp_path / "whole", data), Run(tmp_path)
    monkeypatch.setattr(engines, "BLOCK", 40)
    slow = CM_FAST.engine_of("interpreted", cache_folder(os.environ))
    with monkeypatch.context() as patched:
        patched.setitem(vars(CM_FAST), "engine", slow)
        with pytest.raises(Cut):
            run.compress(data, stop=3)
    assert run.compress(data) == archive
    run.checkpoint.unlink()
    with pytest.raises(Cut):
        run.decompress(archive, stop=2)
    with monkeypatch.context() as patched:
        patched.setitem(vars(CM_FAST), "engine", slow)
        assert run.decompress(archive) == data
    assert run.said == [f"resumed at 80 {OF_INPUT}", f"resumed at 40 {OF_OUTPUT}"]


PLACES = ["first line", "map", "behind the map", "arena", "checksum", "length", "last byte", "longer", "output"]
CUTS = ["emptied", "cut in the line", "in the map", "in a block", "behind a block", "before the end", "in the end"]


@pytest.mark.parametrize("place", [*PLACES, *CUTS])
def test_a_damaged_checkpoint_is_named_and_passed_over(run: Run, tmp_path: Path, small_blocks: None, place: str):
    archive = whole(tmp_path / "whole", DATA)
    run.left()
    damaged = run.part if place == "output" else run.checkpoint
    content = bytearray(damaged.read_bytes())
    line, middle, end = content.find(b"\n") + 1, len(content) // 2 & -direct.BLOCK, len(content) - direct.BLOCK
    at = {"map": line, "behind the map": direct.BLOCK - 1, "arena": middle, "checksum": end, "length": end + 16}
    at |= {"first line": 40, "output": 100, "last byte": -1}
    if place in at:
        content[at[place]] ^= 1
    sizes = dict(zip(CUTS, [0, 100, line + 1, middle + 1, middle, end, end + 20], strict=True))
    size = sizes.get(place, len(content))
    damaged.write_bytes(content[:size] + (b"x" if place == "longer" else b""))
    assert run.compress(DATA) == archive
    assert len(run.said) == 1
    assert run.said[0].endswith("; starting anew")


CHANGES = {
    "input longer": lambda run, patch: run.compress(DATA + b"x"),
    "input changed": lambda run, patch: run.compress(b"x" + DATA[1:]),
    "input's last byte changed": lambda run, patch: run.compress(DATA[:-1] + b"x"),
    "codec version": lambda run, patch: (patch.setattr(CM_FAST, "version", CM_FAST.version + 1), run.compress(DATA)),
    "codec": lambda run, patch: (patch.setattr(CM_FAST, "codec_id", 9), run.compress(DATA)),
    "kernels": lambda run, patch: (patch.setattr(native, "kernels_digest", lambda: "0" * 16), run.compress(DATA)),
    "other direction": lambda run, patch: run.decompress(whole(run.folder / "whole", DATA)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_checkpoint_of_another_run_is_refused_and_stays(
    run: Run, small_blocks: None, monkeypatch: pytest.MonkeyPatch, change: Callable[..., object]
):
    before = [path.read_bytes() for path in (run.left().checkpoint, run.part)]
    with (
        monkeypatch.context() as patch,
        pytest.raises(GolfError, match=r"no checkpoint of this run.*--fresh") as caught,
    ):
        change(run, patch)
    assert caught.value.exit_code == Exit.USAGE
    after = [path.read_bytes() for path in (run.checkpoint, run.part)]
    assert after[0] == before[0]
    assert after[1][60:] == before[1][60:] or change is CHANGES["other direction"]


def test_a_checkpoint_of_another_golfkit_is_refused_and_stays(run: Run, small_blocks: None):
    content = run.left().checkpoint.read_bytes()
    record = content.partition(b"\n")[0].partition(b" ")[2].replace(b"checkpoint.v3", b"checkpoint.v2")
    older = hashlib.sha256(record).hexdigest()[:16].encode() + b" " + record + b"\n" + content.partition(b"\n")[2]
    run.checkpoint.write_bytes(older)
    with pytest.raises(GolfError, match=r"is of another golfkit, expected golfkit\.checkpoint\.v3.*--fresh"):
        run.compress(DATA)
    assert run.checkpoint.read_bytes() == older


def test_what_a_checkpoint_counts_is_the_transformed_input(run: Run, small_blocks: None):
    with run.left().checkpoint.open("rb") as source:
        kept = state.read_state(source)
    assert (kept.position, kept.identity.n_bytes) == (4 * BLOCK, len(DATA))
    assert kept.read_sha256 == hashlib.sha256(DATA).hexdigest()  # of the whole input
    assert kept.n_written < run.part.stat().st_size <= kept.position


def test_a_damaged_archive_leaves_no_checkpoint(run: Run, tmp_path: Path, small_blocks: None):
    archive = bytearray(whole(tmp_path / "whole", DATA))
    archive[1000] ^= 1
    with pytest.raises(GolfError, match=r"it is damaged|archive is damaged"):
        run.decompress(bytes(archive))
    assert not run.checkpoint.exists()


def test_an_archive_that_cannot_be_one_leaves_the_checkpoint_of_another_run(run: Run, small_blocks: None):
    before = run.left().checkpoint.read_bytes()
    with pytest.raises(GolfError, match="parameter 31 is none of this codec"):
        run.decompress(pack(Header(CM_FAST.codec_id, CM_FAST.version, 31, 9, 0, bytes(32))))
    assert run.checkpoint.read_bytes() == before


def test_cpu_seconds_of_earlier_processes_are_counted(run: Run, small_blocks: None):
    run.left()
    with run.checkpoint.open("rb") as source:
        kept = state.read_state(source)
        arena = memoryview(bytearray(CM_FAST.engine.entries["arena_bytes"](kept.identity.parameter)))
        state.fill(source, arena)
    state.write(run.checkpoint, kept._replace(cpu_s=1000.0, wall_s=2000.0), arena)
    keeper = run.keeper()
    with (run.folder / "in").open("rb") as source, run.part.open("r+b") as sink:
        pipeline.compress_file(CM_FAST, source, sink, len(DATA), lambda n_in, n_out: None, keeper)
    assert 1000 < keeper.spent().cpu_s < 1100
    assert 2000 < keeper.spent().wall_s < 2100


def limited(command: list[str], folder: Path, most: int) -> subprocess.CompletedProcess[str]:
    """A command that can write no file of more than `most` bytes."""

    def small_disk() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, preexec_fn=small_disk, check=False, timeout=DEADLINE_S
    )


def test_a_disk_too_full_for_a_checkpoint_loses_nothing(tmp_path: Path, native_programs: native.Built):
    (tmp_path / "in").write_bytes(samples.mixed(300_000))
    command = [*GOLF, "compress", "in", "-o", "o", *FAST, "--checkpoint-every", "0.01"]
    done = limited(command, tmp_path, 3_000_000)
    assert (done.returncode, done.stderr.count("no checkpoint at")) == (0, 1), done.stderr
    assert (tmp_path / "o/archive.bin").read_bytes() == whole(tmp_path / "whole", samples.mixed(300_000))
    assert sorted(os.listdir(tmp_path)) == ["artifacts", "in", "o", "whole"]


def test_a_checkpoint_that_fails_leaves_the_one_before(run: Run, small_blocks: None, monkeypatch: pytest.MonkeyPatch):
    run.left()
    before = run.checkpoint.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Cut):
        run.compress(DATA, stop=3)
    assert run.checkpoint.read_bytes() == before
    assert [said.rpartition(" (")[2] for said in run.said[1:]] == ["No space left on device); going on without"]
    assert not list(run.folder.glob("*.part"))


def killed(command: list[str], folder: Path, checkpoint: Path, after_s: float, number: signal.Signals) -> str:
    """What a command said that got a signal, some time after it had written a checkpoint of its own."""
    before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as running:
        until = time.monotonic() + DEADLINE_S
        while running.poll() is None and not (checkpoint.exists() and checkpoint.stat().st_mtime_ns != before):
            assert time.monotonic() < until
            time.sleep(0.002)
        time.sleep(after_s)
        running.send_signal(number)
        return running.communicate(timeout=DEADLINE_S)[1]


def test_processes_killed_at_random_go_on_to_the_same_archive_and_back(tmp_path: Path, native_programs: native.Built):
    data, rng = samples.mixed(400_000), random.Random(0)
    (tmp_path / "in").write_bytes(data)
    archive = whole(tmp_path / "whole", data)
    every = ["--checkpoint-every", "0.02"]
    for command, result, expected in (
        ([*GOLF, "compress", "in", "-o", "o", *FAST, *every], "o/archive.bin", archive),
        ([*GOLF, "decompress", "o/archive.bin", "back", *every], "back", data),
    ):
        work_folder = tmp_path / f".{result.partition('/')[0]}.work"
        said = [
            killed(command, tmp_path, work_folder / "checkpoint", rng.uniform(0, 0.05), signal.SIGKILL)
            for _ in range(3)
        ]
        assert all("resumed at " in words and "resumed at 0 " not in words for words in said[1:]), said
        last = subprocess.run(
            command[: -len(every)], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=DEADLINE_S
        )
        assert "resumed at " in last.stderr
        assert (tmp_path / result).read_bytes() == expected
        assert not work_folder.exists()


@pytest.mark.parametrize(("number", "option"), [(signal.SIGINT, []), (signal.SIGTERM, ["--fresh"])])
def test_a_stopped_run_says_that_its_checkpoint_is_kept_and_fresh_forgets_it(
    tmp_path: Path, native_programs: native.Built, number: signal.Signals, option: list[str]
):
    (tmp_path / "in").write_bytes(samples.mixed(250_000))
    command = [*GOLF, "compress", "in", "-o", "o", *FAST]
    said = killed([*command, "--checkpoint-every", "0.02"], tmp_path, tmp_path / ".o.work/checkpoint", 0.0, number)
    assert "the checkpoint is kept" in said
    assert not (tmp_path / "o").exists()
    again = subprocess.run(
        [*command, *option], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=DEADLINE_S
    )
    assert (again.returncode, "resumed at" in again.stderr) == (0, not option)


def test_of_two_processes_on_one_output_the_second_is_refused(tmp_path: Path):
    said: list[str] = []
    with work.opened(tmp_path / "o", said.append, fresh=False) as first:
        first.checkpoint.write_bytes(b"x")
        with (
            pytest.raises(GolfError, match="another golf is writing it") as caught,
            work.opened(tmp_path / "o", said.append, fresh=True),
        ):
            pass
        assert caught.value.exit_code == Exit.NO
        assert first.checkpoint.exists()
        with work.opened(tmp_path / "other", said.append, fresh=False):
            pass
    assert os.listdir(tmp_path) == []
