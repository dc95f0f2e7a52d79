"""Native programs: what they need, that they are the same wherever they are built, and how the build can fail."""

import os
import re
import shutil
import stat
import struct
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import samples

from golfkit import files
from golfkit.compress import codecs
from golfkit.compress.artifact import bundle
from golfkit.compress.codecs.cm import CM_FAST, CM_MAX, CM_MID, ContextMixing
from golfkit.compress.kernels import lstm
from golfkit.compress.runtimes import emit, engines, native
from golfkit.compress.runtimes.engines import Model
from golfkit.compress.runtimes.native import Built
from golfkit.settings import cache_folder

INTERPRETER, DYNAMIC, LOADED = 3, 2, 1  # kinds of ELF segments
OWN = [codec for codec in codecs.every() if codec.own]
BUNDLE_MOST = {"cm-fast": 8_200, "cm-mid": 13_200, "cm-max": 13_700}  # bytes of decompressor.zip
# codecs, and processors by qemu's names: all that it can do, and the first with x86-64-v3
ELSEWHERE = [(CM_FAST, "max"), (CM_FAST, "Haswell"), (CM_MID, "max"), (CM_MID, "Haswell"), (CM_MAX, "Haswell")]
# bytes: more than a block; and what an emulator does in seconds, which takes 16 and 200 milliseconds a byte of a net
EMULATED = {CM_FAST: 66_000, CM_MID: 10 * lstm.HORIZON, CM_MAX: 2 * lstm.HORIZON + 6}
EVERY_FLOAT = Model(250, 1, "every_float")  # a module of the tests
BUILD = """
import sys
from pathlib import Path
from golfkit.compress.runtimes import native
from golfkit.compress.codecs.cm import CM_FAST
print(native.build(CM_FAST.model, Path(sys.argv[1])).decompress)
"""


class Own(NamedTuple):
    """A codec and its programs."""

    codec: ContextMixing
    programs: Built


