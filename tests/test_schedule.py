"""The pace of every step: rates that rise and fall where they should, by steps and by the clock."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfkit.train.engine.schedule import pace
from golfkit.train.model.recipe import Recipe

PLAIN = Recipe(warmup=0.0, warmdown=0.0, ema=0.0)


def rates(spec, n):
    return [pace(spec, step, step / n, n).rate for step in range(n)]


def test_without_warmup_and_warmdown_the_rate_is_1_throughout():
    assert rates(PLAIN, 7) == [1.0] * 7


def test_warmup_rises_by_equal_steps_and_is_over_after_its_share():
    assert rates(replace(PLAIN, warmup=0.5), 8) == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1, 1, 1])


def test_warmdown_falls_linearly_in_its_share_and_would_reach_0_after_the_last_step():
    spec = replace(PLAIN, warmdown=0.5)
    assert rates(spec, 8) == pytest.approx([1, 1, 1, 1, 1, 0.75, 0.5, 0.25])
    assert pace(spec, 8, 1.0, 8).rate == 0


def test_where_the_clock_ends_the_run_rates_follow_it_and_not_the_planned_steps():
    spec, planned = replace(PLAIN, warmup=0.2, warmdown=0.5), 1_000_000
    assert [pace(spec, 30, share, planned).rate for share in (0.1, 0.2, 0.5, 0.75, 1.0)] == pytest.approx(
        [0.5, 1, 1, 0.5, 0], abs=1e-3
    )
    assert pace(spec, 0, 0.0, planned).rate > 0


def test_momentum_rises_to_its_value_over_its_steps():
    spec = replace(PLAIN, momentum_start=0.8, momentum=0.9, momentum_steps=4)
    found = [pace(spec, step, 0.0, 100).momentum for step in range(6)]
    assert found == pytest.approx([0.8, 0.825, 0.85, 0.875, 0.9, 0.9])
    assert pace(replace(spec, momentum_steps=0), 0, 0.0, 100).momentum == pytest.approx(0.9)


def test_adams_corrections_make_a_constant_gradients_moments_its_own():
    spec = replace(PLAIN, beta1=0.9, beta2=0.95)
    first = second = 0.0
    for step in range(5):
        first, second = 0.9 * first + 0.1 * 3, 0.95 * second + 0.05 * 9
        now = pace(spec, step, 0.0, 5)
        assert (first / now.correct1, second / now.correct2) == pytest.approx((3, 9))


def test_young_averages_forget_sooner_and_none_forgets_slower_than_asked():
    decays = [pace(replace(PLAIN, ema=0.5), step, 0.0, 100).decay for step in range(20)]
    assert decays == sorted(decays)
    assert decays[0] == pytest.approx(0.1)
    assert decays[-1] == 0.5
    assert pace(PLAIN, 50, 0.5, 100).decay == 0


@given(
    n=st.integers(1, 1000),
    at=st.floats(0, 1),
    late=st.floats(0, 1),
    warmup=st.floats(0, 0.99),
    warmdown=st.floats(0, 3),
)
def test_a_rate_is_between_0_and_1_and_above_0_before_the_end(n, at, late, warmup, warmdown):
    spec, step = replace(PLAIN, warmup=warmup, warmdown=warmdown), min(n - 1, int(at * n))
    progress = max(step / n, late)
    now = pace(spec, step, progress, n)
    assert 0 <= now.rate <= 1
    assert now.rate > 0 or progress == 1
    assert 0 < now.correct1 <= 1
    assert 0 < now.correct2 <= 1
