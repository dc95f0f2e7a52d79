"""Bundles that nobody vouches for: what is refused, and that nothing is written outside."""

import io
import stat
import zipfile
from pathlib import Path

import pytest

from golfkit.compress.sandbox import unpack
from golfkit.errors import Exit, GolfError

PROGRAM = b"#!/bin/sh\n"


def bundle(tmp_path: Path, *members: tuple[str, bytes, int]) -> Path:
    """A zip of (name, content, mode)."""
    target = tmp_path / "b.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content, mode in members:
            entry = zipfile.ZipInfo(name)
            entry.filename = name  # ZipInfo would clean it
            entry.external_attr = mode << 16
            opened.writestr(entry, content)
    return target


def refused(tmp_path: Path, source: Path, match: str) -> None:
    box = tmp_path / "deep" / "box"
    box.mkdir(parents=True)
    before = sorted(path for path in tmp_path.rglob("*"))
    with pytest.raises(GolfError, match=match) as error:
        unpack.unpack(source, box, "b.zip")
    assert error.value.exit_code == Exit.BAD_FILE
    assert str(error.value).startswith("b.zip")
    assert sorted(path for path in tmp_path.rglob("*") if box not in path.parents) == before


@pytest.mark.parametrize(
    "name",
    [
        *("../evil", "a/../../evil", "/tmp/evil", "//evil", "a//b", "./a", "a/./b", "..", "a\\..\\..\\evil"),
        *("C:\\evil", "line\nbreak", "bell\a", "right\u202eleft"),
    ],
)
def test_paths_that_are_not_plain_are_refused(tmp_path: Path, name: str):
    refused(tmp_path, bundle(tmp_path, ("decompress", PROGRAM, 0o755), (name, b"x", 0o644)), "expected a plain path")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices_are_refused(tmp_path: Path, kind: int):
    refused(tmp_path, bundle(tmp_path, ("decompress", b"/etc/passwd", kind | 0o777)), "is a link or device")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused(tmp_path: Path):
    refused(tmp_path, bundle(tmp_path, ("decompress", PROGRAM, 0o755), ("decompress", b"x", 0o755)), "there twice")


def test_a_file_that_is_also_a_folder_is_refused(tmp_path: Path):
    refused(tmp_path, bundle(tmp_path, ("a", b"x", 0o644), ("a/decompress", b"x", 0o755)), "is a file and a folder")


def test_an_encrypted_member_is_refused(tmp_path: Path):
    source = bundle(tmp_path, ("decompress", PROGRAM, 0o755))
    content = bytearray(source.read_bytes())
    content[6] |= 1  # flags of the local header
    content[content.index(b"PK\x01\x02") + 8] |= 1  # and of the directory
    source.write_bytes(content)
    refused(tmp_path, source, "is encrypted")


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(unpack, "MAX_BYTES", 1_000_000)
    source = bundle(tmp_path, ("decompress", bytes(1_000_001), 0o755))
    refused(tmp_path, source, "unzips to 1000001 bytes")


def test_a_bomb_that_lies_about_its_size_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    source = bundle(tmp_path, ("decompress", bytes(5_000_000), 0o755))
    content = bytearray(source.read_bytes())
    at = content.index(b"PK\x01\x02") + 24
    content[22:26] = content[at : at + 4] = (10).to_bytes(4, "little")
    source.write_bytes(content)
    refused(tmp_path, source, "b.zip")


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(unpack, "MAX_MEMBERS", 3)
    refused(tmp_path, bundle(tmp_path, *((f"{i}", b"", 0o644) for i in range(4))), "4 members")


@pytest.mark.parametrize("cut", [0, 1, 20, 60])
def test_what_is_no_zip_is_refused(tmp_path: Path, cut: int):
    source = bundle(tmp_path, ("decompress", PROGRAM, 0o755))
    source.write_bytes(source.read_bytes()[:cut])
    refused(tmp_path, source, "zip file")


def test_a_damaged_member_is_refused(tmp_path: Path):
    source = bundle(tmp_path, ("decompress", bytes(range(256)) * 40, 0o755))
    content = bytearray(source.read_bytes())
    content[60] ^= 0xFF
    source.write_bytes(content)
    refused(tmp_path, source, "can be unzipped")


@pytest.mark.parametrize("name", unpack.PROGRAMS)
@pytest.mark.parametrize("mode", [0, 0o100644, 0o104755])
def test_the_program_is_found_and_made_executable_without_set_id(tmp_path: Path, name: str, mode: int):
    box = tmp_path / "box"
    box.mkdir()
    unpack.unpack(bundle(tmp_path, (name, PROGRAM, mode), ("data/words", b"w", 0o100644)), box, "b.zip")
    assert unpack.find_program(box, "b.zip") == name
    assert stat.S_IMODE((box / name).stat().st_mode) == 0o755
    assert (box / "data/words").read_bytes() == b"w"


def test_a_bundle_without_a_program_lists_what_it_holds(tmp_path: Path):
    (tmp_path / "unzip.exe").write_bytes(b"")
    with pytest.raises(GolfError, match=r"holds unzip\.exe, expected decompress or decompressor/decompress"):
        unpack.find_program(tmp_path, "b.zip")


def test_what_a_program_needs_is_read_from_its_head(tmp_path: Path):
    program = tmp_path / "p"
    program.write_bytes(b"#!/usr/bin/env python3\nprint()\n")
    assert unpack.needs(program) == "is a script for /usr/bin/env python3"
    program.write_bytes(b"plain text")
    assert unpack.needs(program) == "is neither an ELF program nor a script with #!"
    head = bytearray(64) + (3).to_bytes(4, "little") + bytes(52)
    head[:5], head[32:40] = b"\x7fELF\x02", (64).to_bytes(8, "little")
    head[54:56], head[56:58] = (56).to_bytes(2, "little"), (1).to_bytes(2, "little")
    program.write_bytes(head)
    assert unpack.needs(program) == "is linked dynamically"
    head[64] = 1
    program.write_bytes(head)
    assert unpack.needs(program) is None


def test_members_in_memory_are_zipped_as_the_tests_believe():
    """ZipInfo keeps the hostile names that the tests give it."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as opened:
        entry = zipfile.ZipInfo("x")
        entry.filename = "../evil"
        opened.writestr(entry, b"")
    assert zipfile.ZipFile(target).infolist()[0].orig_filename == "../evil"
