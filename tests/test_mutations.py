"""Damage, in the suite: the first mutants of scripts/fuzz-archives, and a foreign codec's."""

import subprocess
import sys
from pathlib import Path

import mutations
import pytest

from golfkit.compress import codecs
from golfkit.compress.runtimes import native

ROOT = Path(__file__).parent.parent


def fuzz(*args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts/fuzz_archives.py"), *args]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.skipif(bool(native.missing()), reason=f"no native decompressor: {native.missing()}")
@pytest.mark.parametrize(("codec", "count"), [("cm-fast", 500), ("cm-mid", 65)])
def test_damaged_archives_of_own_codecs_are_refused(codec: str, count: int):
    done = fuzz("--count", str(count), "--codec", codec)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "violations: 0\n" in done.stdout


@pytest.mark.parametrize("codec", ["gzip", "xz"])
def test_damaged_archives_of_the_tools_are_refused_by_the_library(codec: str):
    sound = mutations.bases(codecs.get(codec))
    found = [mutations.through_library(mutant) for mutant in mutations.mutants(sound, 130, seed=1)]
    assert [finding for finding in found if finding.violation] == []
    assert mutations.REFUSED in found


def test_the_same_seed_makes_the_same_mutants():
    sound = mutations.bases(codecs.get("gzip"))
    first, again, other = (list(mutations.mutants(sound, 50, seed)) for seed in (3, 3, 4))
    assert first == again != other
    assert {mutant.kind for mutant in first} == set(mutations.KINDS)


def script(tmp_path: Path, text: str) -> Path:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    (tmp_path / "scratch").mkdir()
    return program


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("kill -SEGV $$", "ended with -11"),
        ("exit 2", "ended with 2"),
        ("echo x >$2; exit 1", "left ['out'] after a refusal"),
        ("echo x >$2.part; exit 1", "left ['out.part'] after a refusal"),
        ("echo x >$2; echo x >stray", "left ['out', 'stray']"),
        ("echo x >$2", "restored other bytes"),
        ("sleep 60", "ran longer than 0.2 s"),
    ],
)
def test_every_violation_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, outcome: str):
    monkeypatch.setattr(mutations, "TIME_BOUND_S", 0.2 if "sleep" in text else 30.0)
    finding = mutations.through_program(script(tmp_path, text), mutations.Mutant("k", b"o", b"a"), tmp_path / "scratch")
    assert finding.violation
    assert finding.outcome == outcome
