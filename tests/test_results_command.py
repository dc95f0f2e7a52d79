"""`golf results`: what the runs gave, never ranked across budgets, drawn without a network."""

import dataclasses
import json
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest

from golfkit import ledger, output
from golfkit.errors import Exit, GolfError
from golfkit.ledger import Row
from golfkit.train.runs import plots, record, view
from golfkit.train.runs.record import Artifact, Data, RunRecord, SeedResult

NASTY = '<script>alert(1)</script> & "x" {y}'
RUNS = [  # run, status, promoted, scores of the seeds, artifact bytes, tokens seen
    ("local_a_1", "keep", "no", (1.80, 1.81, 1.79), 1_500_000, 1000),
    ("local_b_1", "keep", "no", (1.79,), 1_400_000, 1000),
    ("local_c_1", "crash", "no", (), None, 1000),
    ("local_d_1", "keep", "pending", (1.60,), 1_900_000, 1000),
    ("local_e_1", "discard", "no", (1.90,), 1_200_000, 1000),
    ("local_f_1", "keep", "no", (1.20,), 1_300_000, 2000),
]


def make(run: str, scores: tuple[float, ...], tokens_seen: int, hour: int) -> RunRecord:
    made = RunRecord(
        run=run,
        tier="local",
        source="train-local",
        description=NASTY,
        started=f"2026-05-01T{hour:02}:00:00Z",
        tokens_seen=tokens_seen,
        seq_len=128,
        data=Data(tokenizer="bytes", train_sha256="t", val_sha256="v"),
        artifact=Artifact(code_bytes=1000),
    )
    return record.scored(made, [SeedResult(seed=i, val_bpb=score) for i, score in enumerate(scores)])


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Six local runs of two budgets and one expensive row without a record."""
    (tmp_path / "golf.toml").write_text("")
    for hour, (run, status, promoted, scores, n_bytes, tokens) in enumerate(RUNS):
        made = dataclasses.replace(make(run, scores, tokens, hour), status=status)
        record.write(tmp_path / "runs" / run / "run.json", made)
        row = Row(run, "local", made.val_bpb, n_bytes, None, status, promoted, None, NASTY)
        ledger.append_row(tmp_path / "results.tsv", row)
    row = Row("runpod_x", "runpod", 1.1, 15_900_000, 70.5, "keep", "yes", Decimal("3.50"), "big")
    ledger.append_row(tmp_path / "results.tsv", row)
    return tmp_path


@pytest.mark.usefixtures("workspace")
def test_show_gives_the_difference_from_the_baseline_before_each_row_with_its_noise(golf):
    result = golf("results", "show")
    assert (result.returncode, result.stderr) == (0, "")
    lines = {line.split()[0]: line for line in result.stdout.splitlines()}
    assert "±" not in lines["local_a_1"]
    assert "-0.0100 ±0.0497 noise" in lines["local_b_1"]  # 4.303 * 0.01 * sqrt(1 + 1/3)
    assert "-0.1900 ±0.0608  " in lines["local_d_1"]
    assert "+0.3000 ±0.0608  " in lines["local_e_1"]
    assert "±" not in lines["local_f_1"]  # the first with its tokens
    assert "3.5" in lines["runpod_x"]


@pytest.mark.usefixtures("workspace")
def test_show_as_json_has_one_object_a_line_and_null_for_unknown(golf):
    lines = [json.loads(line) for line in golf("results", "show", "--json").stdout.splitlines()]
    assert [line["commit"] for line in lines] == [*(run[0] for run in RUNS), "runpod_x"]
    assert lines[1]["inside_noise"] is True
    assert lines[3]["inside_noise"] is False
    assert lines[3]["baseline"] == {"run": "local_b_1", "val_bpb": 1.79}
    assert lines[2]["val_bpb"] is None
    assert (lines[6]["budget"], lines[6]["seeds"], lines[6]["cost_usd"]) == (None, None, 3.5)


def test_a_pending_row_reads_as_promoted_once_its_pair_is_there(golf, workspace):
    def promoted() -> list[str]:
        return [json.loads(line)["promoted"] for line in golf("results", "show", "--json").stdout.splitlines()]

    assert promoted() == ["no", "no", "no", "pending", "no", "no", "yes"]
    pair = RunRecord(run="runpod_x", tier="runpod", source="import", pair="local_d_1")
    record.write(workspace / "runs" / "runpod_x" / "run.json", pair)
    assert promoted() == ["no", "no", "no", "yes", "no", "no", "yes"]


@pytest.mark.parametrize(
    ("options", "runs"),
    [
        (("--last", 2), ["local_f_1", "runpod_x"]),
        (("--tier", "runpod"), ["runpod_x"]),
        (("--status", "crash"), ["local_c_1"]),
        (("--tier", "local", "--status", "keep", "--last", 1), ["local_f_1"]),
        (("--tier", "ssh"), []),
    ],
)
@pytest.mark.usefixtures("workspace")
def test_show_filters(golf, options, runs):
    result = golf("results", "show", "--json", *options)
    assert [json.loads(line)["commit"] for line in result.stdout.splitlines()] == runs
    assert result.returncode == 0
    assert result.stderr == ("" if runs else "no such rows\n")


@pytest.mark.usefixtures("workspace")
def test_best_ranks_only_what_compares(golf):
    result = golf("results", "best", "--json")
    tops = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(top["commit"], top["among"]) for top in tops] == [("local_d_1", 3), ("local_f_1", 1), ("runpod_x", 1)]
    assert "local: 2 groups of runs that are not comparable" in result.stderr
    table = golf("results", "best", "--tier", "local").stdout
    assert "1,000 tokens" in table
    assert "runpod" not in table


@pytest.mark.usefixtures("workspace")
def test_correlation_without_enough_pairs_says_so(golf):
    result = golf("results", "correlation")
    assert result.returncode == 0
    assert "pairs: 0\nreliable: false\nmean_delta: unknown: no pairs\n" in result.stdout
    assert "fewer than 5 pairs: not reliable" in result.stderr
    assert "runpod_x: no record and no description" in result.stderr
    told = json.loads(golf("results", "correlation", "--json").stdout)
    assert (told["pairs"], told["reliable"], told["pearson"]["value"]) == (0, False, None)


def test_without_a_workspace_a_ledger_or_rows_there_is_one_clear_line(golf, tmp_path):
    result = golf("results", "show")
    assert (result.returncode, result.stderr.count("\n")) == (3, 1)
    assert "golf.toml: not found" in result.stderr
    (tmp_path / "golf.toml").write_text("")
    result = golf("results", "best")
    assert (result.returncode, result.stderr.count("\n")) == (3, 1)
    assert "results.tsv: not found, expected a ledger" in result.stderr
    (tmp_path / "results.tsv").write_text(ledger.HEADER + "\n")
    told = {name: golf("results", *name.split()) for name in ("show", "best", "plot a.png", "correlation")}
    assert {name: result.returncode for name, result in told.items()} == {
        "show": 0,
        "best": 1,
        "plot a.png": 1,
        "correlation": 0,
    }
    assert "no rows, so there is nothing to draw" in told["plot a.png"].stderr
    assert not (tmp_path / "a.png").exists()


def test_a_malformed_row_and_a_malformed_record_are_named(golf, workspace):
    (workspace / "runs" / "local_a_1" / "run.json").write_text('{"schema": "golfkit.run.v1"}')
    result = golf("results", "show")
    assert (result.returncode, result.stdout) == (3, "")
    assert "local_a_1/run.json: key 'run' is missing" in result.stderr
    (workspace / "results.tsv").write_text(ledger.HEADER + "\nx\tlocal\n")
    result = golf("results", "show")
    assert (result.returncode, result.stderr.count("\n")) == (3, 1)
    assert "results.tsv:2: 2 columns, expected 9" in result.stderr


def test_a_picture_opens_and_is_not_blank(golf, workspace):
    result = golf("results", "plot", "a.png")
    assert (result.returncode, result.stdout) == (0, "file: a.png\nrows: 7\n")
    assert "not every run has a start time" in result.stderr
    from matplotlib import image

    pixels = image.imread(workspace / "a.png")
    assert pixels.shape[1] > 1000
    assert pixels.std() > 0.02
    colours = {tuple(round(255 * float(c)) for c in pixel[:3]) for pixel in pixels.reshape(-1, pixels.shape[2])[::3]}
    assert colours >= {tuple(bytes.fromhex(plots.COLOURS[tier][1:])) for tier in ("local", "runpod")}


class Page(HTMLParser):
    """What a page would fetch, and what it shows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetched: list[str] = []
        self.said: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetched += [v or "" for k, v in attrs if k.split(":")[-1] in ("href", "src", "data", "action", "srcset")]
        self.fetched += [v or "" for k, v in attrs if k == "style" and v and "url(" in v and "url(#" not in v]

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def test_the_page_needs_no_network_and_escapes_what_it_shows(golf, workspace):
    assert golf("results", "plot", "a.html").returncode == 0
    text = (workspace / "a.html").read_text("utf-8")
    page = Page(text)
    assert all(link.startswith("#") for link in page.fetched)
    assert "@import" not in text
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert page.said.count(NASTY) == 6  # the rows of the table
    assert page.tags.count("title") == 1 + 7 + 6  # the page; every run over time; those with a score by size
    assert plots.INK not in text.split("</style>", 1)[1]