@pytest.fixture(scope="module")
def built_again(tmp_path_factory: pytest.TempPathFactory, native_programs: Built) -> tuple[Path, list[str]]:
    """A fresh cache in which two processes built at once, and what each said."""
    cache = tmp_path_factory.mktemp("cache")
    environment = os.environ | {"NUMBA_OPT": "2", "NUMBA_BOUNDSCHECK": "1", "PYTHONHASHSEED": "7"}
    command = [sys.executable, "-c", BUILD, str(cache)]
    both = [subprocess.Popen(command, cwd=cache, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    return cache, said


def test_two_processes_that_build_at_once_both_get_the_same_whole_programs(built_again: tuple[Path, list[str]]):
    cache, said = built_again
    assert said[0] == said[1]
    (folder,) = (path for path in cache.iterdir() if not path.name.endswith(".lock"))
    assert {path.name for path in folder.iterdir()} == {"kernels.so", "compress", "decompress"}
    assert folder.name == f"cm_fast-{native.digest(CM_FAST.model)}"


def test_two_builds_are_byte_identical_whatever_the_environment(
    built_again: tuple[Path, list[str]], native_programs: Built
):
    (folder,) = (path for path in built_again[0].iterdir() if not path.name.endswith(".lock"))
    first, again = (
        {name: (place / name).read_bytes() for name in ("compress", "decompress")}
        for place in (native_programs.decompress.parent, folder)
    )
    assert first == again
    zips = {bundle.zip_bundle({"decompress": programs["decompress"]}) for programs in (first, again)}
    assert len(zips) == 1


@pytest.fixture
def own(request: pytest.FixtureRequest) -> Own:
    """One of the own codecs with its programs; ask for it by `indirect`."""
    fixture = {CM_FAST: "native_programs", CM_MID: "native_mid", CM_MAX: "native_max"}[request.param]
    return Own(request.param, request.getfixturevalue(fixture))


every_own = pytest.mark.parametrize("own", OWN, indirect=True, ids=lambda codec: codec.name)


@every_own
def test_a_bundle_is_no_larger_than_its_model_needs(own: Own):
    content = bundle.zip_bundle({"decompress": own.programs.decompress.read_bytes()})
    assert len(content) <= BUNDLE_MOST[own.codec.name]


def segments(program: Path) -> list[tuple[int, int]]:
    """Kind and flags of each."""
    elf = program.read_bytes()
    at, n = struct.unpack_from("<Q", elf, 32)[0], struct.unpack_from("<H", elf, 56)[0]
    return [struct.unpack_from("<II", elf, at + 56 * i) for i in range(n)]


@every_own
@pytest.mark.parametrize("name", ["compress", "decompress"])
def test_a_program_asks_for_no_interpreter_and_no_library(own: Own, name: str):
    program = getattr(own.programs, name)
    kinds = {kind for kind, _ in segments(program)}
    assert LOADED in kinds
    assert not kinds & {INTERPRETER, DYNAMIC}
    assert struct.unpack_from("<Q", program.read_bytes(), 40) == (0,)  # no sections, hence no symbols
    assert program.stat().st_mode & stat.S_IXUSR


@pytest.mark.skipif(not shutil.which("nm"), reason="no nm (apt-get install binutils)")
@every_own
def test_the_library_refers_to_nothing_outside_itself(own: Own):
    command = ["nm", "-D", "--undefined-only", str(own.programs.library)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == ""


def archived(programs: Built, folder: Path, data: bytes) -> None:
    (folder / "in").write_bytes(data)
    subprocess.run([programs.compress, "in", "archive"], cwd=folder, env={}, check=True)


def emulated(cpu: str, folder: Path, *command: object) -> None:
    emulator = shutil.which("qemu-x86_64")
    if not emulator:
        pytest.skip("no qemu-x86_64 (apt-get install qemu-user)")
    subprocess.run([emulator, "-cpu", cpu, *command], cwd=folder, check=True)


@pytest.mark.parametrize(
    ("own", "cpu"), ELSEWHERE, indirect=["own"], ids=[f"{codec.name}, {cpu}" for codec, cpu in ELSEWHERE]
)
def test_programs_give_the_same_bytes_on_another_processor(own: Own, tmp_path: Path, cpu: str):
    """Every integer and every float; of a net also two steps of learning and what comes after."""
    data = samples.mixed(EMULATED[own.codec])
    archived(own.programs, tmp_path, data)
    emulated(cpu, tmp_path, own.programs.compress, "in", "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "archive").read_bytes()
    emulated(cpu, tmp_path, own.programs.decompress, "archive", "out")
    assert (tmp_path / "out").read_bytes() == data


def test_every_float_component_gives_the_same_bytes_on_another_processor_throughout(tmp_path: Path):
    """66,000 bytes, of which the transform leaves 10,000: each component learns of all of them, the net 300 times."""
    if why := native.missing():
        pytest.skip(f"no native code: {why}")
    programs = native.build(EVERY_FLOAT, cache_folder(os.environ), EVERY_FLOAT.name)
    data = samples.mixed(4000) + samples.long_words(62_000)
    archived(programs, tmp_path, data)
    subprocess.run([programs.decompress, "archive", "out"], cwd=tmp_path, env={}, check=True)
    assert (tmp_path / "out").read_bytes() == data
    text = engines.transformed(engines.native(programs.library), bytearray(data))
    assert len(text) > 300 * lstm.HORIZON
    emulated("Haswell", tmp_path, programs.compress, "in", "again")
    assert files.digest(tmp_path / "again") == files.digest(tmp_path / "archive")


def test_every_float_component_is_in_that_model():
    kernels = engines.kernels_in(EVERY_FLOAT.name)
    parts = ("N_RUNS", "N_DIRECT", "N_FEATURES", "N_SETS", "N_FINALS", "N_APMS")
    assert all(kernels[part] > 0 for part in parts)
    assert (kernels["LAYERS"], kernels["CELLS"]) == (2, 16)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "usage: FROM TO"),
        (["archive"], "usage: FROM TO"),
        (["archive", "out", "more"], "usage: FROM TO"),
        (["absent", "out"], "cannot read input"),
        (["in", "out"], "not such an archive"),
        (["short", "out"], "not such an archive"),
        (["cut", "out"], "damaged header"),
        (["flipped", "out"], "damaged archive"),
        (["archive", "folder"], "cannot write output"),
        (["archive", "folder/absent/out"], "OUT.part is there, or cannot be made"),
        (["archive", "x" * 5000], "name too long"),
        (["out2.part", "out2"], "OUT.part is there, or cannot be made"),
    ],
)
def test_every_fault_is_one_line_exit_1_and_no_output(
    native_programs: Built, tmp_path: Path, arguments: list[str], said: str
):
    archived(native_programs, tmp_path, samples.mixed(5000))
    archive = (tmp_path / "archive").read_bytes()
    (tmp_path / "folder").mkdir()
    (tmp_path / "short").write_bytes(archive[:20])
    (tmp_path / "cut").write_bytes(archive[:-1])
    (tmp_path / "flipped").write_bytes(archive[:99] + bytes([archive[99] ^ 1]) + archive[100:])
    (tmp_path / "out2.part").write_bytes(archive)
    before = {path.name: path.is_dir() or path.read_bytes() for path in tmp_path.iterdir()}
    command = [native_programs.decompress, *arguments]
    done = subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{said}\n")
    assert {path.name: path.is_dir() or path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_kernel_that_needs_a_library_is_refused():
    """Else the call would be taken for an error path, which is never reached."""
    error_path = "declare void @PyErr_Clear()"
    assert "unreachable" in emit._closed(error_path, set())
    with pytest.raises(ValueError, match="a kernel needs pow"):
        emit._closed(f"{error_path}\ndeclare double @pow(double, double)", set())


def test_only_code_loses_its_alignment():
    code, data = (
        "\t.text\n\t.p2align\t4\nf:\n\tretq\n",
        '\t.section\t.rodata.cst16,"aM",@progbits,16\n\t.p2align\t4, 0x0\n',
    )
    assert emit.unaligned(code + data + code) == code.replace("\t.p2align\t4\n", "") + data + code.replace(
        "\t.p2align\t4\n", ""
    )


def fake_cc(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "cc").write_text(text)
    (folder / "cc").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("#!/bin/sh\necho 'ld: error: no' >&2; exit 1\n", r"cc failed \(ld: error: no\)"),
        ("#!/bin/sh\nexit 4\n", r"cc failed \(exit 4\)"),
        ("#!/absent/interpreter\n", r"cc failed \(cc: No such file or directory\)"),
        ('#!/bin/sh\ncase "$*" in *-c*) echo "no headers" >&2; exit 1;; esac\n', r"cc failed \(no headers\)"),
    ],
)
def test_a_cc_that_fails_is_a_reason_not_a_crash(
    native_programs: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, why: str
):
    fake_cc(tmp_path, text, monkeypatch)
    found = native.built(CM_FAST.model, tmp_path / "cache")
    assert isinstance(found, str)
    assert re.fullmatch(why, found), found


