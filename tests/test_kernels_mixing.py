"""Mixers and APMs: the formulas, what they learn, and that nothing is there until it is learnt."""

import math
import random
from typing import Any

import numpy as np
import pytest

from golfkit.compress.kernels import apm, mixing, tables
from golfkit.compress.kernels.apm import BUCKETS
from golfkit.compress.kernels.floats import LANES, f32
from golfkit.compress.kernels.mixing import OUTPUTS, Mixing
from golfkit.compress.kernels.tables import ST_LIMIT, Tables

N_INPUTS, N_ROWS, N_FINAL_ROWS = 2 * LANES, 12, 6
N_SETS, N_FINALS = 3, 2
WEIGHT = f32(0.25)
HALF = 20.0


@pytest.fixture(scope="module")
def numbers() -> Tables:
    made = tables.tables_at(memoryview(bytearray(tables.TABLES_BYTES)), 0)
    tables.init_tables(made)
    return made


@pytest.fixture
def mixer() -> Mixing:
    arena = memoryview(bytearray(mixing.mixing_bytes(N_INPUTS, N_ROWS, N_FINAL_ROWS)))
    made = mixing.mixing_at(arena, 0, N_INPUTS, N_ROWS, N_FINAL_ROWS)
    mixing.init_mixing(made, N_INPUTS, N_SETS, WEIGHT)
    return made


def select(mixer: Mixing, *rows: int) -> None:
    for k, row in enumerate(rows):
        mixer.selected[k] = row


def feed(mixer: Mixing, inputs: list[float]) -> int:
    for i, value in enumerate(inputs):
        mixer.inputs[i] = value
    return mixing.mix(mixer, N_INPUTS, N_SETS, N_FINALS)


def learn(mixer: Mixing, numbers: Tables, bit: int, least: int = 0, extra: float = 0.0) -> None:
    rates = f32(0.02), f32(0.005), f32(extra), f32(HALF)
    mixing.train(mixer, numbers, N_INPUTS, N_SETS, N_FINALS, bit, *rates, least)


def row_of(view: Any, row: int, width: int) -> list[float]:
    return list(view[(1 + row) * width : (2 + row) * width])


def inputs_of(rng: random.Random) -> list[float]:
    return [f32(rng.uniform(-4, 4)) for _ in range(N_INPUTS)]


def test_the_arrays_do_not_overlap_and_fill_their_memory():
    n_bytes = mixing.mixing_bytes(N_INPUTS, N_ROWS, N_FINAL_ROWS)
    arena = memoryview(bytearray(n_bytes))
    parts = mixing.mixing_at(arena, 0, N_INPUTS, N_ROWS, N_FINAL_ROWS)
    for i, part in enumerate(parts):
        part.cast("B")[:] = bytes([i + 1]) * part.nbytes
    assert all(bytes(part) == bytes([i + 1]) * part.nbytes for i, part in enumerate(parts))
    assert n_bytes % 64 == 0
    assert 0 in arena[n_bytes - 64 :]  # rounded up by less than a line, behind the counts of layer 2
    assert len(parts) in arena[n_bytes - 64 :]


def test_rows_are_zeros_until_they_learn_and_predict_what_all_begin_with(mixer: Mixing, numbers: Tables):
    rng = random.Random(0)
    used, used_final = {1, 5, 7}, {0, 3}
    for _ in range(20):
        select(mixer, 1, 5, 7, 0, 3)
        feed(mixer, inputs_of(rng))
        learn(mixer, numbers, rng.getrandbits(1))
    for row in range(N_ROWS):
        assert any(row_of(mixer.weights, row, N_INPUTS)) == (row in used)
    for row in range(N_FINAL_ROWS):
        assert any(row_of(mixer.final, row, OUTPUTS)) == (row in used_final)
    assert list(mixer.weights[:N_INPUTS]) == [WEIGHT] * N_INPUTS
    assert list(mixer.final[:OUTPUTS]) == [f32(1 / 3)] * N_SETS + [0.0] * (OUTPUTS - N_SETS)
    inputs = inputs_of(rng)
    select(mixer, 0, 2, 3, 1, 2)
    expected = mixing.to_st8(f32(sum(inputs) * WEIGHT))
    assert feed(mixer, inputs) == pytest.approx(expected, abs=2)
    assert list(mixer.st8[:N_SETS]) == pytest.approx([expected] * N_SETS, abs=1)


