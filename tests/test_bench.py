"""`golf bench`: the ladder, its peers, its picture."""

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import kernel_allows
import pytest
import typer

from golfkit.compress import codecs, command_bench
from golfkit.compress.artifact import results
from golfkit.compress.bench import document, peers, picture, ranking, report, wait4
from golfkit.compress.bench.ranking import Ladder, Rung
from golfkit.errors import Exit, GolfError

DEADLINE_S = 30.0
TEXT = b"It was the best of times, it was the worst of times. " * 400
WORKSPACE = {  # the workspace document's table
    "cmix v21": 14_623_723,
    "nncp v3.2": 14_915_298,
    "phda9 1.8": 15_010_414,
    "phda9 2017": 15_284_944,
    "paq8f": 18_324_887,
}


def rung(name: str, total_bytes: int, us_per_byte: float | None, *, bundle_bytes: int | None = 10) -> Rung:
    sizes = (total_bytes, total_bytes - (bundle_bytes or 0), bundle_bytes)
    root = None if bundle_bytes is None else "empty"
    times = {"compress_per_xz": 12.3, "decompress_per_xz": 0.021, "us_per_byte": us_per_byte}
    return Rung(name, "", *sizes, 1.0, 1.0, 1.0, 0.1, bundle_bytes is not None, root, True, name, **times)


def ladder(*rungs: Rung, dataset: str | None = None) -> Ladder:
    published = peers.PUBLISHED if dataset else ()
    return Ladder(1000, "0" * 64, dataset, "a machine", 1, rungs, ("zpaq -m5",), published)


