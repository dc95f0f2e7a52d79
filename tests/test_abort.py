"""Early abort: against the best run's own curve at the same step, and never against itself or another seed of it."""

import itertools
import math
import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golfkit.budget.remote import abort
from golfkit.budget.remote.abort import Curve, verdict
from golfkit.budget.remote.progress import Elapsed, Progress
from golfkit.train import logs
from golfkit.train.logs.steps import Reading, reading_of

RECORDS = Path(__file__).parents[2] / "shared/data/parameter_golf/records"

losses = st.floats(0.1, 12, allow_nan=False)
curves = st.lists(st.tuples(st.integers(1, 200), losses, st.none() | losses), min_size=1, max_size=30).map(
    lambda rows: Curve.of(
        Reading(step, 1000, loss, bpb and 2.5 * bpb, bpb)
        for step, (loss, bpb) in zip(
            itertools.accumulate(gap for gap, _, _ in rows), [row[1:] for row in rows], strict=True
        )
    )
)


def falling(n_steps, scale=1.0, every=100, of=20_000):
    """A run whose loss falls as the contest's do, times `scale`, with the validation of step 0."""
    start = [Reading(0, of, None, 6.9315, 4.1, 0.0)]
    return Curve.of(start + [Reading(s, of, scale * (2 + 5 / math.sqrt(s))) for s in range(every, n_steps + 1, every)])


def until(curve, step):
    """What a run has said by a step."""
    train, val = (tuple(point for point in points if point.step <= step) for points in curve[:2])
    return Curve(train, val, curve.bytes_per_token)


def first_verdict(curve, best, **options):
    """The verdict when it first comes, asked at every step that the run says."""
    steps = sorted({point.step for points in curve[:2] for point in points})
    return next((why for step in steps if (why := verdict(until(curve, step), best, **options))), None)


@settings(max_examples=40)
@given(curves, st.integers(1, 4), st.booleans())
def test_no_run_is_ended_by_its_own_curve(curve, patience, same_tokens):
    options = {"margin": 0.0, "patience": patience, "least_step": 0, "same_tokens": same_tokens}
    assert first_verdict(curve, curve, **options) is None


@settings(max_examples=40)
@given(curves, curves)
def test_a_run_is_compared_only_while_both_exist(curve, best):
    why = first_verdict(curve, best, margin=0.0, patience=1, least_step=0)
    assert why is None or int(re.match(r"step (\d+)", why)[1]) <= best.last_step


@settings(max_examples=40)
@given(curves, curves, st.floats(0.0, 0.5))
def test_a_wider_margin_ends_no_more_runs(curve, best, more):
    if verdict(curve, best, margin=0.01 + more, least_step=0) is not None:
        assert verdict(curve, best, margin=0.01, least_step=0) is not None


def test_a_run_that_is_clearly_worse_ends_soon_after_the_least_step():
    why = first_verdict(falling(5000, 1.1), falling(5000))
    assert why.startswith("step 800: training loss")
    assert "3.0% worse 3 times in a row" in why


def test_a_run_within_the_margin_goes_on():
    assert first_verdict(falling(5000, 1.025), falling(5000)) is None


@pytest.mark.parametrize(("every", "of"), [(50, 20_000), (500, 9000), (170, 100)])
def test_how_often_a_run_speaks_and_what_it_plans_is_nothing(every, of):
    assert first_verdict(falling(5000, every=every, of=of), falling(5000)) is None
    assert first_verdict(falling(5000, 1.1, every=every, of=of), falling(5000)) is not None


def test_the_best_runs_warmdown_is_not_held_against_a_run_with_more_steps():
    readings = [Reading(s, 20_000, 3.0 * (1 - max(0, s - 2500) / 25_000)) for s in range(100, 5001, 100)]
    best = Curve.of([Reading(0, 20_000, None, 6.9315, 4.1), *readings])
    run = Curve.of([Reading(0, 20_000, None, 6.9315, 4.1), *(Reading(s, 20_000, 3.0) for s in range(100, 10_001, 100))])
    assert first_verdict(run, best, patience=1) is None


def test_a_loss_that_is_no_number_ends_a_run_at_once():
    text = "step:1/20000 train_loss:6.9\nstep:2/20000 train_loss:nan train_time:9ms\n"
    assert verdict(Curve.parse(text), falling(5000)) == "step 2: the loss is nan"
    assert verdict(Curve.parse(text.replace("nan", "inf")), Curve()) == "step 2: the loss is inf"