def mixed(mixer: Mixing, rows: tuple[int, ...]) -> tuple[list[float], float]:
    """Stretched predictions of layer 1, and the mixed one, by the formulas."""
    weights = np.array(mixer.weights, np.float64).reshape(-1, N_INPUTS)
    final = np.array(mixer.final, np.float64).reshape(-1, OUTPUTS)
    outputs = np.zeros(OUTPUTS)
    for k in range(N_SETS):
        outputs[k] = (weights[0] + weights[1 + rows[k]]) @ np.array(mixer.inputs)
    outputs = np.clip(outputs, -11, 11)
    finals = [np.clip((final[0] + final[1 + row]) @ outputs, -11, 11) for row in rows[N_SETS:]]
    return list(outputs[:N_SETS]), sum(finals) / N_FINALS


def test_the_prediction_is_that_of_the_formulas(mixer: Mixing):
    rng = random.Random(1)
    for view in (mixer.weights, mixer.final):
        for i in range(len(view)):
            view[i] = rng.uniform(-0.3, 0.3)
    for _ in range(200):
        rows = (*rng.choices(range(N_ROWS), k=N_SETS), *rng.choices(range(N_FINAL_ROWS), k=N_FINALS))
        select(mixer, *rows)
        st8 = feed(mixer, inputs_of(rng))
        outputs, expected = mixed(mixer, rows)
        assert list(mixer.outputs) == pytest.approx([*outputs, *[0.0] * (OUTPUTS - N_SETS)], abs=0.016)
        assert st8 / 256 == pytest.approx(expected, abs=0.016)


def test_a_step_is_along_the_gradient_of_the_coding_cost(mixer: Mixing, numbers: Tables):
    rng = random.Random(2)
    inputs = inputs_of(rng)
    for bit in (0, 1):
        select(mixer, 2 + bit, 5 + bit, 7 + bit, bit, 2 + bit)
        feed(mixer, inputs)
        p = [1 / (1 + math.exp(-st8 / 256)) for st8 in mixer.st8[: N_SETS + N_FINALS]]
        outputs = list(mixer.outputs)
        learn(mixer, numbers, bit)
        for k, row in enumerate((2 + bit, 5 + bit, 7 + bit)):
            expected = [0.02 * (bit - p[k]) * x for x in inputs]
            assert row_of(mixer.weights, row, N_INPUTS) == pytest.approx(expected, abs=1e-5)
        for k, row in enumerate((bit, 2 + bit)):
            expected = [0.005 * (bit - p[N_SETS + k]) * x for x in outputs]
            assert row_of(mixer.final, row, OUTPUTS) == pytest.approx(expected, abs=1e-5)


def test_a_row_learns_less_the_more_often_it_learnt(mixer: Mixing, numbers: Tables):
    inputs = inputs_of(random.Random(6))
    for n in (0, 1, 20, 60):
        for i in range(len(mixer.learnt)):
            mixer.learnt[i] = 7.0
        select(mixer, 2, 5, 7, 0, 3)
        mixer.learnt[2], mixer.final_learnt[0] = float(n), float(n)
        feed(mixer, inputs)
        errors = [mixing.error_of(mixer, numbers, k, 1) / 65536 for k in (0, N_SETS)]
        outputs, before, before_final = list(mixer.outputs), mixer.weights[3 * N_INPUTS], mixer.final[OUTPUTS]
        learn(mixer, numbers, 1, extra=0.1)
        more = 0.1 * HALF / (HALF + n)
        assert mixer.weights[3 * N_INPUTS] - before == pytest.approx((0.02 + more) * errors[0] * inputs[0], abs=1e-6)
        assert mixer.final[OUTPUTS] - before_final == pytest.approx((0.005 + more) * errors[1] * outputs[0], abs=1e-6)
        assert [mixer.learnt[row] for row in (2, 5, 0)] == [n + 1, 8, 7]
        assert mixer.final_learnt[0] == n + 1


def test_a_count_that_is_full_stays(mixer: Mixing, numbers: Tables):
    mixer.learnt[1] = 2.0**24
    assert mixing.step_of(mixer.learnt, 1, 65536, f32(0.5), f32(0.25), f32(2.0**24)) == 0.625
    assert mixer.learnt[1] == 2.0**24


def test_rows_whose_error_is_small_stay_and_the_others_learn(mixer: Mixing, numbers: Tables):
    inputs = inputs_of(random.Random(5))
    select(mixer, 0, 4, 8, 0, 3)
    feed(mixer, inputs)
    errors = [mixing.error_of(mixer, numbers, k, 1) for k in range(N_SETS)]
    for least, learnt in ((max(errors) + 1, False), (min(errors), True)):
        learn(mixer, numbers, 1, least)
        assert [any(row_of(mixer.weights, row, N_INPUTS)) for row in (0, 4, 8)] == [learnt] * N_SETS
        assert [mixer.learnt[row] for row in (0, 4, 8)] == [learnt] * N_SETS
        assert any(row_of(mixer.final, 0, OUTPUTS))