@pytest.fixture
def climb(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Run the command on TEXT: its stdout, once it has ended with 0."""
    (tmp_path / "text").write_bytes(TEXT)

    def run(**options: object) -> str:
        code = -1
        try:
            command_bench.run(tmp_path / "text", **options)
        except typer.Exit as left:
            code = left.exit_code
        except GolfError:
            if not kernel_allows.any_isolation():
                pytest.skip("this kernel allows no sandbox")
            raise
        assert code == 0
        return capsys.readouterr().out

    return run


def test_codecs_are_certified_and_sorted_by_total(climb):
    said = json.loads(climb(codecs="gzip,xz,bzip2", json=True))
    rungs = said["rungs"]
    assert {r["name"] for r in rungs} == {"gzip", "xz", "bzip2"}
    assert [r["total_bytes"] for r in rungs] == sorted(r["total_bytes"] for r in rungs)
    for r in rungs:
        assert r["verified"] is True
        assert r["total_bytes"] == r["archive_bytes"] + r["bundle_bytes"]
        assert r["bpc"] == results.bits_per_character(r["total_bytes"], len(TEXT))
        assert r["compress_cpu_s"] is not None
        assert r["decompress_cpu_s"] > 0
        assert r["ram_peak_gb"] > 0
    assert (said["original_bytes"], said["dataset"], said["published"]) == (len(TEXT), None, [])


def test_times_are_also_multiples_of_xz_in_the_same_run(climb):
    if not peers.installed(peers.XZ):
        pytest.skip("no xz (apt-get install xz-utils)")
    said = json.loads(climb(codecs="gzip", peers=True, runs=2, json=True))
    assert said["runs"] == 2
    assert next(r for r in said["rungs"] if r["name"] == "xz -9e")["compress_per_xz"] > 0
    for r in said["rungs"]:
        assert r["compress_per_xz"] >= 0  # gzip takes too little time to be seen here
        assert r["decompress_per_xz"] >= 0
        assert r["us_per_byte"] == pytest.approx(1e6 * r["compress_cpu_s"] / len(TEXT), abs=1e-4)


def test_without_xz_there_is_no_multiple_of_it(climb, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(peers, "XZ", peers.XZ._replace(programs=("golf-no-such-program",)))
    (found,) = json.loads(climb(codecs="bzip2", json=True))["rungs"]
    assert (found["compress_per_xz"], found["decompress_per_xz"]) == (None, None)
    assert found["compress_cpu_s"] is not None


def test_of_several_runs_the_median_counts_and_the_reference_is_that_of_the_run(monkeypatch: pytest.MonkeyPatch):
    seconds = {"xz": iter([2.0, 1.0, 4.0]), "own": iter([20.0, 30.0, 16.0])}
    monkeypatch.setattr(peers, "installed", lambda peer: "xz")
    monkeypatch.setattr(peers, "compress_cost", lambda *of: wait4.Cost(9.0, next(seconds["xz"]), 0))

    def once() -> Rung:
        return rung("own", 100, None)._replace(compress_cpu_s=next(seconds["own"]), decompress_cpu_s=8.0)

    found = ranking._repeated(once, Path(), 3, 1000)
    assert (found.compress_cpu_s, found.decompress_cpu_s, found.us_per_byte) == (20.0, 8.0, 20000.0)
    assert (found.compress_per_xz, found.decompress_per_xz) == (10.0, 4.0)  # of 10, 30, 4 and 4, 8, 2


def test_archives_that_differ_between_runs_are_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(peers, "installed", lambda peer: None)
    sizes = iter([100, 101])
    with pytest.raises(GolfError, match="archives of 90, 91 bytes, expected the same"):
        ranking._repeated(lambda: rung("own", next(sizes), None), Path(), 2, 1000)


def test_the_document_gets_the_table_and_the_command_that_makes_it(climb, tmp_path: Path):
    begin, end = document.markers(report.NAME)
    readme = tmp_path / "README.md"
    readme.write_text(f"# Title\n{begin}\nold\n{end}\nlast\n")
    climb(codecs="gzip", n=5000, write=readme)
    text = readme.read_text()
    assert text.startswith(f"# Title\n{begin}\n\n`golf bench text --codecs gzip -n 5000 --runs 1`: 5,000 bytes")
    assert text.endswith(f"{end}\nlast\n")
    assert "\n| gzip, certified beside the system's programs | " in text
    assert "old" not in text


def test_a_row_shows_what_is_own_and_certified():
    rungs = [
        rung("cm-own", 1_000, 12.34),
        rung("xz -9e", 2_000, None, bundle_bytes=None),
        rung("gzip", 3_000, 0.1)._replace(own=False, root="system"),
        rung("broken", 4_000, 0.1)._replace(verified=False),
    ]
    own, peer, codec, broken = report.markdown(ladder(*rungs), "golf bench text")[5:-1]
    cells = "| 990 | 10 | 1.00 / 1.00 | 12.3 / 0.02 | 12.3 | 0.10 |"
    assert own == f"| **cm-own**, certified in an empty root | **1,000** {cells}"
    assert peer == "| xz -9e |  | 2,000 |  | 1.00 / 1.00 | 12.3 / 0.02 |  | 0.10 |"
    assert codec.startswith("| gzip, certified beside the system's programs | 3,000 |")
    assert broken.startswith("| **broken**, NOT RESTORED | ")


def test_a_document_without_a_place_is_refused_before_anything_runs(tmp_path: Path):
    (tmp_path / "README.md").write_text("nothing\n")
    with pytest.raises(GolfError, match="is there 0 times"):
        command_bench.run(tmp_path / "none", write=tmp_path / "README.md")


def test_installed_peers_restore_and_absent_ones_are_listed(climb, monkeypatch: pytest.MonkeyPatch):
    absent = peers.Peer("nosuch -9", ("golf-no-such-program",), (), ())
    monkeypatch.setattr(peers, "PEERS", (*peers.PEERS, absent))
    said = json.loads(climb(codecs="", peers=True, json=True))
    assert "nosuch -9" in said["not_installed"]
    assert {r["name"] for r in said["rungs"]} | set(said["not_installed"]) == {peer.name for peer in peers.PEERS}
    for r in said["rungs"]:
        assert (r["verified"], r["counted"], r["bundle_bytes"]) == (True, "archive only", None)
        assert 0 < r["archive_bytes"] < len(TEXT)
        assert r["ram_peak_gb"] > 0


def test_the_table_names_its_commands_and_a_prefix_is_taken(climb, tmp_path: Path):
    out = climb(codecs="gzip", n=5000, plot=tmp_path / "ladder.svg")
    assert "original_bytes: 5000\n" in out
    assert "command[gzip]: golf compress input --codec gzip && golf roundtrip --root system\n" in out
    assert "published" not in out
    assert (tmp_path / "ladder.svg").read_text().startswith("<?xml")


def test_published_sizes_stand_apart_and_only_beside_enwik8(capsys: pytest.CaptureFixture[str]):
    assert {row.name: row.total_bytes for row in peers.PUBLISHED if not row.approximate} == WORKSPACE
    assert {row.name for row in peers.PUBLISHED if row.approximate} == {"xz -9e", "gzip -9"}
    command_bench._print(ladder(rung("gzip", 900, 0.1), dataset="enwik8"))
    measured, published = capsys.readouterr().out.split("published, not measured here")
    assert "cmix" in published
    assert "cmix" not in measured
    command_bench._print(ladder(rung("gzip", 900, 0.1)))
    assert "published" not in capsys.readouterr().out


def test_the_frontier_is_of_certified_totals():
    rungs = [
        rung("slow", 50, 9.0),
        rung("fast", 100, 0.1),
        rung("beaten", 101, 5.0),
        rung("peer", 10, 0.01, bundle_bytes=None),
        rung("untimed", 1, None),
    ]
    assert [r.name for r in ranking.frontier(rungs)] == ["fast", "slow"]


@pytest.mark.parametrize("suffix", picture.FORMATS)
@pytest.mark.parametrize("dataset", [None, "enwik8"])
def test_the_picture_is_drawn_in_every_format(tmp_path: Path, suffix: str, dataset: str | None):
    target = tmp_path / f"ladder{suffix}"
    picture.check(target)
    picture.draw(ladder(rung("a", 50, 9.0), rung("b", 10, 0.01, bundle_bytes=None), dataset=dataset), target)
    assert target.stat().st_size > 1000


def test_a_picture_that_cannot_be_drawn_is_refused_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(GolfError, match=r"expected \.png, \.svg, \.pdf"):
        command_bench.run(tmp_path / "none", plot=tmp_path / "x.gif")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(GolfError, match="pip install 'golfkit") as missing:
        command_bench.run(tmp_path / "none", plot=tmp_path / "x.png")
    assert missing.value.exit_code == Exit.MISSING_PACKAGE


def test_an_unknown_codec_and_a_missing_file_are_refused(tmp_path: Path):
    with pytest.raises(GolfError, match="--codec: found 'rar'"):
        command_bench.run(tmp_path / "none", codecs="gzip,rar")
    with pytest.raises(GolfError, match="is no file"):
        command_bench.run(tmp_path / "none", codecs="gzip")
    assert command_bench._names(None) == codecs.names()


def test_a_command_is_charged_its_own_memory_and_time(tmp_path: Path):
    ballast = bytearray(range(256)) * 400_000  # 100 MB resident here
    allocate = "x = bytearray(b'1') * 60_000_000; sum(range(3_000_000))"
    large = wait4.run([sys.executable, "-I", "-S", "-c", allocate], cwd=tmp_path)
    small = wait4.run([sys.executable, "-I", "-S", "-c", ""], cwd=tmp_path)
    assert 60_000_000 < large.ram_peak_bytes < len(ballast)
    assert small.ram_peak_bytes < 30_000_000
    assert large.cpu_s > small.cpu_s


def test_a_command_that_fails_is_quoted(tmp_path: Path):
    fail = "import sys; sys.exit('out of luck')"
    with pytest.raises(GolfError, match="ended with 1: out of luck"):
        wait4.run([sys.executable, "-c", fail], cwd=tmp_path)
    with pytest.raises(GolfError, match="ended with 127"):
        wait4.run(["golf-no-such-program"], cwd=tmp_path)


def test_stdout_goes_where_it_is_asked(tmp_path: Path):
    with (tmp_path / "out").open("wb") as out:
        wait4.run([sys.executable, "-c", "print('here')"], cwd=tmp_path, stdout=out)
    assert (tmp_path / "out").read_bytes() == b"here\n"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_a_bench_that_is_stopped_leaves_neither_process_nor_folder(tmp_path: Path):
    (tmp_path / "text").write_bytes(TEXT)
    (tmp_path / "bin").mkdir()
    (tmp_path / "tmp").mkdir()
    slow = tmp_path / "bin" / "xz"
    slow.write_text("#!/bin/sh\necho >started\nexec sleep 600\n")
    slow.chmod(0o755)
    env = os.environ | {"PATH": f"{slow.parent}:/usr/bin:/bin", "TMPDIR": str(tmp_path / "tmp")}
    command = [sys.executable, "-c", "from golfkit.cli import main; main()", "bench", "text", "--codecs", "", "--peers"]
    with subprocess.Popen(command, cwd=tmp_path, env=env, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + DEADLINE_S
        while not list(tmp_path.glob("tmp/golf-bench-*/started")) and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.01)
        process.terminate()
        assert process.wait(DEADLINE_S) == 143
        while inside(tmp_path / "tmp") and time.monotonic() < deadline:
            time.sleep(0.01)
    assert inside(tmp_path / "tmp") == []
    assert os.listdir(tmp_path / "tmp") == []


def inside(folder: Path) -> list[str]:
    """The processes that work below `folder`."""
    found = []
    for name in filter(str.isdecimal, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{name}/cwd").startswith(str(folder)):
                found.append(name)
    return found