def test_without_cc_the_reason_has_the_install_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    found = native.built(CM_FAST.model, tmp_path / "cache")
    assert found == native.missing()
    assert "apt-get install gcc" in found or "native code is for linux" in found or "CPU lacks" in found


def test_the_digest_covers_kernels_recipe_codec_and_cc(
    native_programs: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    later = CM_FAST.model._replace(codec_version=CM_FAST.version + 1)
    digests = [native.digest(CM_FAST.model), native.digest(later)]
    copy = tmp_path / "compress"
    shutil.copytree(native.COMPRESS, copy)
    monkeypatch.setattr(native, "COMPRESS", copy)
    assert native.digest(CM_FAST.model) == digests[0]
    kernels = native.kernels_digest()
    recipe = (
        "c/system.h",
        "c/compress.c",
        "c/packing.h",
        *(f"{name}.py" for name in native.RECIPE),
        "../kernels/coder.py",
    )
    for name in recipe:
        with (copy / "runtimes" / name).open("a") as source:
            source.write("\n")
        digests.append(native.digest(CM_FAST.model))
    assert native.kernels_digest() != kernels
    fake_cc(tmp_path, "#!/bin/sh\necho another cc\n", monkeypatch)
    digests.append(native.digest(CM_FAST.model))
    assert len(set(digests)) == len(digests)


def test_the_digest_covers_a_model_s_own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(tmp_path)
    digests = {native.digest(EVERY_FLOAT), native.digest(EVERY_FLOAT, "every_float")}
    for text in ("SPEC = 1", "SPEC = 2"):
        (tmp_path / "own_model.py").write_text(text)
        digests.add(native.digest(EVERY_FLOAT, "own_model"))
    assert len(digests) == 4


def test_a_cache_folder_with_a_part_missing_is_made_whole(
    native_programs: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / native_programs.library.parent.name
    shutil.copytree(native_programs.library.parent, folder)
    (folder / "compress").unlink()

    def copied(model: object, module: str, work: Path) -> Path:
        return Path(shutil.copytree(native_programs.library.parent, work / "made"))

    monkeypatch.setattr(native, "_make", copied)
    built = native.build(CM_FAST.model, tmp_path)
    assert built.compress.read_bytes() == native_programs.compress.read_bytes()
    assert not list(tmp_path.glob(f".{folder.name}-*"))
