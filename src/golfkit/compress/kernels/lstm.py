"""A byte model that learns while it codes: long short-term memory over features of the text.

It predicts the next byte from what it remembers and from n_features facts, each a row of an embedding that is added
straight to the gates' sums; which row, the caller says. Protocol, once a byte: write `rows`, `predict_byte`,
`bit_stretch` for each bit (both of lstm_predict), `learn_byte` (of lstm_learn). The weights stand still for HORIZON
bytes and then take one step along the gradient through all of them.

There are one or two layers of `cells` cells. The first sees the features and its own last h; the second, the first's h,
its own last h, and the first SHARED features again; the bytes' sums see the h of all. In memory the layers take turns,
so that what is seen is always adjacent: h1(t) h2(t) h1(t+1) h2(t+1) ... Place s = layers * t + layer.

A gate's sum is divided by the root of its mean square over the cells (z), times a gain, plus a bias. With forget gate
f, candidate g, output gate o:  c' = f c + (1 - f) g,  h = o tanh c'.

    h, c        float32[(HORIZON + 1) * width]  memory before each step of the chunk, and after the last
    z, gates    float32[HORIZON * 3 * width]    normalised sums; f, g, o (after learning: gradients of gate sums)
    tanhs       float32[HORIZON * width]        tanh c'
    scales      float32[HORIZON * 16]           of each gate: what its sum was multiplied by
    errors      float32[HORIZON * 272]          P(byte), less 1 for the one that came
    tree        float32[512]                    tree[256 + i] = P(byte i) + tiny, tree[i] = tree[2i] + tree[2i + 1]
    embedding   float32[rows * row_floats]      each row: its weights, then their squares; the second layer's come first
width is layers * cells; cells is a multiple of 16. Sources: Hochreiter and Schmidhuber, "Long Short-Term Memory"
(1997); Greff et al., "LSTM: A Search Space Odyssey" (2017), coupled gates; Zhang and Sennrich, "Root Mean Square Layer
Normalization" (2019); Graves, "Generating Sequences With Recurrent Neural Networks" (2013), layers.
"""

from typing import Any, NamedTuple

from golfkit.compress.kernels.floats import f32, froot
from golfkit.compress.kernels.jit import MASK32, carver, f32_view, i64_view, jit, u32_view
from golfkit.compress.kernels.lstm_dense import LANES, Dense, dense_at

HORIZON = 32  # bytes between updates, and how far back the gradient reaches; docs/tuning.md
GATES = 3  # forget, candidate, output
SYMBOLS = 256
ERRORS = SYMBOLS + LANES  # floats from one step's errors to the next: not a power of two, for the cache's sake
SYMBOL_PANELS = SYMBOLS // LANES
LIST = HORIZON + 1  # of steps, behind how many they are
ALL_STEPS = SYMBOL_PANELS * LIST  # in `busy`
STEP, UPDATES, TOP, TOP_P16 = range(4)  # regs: place in the chunk, chunks learnt, likeliest byte and its probability
FORGET_BIAS = 1.0
OUTPUT_SPAN = 0.02  # output weights begin within +-
OWN_SQUARES = 128  # cells from which on each weight of a row has its square; else they share one a gate; docs/tuning.md
SHARED = 2  # features that the second layer sees too; docs/tuning.md
SHARED_ROWS = 4096  # of its own that it has for them: their rows are below that
ROW_SPAN = 0.1  # so do the embedding's first rows
SCATTERED_ROWS = 6144  # begin random, the others zero: a gate whose sum is zero would have an enormous gradient


class Lstm(NamedTuple):
    """Its arrays."""

    regs: Any  # int64[8]
    powers: Any  # float32[16]: the first is DECAY to the power of the updates
    rows: Any  # uint32[n_features]: the caller's, for the next byte
    seen: Any  # uint32[n_features * HORIZON]: rows of this chunk, feature after feature
    users: Any  # uint32[HORIZON]: steps of the chunk that used a row
    worth: Any  # uint32[16]: panels of symbols with errors worth learning at one step
    busy: Any  # uint32[16 * LIST + 1 + n_numbers]: for each panel of symbols, how many steps have errors worth
    #            learning, and which; then HORIZON and all numbers up to the steps, and to the panels of a layer's gates
    tree: Any
    h: Any
    c: Any
    z: Any
    gates: Any
    tanhs: Any
    scales: Any
    errors: Any
    dz: Any  # float32[HORIZON * 3 * width]: gradients of the sums before they are normalised
    sums: Any  # float32[16 * width]: gradients of h, in 16 lanes
    dh: Any  # float32[width]
    dc: Any  # float32[width]
    recurrent: Dense  # h to gates, layer after layer
    output: Dense  # h to bytes
    bias: Dense  # of gates
    gain: Dense  # of gates
    output_bias: Dense
    embedding: Any


@jit
def worth_at(n_features):
    """Where the numbers of rows end and those of panels and steps begin."""
    return 128 + 4 * (n_features * (1 + HORIZON) + HORIZON)


