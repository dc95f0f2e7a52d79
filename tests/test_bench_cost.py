"""`golf idea`: edits of a model's tables, what they cost, and where the table of them goes."""

import io
import json
import sys
from collections.abc import Iterator

import pytest
import samples
import small_model

from golfkit import cli
from golfkit.compress import command_idea
from golfkit.compress.bench import ablation, cost, curve, document, search, trials, variants
from golfkit.compress.bench.cost import Cost
from golfkit.compress.kernels import parser
from golfkit.compress.runtimes import engines, native, stream
from golfkit.errors import Exit, GolfError

SMALL = "small_model"
DATA = samples.mixed(1500)


def costing(payload_bytes: int, edits: tuple[str, ...] = ()) -> Cost:
    return Cost(edits, 1000, 900, payload_bytes, 0.008 * payload_bytes, 1.0, 10, 20, 1.0, (payload_bytes,))


class Curve:
    """Trials of a model whose payload depends on RATE alone, least at 0.016."""

    module = SMALL

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    def measure(self, batch, done=lambda cost: None) -> list[Cost]:
        self.asked += map(tuple, batch)
        costs = []
        for edits in batch:
            rate = variants.constants(variants.spec_of(SMALL, edits))["RATE"]
            costs.append(costing(1000 + int(1e5 * abs(rate - 0.016)), tuple(edits)))
            done(costs[-1])
        return costs


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Cost]]:
    if why := native.missing():
        pytest.skip(why)
    path = tmp_path_factory.mktemp("cost") / "data"
    path.write_bytes(DATA + b"not read")
    with trials.opened(SMALL, path, len(DATA), 1) as opened:
        yield opened.measure([(), ("drop:words/word",)])


def test_the_cost_is_the_length_of_the_real_payload(measured):
    kernels = cost.kernels_of(small_model.SPEC)
    engine = engines.Engine("interpreted", {name: kernels[name] for name in engines.ENTRIES}, memoryview)
    parts = stream.encoded(engine, kernels["parameter"](len(DATA)), io.BytesIO(DATA), len(DATA))
    assert sum(len(coded) for _, coded in parts) == measured[0].payload_bytes
    assert sum(measured[0].curve) == measured[0].payload_bytes
    assert measured[0].arena_bytes == kernels["arena_bytes"](kernels["parameter"](len(DATA)))


def test_a_variant_without_a_context_has_another_size(measured):
    base, without = measured
    assert without.edits == ("drop:words/word",)
    assert without.payload_bytes != base.payload_bytes
    assert without.object_bytes < base.object_bytes
    assert (base.n_bytes, without.n_bytes) == (len(DATA), len(DATA))


