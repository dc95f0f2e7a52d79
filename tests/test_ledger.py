"""results.tsv: what is written is read back; what is malformed is named by file and line."""

import contextlib
import multiprocessing
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfkit import files, ledger
from golfkit.errors import GolfError
from golfkit.ledger import Row

ROW = Row("local_bigramhash_1", "local", 1.1891, 14_200_000, None, "keep", "pending", Decimal("0.00"), "add BigramHash")

positive = st.none() | st.floats(min_value=0, exclude_min=True, allow_infinity=False, allow_nan=False)
rows = st.builds(
    Row,
    st.text(min_size=1).filter(files.neutralise),
    st.sampled_from(ledger.TIERS),
    positive,
    st.none() | st.integers(min_value=1, max_value=10**12),
    positive,
    st.sampled_from(ledger.STATUSES),
    st.sampled_from(ledger.PROMOTED),
    st.none() | st.decimals(min_value=0, max_value=10_000, places=2),
    st.text(),
)


@given(rows)
def test_a_rendered_row_parses_to_itself_with_its_text_on_one_line(row):
    line = row.render()
    assert "\n" not in line
    assert line.count("\t") == 8
    neutral = row._replace(commit=files.neutralise(row.commit), description=files.neutralise(row.description))
    assert Row.parse(line, "here:1") == neutral


@given(rows, st.integers(0, 8), st.text(st.characters(exclude_categories=["Cs"])))
def test_a_line_with_one_strange_cell_is_a_row_or_an_error_that_names_its_place(row, column, cell):
    cells = row.render().split("\t")
    cells[column] = cell
    with contextlib.suppress(GolfError):
        parsed = Row.parse("\t".join(cells), "results.tsv:7")
        assert Row.parse(parsed.render(), "results.tsv:7") == parsed
        return
    with pytest.raises(GolfError, match=r"^results\.tsv:7: "):
        Row.parse("\t".join(cells), "results.tsv:7")


def test_the_header_is_written_once_and_rows_come_back_oldest_first(tmp_path):
    path = tmp_path / "new" / "results.tsv"
    for n in range(3):
        ledger.append_row(path, ROW._replace(commit=f"local_{n}"))
    assert path.read_text().split("\n")[0] == (
        "commit\ttier\tval_bpb\tartifact_bytes\tmemory_gb\tstatus\tpromoted\tcost_usd\tdescription"
    )
    assert [row.commit for row in ledger.read_rows(path)] == ["local_0", "local_1", "local_2"]


def test_unknown_is_an_empty_cell_and_money_has_whole_cents(tmp_path):
    path = tmp_path / "results.tsv"
    ledger.append_row(path, ROW._replace(val_bpb=None, status="crash", cost_usd=Decimal("3.4")))
    assert path.read_text().split("\n")[1] == (
        "local_bigramhash_1\tlocal\t\t14200000\t\tcrash\tpending\t3.40\tadd BigramHash"
    )
    assert ledger.read_rows(path)[0].val_bpb is None


def test_tabs_newlines_and_line_separators_in_a_description_cannot_make_a_row():
    assert ROW._replace(description="a\tb\nc\u2028d\r\x00e").render().endswith("\ta b c d e")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("local_1\tlocal\t1.2\t1\t1\tkeep\tno\t0.00", "8 columns, expected 9"),
        ("\tlocal\t1.2\t1\t1\tkeep\tno\t0.00\tx", "commit is empty"),
        ("local_1\tmlx\t1.2\t1\t1\tkeep\tno\t0.00\tx", "tier is 'mlx', expected one of local, runpod, ssh"),
        ("local_1\tlocal\t1.2\t1\t1\tkept\tno\t0.00\tx", "status is 'kept'"),
        ("local_1\tlocal\t1.2\t1\t1\tkeep\t\t0.00\tx", "promoted is ''"),
        ("local_1\tlocal\t0.0\t1\t1\tkeep\tno\t0.00\tx", "val_bpb is 0.0, expected a number above 0, or an empty cell"),
        ("local_1\tlocal\tnan\t1\t1\tkeep\tno\t0.00\tx", "val_bpb is 'nan'"),
        ("local_1\tlocal\t1_0\t1\t1\tkeep\tno\t0.00\tx", "val_bpb is '1_0'"),
        ("local_1\tlocal\t1e999\t1\t1\tkeep\tno\t0.00\tx", "val_bpb is inf"),
        ("local_1\tlocal\t1.2\t0\t1\tkeep\tno\t0.00\tx", "artifact_bytes is 0"),
        ("local_1\tlocal\t1.2\t1.5\t1\tkeep\tno\t0.00\tx", "artifact_bytes is '1.5'"),
        ("local_1\tlocal\t1.2\t1\t1\tkeep\tno\t$3\tx", "cost_usd is '$3'"),
        ("local_1\tlocal\t1.2\t1\t1\tkeep\tno\t3.999\tx", "cost_usd is '3.999'"),
        ("local_1\tlocal\t1.2\t1\t1\tkeep\tno\t0.00\tx\r", "description is 'x\\r'"),
    ],
)
def test_a_malformed_line_is_refused_by_file_and_line(tmp_path, line, says):
    path = tmp_path / "results.tsv"
    path.write_bytes(f"{ledger.HEADER}\n{ROW.render()}\n{line}\n".encode())
    with pytest.raises(GolfError) as caught:
        ledger.read_rows(path)
    assert str(caught.value).startswith(f"{path}:3: {says}")


def test_a_missing_a_foreign_and_a_binary_file_are_refused(tmp_path):
    path = tmp_path / "results.tsv"
    with pytest.raises(GolfError, match="not found"):
        ledger.read_rows(path)
    path.write_text("run\tscore\n")
    for act in (lambda: ledger.read_rows(path), lambda: ledger.append_row(path, ROW)):
        with pytest.raises(GolfError, match=r"results.tsv:1: header is 'run\\tscore'"):
            act()
    assert path.read_text() == "run\tscore\n"
    path.write_bytes(ledger.HEADER.encode() + b"\n\xff")
    with pytest.raises(GolfError, match="not UTF-8"):
        ledger.read_rows(path)


def test_a_row_that_no_try_can_have_is_not_written(tmp_path):
    path = tmp_path / "results.tsv"
    for wrong in (ROW._replace(val_bpb=0.0), ROW._replace(tier="h100"), ROW._replace(cost_usd=Decimal(-1))):
        with pytest.raises(GolfError, match="new row"):
            ledger.append_row(path, wrong)
    assert not path.exists()


def test_a_last_line_without_newline_does_not_swallow_the_next_row(tmp_path):
    path = tmp_path / "results.tsv"
    path.write_text(f"{ledger.HEADER}\n{ROW.render()}")
    ledger.append_row(path, ROW)
    assert ledger.read_rows(path) == [ROW, ROW]


def _append_many(path, name):
    for n in range(25):
        ledger.append_row(path, ROW._replace(commit=f"{name}_{n}", description="x" * 3000))


def test_parallel_writers_lose_and_mix_nothing(tmp_path):
    path = tmp_path / "results.tsv"
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_append_many, args=(path, f"w{n}")) for n in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0, 0]
    assert len({row.commit for row in ledger.read_rows(path)}) == 100
