"""The command line as a whole: exit codes, one-line errors, streams, start-up."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from golfkit import cli, output
from golfkit.errors import Exit, GolfError, missing_package

GOLF = str(Path(sys.executable).with_name("golf"))


def test_version_prints_the_installed_version(golf):
    from importlib.metadata import version

    result = golf("--version")
    assert (result.returncode, result.stdout) == (Exit.DONE, f"golf: {version('golfkit')}\n")


def test_golf_alone_shows_its_commands_on_stderr_as_a_usage_error(golf):
    result = golf()
    assert (result.returncode, result.stdout) == (Exit.USAGE, "")
    assert "measure" in result.stderr


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["mesure"], "No such command 'mesure'. Did you mean 'measure'?"),
        (["measure", "--wat"], "--wat"),
        (["measure", "extra"], "extra"),
        (["data"], "Missing command"),
    ],
)
def test_a_usage_error_is_one_line_and_exit_2(golf, args, says):
    result = golf(*args)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (Exit.USAGE, "", 1)
    assert result.stderr.startswith("error: ")
    assert says in result.stderr


def test_golf_debug_adds_the_traceback_and_keeps_the_exit_code(golf):
    plain, debug = golf("measure"), golf("measure", env={"GOLF_DEBUG": "1"})
    assert "Traceback" not in plain.stderr
    assert "Traceback" in debug.stderr
    assert debug.returncode == plain.returncode == Exit.BAD_FILE


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (GolfError("a.bin: broken\x1b[2J\nline"), Exit.BAD_FILE, "error: a.bin: broken [2J line\n"),
        (GolfError("no", Exit.NO), Exit.NO, "error: no\n"),
        (missing_package("torch", "torch"), Exit.MISSING_PACKAGE, "pip install 'golfkit[torch]'"),
        (missing_package("zstandard"), Exit.MISSING_PACKAGE, "pip install zstandard\n"),
        (PermissionError(13, "Permission denied", "/x"), Exit.BAD_FILE, "error: /x: Permission denied\n"),
        (KeyboardInterrupt(), Exit.INTERRUPTED, "error: interrupted\n"),
    ],
)
def test_every_error_a_command_may_raise_has_its_exit_code_and_one_line(monkeypatch, capsys, error, code, says):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(sys, "argv", ["golf", "measure"])
    monkeypatch.setattr(output, "emit", fail)
    monkeypatch.setattr("golfkit.measure.command._default_script", fail)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == code
    shown = capsys.readouterr()
    assert says in shown.err
    assert shown.err.count("\n") == 1
    assert shown.out == ""


def test_a_bug_is_not_hidden_as_a_users_error(monkeypatch):
    def fail(*args):
        raise RuntimeError("a bug")

    monkeypatch.setattr(sys, "argv", ["golf", "measure"])
    monkeypatch.setattr("golfkit.measure.command._default_script", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        cli.main()


def test_ctrl_c_is_exit_130_and_one_line(tmp_path):
    (tmp_path / "train_gpt.py").write_text("x = 1\n")
    code = (
        "import sys, golfkit.measure.command as c, golfkit.cli as cli\n"
        "c._default_script = lambda *a: (print('ready', flush=True), sys.stdin.read())\n"
        "sys.argv = ['golf', 'measure']\ncli.main()\n"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, text=True, **pipes) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (Exit.INTERRUPTED, "error: interrupted\n")


def test_a_reader_that_leaves_early_changes_no_answer_and_sees_no_traceback(tmp_path):
    (tmp_path / "train_gpt.py").write_text("x = 1\n")
    command = f"{GOLF} measure --limit 1 | true; exit ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == Exit.NO
    assert "Traceback" not in result.stderr
    assert "Broken" not in result.stderr


@pytest.mark.parametrize("args", [["--help"], ["measure", "-h"], ["data", "enwik8", "--help"]])
def test_help_is_on_stdout_with_exit_0_and_wants_no_terminal(golf, args):
    result = golf(*args)
    assert (result.returncode, result.stderr) == (Exit.DONE, "")
    assert result.stdout.startswith("Usage: golf")
