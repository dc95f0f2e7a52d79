"""What golf prints, and where."""

import io
import json
import sys

import pytest

from golfkit import output

RECORD = {"bytes": 5, "bpc": 1.5, "verified": True, "notes": None, "weights": {"a b.ptz": 3}, "seeds": [1, 2]}


class Terminal(io.StringIO):
    """A stderr that says it is a terminal."""

    def isatty(self):
        return True


def test_a_record_is_key_value_lines_or_one_json_object(capsys):
    output.emit(RECORD)
    assert capsys.readouterr().out == (
        "bytes: 5\nbpc: 1.5\nverified: true\nnotes: \nweights[a b.ptz]: 3\nseeds: 1, 2\n"
    )
    output.emit(RECORD, as_json=True)
    shown = capsys.readouterr()
    assert json.loads(shown.out) == RECORD
    assert shown.out.count("\n") == 1
    assert shown.err == ""


def test_a_value_cannot_break_its_line_or_drive_the_terminal(capsys):
    output.emit({"name": "a\nstatus: OK\x1b[2J", "files": {"x\x1b]0;": 1}})
    assert capsys.readouterr().out == "name: a status: OK [2J\nfiles[x ]0;]: 1\n"


def test_a_table_is_aligned_with_numbers_to_the_right(capsys):
    output.table(["codec", "total", "note"], [["xz", 1129688, "a"], ["cm-fast", None, ""], ["gz", 5, "long"]])
    assert capsys.readouterr().out == (
        "codec      total  note\n"
        "xz       1129688  a\n"
        "cm-fast\n"
        "gz             5  long\n"
    )  # fmt: skip


def test_talk_and_errors_are_on_stderr(capsys):
    output.note("working\n  on \x1b[31ma.bin")
    output.error("broken")
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "working\non [31ma.bin\nerror: broken\n")


@pytest.mark.parametrize(("no_color", "coloured"), [(None, True), ("1", False)])
def test_an_error_is_red_on_a_terminal_unless_no_color(monkeypatch, no_color, coloured):
    monkeypatch.setattr(sys, "stderr", Terminal())
    if no_color:
        monkeypatch.setenv("NO_COLOR", no_color)
    output.error("broken")
    assert ("\x1b[31m" in sys.stderr.getvalue()) is coloured


def test_progress_is_silent_without_a_terminal(capsys):
    with output.progress("zstd", 100) as meter:
        meter.advance(50, "half")
    assert capsys.readouterr() == ("", "")


def test_progress_of_nothing_is_silent(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with output.progress("zstd", 0):
        pass
    assert sys.stderr.getvalue() == ""


def test_progress_is_drawn_on_a_terminal_and_never_on_stdout(monkeypatch, capsys):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", Terminal())
    with output.progress("zstd", 100) as meter:
        meter.advance(50, "half")
    assert "zstd" in sys.stderr.getvalue()
    assert "half" in sys.stderr.getvalue()
    assert capsys.readouterr().out == ""
