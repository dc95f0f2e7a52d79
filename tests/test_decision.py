"""Keep, discard or crash: the article's rule, and noise that is never taken for a gain."""

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfkit.ledger import Row
from golfkit.train.runs import decision, record, student
from golfkit.train.runs.decision import Baseline, Noise, decide
from golfkit.train.runs.record import Artifact, Data, RunRecord, SeedResult

RUN = RunRecord(
    run="local_new_1",
    tier="local",
    source="train-local",
    tokens_seen=1000,
    seq_len=128,
    data=Data(tokenizer="bytes", train_sha256="t", val_sha256="v"),
    artifact=Artifact(code_bytes=1000, artifact_bytes=5000, limit=16_000_000),
)
BASE = Baseline("local_base_1", 2.0, 1, 1000)
NOISE = Noise(0.01, 4, 2)  # margin for single seeds: 2.776 * 0.01 * sqrt 2 = 0.0393


def run(*scores: float, code_bytes: int | None = 1000, **change: object) -> RunRecord:
    made = dataclasses.replace(RUN, artifact=dataclasses.replace(RUN.artifact, code_bytes=code_bytes), **change)
    return record.scored(made, [SeedResult(seed=i, val_bpb=score) for i, score in enumerate(scores)])


def judge(score: float, *, noise: Noise | None = NOISE, code_bytes: int | None = 1000) -> decision.Decision:
    return decide(run(score, code_bytes=code_bytes), BASE, noise=noise, threshold=0.03)


def row(made: RunRecord, status: str = "keep", tier: str = "local") -> Row:
    return Row(made.run, tier, made.val_bpb, 5000, None, status, "no", None, "")


def test_the_first_run_sets_the_baseline_and_is_not_promotable():
    made = decide(run(2.0), None, noise=None, threshold=0.03)
    assert (made.status, made.promotable, made.promoted, made.gain) == ("keep", False, "no", None)
    assert "sets the running local baseline" in made.reason


def test_three_percent_outside_the_noise_is_promotable():
    made = judge(1.94)
    assert (made.status, made.promotable, made.promoted) == ("keep", True, "pending")
    assert made.gain == pytest.approx(0.03)
    assert "0.0600 bpb (3.00%) below the running local baseline local_base_1 (2.0000); noise ±0.0393" in made.reason


@pytest.mark.parametrize("baseline", [1.1, 1.2, 1.3, 1.7, 1.9])
def test_exactly_the_threshold_passes_whatever_the_last_bit(baseline):
    made = decide(run(baseline * 0.97), BASE._replace(val_bpb=baseline), noise=None, threshold=0.03)
    assert made.promotable


def test_a_large_drop_inside_the_noise_is_no_gain():
    made = judge(1.9, noise=Noise(0.05, 2, 1))
    assert (made.status, made.promotable) == ("discard", False)
    assert "no difference from the running local baseline" in made.reason
    assert "inside the noise (±0.3042)" in made.reason


def test_below_the_threshold_only_simpler_code_is_kept():
    assert judge(1.95).status == "discard"
    kept = judge(1.95, code_bytes=999)
    assert (kept.status, kept.promotable) == ("keep", False)
    assert "999 counted bytes after 1,000" in kept.reason
    assert judge(1.95, code_bytes=None).status == "discard"


def test_simpler_code_may_lose_what_the_noise_allows_and_no_more():
    assert judge(2.03, code_bytes=999).status == "keep"
    assert judge(2.05, code_bytes=999).status == "discard"


def test_unknown_noise_is_said_and_then_not_worse_is_strict():
    assert judge(2.0, noise=None, code_bytes=999).status == "keep"
    worse = judge(2.0001, noise=None, code_bytes=999)
    assert worse.status == "discard"
    assert "noise not measured" in worse.reason
    better = judge(1.9, noise=None)
    assert better.promotable
    assert "noise not measured" in better.reason
    assert better.margin_bpb is None


def test_a_run_over_the_limit_is_never_kept():
    heavy = dataclasses.replace(run(1.0), artifact=Artifact(code_bytes=1, artifact_bytes=16_000_001, limit=16_000_000))
    for baseline in (None, BASE):
        made = decide(heavy, baseline, noise=None, threshold=0.03)
        assert (made.status, made.promotable) == ("discard", False)
        assert made.reason == "the artifact has 16,000,001 bytes, over the limit of 16,000,000"


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (run(), "no score"),
        (dataclasses.replace(run(1.0), val_bpb=math.nan), "val_bpb is nan"),
        (dataclasses.replace(run(1.0), status="crash", reason="interrupted at step 3"), "interrupted at step 3"),
    ],
)
def test_a_run_without_a_finite_score_is_a_crash(made, reason):
    decided = decide(made, BASE, noise=NOISE, threshold=0.03)
    assert (decided.status, decided.promotable, decided.gain, decided.reason) == ("crash", False, None, reason)


