"""The match model: what it follows, what it survives, and when it gives up."""

import random
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from golfkit.compress.kernels import matches, tables
from golfkit.compress.kernels.maps import p22_of
from golfkit.compress.kernels.matches import ENTRY, EXPECTED_BYTE, MAX_RUN, MISSES, N_BUCKETS, Match

TABLE_BITS, MIN_MATCH = 12, 5
LIMIT = 1000


class Step(NamedTuple):
    """The model before a byte."""

    bucket: int  # of the length, + 1; 0: no match
    expected: int


def new() -> Match:
    match = matches.match_at(memoryview(bytearray(matches.match_bytes(TABLE_BITS))), 0, TABLE_BITS)
    matches.init_match(match)
    return match


def walk(data: bytes, match: Match, ring_log2: int = 16, *, all_collide: bool = False) -> Iterator[Step]:
    """Follow `data`; before each byte, what the model says of it."""
    ring, mask = bytearray(1 << ring_log2), (1 << ring_log2) - 1
    for pos in range(len(data)):
        slot = 7 if all_collide else zlib.crc32(data[max(pos - MIN_MATCH, 0) : pos]) & ((1 << TABLE_BITS) - 1)
        bucket = matches.find_match(match, ring, mask, pos, slot, MIN_MATCH)
        yield Step(bucket, match.regs[EXPECTED_BYTE])
        ring[pos & mask] = data[pos]


@pytest.fixture(scope="module")
def text() -> bytes:
    return bytes(random.Random(0).sample(range(256), 200))


def test_nothing_is_expected_before_anything_repeats(text: bytes):
    assert {step.bucket for step in walk(text, new())} == {0}


def test_a_repetition_is_found_once_it_is_long_enough_and_trusted_more_and_more(text: bytes):
    steps = list(walk(text * 2, new()))[len(text) :]
    assert [step.bucket for step in steps[:MIN_MATCH]] == [0] * MIN_MATCH
    buckets = [step.bucket for step in steps[MIN_MATCH:]]
    assert buckets == sorted(buckets)
    assert (buckets[0], buckets[-1]) == (matches.bucket_of(MIN_MATCH) + 1, N_BUCKETS)
    assert bytes(step.expected for step in steps[MIN_MATCH:]) == text[MIN_MATCH:]


def test_a_match_goes_on_behind_an_error(text: bytes):
    match, at = new(), len(text) + 100
    data = bytearray(text * 2)
    data[at] ^= 1
    steps = list(walk(bytes(data), match))
    assert steps[at].bucket > steps[at + 1].bucket == matches.bucket_of(0) + 1
    assert bytes(step.expected for step in steps[at + 1 :]) == text[101:]
    assert match.regs[MISSES] == (1 << 98) & 255


def test_eight_errors_in_a_row_end_a_match(text: bytes):
    strange = bytes(c for c in range(256) if c not in text)[:20]
    steps = list(walk(text + text[:50] + strange, new()))[len(text) + 50 :]
    assert [step.bucket > 0 for step in steps] == [True] * 8 + [False] * 12


def test_a_position_that_only_shares_a_hash_is_not_taken(text: bytes):
    steps = list(walk(text + text[:50], new(), all_collide=True))
    assert {step.bucket for step in steps} == {0}


def test_a_ring_that_has_forgotten_the_match_harms_nobody():
    rng = random.Random(1)
    data = bytes(rng.choice(b"abc") for _ in range(6000))
    for step in walk(data, new(), ring_log2=6):
        assert 0 <= step.bucket <= N_BUCKETS
        assert step.expected in b"\0abc"


def test_buckets_rise_with_the_length_and_end_at_the_last():
    buckets = [matches.bucket_of(run) for run in range(MAX_RUN + 1)]
    assert buckets == sorted(buckets)
    assert set(buckets) == set(range(N_BUCKETS))
    assert [run for run in range(MAX_RUN) if buckets[run] == 0] == [0]


def predicted(match: Match, bucket: int, c0: int, n_bits: int) -> tuple[int, float, float]:
    made = tables.tables_at(memoryview(bytearray(tables.TABLES_BYTES)), 0)
    tables.init_tables(made)
    stretch = [value / 256 for value in made.stretch]
    inputs = [9.0] * 4
    matching = matches.predict_match(match, stretch, inputs, 1, bucket, c0, n_bits)
    assert (inputs[0], inputs[3]) == (9.0, 9.0)
    return matching, inputs[1], inputs[2]


def test_bits_are_predicted_until_one_was_wrong():
    match = new()
    match.regs[EXPECTED_BYTE] = expected = 0b10110010
    for n_bits in range(8):
        c0, bit = (256 | expected) >> (8 - n_bits), expected >> (7 - n_bits) & 1
        matching, by_length, by_byte = predicted(match, 5, c0, n_bits)
        assert matching == 2 * 5 + bit
        assert (by_length > 0) == bool(bit)
        assert by_byte == pytest.approx(0, abs=0.01)  # nothing learnt yet
        if n_bits:
            assert predicted(match, 5, c0 ^ 1, n_bits) == (0, 0.0, 0.0)
            assert match.regs[ENTRY] == -1
    assert predicted(match, 0, 1, 0) == (0, 0.0, 0.0)


def test_a_longer_match_is_believed_more_and_an_erring_one_learns_to_be_believed_less():
    match = new()
    match.regs[EXPECTED_BYTE] = 255
    strengths = [predicted(match, bucket, 1, 0)[1] for bucket in range(1, N_BUCKETS + 1)]
    assert strengths == sorted(strengths)
    recip = [65536 * 2 // (2 * n + 3) for n in range(1024)]
    before = predicted(match, 3, 1, 0)
    matches.update_match(match, 0, recip, LIMIT)
    after = predicted(match, 3, 1, 0)
    assert after[1] < before[1]
    assert after[2] < before[2]
    predicted(match, 0, 1, 0)
    learnt = bytes(match.map.cast("B")), bytes(match.bytes.cast("B"))
    matches.update_match(match, 1, recip, LIMIT)  # there was no prediction
    assert (bytes(match.map.cast("B")), bytes(match.bytes.cast("B"))) == learnt


def test_a_new_match_of_bucket_b_is_right_with_the_stated_probability():
    match = new()
    for bucket in range(N_BUCKETS):
        for bit in (0, 1):
            p = p22_of(match.map, bucket * 64 + bit) / (1 << 22)
            assert (p if bit else 1 - p) == pytest.approx(1 - 1 / (2 * bucket + 4), abs=1e-6)
