"""`golf budget`: the figures, and the book kept by hand."""

import json
import time
from decimal import Decimal
from pathlib import Path

import pytest

from golfkit.budget.book import limits
from golfkit.budget.book.journal import Book

KEYS = ["total", "spent", "open", "remaining", "reserve", "available"]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "golf.toml").write_text("")
    return tmp_path


@pytest.fixture
def book(workspace: Path) -> Book:
    return Book(workspace, limits.limits({}, workspace))


def start(book: Book) -> str:
    now = time.time()
    return book.reserve("runpod_a", 1834, Decimal("21.52"), now, 1, now + 3300)


def told(result) -> dict[str, str]:
    """The `key: value` lines, of a command that did not fail."""
    assert result.returncode == 0, result.stderr
    return dict(line.split(": ", 1) for line in result.stdout.splitlines() if ": " in line)


@pytest.mark.usefixtures("workspace")
def test_show_of_a_new_workspace_has_the_settings_figures(golf):
    result = golf("budget", "show")
    shown = told(result)
    assert list(shown)[:6] == KEYS
    assert [shown[key] for key in KEYS] == ["500.00", "0.00", "0.00", "500.00", "50.00", "450.00"]
    assert (shown["total_source"], shown["worst_case"], shown["runs_left"]) == ("default", "18.67", "24")
    assert (shown["next_start"], shown["warning"], result.stderr) == ("now", "", "")


def test_show_lists_open_reservations_and_the_last_charges(golf, book):
    book.charge("old", 100, time.time())
    book.charge("new", 250, time.time(), "by hand")
    name = start(book)
    result = golf("budget", "show", "--last", 1)
    assert told(result)["next_start"].endswith("Z")
    rows = [line.split() for line in result.stdout.splitlines()]
    assert [name, "runpod_a", "18.34", "21.52"] in [row[:4] for row in rows]
    assert ["new", "2.50", "by", "hand"] in [row[1:] for row in rows]
    assert "old" not in result.stdout
    record = json.loads(golf("budget", "show", "--json").stdout)
    assert {f"{key}_cents": record[f"{key}_cents"] for key in KEYS} == {
        "total_cents": 50_000,
        "spent_cents": 350,
        "open_cents": 1834,
        "remaining_cents": 49_650,
        "reserve_cents": 5_000,
        "available_cents": 42_816,
    }
    assert (record["worst_case_cents"], record["runs_left"], record["warning"]) == (1867, 22, None)
    assert [(held["id"], held["usd_per_hour"]) for held in record["reservations"]] == [(name, "21.52")]
    assert [(charge["run"], charge["cents"]) for charge in record["charges"]] == [("old", 100), ("new", 250)]


@pytest.mark.usefixtures("workspace")
def test_set_wins_over_golf_toml_and_a_variable_over_set(golf, workspace):
    (workspace / "golf.toml").write_text("total_compute_credits = 100\n")
    assert told(golf("budget", "show"))["total_source"] == "golf.toml"
    shown = told(golf("budget", "set", "--total", "$80", "--reserve", "12.5"))
    assert (shown["total"], shown["reserve"], shown["total_source"]) == ("80.00", "12.50", "budget set")
    result = golf("budget", "set", "--total", 60, env={"TOTAL_COMPUTE_CREDITS": "70"})
    assert (told(result)["total"], told(result)["total_source"]) == ("70.00", "environment")
    assert "note: the total of the environment, $70.00, wins over it while it is there" in result.stderr
    assert told(golf("budget", "show"))["total"] == "60.00"


@pytest.mark.usefixtures("workspace")
def test_a_charge_is_booked_whole_and_warned_about_when_little_remains(golf):
    result = golf("budget", "charge", "a run\nwith two lines", "460.01", "--note", "an invoice")
    assert told(result)["available"] == "-10.01"
    assert result.stderr == "warning: $39.99 remain, less than twice the reserve of $50.00\n"
    assert told(golf("budget", "show"))["warning"].startswith("$39.99 remain")
    assert "a run with two lines" in golf("budget", "show").stdout


