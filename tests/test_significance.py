"""Student's t, and the test that a record beats the best one."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfkit.budget.record.significance import compare
from golfkit.train.runs import student

# val_loss by seed of accepted records, from their submission.json; the rivals are those that they were judged against
MAR_25 = (1.88276292, 1.88156874, 1.88220393)
MAR_31 = (1.86841284, 1.87037189, 1.86478866)
APR_05 = (2.80405, 2.80691, 2.80170, 2.80407, 2.80467)
APR_06 = (2.79749, 2.79910, 2.80002)
APR_19 = (2.33302, 2.33002, 2.33199)
APR_22 = (2.32748105, 2.32871372, 2.32989245, 2.33082656, 2.33097712)


@pytest.mark.parametrize(
    ("losses", "sota", "gain", "p_margin", "p_zero"),
    [
        (APR_06, APR_05, 0.00541, 0.3628906573607448, 0.0016215896453063239),
        (APR_22, APR_19, 0.0020984866666667, 0.9726331985884885, 0.06278247614412792),
        (MAR_31, MAR_25, 0.0143207333333333, 0.012642301726738355, 0.005123306215873978),
    ],
)
def test_accepted_records_have_the_p_values_that_were_measured_on_them(losses, sota, gain, p_margin, p_zero):
    test = compare(losses, sota)
    assert test is not None
    assert test.gain == pytest.approx(gain, abs=1e-12)
    assert (test.p_margin, test.p_zero) == (pytest.approx(p_margin, rel=1e-9), pytest.approx(p_zero, rel=1e-9))
    assert test.name == "Welch's t"


@pytest.mark.parametrize(
    ("t", "dof", "p"),
    [  # mpmath, 40 digits
        (2.5, 0.3, 0.264442719609172546),
        (2.0, 2.1198, 0.08812546622863073),
        (30.0, 7.7, 1.479046859505945e-09),
        (1.0, 30, 0.16265430771301495),
        (30.0, 123.4, 7.873066205955966e-59),
        (1.0, 5000, 0.15867944979401502),
    ],
)
def test_tails_have_their_known_values(t, dof, p):
    assert student.tail(t, dof) == pytest.approx(p, rel=1e-9)


@given(st.floats(-1e4, 1e4), st.integers(1, 60))
def test_the_tail_agrees_with_the_exact_sums_for_whole_degrees_of_freedom(t, dof):
    beyond = (1 - student.within(abs(t), dof)) / 2
    assert student.tail(t, dof) == pytest.approx(beyond if t >= 0 else 1 - beyond, abs=1e-12)
    assert student.tail(t, 1) == pytest.approx(0.5 - math.atan(t) / math.pi, abs=1e-14)


@given(st.floats(-100, 100), st.floats(0.1, 1e6))
def test_both_tails_are_all_there_is_and_more_is_rarer(t, dof):
    assert student.tail(t, dof) + student.tail(-t, dof) == pytest.approx(1, abs=1e-12)
    assert student.tail(t, dof) >= student.tail(t + 1, dof)


def test_degrees_of_freedom_are_above_zero():
    with pytest.raises(ValueError, match="0 degrees"):
        student.tail(1.0, 0)


def test_against_a_number_it_is_the_t_test_of_one_sample():
    test = compare((2.0, 2.1, 2.2), (2.5,), margin=0.1)
    assert test is not None
    t = 0.4 / (statistics.stdev((2.0, 2.1, 2.2)) / math.sqrt(3))
    assert (test.dof, test.name, test.gain) == (pytest.approx(2), "one-sample t", pytest.approx(0.4))
    assert test.p_zero == pytest.approx(student.tail(t, 2), rel=1e-9)
    assert test.p_margin == pytest.approx(student.tail(t * 3 / 4, 2), rel=1e-9)


def test_a_worse_record_has_a_large_p_and_the_margin_makes_it_larger():
    test = compare(APR_05, APR_06)
    assert test is not None
    assert 0.99 < test.p_zero < test.p_margin < 1


@pytest.mark.parametrize(
    ("losses", "sota"), [((2.0,), (2.1, 2.2)), ((), (2.1,)), ((2.0, 2.1), ()), ((2.0, 2.0), (2.1,))]
)
def test_without_two_seeds_that_differ_there_is_no_test(losses, sota):
    assert compare(losses, sota) is None