SCORES = st.floats(0.5, 4.0)
NOISES = st.none() | st.builds(Noise, st.floats(0, 0.3), st.integers(1, 30), st.just(1))
CODES = st.none() | st.sampled_from([900, 1000, 1100])
THRESHOLDS = st.floats(0, 0.2)
ORDER = {"discard": 0, "keep": 1}


@given(SCORES, SCORES, NOISES, CODES, THRESHOLDS)
def test_a_lower_score_is_never_judged_worse(a, b, noise, code_bytes, threshold):
    low, high = (
        decide(run(score, code_bytes=code_bytes), BASE, noise=noise, threshold=threshold) for score in sorted((a, b))
    )
    assert ORDER[low.status] + low.promotable >= ORDER[high.status] + high.promotable
    assert low.gain >= high.gain


@given(SCORES, NOISES, CODES, THRESHOLDS)
def test_a_difference_inside_the_noise_is_never_promotable_nor_called_below(score, noise, code_bytes, threshold):
    made = decide(run(score, code_bytes=code_bytes), BASE, noise=noise, threshold=threshold)
    assert made.promotable <= (made.status == "keep")
    if noise is not None and abs(BASE.val_bpb - score) <= decision.margin(noise, 1, 1):
        assert not made.promotable
        assert made.reason.startswith("no difference")
    if made.promotable:
        assert score < BASE.val_bpb


def test_the_baseline_is_the_best_kept_local_row_that_compares():
    runs = {
        name: run(score, run=name, **change)
        for name, score, change in [
            ("kept", 1.8, {}),
            ("better", 1.7, {}),
            ("more_tokens", 1.2, {"tokens_seen": 2000}),
            ("longer", 1.2, {"seq_len": 256}),
            ("other_data", 1.2, {"data": dataclasses.replace(RUN.data, val_sha256="w")}),
            ("other_tokenizer", 1.2, {"data": dataclasses.replace(RUN.data, tokenizer_sha256="s")}),
            ("discarded", 1.2, {}),
            ("expensive", 1.1, {}),
        ]
    }
    marks = {"discarded": ("discard", "local"), "expensive": ("keep", "runpod")}
    rows = [row(made, *marks.get(name, ("keep", "local"))) for name, made in runs.items()]
    rows += [row(run(0.9, run="no_record")), row(run(0.8))]  # the last one is RUN itself
    found = decision.running_baseline(rows, runs, RUN)
    assert found == Baseline("better", 1.7, 1, 1000)
    assert decision.running_baseline(reversed(rows), runs, RUN) == found
    assert decision.running_baseline([], {}, RUN) is None
    assert decision.running_baseline(rows, runs, dataclasses.replace(RUN, tokens_seen=None)) is None


def test_noise_pools_the_seeds_of_comparable_runs_around_their_own_means():
    records = [
        run(1.0, 1.2, run="a"),
        run(3.0, 3.1, 3.2, run="b"),
        run(2.0, run="single"),
        run(1.0, 9.0, run="other", seq_len=256),
        dataclasses.replace(run(1.0, 9.0, run="crashed"), status="crash"),
    ]
    noise = decision.noise_of(records, RUN)
    assert noise is not None
    assert noise.bpb == pytest.approx(math.sqrt((0.02 + 0.02) / 3))
    assert (noise.dof, noise.n_runs) == (3, 2)
    assert decision.noise_of(records[2:], RUN) is None


def test_the_margin_is_half_the_t_interval_of_a_difference_of_means():
    assert decision.margin(Noise(0.01, 2, 1), 1, 1) == pytest.approx(4.302653 * 0.01 * math.sqrt(2), rel=1e-6)
    assert decision.margin(Noise(0.01, 4, 2), 3, 3) == pytest.approx(2.776445 * 0.01 * math.sqrt(2 / 3), rel=1e-6)


def test_the_margin_holds_in_95_of_100_cases():
    import numpy as np

    rng = np.random.default_rng(0)
    hits, tries = 0, 4000
    for _ in range(tries):
        a, b = rng.normal(1.5, 0.01, 3), rng.normal(1.5, 0.01, 3)
        s = math.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2)
        hits += abs(a.mean() - b.mean()) <= decision.margin(Noise(s, 4, 2), 3, 3)
    assert hits / tries == pytest.approx(0.95, abs=0.012)


@pytest.mark.parametrize(
    ("dof", "t"), [(1, 12.706205), (2, 4.302653), (3, 3.182446), (4, 2.776445), (9, 2.262157), (120, 1.979930)]
)
def test_students_t_is_that_of_the_tables(dof, t):
    assert student.two_sided_95(dof) == pytest.approx(t, abs=1e-6)


def test_students_t_falls_towards_the_normal():
    values = [student.two_sided_95(dof) for dof in (*range(1, 40), 1000, 99_999, 10**9)]
    assert values == sorted(values, reverse=True)
    assert values[-1] == student.NORMAL_95
