"""How far local scores predict expensive ones: pairs that are never guessed, and statistics that agree with others."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfkit.ledger import Row
from golfkit.train.runs import correlation
from golfkit.train.runs.record import RunRecord


def row(commit: str, tier: str, val_bpb: float | None, description: str = "") -> Row:
    return Row(commit, tier, val_bpb, None, None, "keep" if val_bpb else "crash", "no", None, description)


def kept(run: str, tier: str, pair: str | None = None) -> RunRecord:
    return RunRecord(run=run, tier=tier, source="train-local", pair=pair)


def paired(scores: list[tuple[float, float]]) -> tuple[list[Row], dict[str, RunRecord]]:
    rows, records = [], {}
    for i, (local, expensive) in enumerate(scores):
        rows += [row(f"l{i}", "local", local), row(f"e{i}", "runpod", expensive)]
        records[f"e{i}"] = kept(f"e{i}", "runpod", f"l{i}")
    return rows, records


SCORES = [(1.9, 1.20), (1.8, 1.17), (1.85, 1.15), (1.7, 1.12), (1.6, 1.13), (1.65, 1.10), (1.5, 1.08)]


def test_pairs_come_from_either_record_before_any_description():
    rows = [row("l1", "local", 1.9, "same"), row("l2", "local", 1.8, "same"), row("e1", "runpod", 1.2, "same")]
    rows.append(row("e2", "ssh", 1.1, "same"))
    records = {"e1": kept("e1", "runpod", "l2"), "l1": kept("l1", "local", "e2")}
    found, notes = correlation.pair(rows, records)
    assert [(p.local, p.expensive, p.tier, p.by) for p in found] == [
        ("l2", "e1", "runpod", "run id"),
        ("l1", "e2", "ssh", "run id"),
    ]
    assert not notes


def test_equal_descriptions_pair_where_no_record_does():
    rows = [row("l1", "local", 1.9, "two  words"), row("e1", "runpod", 1.2, " two words "), row("e2", "runpod", 1.1)]
    found, notes = correlation.pair(rows, {})
    assert [(p.local, p.expensive, p.by) for p in found] == [("l1", "e1", "description")]
    assert notes == ["e2: no record and no description ties it to a local row, so it is not paired"]


@pytest.mark.parametrize("twice", ["local", "runpod"])
def test_an_ambiguous_description_is_not_paired_and_said_so(twice):
    rows = [row("l1", "local", 1.9, "x"), row("e1", "runpod", 1.2, "x"), row("z", twice, 1.3, "x")]
    found, notes = correlation.pair(rows, {})
    assert not found
    assert "'x', so it is not paired" in notes[0]


def test_a_named_run_that_is_not_there_is_not_replaced_by_a_guess():
    rows = [row("l1", "local", 1.9, "x"), row("e1", "runpod", 1.2, "x")]
    found, notes = correlation.pair(rows, {"e1": kept("e1", "runpod", "gone")})
    assert not found
    assert notes == ["e1: its pair, gone, is no local row with a score, so it is not paired"]


def test_a_row_without_a_score_and_an_id_that_is_there_twice_are_no_pairs():
    rows, records = paired(SCORES[:3])
    rows[0] = row("l0", "local", None)
    rows.append(rows[2])
    found, notes = correlation.pair(rows, records)
    assert [p.local for p in found] == ["l2"]
    assert notes[0] == "l1: 2 rows have this id, so it is not paired"


def test_a_local_run_with_several_expensive_ones_counts_once_with_their_mean():
    rows, records = paired([(1.5, 1.0)])
    rows.append(row("again", "runpod", 1.1))
    records["again"] = kept("again", "runpod", "l0")
    found = correlation.summary(rows, records)
    assert (len(found.pairs), found.n_runs) == (2, 1)
    assert found.mean_delta.value == pytest.approx(1.05 - 1.5)


def test_one_tier_alone_can_be_asked_for():
    rows, records = paired(SCORES)
    rows.append(row("s", "ssh", 1.2))
    records["s"] = kept("s", "ssh", "l0")
    assert [p.expensive for p in correlation.summary(rows, records, "ssh").pairs] == ["s"]


@given(st.permutations(range(14)))
def test_the_order_of_the_rows_changes_nothing(order):
    rows, records = paired(SCORES)
    for i in (0, 1):  # two of them pair by description
        del records[f"e{i}"]
        rows[2 * i], rows[2 * i + 1] = (r._replace(description=f"try {i}") for r in rows[2 * i : 2 * i + 2])
    assert correlation.summary([rows[i] for i in order], records) == correlation.summary(rows, records)


def test_the_statistics_of_seven_pairs():
    rows, records = paired(SCORES)
    found = correlation.summary(rows, records)
    deltas = [e - x for x, e in SCORES]
    half = 2.446912 * statistics.stdev(deltas) / math.sqrt(7)  # t(97.5%, 6)
    assert found.reliable
    assert found.mean_delta.value == pytest.approx(statistics.fmean(deltas))
    assert found.mean_delta.high == pytest.approx(statistics.fmean(deltas) + half, abs=1e-6)
    assert found.spearman.value == pytest.approx(1 - 6 * 8 / (7 * 48))  # squared rank differences add up to 8
    for estimate, scale in ((found.pearson, 1.0), (found.spearman, 1 + found.spearman.value**2 / 2)):
        half = 1.959964 * math.sqrt(scale / 4)
        assert estimate.low == pytest.approx(math.tanh(math.atanh(estimate.value) - half), abs=1e-6)
        assert estimate.high == pytest.approx(math.tanh(math.atanh(estimate.value) + half), abs=1e-6)


LEVELS = st.integers(100, 120).map(lambda n: n / 100)  # coarse, so that there are ties


@given(st.lists(st.tuples(LEVELS, LEVELS), min_size=3, max_size=12))
def test_the_correlations_are_those_of_pandas(scores):
    import pandas

    found = correlation.summary(*paired(scores))
    frame = pandas.DataFrame(scores)
    for estimate, method in ((found.pearson, "pearson"), (found.spearman, "spearman")):
        expected = frame.corr(method)[1][0]
        if estimate.value is None:
            assert frame.nunique().min() == 1
            assert "all equal" in estimate.why
        else:
            assert estimate.value == pytest.approx(expected, abs=1e-7)
        if estimate.low is not None:
            assert -1 <= estimate.low <= estimate.value <= estimate.high <= 1


@pytest.mark.parametrize("n", range(5))
def test_few_pairs_say_so(n):
    found = correlation.summary(*paired(SCORES[:n]))
    assert not found.reliable
    assert "fewer than 5, so not reliable" in correlation.sentences(found)[0]
    assert (found.pearson.value is None) == (n < 3)
    assert (found.pearson.low is None) == (n < 4)
    assert (found.mean_delta.value is None) == (n == 0)
    assert (found.mean_delta.low is None) == (n < 2)


def test_scores_without_variance_have_no_correlation_and_say_why():
    found = correlation.summary(*paired([(1.5, 1.0 + i / 10) for i in range(6)]))
    assert found.pearson == (None, None, None, "the local scores are all equal")
    assert correlation.shown(found.spearman) == "unknown: the local scores are all equal"


def test_pairs_that_agree_exactly_have_no_interval():
    found = correlation.summary(*paired([(1.0 + i / 8, 2.0 + i / 8) for i in range(6)]))
    assert (found.pearson.value, found.pearson.low) == (pytest.approx(1.0), None)
    assert "no interval" in correlation.sentences(found)[2]


def test_equal_values_share_their_mean_rank():
    assert correlation.ranks([3.0, 1.0, 3.0, 2.0]) == [3.5, 1.0, 3.5, 2.0]