@jit
def n_numbers(cells):
    """Length of the list of all numbers: of the steps, or of the panels of a layer's gates."""
    return max(HORIZON, GATES * cells // LANES)


@jit
def header_bytes(cells, n_features):
    """Arena bytes before the floats."""
    return worth_at(n_features) + 4 * (SYMBOL_PANELS + ALL_STEPS + 1 + n_numbers(cells)) + 63 & ~63


@jit
def recurrent_at(layers, cells, layer):
    """Where the recurrent weights of a layer begin."""
    return 0 if layer == 0 else GATES * cells * cells * (1 + (layer - 1) * layers)


@jit
def row_floats(cells):
    """Floats of an embedding row: its weights, then the sums of squares that `step_row` keeps."""
    return GATES * cells + (LANES if cells < OWN_SQUARES else GATES * cells)


@jit
def row_at(layers, cells, layer, row):
    """Where a layer's row of the embedding begins."""
    return (row + (layers - 1 - layer) * SHARED_ROWS) * row_floats(cells)


@jit
def features_of(layer, n_features):
    """How many features a layer sees."""
    return n_features if layer == 0 else min(SHARED, n_features)


@jit
def fixed_floats(layers, cells):
    """Floats of everything but the embedding."""
    width = layers * cells
    memory = width * (12 * HORIZON + 20) + HORIZON * (LANES + ERRORS) + 512
    return memory + 2 * (recurrent_at(layers, cells, layers) + width * (SYMBOLS + 2 * GATES) + SYMBOLS)


@jit
def lstm_bytes(layers, cells, n_features, n_rows):
    """Arena bytes of the model."""
    return header_bytes(cells, n_features) + 4 * fixed_floats(layers, cells) + 4 * row_at(layers, cells, 0, n_rows)


@carver
def lstm_at(arena, at, layers, cells, n_features, n_rows):
    """Views of a model at byte `at`, a multiple of 64."""
    width = layers * cells
    n_gates = GATES * width
    n_recurrent = recurrent_at(layers, cells, layers)
    worth = at + worth_at(n_features)
    busy = worth + 4 * SYMBOL_PANELS
    tree = at + header_bytes(cells, n_features)
    h = tree + 4 * 512
    c = h + 4 * (HORIZON + 1) * width
    z = c + 4 * (HORIZON + 1) * width
    gates = z + 4 * HORIZON * n_gates
    tanhs = gates + 4 * HORIZON * n_gates
    scales = tanhs + 4 * HORIZON * width
    errors = scales + 4 * HORIZON * LANES
    dz = errors + 4 * HORIZON * ERRORS
    sums = dz + 4 * HORIZON * n_gates
    dh = sums + 4 * LANES * width
    recurrent = dh + 8 * width
    output = recurrent + 8 * n_recurrent
    bias = output + 8 * width * SYMBOLS
    output_bias = bias + 16 * n_gates
    return Lstm(
        i64_view(arena, at, 8),
        f32_view(arena, at + 64, LANES),
        u32_view(arena, at + 128, n_features),
        u32_view(arena, at + 128 + 4 * n_features, n_features * HORIZON),
        u32_view(arena, at + 128 + 4 * n_features * (1 + HORIZON), HORIZON),
        u32_view(arena, worth, SYMBOL_PANELS),
        u32_view(arena, busy, ALL_STEPS + 1 + n_numbers(cells)),
        f32_view(arena, tree, 512),
        f32_view(arena, h, (HORIZON + 1) * width),
        f32_view(arena, c, (HORIZON + 1) * width),
        f32_view(arena, z, HORIZON * n_gates),
        f32_view(arena, gates, HORIZON * n_gates),
        f32_view(arena, tanhs, HORIZON * width),
        f32_view(arena, scales, HORIZON * LANES),
        f32_view(arena, errors, HORIZON * ERRORS),
        f32_view(arena, dz, HORIZON * n_gates),
        f32_view(arena, sums, LANES * width),
        f32_view(arena, dh, width),
        f32_view(arena, dh + 4 * width, width),
        dense_at(arena, recurrent, n_recurrent),
        dense_at(arena, output, width * SYMBOLS),
        dense_at(arena, bias, n_gates),
        dense_at(arena, bias + 8 * n_gates, n_gates),
        dense_at(arena, output_bias, SYMBOLS),
        f32_view(arena, output_bias + 8 * SYMBOLS, row_at(layers, cells, 0, n_rows)),
    )


@jit
def init_lstm(net, layers, cells, n_features, n_rows):
    """Make an arena of zeros ready for the first byte.

    Rows from SCATTERED_ROWS on stay zero, as untouched pages cost nothing. Every byte needs a feature below that.
    """
    net.powers[0] = 1.0
    net.busy[ALL_STEPS] = HORIZON
    for i in range(n_numbers(cells)):
        net.busy[ALL_STEPS + 1 + i] = i
    seed = scatter(net.recurrent.weights, 0, recurrent_at(layers, cells, layers), f32(1.0 / froot(f32(cells))), 1)
    seed = scatter(net.output.weights, 0, SYMBOLS * layers * cells, f32(OUTPUT_SPAN), seed)
    for row in range((layers - 1) * SHARED_ROWS + min(n_rows, SCATTERED_ROWS)):
        seed = scatter(net.embedding, row * row_floats(cells), GATES * cells, f32(ROW_SPAN), seed)
    for j in range(layers * GATES * cells):
        net.gain.weights[j] = 1.0
        net.bias.weights[j] = FORGET_BIAS if j % (GATES * cells) < cells else 0.0


@jit
def scatter(weights, at, n, span, seed):
    """n weights from `at` on, uniform within +-span; returns the next seed.

    Source: Marsaglia, "Xorshift RNGs" (2003).
    """
    for i in range(n):
        seed ^= seed << 13 & MASK32
        seed ^= seed >> 17
        seed ^= seed << 5 & MASK32
        weights[at + i] = f32(f32(f32((seed >> 8) - (1 << 23)) / f32(1 << 23)) * span)
    return seed
