"""The bit-history state machine against its plain reference."""

import pytest
from reference import bit_history
from reference.bit_history import History

from golfkit.compress.kernels import states


@pytest.fixture(scope="module")
def machine() -> tuple[list[History], list[int]]:
    """The states by number, and next_state."""
    histories = states.histories_at(memoryview(bytearray(states.HISTORIES_BYTES)), 0)
    n_states = states.init_states(histories)
    columns = (histories.n0, histories.n1, histories.last)
    return [History(*values) for values in zip(*columns, strict=True)][:n_states], list(histories.next_state)


def test_there_are_exactly_the_allowed_states_and_they_fit_a_byte(machine):
    found, _ = machine
    assert len(found) <= 256
    assert len(set(found)) == len(found)
    assert set(found) == bit_history.every()


def test_state_zero_has_seen_nothing(machine):
    assert machine[0][0] == History(0, 0, 0)


def test_numbers_grow_with_the_total_count(machine):
    totals = [state.n0 + state.n1 for state in machine[0]]
    assert totals == sorted(totals)


def test_every_transition_is_that_of_the_reference(machine):
    found, next_state = machine
    for number, state in enumerate(found):
        for bit in (0, 1):
            following = next_state[2 * number + bit]
            assert following < len(found)
            assert found[following] == bit_history.after(state, bit), (state, bit)


@pytest.mark.parametrize(
    ("bits", "expected"),
    [
        ("1", (0, 1, 0)),
        ("0", (1, 0, 0)),
        ("01", (1, 1, 1)),
        ("10", (1, 1, 0)),
        ("0001", (2, 1, 1)),  # three zeros: 2 are left
        ("000001", (3, 1, 1)),  # five zeros: 3 are left
        ("1" * 60, (0, 41, 0)),  # as far as it goes
        ("1" * 60 + "0", (1, 6, 0)),  # old evidence counts less
        ("1" * 60 + "01", (1, 7, 1)),
    ],
)
def test_histories_worked_out_by_hand(machine, bits: str, expected: tuple[int, int, int]):
    found, next_state = machine
    number = 0
    for bit in bits:
        number = next_state[2 * number + int(bit)]
    assert found[number] == History(*expected)


def test_the_opposite_bit_exchanges_the_counts(machine):
    found, next_state = machine
    numbers = {(state.n0, state.n1, state.last): number for number, state in enumerate(found)}
    for number, state in enumerate(found):
        known = bool(state.n0 and state.n1) and state.n0 + state.n1 < bit_history.KEPT_BELOW
        mirrored = numbers[state.n1, state.n0, 1 - state.last if known else 0]
        after, mirrored_after = found[next_state[2 * number]], found[next_state[2 * mirrored + 1]]
        assert (after.n0, after.n1) == (mirrored_after.n1, mirrored_after.n0)