def test_the_curve_has_a_point_for_each_step(monkeypatch):
    class Session:
        def __init__(self, engine, parameter) -> None:
            """Takes a tenth of each block."""

        def encode(self, block: bytes) -> bytes:
            assert len(block) <= engines.BLOCK
            return bytes(len(block) // 10)

        def finish(self) -> bytes:
            return b"end"

    monkeypatch.setattr(engines, "Session", Session)
    monkeypatch.setattr(cost, "STEP", 1000)
    assert cost.coded(None, 0, cost.Input(2500, bytes(2500))) == (100, 100, 53)
    assert cost.coded(None, 0, cost.Input(2500, bytes(5000))) == (200, 200, 103)
    assert cost.coded(None, 0, cost.Input(0, b"")) == (3,)


def test_a_dropped_context_leaves_the_inputs_of_the_others():
    spec = variants.edited(small_model.SPEC, "drop:orders/order 2")
    assert [context.name for context in spec.contexts] == ["order 1", "word", "order 0", "bytes 2-3"]
    assert (spec.constants["N_RUNS"], spec.constants["N_DIRECT"]) == (3, 1)
    spec = variants.edited(small_model.SPEC, "drop:others/bytes 2-3")
    assert (spec.constants["N_RUNS"], spec.constants["N_DIRECT"]) == (4, 2)


def test_shares_of_apms_stay_16():
    added = variants.edited(small_model.SPEC, "add:apms/word")
    assert added.apm_shares == (6, 8, 2)
    assert variants.edited(added, "drop:apms/order 1").apm_shares == (14, 2)


def test_a_constant_keeps_its_kind():
    spec = variants.spec_of(SMALL, ["RATE=3e-3", "MAP_LIMIT=500", "N_DIRECT=0"])
    assert (spec.constants["RATE"], spec.constants["MAP_LIMIT"], spec.constants["N_DIRECT"]) == (0.003, 500, 0)
    assert type(spec.constants["MAP_LIMIT"]) is int


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        ("RATES=1", "expected one of APM_RATE, "),
        ("N_CTX=3", "there is no constant N_CTX"),
        ("RATE=fast", "fast is no number"),
        ("RATE=0.1x", "0.1x is no number"),
        ("MAP_LIMIT=0.5", "whole number"),
        ("N_DIRECT=6", "N_DIRECT is at least 0 and at most 5"),
        ("MATCH_MIN2=16", "MATCH_MIN2 is at least 8 and at most 12"),
        ("MAP_LIMIT=1024", "MAP_LIMIT is at least 1 and at most 1023"),
        ("CELLS=20", "CELLS is a multiple of 16"),
        ("drop:orders/word", "expected one of orders/order 1, "),
        ("drop:order 1", "expected one of orders/order 1, "),
        ("drop:finals/partial byte", "a final weight set at least"),
        ("add:nothing", "expected one of "),
        ("swap:orders/order 1", "expected drop:TABLE/NAME, add:TABLE/NAME, NAME=NUMBER or without:net"),
        ("", "expected drop:TABLE/NAME"),
    ],
)
def test_what_is_no_edit_is_refused_by_name(edit, why):
    with pytest.raises(GolfError) as refused:
        variants.edited(small_model.SPEC, edit)
    assert why in str(refused.value)
    assert refused.value.exit_code == Exit.USAGE


def test_a_module_without_tables_is_no_model():
    with pytest.raises(GolfError, match="no SPEC"):
        variants.spec_of("golfkit.compress.kernels.coder")


def test_every_variant_of_every_model_is_one():
    for module in (SMALL, "golfkit.compress.kernels.cm_mid", "golfkit.compress.kernels.cm_max"):
        spec = variants.spec_of(module)
        lines = sum(len(getattr(spec, table)) for table in variants.TABLES)
        assert len(variants.leave_one_out(spec)) >= lines - len(variants.TABLES)
        for edit in (*variants.leave_one_out(spec), *variants.add_one(spec)):
            made = variants.edited(spec, edit)
            assert sum(made.apm_shares) == sum(spec.apm_shares)
        assert cost.kernels_of(made)["N_CTX"] == len(made.contexts)


def test_a_candidate_already_in_a_model_is_no_idea_for_it():
    spec = variants.edited(small_model.SPEC, "add:word, gap")
    assert "add:others/word, gap" in variants.add_one(small_model.SPEC)
    assert "add:others/word, gap" not in variants.add_one(spec)


@pytest.mark.parametrize("module", ["every_float", f"{command_idea.MODELS}.cm_mid", f"{command_idea.MODELS}.cm_max"])
def test_without_the_net_nothing_of_it_is_left_and_nothing_else_is_missing(module):
    spec = variants.spec_of(module)
    made = variants.edited(spec, "without:net")
    assert (made.features, made.constants["CELLS"]) == ((), 0)
    assert (made.contexts, sum(made.apm_shares)) == (spec.contexts, sum(spec.apm_shares))
    kernels = cost.kernels_of(made)
    assert kernels["N_SETS"] == len(made.sets) < len(spec.sets)

    class Registers(dict):
        """Registers that note which of them are read."""

        def __init__(self) -> None:
            self.read: set[int] = set()

        def __getitem__(self, at: int) -> int:
            self.read.add(at)
            return 1

    for table in ("sets", "finals", "apms"):
        for line in getattr(spec, table):
            registers = Registers()
            line.value(registers)
            of_net = bool(registers.read & {parser.NET, parser.NET_TOP})
            assert (line in getattr(made, table)) != of_net, line.name


