"""The arithmetic coder: any bits at any probabilities come back, at the cost that the probabilities say."""

import math
import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from golfkit.compress.kernels import coder

Coded = list[tuple[int, int]]  # bit, p16

PROBABILITIES = st.one_of(st.integers(1, 65535), st.sampled_from([1, 2, 32767, 32768, 65534, 65535]))
BITS = st.lists(st.tuples(st.integers(0, 1), PROBABILITIES), max_size=400)


def registers() -> memoryview:
    regs = memoryview(bytearray(8 * coder.N_CODER_REGS)).cast("q")
    coder.init_coder(regs)
    return regs


def encoded(bits: Coded) -> bytes:
    regs, out, n_out = registers(), memoryview(bytearray(2 * len(bits) + 16)), 0
    for bit, p16 in bits:
        n_out = coder.encode_bit(regs, bit, p16, out, n_out)
    return bytes(out[:n_out]) + bytes(out[n_out:][: coder.encode_end(regs, out[n_out:])])


def decoded(payload: bytes, probabilities: list[int]) -> tuple[list[int], int]:
    regs = registers()
    coder.begin_decode(regs, payload, len(payload))
    bits = [coder.decode_bit(regs, p16, payload, len(payload)) for p16 in probabilities]
    return bits, regs[coder.AT]


def cost_bits(bits: Coded) -> float:
    return sum(-math.log2((p16 if bit else 65536 - p16) / 65536) for bit, p16 in bits)


@given(BITS)
@example([])
@example([(0, 65535)] * 300)
@example([(1, 1)] * 300)
@example([(1, 65535)] * 300)
@example([(0, 1)] * 300)
@example([(1, 32768), (0, 32768)] * 200)
def test_any_bits_come_back_and_every_payload_byte_is_used(bits: Coded):
    payload = encoded(bits)
    assert decoded(payload, [p16 for _, p16 in bits]) == ([bit for bit, _ in bits], len(payload))


@given(BITS)
def test_never_more_than_16_bits_for_a_coded_bit(bits: Coded):
    assert len(encoded(bits)) <= 2 * len(bits) + 8


@pytest.mark.parametrize("p_one", [0.5, 0.1, 0.001, 1 / 65536])
def test_length_is_the_cost_that_the_probabilities_say(p_one: float):
    rng = random.Random(1)
    bits = [(int(rng.random() < p_one), max(1, round(p_one * 65536))) for _ in range(20_000)]
    assert 8 * len(encoded(bits)) <= 1.001 * cost_bits(bits) + 32


@given(st.integers(0, coder.MASK32 - 1), st.integers(1, coder.MASK32), st.integers(1, 65535), st.integers(0, 1))
@example(0, coder.MASK32, 65535, 1)
@example(0, 65536, 65535, 1)
@example(0, 65535, 65535, 1)
@example(0, 65536, 1, 0)
@example(0, 1, 65535, 1)
@example(0, 1, 1, 0)
def test_a_bit_costs_something_and_never_all(low: int, span: int, p16: int, bit: int):
    """Both parts of a range have values, and a part holds at most 65536 in 65537 of them: the bound on how many bytes
    an archive can stand for (stream.decoded) rests on that."""
    high = min(low + span, coder.MASK32)
    middle = coder.split(low, high, p16)
    assert low <= middle < high
    kept = middle - low + 1 if bit else high - middle
    assert kept * 65537 <= (high - low + 1) * 65536


def test_decoding_past_the_end_reads_zeros():
    assert decoded(b"", [65535] * 100)[1] >= 4
