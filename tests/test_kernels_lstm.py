"""The byte model: its primitives, its functions, its gradients, and that all runtimes agree about it."""

import hashlib
import math
import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pytest

from golfkit.compress.kernels import floats, lstm, lstm_curves, lstm_learn, lstm_predict
from golfkit.compress.kernels.floats import LANES, f32
from golfkit.compress.kernels.jit import f32_view, i64
from golfkit.compress.kernels.lstm import (
    ERRORS,
    HORIZON,
    LIST,
    OWN_SQUARES,
    SHARED,
    SHARED_ROWS,
    TOP,
    TOP_P16,
    init_lstm,
    lstm_at,
    lstm_bytes,
)
from golfkit.compress.kernels.lstm_learn import learn_byte
from golfkit.compress.kernels.lstm_predict import bit_stretch, predict_byte
from golfkit.compress.runtimes import engines

CELLS, K, ROWS = 16, 3, 40
N_GATES = 3 * CELLS
RELATIVE = 2.0**-24  # half a unit in the last place of float32
LAYERS = (1, 2)
LARGE = OWN_SQUARES  # cells of a net in which each weight of a row has its own square
NETS = ((1, CELLS), (2, CELLS), (1, LARGE))
RATE = 0.007
GOLDEN = {(1, CELLS): "e1ae78da192fcc95", (2, CELLS): "59b4a70c7a8b951d", (1, LARGE): "3e348f62a2cd3bc8"}


class Compiled(NamedTuple):
    """The functions below, compiled."""

    vectors: Callable[..., None]
    curves: Callable[..., None]
    code: Callable[..., None]


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    import numba

    from golfkit.compress.runtimes import lowering

    lowering.register(engines.KERNELS)
    return Compiled(*(numba.njit(**lowering.CARVER_OPTIONS)(function) for function in (vectors, curves, code)))


def vectors(a, b, c, out):
    """Every vector primitive once; a, b, c are one vector each, b and a positive."""
    x = floats.vload(a, 0)
    y = floats.vload(b, 0)
    z = floats.vload(c, 0)
    floats.vstore(out, 0, floats.vadd(x, z))
    floats.vstore(out, 16, floats.vsub(x, z))
    floats.vstore(out, 32, floats.vmul(x, z))
    floats.vstore(out, 48, floats.vdiv(z, y))
    floats.vstore(out, 64, floats.vfma(x, y, z))
    floats.vstore(out, 80, floats.vmax(x, z))
    floats.vstore(out, 96, floats.vmin(x, z))
    floats.vstore(out, 112, floats.vroot_guess(y))
    floats.vstore(out, 128, floats.vsplat(floats.vsum(z)))
    floats.vstore(out, 144, floats.vsplat(floats.vpeak(z)))
    floats.vstore(out, 160, floats.vspread(b, 5))
    out[176] = floats.froot(b[0])
    out[177] = floats.of_fbits(floats.fbits(c[1]))
    out[178] = f32(floats.fbits(b[2]) >> 8)
    out[179] = floats.f32(0.1)


