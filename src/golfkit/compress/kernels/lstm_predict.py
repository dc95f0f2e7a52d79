"""How the byte model of `lstm` predicts: one step of its layers, then the probabilities of bytes and of their bits.

Arrays, formulas and sources: lstm.py.
"""

from golfkit.compress.kernels.floats import (
    f32,
    froot,
    truncated,
    vadd,
    vfma,
    vload,
    vmax,
    vmul,
    vpeak,
    vsplat,
    vstore,
    vsub,
    vsum,
)
from golfkit.compress.kernels.jit import i64, jit, prefetch
from golfkit.compress.kernels.lstm import (
    ERRORS,
    GATES,
    HORIZON,
    STEP,
    SYMBOL_PANELS,
    SYMBOLS,
    TOP,
    TOP_P16,
    features_of,
    recurrent_at,
    row_at,
)
from golfkit.compress.kernels.lstm_curves import LOG2_E, exp2, ln, sigmoid, tanh
from golfkit.compress.kernels.lstm_dense import LANES, column_sums

TINY = 5.9604645e-08  # 2^-24, added to every byte's probability
STRETCH_LIMIT = 11.0
NORM_LEAST = 1e-5  # added to a mean square


@jit
def predict_byte(net, layers, cells, n_features):
    """One step of the network with the features in `rows`; fills `tree`, TOP and TOP_P16."""
    t = net.regs[STEP]
    for k in range(n_features):
        row = i64(net.rows[k])
        net.seen[k * HORIZON + t] = row
        for panel in range(GATES * cells // LANES):  # of all rows at once: memory answers in parallel
            prefetch(net.embedding, row_at(layers, cells, 0, row) + LANES * panel)
    for layer in range(layers):
        s = t * layers + layer
        n = cells if layer == 0 else layers * cells
        for panel in range(GATES * cells // LANES):
            total = vsplat(0.0)
            for k in range(features_of(layer, n_features)):
                at = row_at(layers, cells, layer, i64(net.rows[k]))
                total = vadd(total, vload(net.embedding, at + LANES * panel))
            w = recurrent_at(layers, cells, layer)
            total = column_sums(net.recurrent.weights, w, net.h, s * cells, n, panel, total)
            vstore(net.z, s * GATES * cells + LANES * panel, total)
        for gate in range(GATES):
            normalise(net, t, layers, cells, layer * GATES + gate)
        remember(net, s, layers, cells)
    for panel in range(SYMBOL_PANELS):
        total = vload(net.output_bias.weights, LANES * panel)
        total = column_sums(net.output.weights, 0, net.h, (t + 1) * layers * cells, layers * cells, panel, total)
        vstore(net.errors, t * ERRORS + LANES * panel, total)
    read_out(net, t * ERRORS)


@jit
def normalise(net, t, layers, cells, gate):
    """Bring a gate's sums to a mean square of 1; note the scale.

    gate  counted through all layers
    """
    at = (t * layers * GATES + gate) * cells
    square = vsplat(0.0)
    for i in range(cells // LANES):
        z = vload(net.z, at + LANES * i)
        square = vfma(z, z, square)
    scale = f32(1.0 / froot(f32(f32(vsum(square) / f32(cells)) + f32(NORM_LEAST))))
    net.scales[t * LANES + gate] = scale
    for i in range(cells // LANES):
        z = vmul(vload(net.z, at + LANES * i), vsplat(scale))
        vstore(net.z, at + LANES * i, z)
        j = gate * cells + LANES * i
        vstore(net.gates, at + LANES * i, vfma(z, vload(net.gain.weights, j), vload(net.bias.weights, j)))


@jit
def remember(net, s, layers, cells):
    """The gates, and the new memory."""
    for i in range(cells // LANES):
        j = LANES * i
        at = s * GATES * cells + j
        after = (s + layers) * cells + j
        f = sigmoid(vload(net.gates, at))
        g = tanh(vload(net.gates, at + cells))
        o = sigmoid(vload(net.gates, at + 2 * cells))
        c = vfma(f, vsub(vload(net.c, s * cells + j), g), g)
        squeezed = tanh(c)
        vstore(net.gates, at, f)
        vstore(net.gates, at + cells, g)
        vstore(net.gates, at + 2 * cells, o)
        vstore(net.tanhs, s * cells + j, squeezed)
        vstore(net.c, after, c)
        vstore(net.h, after, vmul(o, squeezed))


@jit
def read_out(net, at):
    """Probabilities of all bytes from their sums at errors[at ...], and of all partial bytes."""
    highest = vload(net.errors, at)
    for i in range(1, SYMBOL_PANELS):
        highest = vmax(highest, vload(net.errors, at + LANES * i))
    peak = vpeak(highest)
    top = 0
    while net.errors[at + top] < peak:
        top += 1
    total = vsplat(0.0)
    for i in range(SYMBOL_PANELS):
        p = exp2(vmul(vsub(vload(net.errors, at + LANES * i), vsplat(peak)), vsplat(LOG2_E)))
        vstore(net.errors, at + LANES * i, p)
        total = vadd(total, p)
    share = f32(1.0 / vsum(total))
    for i in range(SYMBOL_PANELS):
        p = vmul(vload(net.errors, at + LANES * i), vsplat(share))
        vstore(net.errors, at + LANES * i, p)
        vstore(net.tree, SYMBOLS + LANES * i, vadd(p, vsplat(TINY)))
    for i in range(SYMBOLS - 1):
        j = SYMBOLS - 1 - i
        net.tree[j] = f32(net.tree[2 * j] + net.tree[2 * j + 1])
    net.regs[TOP] = top
    net.regs[TOP_P16] = truncated(f32(net.errors[at + top] * f32(65536.0)))


@jit
def bit_stretch(net, c0):
    """ln(P(1) / P(0)) of the next bit after the partial byte c0 (leading 1), float32 within +-STRETCH_LIMIT."""
    odds = ln(f32(net.tree[2 * c0 + 1] / net.tree[2 * c0]))
    return max(f32(-STRETCH_LIMIT), min(f32(STRETCH_LIMIT), odds))