def test_release_closes_once_and_says_how_it_was_closed(golf, book):
    name = start(book)
    shown = told(golf("budget", "release", name, "--reason", "no machine was free"))
    assert (shown["open"], shown["spent"]) == ("0.00", "0.00")
    result = golf("budget", "release", name)
    assert result.returncode == 1
    assert f"budget.jsonl: {name} is released already, expected an open reservation" in result.stderr
    again = start(book)
    book.settle(again, 700, time.time())
    assert f"{again} is settled with $7.00 already" in golf("budget", "release", again).stderr


@pytest.mark.parametrize(
    "args",
    [("set", "--total", 70), ("charge", "run", 3), ("release", "NAME"), ("recover",)],
    ids=lambda args: args[0],
)
def test_a_dry_run_says_what_would_be_and_writes_nothing(golf, book, workspace, args):
    name = start(book)
    before = {path: path.read_bytes() for path in workspace.iterdir()}
    args = [name if arg == "NAME" else arg for arg in args]
    dry = golf("budget", *args, "--dry-run")
    assert "dry run: nothing was written" in dry.stderr
    assert {path: path.read_bytes() for path in workspace.iterdir()} == before
    assert told(golf("budget", *args)) == told(dry)


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (("set",), 2, "nothing to set: give --total, --reserve or both"),
        (("set", "--total", "-5"), 2, "--total is '-5', expected dollars and whole cents such as 12.34"),
        (("set", "--reserve", "1.234"), 2, "--reserve is '1.234', expected dollars"),
        (("charge", "run", "much"), 2, "DOLLARS is 'much', expected dollars"),
        (("release", "r9"), 3, "budget.jsonl: no reservation r9, expected one of those open (none)"),
        (("release", "r9", "--dry-run"), 3, "budget.jsonl: no reservation r9 is open"),
    ],
)
@pytest.mark.usefixtures("workspace")
def test_what_cannot_be_is_one_line_and_its_exit_code(golf, workspace, args, code, says):
    result = golf("budget", *args)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (code, "", 1)
    assert says in result.stderr
    assert not (workspace / "budget.jsonl").exists()


def test_without_a_workspace_it_says_so(golf):
    result = golf("budget", "show")
    assert (result.returncode, result.stderr.count("\n")) == (3, 1)
    assert "no golf.toml here or above, so no budget.jsonl; name the workspace with --workspace DIR" in result.stderr


def test_a_workspace_may_be_named(golf, book, workspace, tmp_path_factory):
    book.charge("run", 5, time.time())
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    assert told(golf("budget", "show", "--workspace", workspace, cwd=elsewhere))["spent"] == "0.05"
    assert told(golf("budget", "show", cwd=elsewhere, env={"GOLF_WORKSPACE": str(workspace)}))["spent"] == "0.05"


def test_a_torn_journal_is_named_by_its_line_and_recovered(golf, book, workspace):
    book.charge("run", 700, time.time())
    with book.journal.open("ab") as journal:
        journal.write(b'{"seq": 2, "kind": "charge", "cen')
    for command in (("show",), ("charge", "run", 1)):
        result = golf("budget", *command)
        assert (result.returncode, result.stderr.count("\n")) == (3, 1)
        assert f"{workspace}/budget.jsonl:2: a torn line of 33 bytes, without its newline" in result.stderr
        assert "the last good state is sequence 1: total $500.00, spent $7.00, open $0.00 in 0" in result.stderr
        assert "golf budget recover keeps it as budget.jsonl.broken-1" in result.stderr
    dry = golf("budget", "recover", "--dry-run")
    assert "would keep" in dry.stderr
    result = golf("budget", "recover")
    assert told(result) == told(dry)
    assert (told(result)["lines_kept"], told(result)["lines_lost"], told(result)["spent"]) == ("1", "1", "7.00")
    assert f"kept {workspace}/budget.jsonl.broken-1" in result.stderr
    assert told(golf("budget", "show"))["spent"] == "7.00"


def test_a_journal_that_is_gone_is_recovered_from_its_snapshot(golf, book):
    book.charge("run", 700, time.time())
    name = start(book)
    book.journal.unlink()
    assert "budget.json:3: seq is 2, but budget.jsonl ends at 0" in golf("budget", "show").stderr
    result = golf("budget", "recover", "--json")
    record = json.loads(result.stdout)
    assert (record["added_cents"], record["spent_cents"], record["open_cents"]) == (700, 700, 1834)
    assert f"note: reservation {name} was known to budget.json alone, and is open" in result.stderr
    assert "good, nothing to recover" in golf("budget", "recover").stderr