def curves(x, n, out):
    """exp2, sigmoid, tanh of x and ln |x|, n numbers each."""
    for i in range(n // LANES):
        v = floats.vload(x, LANES * i)
        floats.vstore(out, LANES * i, lstm_curves.exp2(v))
        floats.vstore(out, n + LANES * i, lstm_curves.sigmoid(v))
        floats.vstore(out, 2 * n + LANES * i, lstm_curves.tanh(v))
    for i in range(n):
        out[3 * n + i] = lstm_curves.ln(abs(x[i]))


def code(arena, layers, cells, rows, symbols, n, out):
    """n bytes; out  float32[2 * n]: P(byte) and the stretch of its last bit."""
    net = lstm_at(arena, 0, layers, cells, K, ROWS)
    init_lstm(net, layers, cells, K, ROWS)
    p = f32_view(out, 0, 2 * n)
    for i in range(n):
        for k in range(K):
            net.rows[k] = rows[K * i + k]
        predict_byte(net, layers, cells, K)
        symbol = i64(symbols[i])
        p[2 * i] = net.tree[256 + symbol]
        p[2 * i + 1] = bit_stretch(net, 256 + symbol >> 1)
        learn_byte(net, layers, cells, K, symbol, f32(RATE))


class Text(NamedTuple):
    """Bytes, and the rows of their features: the last byte, the one before, how many are equal."""

    rows: list[int]
    symbols: bytes


def text_of(n: int, seed: int = 1) -> Text:
    rng = random.Random(seed)
    symbols = bytes(i * i % 7 if rng.random() < 0.9 else rng.randrange(8) for i in range(n))
    rows = []
    for i in range(n):
        last, before = (symbols[i - 1] if i > 0 else 0), (symbols[i - 2] if i > 1 else 0)
        rows += [last, 10 + before, 20 + (last == before)]
    return Text(rows, symbols)


def interpreted(layers: int, text: Text) -> tuple[memoryview, bytes]:
    """Arena and output."""
    arena, out = memoryview(bytearray(lstm_bytes(layers, CELLS, K, ROWS))), bytearray(8 * len(text.symbols))
    code(arena, layers, CELLS, text.rows, text.symbols, len(text.symbols), memoryview(out))
    return arena, bytes(out)


def jitted(run: Callable[..., None], layers: int, text: Text, cells: int = CELLS) -> tuple[memoryview, bytes]:
    """Arena and output."""
    arena, out = np.zeros(lstm_bytes(layers, cells, K, ROWS), np.uint8), np.zeros(8 * len(text.symbols), np.uint8)
    run(
        arena,
        layers,
        cells,
        np.array(text.rows, np.uint32),
        np.frombuffer(text.symbols, np.uint8),
        len(text.symbols),
        out,
    )
    return memoryview(bytearray(arena)), out.tobytes()


def views(record: Any) -> list[memoryview]:
    """All arrays of a record, those of its records included."""
    return [view for field in record for view in (views(field) if isinstance(field, tuple) else [field])]


def floats_of(rng: random.Random, most: int) -> float:
    return f32(rng.uniform(-1, 1) * 2.0 ** rng.randrange(-most, most))


def test_a_fused_product_and_sum_is_rounded_once_interpreted():
    rng = random.Random(0)
    cases = [tuple(floats_of(rng, 30) for _ in range(3)) for _ in range(3000)]
    # to float64 first: exactly between two float32, and the tiny rest that decides is lost
    cases += [(1 + 2.0**-12, 1 + 2.0**-12, s * 2.0**-60) for s in (-1, 1)] + [(-1.0, 1 + 2.0**-23, 2.0**-60)]
    for a, b, c in cases:
        exact = Fraction(a) * Fraction(b) + Fraction(c)
        got = floats.vfma((a,), (b,), (c,))[0]
        for other in (
            np.nextafter(np.float32(got), np.float32(np.inf)),
            np.nextafter(np.float32(got), -np.float32(1e9)),
        ):
            assert abs(Fraction(got) - exact) <= abs(Fraction(float(other)) - exact)


def test_vectors_are_the_same_compiled(compiled: Compiled):
    rng = random.Random(1)
    for most in (1, 3, 20):
        for _ in range(100):
            a, b, c = ([floats_of(rng, most) for _ in range(LANES)] for _ in range(3))
            a[:4], c[:4] = [0.0, -0.0, 1.0, c[3]], [-0.0, 0.0, 1.0, c[3]]
            b = [abs(x) + 0.5**24 for x in b]
            fast, slow = np.zeros(180, np.float32), memoryview(bytearray(720)).cast("f")
            arrays = [np.array(x, np.float32) for x in (a, b, c)]
            compiled.vectors(*arrays, fast)
            vectors(*(memoryview(bytearray(x)).cast("f") for x in arrays), slow)
            assert fast.tobytes() == bytes(slow)


def test_powers_of_two_are_exact_compiled_and_interpreted(compiled: Compiled):
    x = np.arange(-80, 80, dtype=np.float32)
    out = np.zeros(4 * len(x), np.float32)
    compiled.curves(x + np.float32(0.5) - np.float32(0.5), len(x), out)
    assert floats.vpower((-126.0, -0.0, 127.0)) == (2.0**-126, 1.0, 2.0**127)
    np.testing.assert_allclose(out[: len(x)], 2.0 ** x.astype(np.float64), rtol=2e-7)


def test_curves_are_accurate_and_the_same_compiled(compiled: Compiled):
    x = np.concatenate([np.linspace(-30, 30, 1600), np.linspace(-1, 1, 1601)[:1600], [1e-30, 1e30] * 8]).astype(
        np.float32
    )
    n = len(x)
    fast, slow = np.zeros(4 * n, np.float32), memoryview(bytearray(16 * n)).cast("f")
    x[x == 0] = 1.0
    compiled.curves(x, n, fast)
    curves(memoryview(bytearray(x)).cast("f"), n, slow)
    assert fast.tobytes() == bytes(slow)
    wide = x.astype(np.float64)
    exp2, sigmoid, tanh, ln = fast.astype(np.float64).reshape(4, n)
    np.testing.assert_allclose(exp2, 2.0 ** np.clip(wide, -86, 86), rtol=4 * RELATIVE)
    np.testing.assert_allclose(sigmoid, 1 / (1 + np.exp(-np.clip(wide, -59.5, 59.5))), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(tanh, np.tanh(wide), atol=3e-7)
    np.testing.assert_allclose(ln, np.log(np.abs(wide)), rtol=4 * RELATIVE, atol=RELATIVE)


def test_the_guess_of_a_root_is_within_its_bound():
    x = tuple(f32(1 + i / 500) for i in range(2000))
    assert max(abs(g * math.sqrt(v) - 1) for g, v in zip(floats.vroot_guess(x), x, strict=True)) < 0.035


def test_the_arrays_do_not_overlap_and_fill_the_arena():
    for layers, cells, k, rows in ((1, 16, 3, 40), (2, 16, 3, 40), (1, 32, 22, 5), (2, 32, 1, 1), (2, 128, 2, 3)):
        n_bytes = lstm_bytes(layers, cells, k, rows)
        arena = memoryview(bytearray(n_bytes))
        parts = views(lstm_at(arena, 0, layers, cells, k, rows))
        for i, part in enumerate(parts):
            part.cast("B")[:] = bytes([i + 1]) * part.nbytes
        assert all(bytes(part) == bytes([i + 1]) * part.nbytes for i, part in enumerate(parts))
        assert len(parts[-1]) == (6 * cells if cells >= LARGE else 3 * cells + LANES) * (
            rows + (layers - 1) * SHARED_ROWS
        )
        assert arena[n_bytes - 1] == len(parts)
        assert n_bytes - sum(part.nbytes for part in parts) < 64  # between the integers and the floats


@pytest.mark.parametrize("layers", LAYERS)
def test_chunks_are_the_same_compiled_and_interpreted(compiled: Compiled, layers: int):
    text = text_of((3 - layers) * HORIZON + 3)
    fast, slow = jitted(compiled.code, layers, text), interpreted(layers, text)
    assert [bytes(part) for part in fast] == [bytes(part) for part in slow]


@pytest.mark.parametrize(("layers", "cells"), NETS)
def test_what_the_model_does_never_changes(compiled: Compiled, layers: int, cells: int):
    """Another digest means that archives made before cannot be read: the codec's version goes up."""
    arena, out = jitted(compiled.code, layers, text_of(4000 * CELLS // cells), cells)
    assert hashlib.sha256(bytes(arena) + out).hexdigest()[:16] == GOLDEN[layers, cells]


@pytest.mark.parametrize("layers", LAYERS)
def test_the_model_learns(compiled: Compiled, layers: int):
    text = text_of(24_000)
    p = np.frombuffer(jitted(compiled.code, layers, text)[1], np.float32)[::2]
    cost = -np.log2(p[18_000:]).mean()
    assert cost < 1.5  # bits; a tenth of the bytes is noise, whose own cost is 0.8 bits a byte


def test_panels_of_symbols_without_an_error_worth_learning_are_left_out():
    arena = memoryview(bytearray(lstm_bytes(1, CELLS, K, ROWS)))
    net = lstm_at(arena, 0, 1, CELLS, K, ROWS)
    for t, (panel, error) in enumerate([(3, 1.0), (3, -1.0), (0, -lstm_learn.LEAST_ERROR), (15, 0.0002)]):
        net.errors[t * ERRORS + LANES * panel + t] = error
    assert [lstm_learn.note_errors(net, t) for t in range(4)] == [1, 1, 1, 0]
    lists = [list(net.busy[i * LIST :][:LIST]) for i in range(16)]
    assert {i: steps[1 : 1 + steps[0]] for i, steps in enumerate(lists) if steps[0] > 0} == {3: [0, 1], 0: [2]}


@pytest.mark.parametrize("layers", LAYERS)
def test_gradients_stay_finite_where_sums_are_zero(layers: int):
    """Each division by the root of a mean square multiplies the gradient by some 300; interpreted, infinity raises."""
    net = lstm_at(memoryview(bytearray(lstm_bytes(layers, CELLS, K, ROWS))), 0, layers, CELLS, K, ROWS)
    init_lstm(net, layers, CELLS, K, ROWS)
    net.embedding.cast("B")[:] = bytes(net.embedding.nbytes)
    for symbol in range(HORIZON + 1):
        predict_byte(net, layers, CELLS, K)
        learn_byte(net, layers, CELLS, K, symbol, f32(RATE))
    assert max(map(abs, net.dz)) == lstm_learn.MOST
    assert sum(net.tree[256:]) == pytest.approx(1, abs=1e-4)


def test_the_tree_sums_up_and_the_stretch_is_of_its_odds():
    arena = memoryview(bytearray(lstm_bytes(1, CELLS, K, ROWS)))
    net = lstm_at(arena, 0, 1, CELLS, K, ROWS)
    init_lstm(net, 1, CELLS, K, ROWS)
    net.output_bias.weights[65] = 6.0
    predict_byte(net, 1, CELLS, K)
    tree = list(net.tree)
    assert tree[1] == pytest.approx(1, abs=1e-4)
    assert all(tree[i] == pytest.approx(tree[2 * i] + tree[2 * i + 1], rel=1e-6) for i in range(1, 256))
    assert net.regs[TOP] == 65
    assert net.regs[TOP_P16] == int(65536 * net.errors[65])
    for c0 in range(1, 256):
        assert bit_stretch(net, c0) == pytest.approx(math.log(tree[2 * c0 + 1] / tree[2 * c0]), abs=1e-6)
    net.tree[3], net.tree[2] = 1.0, f32(1e-9)
    assert bit_stretch(net, 1) == lstm_predict.STRETCH_LIMIT
    net.tree[3], net.tree[2] = f32(1e-9), 1.0
    assert bit_stretch(net, 1) == -lstm_predict.STRETCH_LIMIT


class Weights(NamedTuple):
    """Those of a model, float64, in the order that formulas have them."""

    recurrent: np.ndarray  # [cells, gates]
    upper: np.ndarray  # [2 * cells, gates]: of the second layer's h, then the first's; empty where there is one layer
    output: np.ndarray  # [layers * cells, 256]
    bias: np.ndarray
    gain: np.ndarray
    output_bias: np.ndarray
    embedding: np.ndarray  # [rows, gates]
    shared: np.ndarray  # the same of the second layer, empty where there is one layer


def weights_of(net: lstm.Lstm, field: str, cells: int) -> Weights:
    """`weights` or `squares` of a model; where a gate's weights of a row share a square, each has that."""
    n_gates = 3 * cells

    def panels(view: Any, n: int, n_columns: int) -> np.ndarray:
        return np.array(view).reshape(n_columns // LANES, n, LANES).transpose(1, 0, 2).reshape(n, n_columns)

    recurrent, output, *rest = (
        getattr(dense, field) for dense in (net.recurrent, net.output, net.bias, net.gain, net.output_bias)
    )
    n, width = cells * n_gates, len(output) // 256
    rows = np.array(net.embedding).reshape(-1, lstm.row_floats(cells))
    if field == "weights":
        rows = rows[:, :n_gates]
    else:
        rows = rows[:, n_gates:] if cells >= LARGE else np.repeat(rows[:, n_gates : n_gates + 3], cells, axis=1)
    upper = panels(recurrent[n:], 2 * cells if width > cells else 0, n_gates)
    return Weights(
        panels(recurrent[:n], cells, n_gates),
        upper,
        panels(output, width, 256),
        *map(np.array, rest),
        rows[-ROWS:],
        rows[:-ROWS],
    )


def times(h: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """h @ matrix, without the threads of a BLAS."""
    return (h[:, None] * matrix).sum(0)


def layer_step(sums: np.ndarray, gain: np.ndarray, bias: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """h and c of a layer after a step, by the formulas."""
    gates = sums.reshape(3, -1)
    z = gates / np.sqrt((gates**2).mean(1, keepdims=True) + lstm_predict.NORM_LEAST)
    f, g, o = z * gain.reshape(3, -1) + bias.reshape(3, -1)
    f, g, o = 1 / (1 + np.exp(-f)), np.tanh(g), 1 / (1 + np.exp(-o))
    c = f * c + (1 - f) * g
    return o * np.tanh(c), c


def cost(weights: Weights, text: Text) -> Any:
    """Nats of a chunk, by the formulas; complex weights give a derivative."""
    n_gates = weights.embedding.shape[1]
    gains, biases = weights.gain.reshape(-1, n_gates), weights.bias.reshape(-1, n_gates)
    h, c = ([np.zeros(n_gates // 3)] * 2 for _ in "hc")
    total = 0
    for t, symbol in enumerate(text.symbols):
        rows = text.rows[K * t : K * t + K]
        sums = weights.embedding[rows].sum(0) + times(h[0], weights.recurrent)
        h[0], c[0] = layer_step(sums, gains[0], biases[0], c[0])
        if len(gains) == 2:
            sums = weights.shared[rows[:SHARED]].sum(0) + times(np.concatenate([h[1], h[0]]), weights.upper)
            h[1], c[1] = layer_step(sums, gains[1], biases[1], c[1])
        logits = times(np.concatenate(h[: len(gains)]), weights.output) + weights.output_bias
        total += np.log(np.exp(logits).sum()) - logits[symbol]
    return total


@pytest.mark.parametrize(("layers", "cells"), NETS)
def test_the_first_step_of_every_weight_is_along_the_true_gradient(compiled: Compiled, layers: int, cells: int):
    """The first squares are the squares of the gradients; where they are shared, the step over their root tells."""
    text = text_of(HORIZON)
    start, end = (
        lstm_at(jitted(compiled.code, layers, part, cells)[0], 0, layers, cells, K, ROWS)
        for part in (Text([], b""), text)
    )
    before = weights_of(start, "weights", cells)
    after, squares = weights_of(end, "weights", cells), weights_of(end, "squares", cells)
    rate = RATE / lstm_learn.WARM_UP / math.sqrt(1 + 1 / lstm_learn.RATE_FALL)  # of the first update
    rng = np.random.default_rng(0)
    used = {"embedding": sorted(set(text.rows)), "shared": sorted({row for row in text.rows if row < 20})}
    for name in Weights._fields:
        plain, norm = getattr(before, name), math.sqrt(getattr(squares, name).sum())
        for _ in range(40 if plain.size else 0):
            at = tuple(int(rng.integers(0, n)) for n in plain.shape)
            at = (used[name][at[0] % len(used[name])], at[1]) if name in used else at
            moved = plain.astype(complex)
            moved[at] += 1e-20j  # complex-step derivative: Squire and Trapp (1998)
            true = cost(before._replace(**{name: moved}), text).imag / 1e-20
            step, root = plain[at] - getattr(after, name)[at], math.sqrt(getattr(squares, name)[at])
            own = cells >= LARGE or name not in used
            got = math.copysign(root, step) if own else step * root / rate
            assert got == pytest.approx(true, rel=1e-3, abs=1e-4 * norm + 2e-6), f"{name}{at}"