def test_a_model_without_a_net_cannot_lose_it():
    with pytest.raises(GolfError, match="there is no net"):
        variants.edited(small_model.SPEC, "without:net")


def test_a_curve_has_a_row_a_million_bytes_and_what_it_comes_to_so_far():
    base = costing(0)._replace(n_bytes=2_200_000, curve=(90, 90, 80, 70, 20))
    other = base._replace(curve=(100, 100, 100, 100, 40))
    rows = curve.rows(base, other)
    assert rows[0] == (1_000_000, 180, 200, 10.0, 180, 200, 10.0)
    assert rows[1] == (2_000_000, 150, 200, 25.0, 330, 400, 17.5)
    assert rows[2] == (2_200_000, 20, 40, 50.0, 350, 440, 20.455)
    assert len(rows) == 3


def test_a_model_without_its_net_codes():
    kernels = cost.kernels_of(variants.spec_of("every_float", [variants.WITHOUT_NET]))
    engine = engines.Engine("interpreted", {name: kernels[name] for name in engines.ENTRIES}, memoryview)
    sizes = cost.coded(engine, kernels["parameter"](300), cost.Input(300, DATA[:300]))
    assert 0 < sum(sizes) < 300


def test_a_curve_of_real_costs_ends_in_the_payloads(measured):
    (row,) = curve.rows(*measured)
    assert (row.input_bytes, row.payload_so_far, row.against_so_far) == (
        len(DATA),
        *(one.payload_bytes for one in measured),
    )


def table() -> ablation.Ablation:
    rows = (ablation.Row("drop:orders/a | b", 1100, 100, 10.0, 2.0, 30, 10),)
    return ablation.Ablation("cm-mid", "leave-one-out", "text", (), costing(1000), rows)


def test_rows_are_sorted_by_what_they_are_worth():
    class Sizes(Curve):
        def measure(self, batch, done=lambda cost: None) -> list[Cost]:
            return [costing(1000 + 10 * len(edits[-1]) if edits else 1000, tuple(edits)) for edits in batch]

    out = ablation.run(Sizes(), "small", "leave-one-out", "text", (), print)
    assert [row.change_bytes for row in out.rows] == sorted((r.change_bytes for r in out.rows), reverse=True)
    added = ablation.run(Sizes(), "small", "add-one", "text", (), print)
    assert [row.change_bytes for row in added.rows] == sorted(r.change_bytes for r in added.rows)


def test_the_table_between_its_markers_is_replaced_and_nothing_else(tmp_path):
    name = ablation.name("cm-mid", "leave-one-out")
    begin, end = document.markers(name)
    page = tmp_path / "tuning.md"
    before, after = "# Tuning\n\n| a | b |\n", "\nmore\n<!-- cm-mid add-one START -->\n"
    page.write_text(f"{before}{begin}\nold\n{end}{after}")
    document.write(page, name, ablation.markdown(table()))
    text = page.read_text()
    assert text.startswith(f"{before}{begin}\n")
    assert text.endswith(f"{end}{after}")
    assert "old" not in text
    assert "| drop:orders/a \\| b | 1,100 | +10.000 % | 2.0 | +10 |" in text
    document.write(page, name, ablation.markdown(table()))
    assert page.read_text() == text


@pytest.mark.parametrize("text", ["", "{end}\n{begin}\n", "{begin}\n{begin}\n{end}\n", "x {begin}\n{end}\n"])
def test_a_document_without_a_place_for_the_table_is_left_alone(tmp_path, text):
    begin, end = document.markers("some")
    page = tmp_path / "tuning.md"
    page.write_text(text.format(begin=begin, end=end))
    content = page.read_bytes()
    with pytest.raises(GolfError):
        document.check(page, "some")
    with pytest.raises(GolfError):
        document.write(page, "some", ["new"])
    assert page.read_bytes() == content