@pytest.mark.parametrize("name", ["a.png", "a.html"])
def test_a_picture_of_crashes_alone_can_be_drawn_and_is_the_same_twice(tmp_path, name):
    found = view.entries([Row("x", "local", None, None, None, "crash", "no", None, "")], {})
    for folder in ("one", "two"):
        plots.draw(found, tmp_path / folder / name, 16_000_000)
    assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_picture_of_another_kind_is_a_usage_error(golf):
    result = golf("results", "plot", "a.gif")
    assert (result.returncode, result.stderr) == (2, "error: a.gif: ends in '.gif', expected .png or .html\n")


def test_without_matplotlib_the_install_line_is_said(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(GolfError, match=r"pip install 'golfkit\[plot\]'") as error:
        plots.check(Path("a.png"))
    assert error.value.exit_code == Exit.MISSING_PACKAGE


def test_the_front_is_what_nothing_beats_in_both():
    assert plots.front([(3, 1.0), (1, 2.0), (2, 2.0), (2, 1.5), (4, 1.2)]) == [(1, 2.0), (2, 1.5), (3, 1.0)]


def test_a_table_on_a_terminal_shows_markup_as_text(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")
    output.table(("run", "description"), [("a", "[red]x[/red]")], styles=["green"])
    assert "[red]x[/red]" in capsys.readouterr().out
