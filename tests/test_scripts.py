"""The README's commands: there, executable, and the demo does what it says."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import kernel_allows
import pytest
import samples

from golfkit import files
from golfkit.compress.runtimes.native import Built

ROOT = Path(__file__).resolve().parent.parent


SHELL = [*(f"scripts/{path.name}" for path in sorted((ROOT / "scripts").iterdir()) if not path.suffix), ".ci/run"]


@pytest.mark.parametrize("name", SHELL)
def test_a_script_is_executable_and_its_shell_syntax_is_right(name):
    assert os.access(ROOT / name, os.X_OK)
    subprocess.run(["bash", "-n", ROOT / name], check=True)


def test_setup_refuses_a_python_that_cannot_make_environments(tmp_path):
    (tmp_path / "scripts").mkdir()
    script = tmp_path / "scripts" / "setup"
    script.write_text((ROOT / "scripts" / "setup").read_text())
    command = ["bash", script]
    result = subprocess.run(command, env=os.environ | {"PYTHON": "false"}, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "PYTHON=false is not Python 3.11 or later" in result.stderr
    assert not (tmp_path / ".venv").exists()


@pytest.mark.skipif(not shutil.which("qemu-x86_64"), reason="no qemu-x86_64 (apt-get install qemu-user)")
def test_a_codec_s_programs_are_compared_on_an_emulated_processor(native_programs: Built, tmp_path: Path):
    (tmp_path / "data").write_bytes(samples.mixed(3000))
    command = [sys.executable, ROOT / "scripts" / "emulate.py", tmp_path / "data", "--codec", "cm-fast", "--back"]
    result = subprocess.run([*command, "-n", "2000"], capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 0, result.stderr
    said = dict(line.split(": ") for line in result.stdout.splitlines())
    assert (said["input_bytes"], said["archives_identical"], said["restored"]) == ("2000", "true", "true")
    (tmp_path / "in").write_bytes(samples.mixed(2000))
    subprocess.run([native_programs.compress, "in", "archive"], cwd=tmp_path, check=True)
    assert said["archive_sha256"] == files.digest(tmp_path / "archive")


def test_the_demo_ends_with_a_certified_score(tmp_path):
    command = [sys.executable, ROOT / "scripts" / "run_demo.py", tmp_path / "demo"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if not kernel_allows.any_isolation():
        pytest.skip("this kernel allows no sandbox")
    assert result.returncode == 0, result.stderr
    table = dict(line.rsplit("  ", 1) for line in result.stdout.split("\nmeasured ")[1].splitlines()[1:])
    shown = {key.strip(): value.strip() for key, value in table.items()}
    assert shown["roundtrip verified"] == "true"
    assert shown["results on the board"] == "1"
    assert int(shown["cm-mid, total bytes"]) < int(shown["xz -9e, total bytes"])