def test_validation_speaks_for_a_run_whose_training_loss_is_higher():
    def run(scale, bpb):
        said = [Reading(s, 20_000, scale * 3.0, 2.5 * bpb, bpb) for s in range(500, 5001, 500)]
        return Curve.of(said)

    assert verdict(until(run(1.1, 1.2), 2000), run(1.0, 1.2)) is None
    assert "val_bpb 1.3000" in verdict(until(run(1.1, 1.3), 2000), run(1.0, 1.2))


def test_losses_per_token_of_different_tokenizers_are_compared_per_byte_or_not_at_all():
    coarse = falling(5000, 2.0)  # twice the loss per token, of twice the bytes per token
    assert first_verdict(coarse._replace(bytes_per_token=2 * coarse.bytes_per_token), falling(5000)) is None
    assert first_verdict(coarse._replace(bytes_per_token=None), falling(5000)) is None
    assert first_verdict(coarse._replace(bytes_per_token=None), falling(5000), same_tokens=True) is not None


def test_a_curve_is_that_of_the_last_run_in_a_log_and_source_code_is_no_curve():
    source = "import os\ndef f():\n    '''\nstep:9/10 train_loss:1.0\n'''\n"
    assert Curve.parse(source + "step:5/10 train_loss:2.0\nstep:1/10 train_loss:3\n").train == ((1, 3.0),)


def test_nothing_is_compared_with_an_empty_curve():
    assert verdict(Curve(), falling(5000)) is None
    assert verdict(falling(5000, 9.9), Curve()) is None
    assert Curve.parse("").last_step == 0


@pytest.fixture(scope="module")
def real():
    """The curves of the record track's logs, by path, with what the log parser says."""
    if not RECORDS.is_dir():
        pytest.skip(f"no logs of records at {RECORDS}")
    paths = [path for path in sorted(RECORDS.rglob("*")) if path.suffix in (".log", ".txt")]
    texts = {path: logs.decode(path.read_bytes()) for path in paths}
    return {path: (Curve.parse(text), logs.parse(text)) for path, text in texts.items()}


def test_step_lines_are_read_as_the_log_parser_reads_them(real):
    for path, (curve, log) in real.items():
        assert curve.last_step == (log.steps or 0), path


def test_seeds_of_a_record_do_not_end_each_other(real):
    pairs, readings = 0, []
    track = {path: curve for path, (curve, _) in real.items() if path.parent.parent.name == "track_10min_16mb"}
    for (path, curve), (other, best) in itertools.permutations(track.items(), 2):
        if path.parent == other.parent and curve.train and best.train:
            assert first_verdict(curve, best) is None, (path, other)
            pairs += 1
            readings += abort.training(curve, best, abort.LEAST_STEP, 10_000)
            readings += abort.validation(curve, best, abort.LEAST_STEP)
    worse = [reading for reading in readings if reading.worse(abort.MARGIN)]
    assert (pairs, len(readings) > 3000, len(worse) < 0.004 * len(readings)) == (154, True, True)


def test_a_run_of_a_much_weaker_recipe_is_ended_by_the_first_half_of_its_steps(real):
    def one(name):
        return next(curve for path, (curve, _) in real.items() if name in str(path) and curve.train)

    weak, strong = one("2026-03-17_LoRA_TTT"), one("2026-04-22_SP8192_CaseOps")
    why = first_verdict(weak, strong)
    assert int(re.match(r"step (\d+)", why)[1]) <= strong.last_step / 2
    assert first_verdict(strong, weak) is None


def test_readings_of_both_forms_of_step_lines():
    assert reading_of("step:200/20000 train_loss:2.7990 train_time:8710ms step_avg:43.55ms") == (
        *(200, 20_000, 2.799, None, None),
        pytest.approx(8.71),
        None,
    )
    assert reading_of("4000/20000 val_loss: 2.9205 val_bpb: 1.1306")[:5] == (4000, 20_000, None, 2.9205, 1.1306)
    assert math.isnan(reading_of("[rank0]: step:3/9 train_loss:nan").train_loss)
    assert reading_of("warmup_step:3/20") is None
    assert reading_of("step:3/9") is None


@given(st.text())
def test_any_line_can_be_read(line):
    reading_of(line)


def test_the_progress_line_has_step_losses_seconds_and_dollars():
    seen = Progress()
    for line in (
        "seed:1",
        "step:0/20 val_loss:6.93 val_bpb:4.1 train_time:0ms",
        "step:3/20 train_loss:2.5 train_time:900ms",
    ):
        seen = seen.after(line)
    shown = seen.text(Elapsed(90.4, Decimal("20.00")))
    assert shown == "step 3/20, loss 2.5000, val_bpb 4.1000, trained 1 s, rented 90 s, $0.50 so far"
    assert Progress().text(Elapsed(5, None)) == "after 5 s"
    assert seen.after("step:1/20 train_loss:7.0") == (1, 20, 7.0, None, None)
