"""The table of bit histories: who gets a slot, and what is kept of whom."""

import random

import pytest

from golfkit.compress.kernels import lines, states
from golfkit.compress.kernels.lines import MAX_RUN, NODES, RUN_BYTE, RUN_COUNT, Lines

SLOT, LINE = 20, 64  # bytes
LOG2_LINES = 2
AT = LINE  # of the line that most tests use


@pytest.fixture
def table() -> Lines:
    return lines.lines_at(memoryview(bytearray((LINE << LOG2_LINES) + LINE)), 0, LOG2_LINES)


def test_both_views_are_of_the_same_whole_memory(table: Lines):
    assert (table.bytes.nbytes, table.words.nbytes) == ((LINE << LOG2_LINES) + LINE,) * 2
    table.words[0] = 0x04030201
    assert bytes(table.bytes[:4]) == b"\1\2\3\4"


def test_a_context_finds_its_slot_again_and_three_fit_a_line(table: Lines):
    places = {}
    for check in (1, 0xFFFF, 77):
        places[check] = lines.find_slot(table, AT, check)
        table.bytes[places[check] + NODES + 1] = 9  # seen: else its slot counts as free
        table.bytes[places[check] + 19] = check & 255
    assert sorted(places.values()) == [AT, AT + SLOT, AT + 2 * SLOT]
    for check, at in places.items():
        assert lines.find_slot(table, AT, check) == at
        assert table.bytes[at + 19] == check & 255


def test_a_fourth_context_takes_the_slot_whose_first_state_is_lowest_and_finds_it_empty(table: Lines):
    for check, state in ((1, 50), (2, 7), (3, 60)):
        at = lines.find_slot(table, AT, check)
        for byte in range(2, SLOT):
            table.bytes[at + byte] = state
    before = bytes(table.bytes)
    taken = lines.find_slot(table, AT, 4)
    assert taken == AT + SLOT
    assert bytes(table.bytes[taken : taken + SLOT]) == b"\4\0" + bytes(SLOT - 2)
    kept = [i for i in range(len(before)) if not taken <= i < taken + SLOT]
    assert all(table.bytes[i] == before[i] for i in kept)


def test_any_sequence_of_contexts_keeps_what_a_plain_model_keeps(table: Lines):
    rng = random.Random(0)
    model = [[[0, 0, 0] for _ in range(3)] for _ in range(1 << LOG2_LINES)]  # check, first state, a later state
    for _ in range(3000):
        line, check = rng.randrange(1 << LOG2_LINES), rng.randrange(1, 9)
        slots = model[line]
        at = lines.find_slot(table, LINE * line, check)
        own = next((slot for slot in slots if slot[0] == check), None)
        if own is None:
            own = min(slots, key=lambda slot: slot[1])  # the first of those
            own[:] = [check, 0, 0]
        assert at == LINE * line + SLOT * next(k for k, slot in enumerate(slots) if slot is own)
        assert [table.bytes[at + NODES + 1], table.bytes[at + NODES + 15]] == own[1:]
        own[1:] = table.bytes[at + NODES + 1], table.bytes[at + NODES + 15] = rng.randrange(256), rng.randrange(256)


def test_a_run_counts_a_byte_in_a_row_and_starts_anew_with_another(table: Lines):
    at = lines.find_slot(table, AT, 1)
    seen = []
    for c in b"aaab" + b"\0" * 300:
        lines.note_run(table, at, c)
        seen.append((table.bytes[at + RUN_BYTE], table.bytes[at + RUN_COUNT]))
    assert seen[:6] == [(97, 1), (97, 2), (97, 3), (98, 1), (0, 1), (0, 2)]
    assert seen[-1] == (0, MAX_RUN)
    assert sum(bytes(table.bytes)) == 1 + MAX_RUN  # check and run alone


def test_a_slot_that_a_run_tells_of_is_as_if_its_byte_had_been_coded_once(table: Lines):
    histories = states.histories_at(memoryview(bytearray(states.HISTORIES_BYTES)), 0)
    states.init_states(histories)
    first = lines.find_slot(table, AT, 1)
    for byte in range(256):
        lines.note_run(table, first, byte)
        told, coded, other = (lines.spare_slot(table, k) for k in (0, 2, 3))
        lines.seed(table, histories, told, first, 16 | byte >> 4)
        lines.seed(table, histories, other, first, 16 | (byte >> 4 ^ 1))
        assert lines.is_new(table, coded)
        for n_bits in range(4, 8):
            node = NODES + lines.node_of((256 | byte) >> (8 - n_bits), n_bits)
            table.bytes[coded + node] = histories.next_state[byte >> (7 - n_bits) & 1]
        assert bytes(table.bytes[told : told + SLOT]) == bytes(table.bytes[coded : coded + SLOT])
        assert not lines.is_new(table, told)
        assert bytes(table.bytes[other : other + SLOT]) == bytes(SLOT)


def test_the_spare_slot_is_behind_the_lines_and_is_handed_out_empty(table: Lines):
    at = lines.spare_slot(table, 1 << LOG2_LINES)
    table.bytes[at : at + SLOT] = b"x" * SLOT
    assert lines.spare_slot(table, 1 << LOG2_LINES) == at == LINE << LOG2_LINES
    assert bytes(table.bytes[at : at + SLOT]) == bytes(SLOT)


def test_each_prefix_of_a_nibble_has_a_node_of_its_own_inside_the_slot():
    for byte in range(256):
        for n_bits in range(8):
            node = lines.node_of((256 | byte) >> (8 - n_bits), n_bits)
            of_nibble = n_bits & 3
            prefix = (byte >> (8 - n_bits)) & ((1 << of_nibble) - 1)
            assert node == (1 << of_nibble) + prefix
            assert RUN_COUNT < NODES + node < SLOT


def test_checks_tell_contexts_of_one_line_apart():
    checks = [lines.check_of(hashed << LOG2_LINES) for hashed in range(4000)]
    assert max(checks) < 1 << 16
    assert len(set(checks)) > 3800  # 4000 drawn of 65536 would give 3880
