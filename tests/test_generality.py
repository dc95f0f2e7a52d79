"""`scripts/generality`: what its rows say, and that they are made of real archives which restore the file."""

import argparse
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import samples

from golfkit.compress.bench import document, peers
from golfkit.errors import Exit, GolfError

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "generality.py"
THEIRS = {"xz -9e": 1100, "zpaq -m5": 1000}


def loaded() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("generality", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generality = loaded()


@pytest.mark.parametrize(
    ("n_bytes", "is_text", "sizes", "verdict"),
    [
        (50_000, True, (1020, 1000, 1000), "text: yes"),
        (50_000, True, (1021, 1001, 999), "text: NO, cm-fast, cm-mid"),
        (50_000, False, (2000, 1050, 1050), "binary: yes"),
        (50_000, False, (900, 1000, 1051), "binary: NO, cm-max"),
        (49_999, True, (2000, 2000, 2000), "text under 50,000 bytes"),
    ],
)
def test_a_row_says_whether_what_is_expected_of_it_holds(n_bytes, is_text, sizes, verdict):
    archives = THEIRS | dict(zip(generality.OWN, sizes, strict=True))
    assert generality.verdict(generality.Row("some", n_bytes, is_text, archives)) == verdict


@pytest.fixture
def inputs(tmp_path: Path, native_programs, native_mid, native_max) -> list[Path]:
    """A text, and the same with a zero byte."""
    if absent := [peer.name for peer in generality.THEIRS if not peers.installed(peer)]:
        pytest.skip(f"not installed: {', '.join(absent)}")
    text, binary = tmp_path / "text", tmp_path / "binary"
    text.write_bytes(samples.text(3000))
    binary.write_bytes(samples.text(3000) + b"\0")
    return [text, binary]


def test_the_table_is_printed_and_written_between_its_markers(inputs, tmp_path, capsys):
    page = tmp_path / "tuning.md"
    begin, end = document.markers(generality.NAME)
    page.write_text(f"before\n{begin}\nold\n{end}\nafter\n")
    assert generality.main(argparse.Namespace(files=inputs, write=page)) == Exit.DONE
    head, _, *rows = capsys.readouterr().out.splitlines()
    assert [row.split(" | ")[1] for row in rows] == ["text under 50,000 bytes", "binary under 50,000 bytes"]
    for row in rows:
        cells = dict(zip(head.strip("| ").split(" | "), row.strip("| ").split(" | "), strict=True))
        ratio = int(cells["cm-mid"].replace(",", "")) / int(cells["zpaq -m5"].replace(",", ""))
        assert cells["cm-mid / zpaq"] == f"{ratio:.3f}"
    table = "\n".join([head, *page.read_text().splitlines()[4:7]])
    assert page.read_text() == f"before\n{begin}\n\n{table}\n\n{end}\nafter\n"


def test_exit_1_where_a_row_does_not_hold(inputs, monkeypatch, capsys):
    monkeypatch.setattr(generality, "LEAST_BYTES", 3001)
    monkeypatch.setattr(generality, "MOST", {"cm-fast": (1.0, 0.01)})
    assert generality.main(argparse.Namespace(files=inputs, write=None)) == Exit.NO
    assert "| text under 3,001 bytes |" in capsys.readouterr().out


def test_a_file_that_does_not_come_back_is_an_error(inputs, monkeypatch):
    monkeypatch.setattr(generality, "coded", lambda place, work: (10, "0" * 64))
    with pytest.raises(GolfError, match="cm-fast did not restore it"):
        generality.main(argparse.Namespace(files=inputs, write=None))


def test_a_missing_file_is_refused_before_anything_runs(tmp_path):
    with pytest.raises(GolfError, match="none: is no file"):
        generality.main(argparse.Namespace(files=[tmp_path / "none"], write=None))
