"""Programs that unpack themselves: packing loses nothing, and a packed program does what it did."""

import functools
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
import samples
from hypothesis import given, settings
from hypothesis import strategies as st

from golfkit.compress.runtimes import native, packing, x86
from golfkit.compress.runtimes.native import Built

pytestmark = pytest.mark.skipif(bool(native.missing()), reason="nothing native can be built here")
C = native.COMPRESS / native.C


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packer."""
    folder = tmp_path_factory.mktemp("packing")
    packing.make_packer(C, functools.partial(native._cc, folder))
    return folder


@pytest.fixture(scope="module")
def packed(work: Path, native_programs: Built) -> Path:
    """The program `compress`, packed."""
    program = work / "compress"
    shutil.copy(native_programs.compress, program)
    native.pack(work, program)
    return program


def identity(work: Path, image: bytes) -> int:
    """How many bytes an image takes, which is restored."""
    made = packing.packer(work / "pack", image)
    assert packing.packer(work / "pack", made, str(len(image))) == image
    return len(made)


@settings(max_examples=25, deadline=None)
@given(st.binary(min_size=1, max_size=3000), st.sampled_from([b"", x86.table()]))
def test_what_is_packed_is_restored_whatever_it_is(work: Path, data: bytes, table: bytes):
    identity(work, table + data)


@pytest.mark.parametrize(
    "data",
    [bytes(100_000), b"\xff" * 100_000, b"\x66" * 5000, samples.mixed(70_000)],
    ids=["0", "255", "prefixes", "text"],
)
def test_long_runs_and_text_are_restored(work: Path, data: bytes):
    assert identity(work, x86.table() + data) < len(data)


def test_the_table_costs_little_and_names_every_page():
    table = x86.table()
    assert len(table) == 4 * 256
    assert {entry & 3 for entry in table if entry != x86.PREFIX} == {0, 1, 2, 3}
    assert table[4 * 0x0F] == x86.TWO_BYTE
    assert table[4 * 0x48] == x86.PREFIX
    assert table[4 * 0x81] == x86.MODRM + 4 * x86.IMMEDIATE
    assert table[4 * 0x84 + 1] == 4 * x86.IMMEDIATE  # jcc
    assert table[4 * 0x44 + 2] == 2 * x86.DISPLACEMENT  # SIB and 8 bits


def test_a_packed_program_does_what_it_did_in_less(work: Path, packed: Path, native_programs: Built, tmp_path: Path):
    (tmp_path / "in").write_bytes(samples.mixed(70_000))
    subprocess.run([native_programs.compress, "in", "archive"], cwd=tmp_path, env={}, check=True)
    subprocess.run([packed, "in", "again"], cwd=tmp_path, env={}, check=True)
    assert (tmp_path / "again").read_bytes() == (tmp_path / "archive").read_bytes()
    assert packed.stat().st_size < 0.6 * native_programs.compress.stat().st_size


def test_a_packed_program_finds_its_arguments_and_fails_as_it_did(packed: Path, tmp_path: Path):
    for arguments, said in (((), "usage: FROM TO\n"), (("absent", "out"), "cannot read input\n")):
        done = subprocess.run([packed, *arguments], cwd=tmp_path, env={}, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", said)


def test_packing_twice_gives_the_same_bytes(work: Path, packed: Path, native_programs: Built):
    elf = native_programs.compress.read_bytes()
    cc = functools.partial(native._cc, work)
    assert packing.pack(work, elf, C, cc, native._COMPILE, native._LINK) == packed.read_bytes()


def test_a_packed_program_is_one_segment_from_its_first_byte(packed: Path):
    elf = packed.read_bytes()
    content, address, n_bytes, entry = packing.segment(elf)
    assert content == elf
    assert entry == address + packing.HEADERS
    assert n_bytes > packing.MODEL_BYTES
    assert struct.unpack_from("<HH", elf, 54) == (56, 1)
    assert struct.unpack_from("<Q", elf, 40) == (0,)  # no sections


def test_a_program_of_two_segments_is_refused():
    head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF", 2, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    with pytest.raises(ValueError, match="has 2 loaded segments, expected 1"):
        packing.segment(head + 2 * struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, 0, 0, 4096))


def test_the_unpackers_memory_is_as_large_as_its_model(work: Path):
    (work / "size.c").write_text('#include "packing.h"\nint main(void) { return sizeof(Model) > BYTES; }\n')
    native._cc(work, *packing.MODEL, f"-DBYTES={packing.MODEL_BYTES}", f"-I{C}", "-o", "size", "size.c")
    subprocess.run([work / "size"], check=True)
