"""Money: exact cents, rounded up once."""

import math
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfkit.budget.book import limits, money
from golfkit.errors import Exit, GolfError
from golfkit.settings import Settings

CENTS = st.integers(0, 10**13)


@pytest.mark.parametrize(
    ("seconds", "rate", "cents"),
    [
        (0, 20, 0),
        (3600, 20, 2000),
        (1, 20, 1),  # 0.56 of a cent
        (1.8, 20, 1),  # exactly one cent, though the float is a little more
        (1.8000001, 20, 2),
        (600, Decimal("21.52"), 359),
        (Decimal("0.000001"), Decimal("0.01"), 1),
        (3600, 0, 0),
    ],
)
def test_cost_is_rounded_up_once_to_whole_cents(seconds, rate, cents):
    assert money.cost_cents(seconds, rate) == cents


@given(st.decimals(0, 10**7, places=3), st.decimals(0, 1000, places=4))
def test_cost_is_the_least_whole_cents_that_cover_the_exact_price(seconds, rate):
    exact = Fraction(seconds) * Fraction(rate) * 100 / 3600
    with localcontext(prec=2):  # no decimal context reaches it
        assert money.cost_cents(seconds, rate) == math.ceil(exact)


@pytest.mark.parametrize("seconds", [-1, -0.001, math.nan, math.inf, Decimal("NaN"), Decimal("-Infinity"), 1e300])
def test_seconds_that_no_run_has_are_refused(seconds):
    with pytest.raises(ValueError, match=r"seconds is .*, expected a number from 0 to"):
        money.cost_cents(seconds, 20)


@pytest.mark.parametrize("rate", [-1, Decimal("NaN"), Decimal("Infinity"), Decimal("1e999999"), 20.0])
def test_prices_that_no_machine_has_are_refused_and_so_are_floats(rate):
    with pytest.raises(ValueError, match="usd_per_hour is "):
        money.cost_cents(1, rate)


def test_a_machine_costs_by_its_gpus():
    assert money.machine_rate(8, Decimal("21.52")) == Decimal("21.52")
    assert money.machine_rate(1, 20) == Decimal("2.5")
    assert money.cost_cents(3600, money.machine_rate(2, 20)) == 500


@given(CENTS)
def test_dollars_and_cents_are_each_others_inverse(cents):
    assert money.parse_dollars(str(money.dollars(cents)), "x") == cents
    assert money.parse_dollars(money.shown(cents), "x") == cents


@pytest.mark.parametrize(("text", "cents"), [("3", 300), ("3.4", 340), (" $3.47 ", 347), ("0.05", 5), ("007", 700)])
def test_dollars_are_read_as_people_write_them(text, cents):
    assert money.parse_dollars(text, "x") == cents


@pytest.mark.parametrize("text", ["", "-1", "1.234", "1e3", "nan", "1,5", "5 $", "٣", "1" * 13, ".5", "$"])
def test_other_amounts_are_refused_by_their_name(text):
    with pytest.raises(GolfError, match=r"--total is .*, expected dollars and whole cents such as 12\.34") as caught:
        money.parse_dollars(text, "--total")
    assert caught.value.exit_code == Exit.USAGE


def test_negative_amounts_are_shown_with_their_sign_first():
    assert [money.shown(cents) for cents in (-5, 0, 123456)] == ["-$0.05", "$0.00", "$1234.56"]


def test_the_worst_case_uses_every_minute_that_the_settings_allow():
    assert limits.worst_cents(Settings()) == money.cost_cents(56 * 60, 20)
    assert limits.worst_cents(Settings(), seeds=3) == money.cost_cents((56 + 50) * 60, 20)
    assert limits.worst_cents(Settings(pod_gpu_count=1)) == money.cost_cents(56 * 60, Decimal("2.5"))
    assert limits.worst_cents(Settings(), usd_per_hour=Decimal("21.52")) == money.cost_cents(56 * 60, Decimal("21.52"))


@pytest.mark.parametrize(
    ("environ", "dotenv", "toml", "found"),
    [
        ({}, None, "", (50000, "default", False)),
        ({}, None, "total_compute_credits = 70.5\n", (7050, "golf.toml", False)),
        ({}, "TOTAL_COMPUTE_CREDITS=80\n", "total_compute_credits = 70\n", (8000, ".env", True)),
        ({"TOTAL_COMPUTE_CREDITS": "90"}, "TOTAL_COMPUTE_CREDITS=80\n", "", (9000, "environment", True)),
        ({"TOTAL_COMPUTE_CREDITS": ""}, None, "", (50000, "default", False)),
    ],
)
def test_a_variable_wins_over_the_book_and_golf_toml_does_not(tmp_path, environ, dotenv, toml, found):
    (tmp_path / "golf.toml").write_text(toml)
    if dotenv is not None:
        (tmp_path / ".env").write_text(dotenv)
    assert limits.limits(environ, tmp_path).total == found
    assert limits.limits({}, None).reserve == (5000, "default", False)


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({}, r"golf\.toml: total_compute_credits is '0\.001', expected dollars"),
        ({"TOTAL_COMPUTE_CREDITS": "1e16"}, r"environment: total_compute_credits is '1e\+16', expected dollars"),
    ],
)
def test_a_total_that_is_no_money_is_named_with_its_place(tmp_path, environ, says):
    (tmp_path / "golf.toml").write_text("total_compute_credits = 0.001\n")
    with pytest.raises(GolfError, match=says):
        limits.limits(environ, tmp_path)