def test_a_search_finds_the_least_and_tries_nothing_twice():
    curve = Curve()
    found = search.run(curve, ("MAP_LIMIT=300",), ("RATE",), 30, lambda step: None)
    assert found.payload_bytes == 1000
    assert found.edits == ("RATE=0.016",)
    assert len(set(curve.asked)) == len(curve.asked) == len(found.steps) + 1
    assert all(edits[0] == "MAP_LIMIT=300" for edits in curve.asked)


def test_a_search_leaves_out_what_would_be_no_model():
    curve = Curve()
    search.run(curve, (), ("MAP_LIMIT", "MATCH_MIN2"), 30, lambda step: None)
    asked = [dict(edit.split("=") for edit in edits) for edits in curve.asked if edits]
    assert asked
    assert all(int(one["MAP_LIMIT"]) <= 1023 and 8 <= int(one["MATCH_MIN2"]) <= 12 for one in asked)


def test_a_search_keeps_to_its_number_of_trials():
    assert len(search.run(Curve(), (), ("RATE", "MAP_LIMIT"), 3, lambda step: None).steps) == 3


@pytest.mark.parametrize(("over", "why"), [("RATES", "there is no constant RATES"), ("LEAST_ERROR", "is 0, which no")])
def test_a_search_over_what_cannot_move_is_refused(over, why):
    with pytest.raises(GolfError, match=why):
        search.run(Curve(), (), (over,), 3, lambda step: None)


def test_commands_refuse_before_they_compile(tmp_path, monkeypatch, capsys):
    (tmp_path / "data").write_bytes(DATA)
    for words in (
        ["cost", "data", "--edit", "RATES=1"],
        ["cost", "data", "--model", "cm-slow"],
        ["ablate", "some", "data"],
        ["search", "data", "--over", "RATES"],
    ):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["golf", "idea", *words])
        with pytest.raises(SystemExit) as left:
            cli.main()
        assert left.value.code == Exit.USAGE, words
        assert capsys.readouterr().err.startswith("error: ")


def test_costs_are_printed_as_lines_and_as_json(tmp_path, monkeypatch, capsys):
    class Opened(Curve):
        def __enter__(self):
            return self

        def __exit__(self, *why) -> None:
            """Nothing to end."""

    monkeypatch.setattr(trials, "opened", lambda *arguments: Opened())
    command_idea.cost(tmp_path, edit=["RATE=0.016"])
    assert "payload_bytes: 1000" in capsys.readouterr().out
    command_idea.search(tmp_path, "RATE", edit=["RATE=0.008"], json=True)
    assert json.loads(capsys.readouterr().out)["edits"] == ["RATE=0.016"]
    command_idea.curve(tmp_path, edit=["RATE=0.008"], against=["RATE=0.016"])
    out = capsys.readouterr().out
    assert out.splitlines()[1].split() == ["1000", "1800", "1000", "-80.0", "1800", "1000", "-80.0"]
    assert "against: RATE=0.016\n" in out
    command_idea.curve(tmp_path, edit=["RATE=0.008"], against=["RATE=0.016"], json=True)
    assert json.loads(capsys.readouterr().out)["rows"][0]["gain_percent"] == -80.0
    page = tmp_path / "tuning.md"
    page.write_text("\n".join(document.markers(ablation.name("cm-mid", "add-one"))))
    command_idea.ablate("add-one", tmp_path / "text", write=page, json=True)
    assert len(json.loads(capsys.readouterr().out)["rows"]) == len(variants.add_one(small_model.SPEC))
    assert "golf idea ablate add-one text" in page.read_text()


def test_a_variant_that_fails_is_an_error_in_its_own_words(tmp_path, monkeypatch):
    if why := native.missing():
        pytest.skip(why)
    (tmp_path / "broken_model.py").write_text(
        "from small_model import SPEC\nSPEC = SPEC._replace(constants={'UNHEARD_OF': 1})\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "data").write_bytes(DATA)
    with (
        trials.opened("broken_model", tmp_path / "data", 10, 1) as opened,
        pytest.raises(GolfError, match="UNHEARD_OF") as failed,
    ):
        opened.measure([()])
    assert failed.value.exit_code == Exit.NO