def test_what_repeats_is_learnt(mixer: Mixing, numbers: Tables):
    rng = random.Random(3)
    select(mixer, 1, 5, 7, 0, 3)
    for _ in range(400):
        inputs = inputs_of(rng)
        bit = int(inputs[3] > 0)
        st8 = feed(mixer, inputs)
        learn(mixer, numbers, bit)
    assert abs(st8) > 512
    assert (st8 > 0) == bool(bit)


def test_the_largest_inputs_and_weights_stay_within_the_tables(mixer: Mixing, numbers: Tables):
    for i in range(len(mixer.weights)):
        mixer.weights[i] = 1e6
    for sign in (1, -1):
        assert feed(mixer, [f32(sign * 11.0)] * N_INPUTS) == sign * (ST_LIMIT - 2)
    for i in range(300):
        learn(mixer, numbers, i & 1)
        assert abs(feed(mixer, [f32(11.0)] * N_INPUTS)) <= ST_LIMIT
    assert all(map(math.isfinite, mixer.weights))


def refined(row: Any, numbers: Tables, st8: int) -> int:
    return apm.refine(row, numbers, 0, st8)


def new_row() -> memoryview:
    return memoryview(bytearray(2 * BUCKETS)).cast("H")


def test_an_apm_of_zeros_changes_next_to_nothing(numbers: Tables):
    row = new_row()
    refined_all = [refined(row, numbers, st8) for st8 in range(-ST_LIMIT, ST_LIMIT + 1)]
    assert refined_all == sorted(refined_all)
    for st8, p16 in zip(range(-ST_LIMIT, ST_LIMIT + 1), refined_all, strict=True):
        squashed = tables.squashed(numbers, st8)
        assert abs(p16 - squashed) <= (0 if st8 % 256 == 0 else 800)  # between two buckets it is a line
    assert bytes(row) == bytes(2 * BUCKETS)


@pytest.mark.parametrize("st8", [-ST_LIMIT, -1000, -129, -128, 0, 127, 128, 1000, ST_LIMIT])
def test_an_apm_learns_in_the_nearer_bucket_alone(numbers: Tables, st8: int):
    row = new_row()
    for bit in (0, 1):
        for _ in range(400):
            before = refined(row, numbers, st8)
            apm.update_apm(row, numbers, 0, st8, bit, 6)
            assert (refined(row, numbers, st8) - before) * (2 * bit - 1) >= 0
        bucket = round(st8 / 256 + 0.001) + 11
        assert [i for i in range(apm.COUNTS) if row[i]] == [bucket]
        p16 = apm.p16_at(row, numbers, 0, bucket)
        assert p16 > 65300 if bit else p16 < 200


def test_a_bucket_of_an_apm_is_a_mean_first_and_then_forgets(numbers: Tables):
    rng = random.Random(7)
    row = new_row()
    expected = {11: 0.5, 12: 1 / (1 + math.exp(-1)), 22: 1 / (1 + math.exp(-11))}
    for n in range(60):
        for bucket, p in expected.items():
            bit = rng.getrandbits(1)
            apm.update_apm(row, numbers, 0, min((bucket - 11) * 256, ST_LIMIT), bit, 6)
            step = 1 / (apm.FIRST_SEEN + n + 1.5) if n < apm.MOST_COUNTED else 1 / 64
            expected[bucket] += (bit - p) * step
            assert apm.p16_at(row, numbers, 0, bucket) / 65536 == pytest.approx(expected[bucket], abs=2e-3)
    counted = [row[apm.COUNTS + i // 4] >> 4 * (i % 4) & 15 for i in range(32)]
    assert [i for i in range(32) if counted[i]] == list(expected)
    assert {counted[i] for i in expected} == {apm.MOST_COUNTED}


def test_rows_of_an_apm_are_apart(numbers: Tables):
    rows = memoryview(bytearray(3 * 2 * BUCKETS)).cast("H")
    for st8 in range(-ST_LIMIT, ST_LIMIT + 1):
        apm.update_apm(rows, numbers, BUCKETS, st8, 1, 2)
    assert not any(rows[:BUCKETS])
    assert sum(map(bool, rows[BUCKETS : 2 * BUCKETS])) > 15
    assert not any(rows[2 * BUCKETS :])
