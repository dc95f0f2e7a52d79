"""The text transform: whatever goes in comes back, from every runtime alike, and no stream leads out of bounds."""

import functools
import itertools
import random
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import samples
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from golfkit.compress.kernels import transform, transform_order, transform_restore, transform_words
from golfkit.compress.kernels.jit import i64, jit

CASES = [b"word", b"Word", b"WORD", b"wORD", b"WOrd", b"USAir", b"McDonald", b"PCs", b"W", b"Ws", b"aB"]
LONG = [b"x" * n for n in (31, 32, 33, 64, 65)]
LONG_CAPITALS = [b"X" * n + end for n in (31, 32, 33, 34, 64) for end in (b"", b"d", b"d ")]
MEANINGFUL = [bytes([b]) for b in (1, 2, 3, 4, 10, 127, 128, 255)]
OTHERS = ["é".encode(), "Été".encode(), "\u2013".encode(), b" ", b"&quot;", b"[[", b"0", b"@", b"`", b"{", b"Z", b"z"]
PARTS = [*CASES, *LONG, *LONG_CAPITALS, *MEANINGFUL, *OTHERS, b"the ", b"The ", b"THE "]
INPUTS = {
    "empty": b"",
    "one byte": b"x",
    "one of each byte": bytes(range(256)),
    "each byte 40 times": bytes(range(256)) * 40,
    "words at the borders": b"word " * 80 + b"word",
    "only one word": b"word" * 8,
    "every case": b" ".join(CASES * 40),
    "every case, nothing between": b"".join(CASES * 40),
    "long words": b" ".join((LONG + LONG_CAPITALS) * 12),
    "meaningful bytes": b"".join(MEANINGFUL * 300),
    "meaningful bytes among words": b"word".join(MEANINGFUL * 60),
    "everything": b"".join(random.Random(0).choices(PARTS, k=3000)),
    "accents": "Été, où l'élève répète: é. ".encode() * 100,
    "no letters of ours": "Слово за слово, слово. ".encode() * 100,
    "zeros": bytes(5000),
    "noise": samples.noise(5000),
    "text": samples.text(12_000),
    "mixed": samples.mixed(12_000),
}


class Runtime(NamedTuple):
    """Both directions on buffers."""

    forward: Callable[..., int]
    restore: Callable[..., int]
    wrap: Callable[[bytearray], Any]


@jit
def restore_all(arena, data, n, out, limit):
    """Restore data[0:n] while `out` has room; returns how many bytes that gave."""
    state = transform_restore.restore_at(arena, 0)
    transform_restore.init_restore(state)
    n_out = 0
    for i in range(n):
        if n_out <= limit:
            n_out = transform_restore.restore_byte(state, i64(data[i]), out, n_out)
    return n_out


INTERPRETED = Runtime(transform.forward, restore_all, memoryview)


@functools.cache
def jitted() -> Runtime:
    import numba
    import numpy as np

    from golfkit.compress.runtimes import lowering

    lowering.register("golfkit.compress.kernels")
    compiled = numba.njit(**lowering.OPTIONS)
    return Runtime(compiled(transform.forward), compiled(restore_all), lambda b: np.frombuffer(b, np.uint8))


def transformed(runtime: Runtime, data: bytes) -> bytes:
    wrap, n = runtime.wrap, len(data)
    out = bytearray(2 * n + 1000)
    n_out = runtime.forward(wrap(bytearray(transform.transform_bytes(n))), wrap(bytearray(data or b"-")), n, wrap(out))
    return bytes(out[:n_out])


def restored(runtime: Runtime, stream: bytes, n: int) -> bytes:
    """What a stream stands for, at most about `n` bytes."""
    wrap, out = runtime.wrap, bytearray(n + transform_restore.MAX_OUT)
    arena = bytearray(transform_restore.restore_bytes())
    n_out = runtime.restore(wrap(arena), wrap(bytearray(stream or b"-")), len(stream), wrap(out), n)
    return bytes(out[:n_out])


@pytest.mark.parametrize("data", INPUTS.values(), ids=INPUTS)
def test_every_input_comes_back_and_both_runtimes_agree(data: bytes):
    stream = transformed(INTERPRETED, data)
    assert transformed(jitted(), data) == stream
    assert restored(INTERPRETED, stream, len(data)) == data
    assert restored(jitted(), stream, len(data)) == data
    assert len(stream) <= len(data) + 1


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), st.integers(1, 12))
@example(b"\x03\x03\x04\x80word", 10)
def test_any_bytes_come_back_also_when_repeated(data: bytes, times: int):
    assert restored(jitted(), transformed(jitted(), data * times), len(data) * times) == data * times


@hypothesis_settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=150), st.integers(1, 40))
def test_any_sequence_of_awkward_parts_comes_back_behind_text_that_makes_a_dictionary(parts: list[bytes], times: int):
    data = b"word the quot wor " * 60 + b"".join(parts) * times
    stream = transformed(jitted(), data)
    assert restored(jitted(), stream, len(data)) == data


