"""squash, stretch and recip against math.exp and math.log."""

import math

import pytest

from golfkit.compress.kernels import tables
from golfkit.compress.kernels.tables import ST_LIMIT, Tables


@pytest.fixture(scope="module")
def made() -> Tables:
    made = tables.tables_at(memoryview(bytearray(tables.TABLES_BYTES)), 0)
    tables.init_tables(made)
    return Tables(*(list(column) for column in made))


def test_squash_is_the_logistic_function(made: Tables):
    for st8 in range(-ST_LIMIT, ST_LIMIT + 1):
        exact = 65536 / (1 + math.exp(-st8 / 256))
        assert abs(made.squash[st8 + ST_LIMIT] - exact) <= 1.5, st8


def test_squash_rises_and_stays_a_probability(made: Tables):
    assert made.squash == sorted(made.squash)
    assert min(made.squash) >= 1
    assert max(made.squash) <= 65535


def test_squash_is_symmetric_within_one(made: Tables):
    for st8 in range(ST_LIMIT + 1):
        assert abs(made.squash[ST_LIMIT + st8] + made.squash[ST_LIMIT - st8] - 65536) <= 1


def test_stretch_is_the_log_of_the_odds(made: Tables):
    for i, st8 in enumerate(made.stretch):
        p = (i + 0.5) / 4096
        exact = 256 * math.log(p / (1 - p))
        step = 256 / 65536 / (p * (1 - p))  # st8 of one step of squash
        assert abs(st8 - exact) <= 1.5 + step, i


def test_stretch_rises_and_is_symmetric(made: Tables):
    assert made.stretch == sorted(made.stretch)
    for i in range(2048):
        assert abs(made.stretch[i] + made.stretch[4095 - i]) <= 1 + 4096 / (2 * i + 1), i


def test_squash_undoes_stretch(made: Tables):
    for i, st8 in enumerate(made.stretch):
        slope = 65536 / 256 / 4 + 1.5  # of squash for one st8, at most
        assert abs(made.squash[st8 + ST_LIMIT] - (16 * i + 8)) <= slope


def test_recip_is_the_step_of_a_mean(made: Tables):
    for n, step in enumerate(made.recip):
        assert step == math.floor(65536 / (n + 1.5))