@hypothesis_settings(max_examples=100, deadline=None)
@given(st.text(alphabet="aAbzZé\u2013\x01\x02\x03\x04 \n.", max_size=300))
def test_any_text_comes_back_behind_a_dictionary(text: str):
    data = b"ab za zz Bab aba " * 200 + text.encode() + b" ab"
    stream = transformed(jitted(), data)
    assert stream[0] == transform.TEXT
    assert restored(jitted(), stream, len(data)) == data


def test_text_gets_shorter_and_its_words_are_names():
    data = samples.text(300_000)
    stream = transformed(jitted(), data)
    assert len(stream) < 0.8 * len(data)
    assert b"object" in stream
    assert stream.count(b"object") < data.count(b"object") / 20
    assert restored(jitted(), stream, len(data)) == data


def test_what_gains_nothing_is_kept_as_it_is():
    for data in (b"", samples.noise(3000), bytes(3000), b"Aa" * 3000):
        assert transformed(jitted(), data) == b"\0" + data


def test_names_have_up_to_three_bytes():
    rng = random.Random(1)
    words = ["".join(rng.choices("abcdefghij", k=6)) for _ in range(12_000)]
    data = " ".join(rng.sample(words, k=len(words)) * 36).encode()
    stream = transformed(jitted(), data)
    assert stream[2] > 0
    assert len(stream) < 0.6 * len(data)
    assert restored(jitted(), stream, len(data)) == data


def test_a_dictionary_is_no_larger_than_the_restorer_can_hold():
    words = [f"{i:032x}".translate(str.maketrans("0123456789", "ghijklmnop")).encode() for i in range(34_000)]
    assert sum(map(len, words)) > transform_restore.POOL_BYTES
    data = b" ".join(words * 8)
    stream = transformed(jitted(), data)
    assert stream[2] > 0
    assert restored(jitted(), stream, len(data)) == data


def test_words_in_the_same_places_are_neighbours_in_the_dictionary():
    rng = random.Random(2)
    colours = ["red", "green", "blue", "black", "white", "brown", "grey", "pink"]
    verbs = ["eat", "drink", "sell", "buy", "like", "hate", "make", "take"]
    text = "".join(f"(({rng.choice(verbs)}!! {rng.choice(colours)}.\n" for _ in range(4000)).encode()
    order = transformed(jitted(), text)[3:].split(b"\n\n")[0].decode().split("\n")
    assert set(order) == {*colours, *verbs}
    assert set(order[:8]) in (set(colours), set(verbs))


def test_a_table_full_of_words_still_counts_those_it_has():
    rare = b" ".join(bytes(letters) for letters in itertools.product(range(97, 123), repeat=3))
    data = b"first " * 60 + rare + b" first last" * 60
    assert len(rare) / 4 > 3 << (transform_words.log2_entries(len(data)) - 2)
    stream = transformed(jitted(), data)
    assert stream[3:].startswith((b"first\n", b"\n"))
    assert restored(jitted(), stream, len(data)) == data


@hypothesis_settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
@example(bytes([1, 255, 255]) + b"a\n\n" + bytes(range(256)) * 2)
@example(bytes([1, 0, 128]) + b"word\n\n" + b"\xff" * 50)
@example(bytes([1, 128, 0]) + b"w\n" * 40 + b"\n" + bytes(range(128, 256)))
@example(bytes([1, 4, 200]) + b"w\n" * 40 + b"\n" + b"\x90a" * 40)
def test_a_hostile_stream_stays_in_bounds_and_gives_the_same_bytes_everywhere(stream: bytes):
    arena = memoryview(bytearray(transform_restore.restore_bytes()))
    state = transform_restore.restore_at(arena, 0)
    transform_restore.init_restore(state)
    out, n_out = memoryview(bytearray(len(stream) * transform_restore.MAX_OUT)), 0
    for byte in stream:
        before = n_out
        n_out = transform_restore.restore_byte(state, byte, out, n_out)
        assert 0 <= n_out - before <= transform_restore.MAX_OUT
        check(state)
    assert restored(jitted(), stream, len(out)) == bytes(out[:n_out])


def check(state: transform_restore.Restorer) -> None:
    n_words, n_pool = state.regs[transform_restore.N_WORDS], state.regs[transform_restore.N_POOL]
    assert 0 <= n_words <= transform_restore.MAX_WORDS
    assert 0 <= state.starts[n_words] <= n_pool <= transform_restore.POOL_BYTES


@pytest.mark.parametrize("words", [b"a\n" * 70_000, b"x" * 32 + b"\n", b"x" * 100], ids=["many", "much", "endless"])
def test_a_dictionary_beyond_its_limits_is_cut(words: bytes):
    stream = b"\1\0\0" + words * (1_200_000 // len(words)) + b"\n\n\x80\x80" + b"z"
    limit = len(stream)
    out = restored(jitted(), stream, limit)
    assert len(out) <= limit + transform_restore.MAX_OUT


def test_sort_sorts():
    rng = random.Random(4)
    for n in (0, 1, 2, 3, 10, 100, 1000):
        keys = [rng.randrange(-50, 1 << 60) for _ in range(n)]
        view = memoryview(bytearray(8 * max(n, 1))).cast("q")
        for i, key in enumerate(keys):
            view[i] = key
        transform_order.sort(view, n)
        assert list(view[:n]) == sorted(keys)
