"""How the byte model of `lstm` learns: backward through the chunk, then one step of every weight that took part.

An embedding row that several bytes of the chunk used takes one step, along the sum of their gradients. Arrays: lstm.py.
Source: Werbos, "Backpropagation Through Time" (1990).
"""

from golfkit.compress.kernels.floats import (
    f32,
    froot,
    vadd,
    vfma,
    vload,
    vmax,
    vmin,
    vmul,
    vpeak,
    vsplat,
    vstore,
    vsub,
    vsum,
)
from golfkit.compress.kernels.jit import i64, jit, prefetch
from golfkit.compress.kernels.lstm import (
    ALL_STEPS,
    ERRORS,
    GATES,
    HORIZON,
    LIST,
    OWN_SQUARES,
    STEP,
    SYMBOL_PANELS,
    UPDATES,
    features_of,
    recurrent_at,
    row_at,
    row_floats,
)
from golfkit.compress.kernels.lstm_dense import DECAY, LANES, LEAST_SQUARE, descend, row_sums, step

RATE_FALL = 5000.0  # updates: the rate is divided by sqrt(1 + updates / RATE_FALL),
MOST_FALL = 3.0  # and by no more than this
WARM_UP = 200.0  # updates over which the rate rises from 0
LEAST_ERROR = 1 / 4096  # P(byte): symbols whose errors are all less are not learnt; docs/tuning.md
MOST = 1000.0  # a gradient of a sum is clamped to it, far beyond any of a text: nothing can become infinite


@jit
def learn_byte(net, layers, cells, n_features, symbol, rate):
    """Note the byte that came; at the end of the chunk, learn at `rate` (float32), which rises and falls."""
    t = net.regs[STEP]
    at = t * ERRORS + symbol
    net.errors[at] = f32(net.errors[at] - 1.0)
    net.regs[STEP] = t + 1
    if t + 1 == HORIZON:
        go_back(net, layers, cells)
        take_steps(net, layers, cells, n_features, rate)
        for i in range(layers * cells):
            net.h[i] = net.h[HORIZON * layers * cells + i]
            net.c[i] = net.c[HORIZON * layers * cells + i]
        net.regs[STEP] = 0


@jit
def go_back(net, layers, cells):
    """Gradients of all sums of the chunk, from its last step to its first."""
    width = layers * cells
    for j in range(width):
        net.dc[j] = 0.0
    for panel in range(SYMBOL_PANELS):
        net.busy[panel * LIST] = 0
    for i in range(HORIZON):
        t = HORIZON - 1 - i
        for j in range(width):
            vstore(net.sums, LANES * j, vsplat(0.0))
        n_worth = note_errors(net, t)
        row_sums(net.output.weights, 0, width, net.errors, t * ERRORS, net.worth, 0, n_worth, net.sums, 0, width)
        for k in range(layers):
            layer = layers - 1 - k
            through_weights(net, t, layers, cells, layer)
            through_cells(net, t, layers, cells, layer)
            for gate in range(GATES):
                through_norm(net, t, layers, cells, layer * GATES + gate)


@jit
def note_errors(net, t):
    """Which panels of symbols have an error worth learning at step t, in `worth` and in their lists; how many."""
    n_worth = 0
    for panel in range(SYMBOL_PANELS):
        errors = vload(net.errors, t * ERRORS + LANES * panel)
        if vpeak(vmax(errors, vsub(vsplat(0.0), errors))) >= f32(LEAST_ERROR):
            net.worth[n_worth] = panel
            n_worth += 1
            count = i64(net.busy[panel * LIST]) + 1
            net.busy[panel * LIST] = count
            net.busy[panel * LIST + count] = t
    return n_worth


@jit
def through_weights(net, t, layers, cells, layer):
    """Gradient of a layer's h after step t: what the bytes' sums gave, and through the gates that saw it."""
    n_panels = GATES * cells // LANES
    w = recurrent_at(layers, cells, layer)
    if t < HORIZON - 1:  # its own, one step later
        n = cells if layer == 0 else layers * cells
        after = ((t + 1) * layers + layer) * GATES * cells
        row_sums(
            net.recurrent.weights,
            w,
            n,
            net.dz,
            after,
            net.busy,
            ALL_STEPS + 1,
            n_panels,
            net.sums,
            layer * cells,
            cells,
        )
    if layer < layers - 1:  # the second layer's; in each of its panels the rows of the first layer's h come last
        w = recurrent_at(layers, cells, 1) + cells * LANES
        after = (t * layers + 1) * GATES * cells
        row_sums(
            net.recurrent.weights, w, 2 * cells, net.dz, after, net.busy, ALL_STEPS + 1, n_panels, net.sums, 0, cells
        )
    for j in range(layer * cells, (layer + 1) * cells):
        net.dh[j] = vsum(vload(net.sums, LANES * j))


@jit
def through_cells(net, t, layers, cells, layer):
    """From the gradient of h and c after step t: those of the gates' inputs, left in `gates`, and of c before it."""
    s = t * layers + layer
    one = vsplat(1.0)
    for i in range(cells // LANES):
        j = LANES * i
        own = layer * cells + j
        at = s * GATES * cells + j
        dh = vload(net.dh, own)
        f = vload(net.gates, at)
        g = vload(net.gates, at + cells)
        o = vload(net.gates, at + 2 * cells)
        squeezed = vload(net.tanhs, s * cells + j)
        dc = vfma(vmul(dh, o), vsub(one, vmul(squeezed, squeezed)), vload(net.dc, own))
        df = vmul(dc, vsub(vload(net.c, s * cells + j), g))
        keep = vsub(one, f)
        vstore(net.gates, at, vmul(df, vmul(f, keep)))
        vstore(net.gates, at + cells, vmul(vmul(dc, keep), vsub(one, vmul(g, g))))
        vstore(net.gates, at + 2 * cells, vmul(vmul(dh, squeezed), vmul(o, vsub(one, o))))
        vstore(net.dc, own, vmul(dc, f))


@jit
def through_norm(net, t, layers, cells, gate):
    """From the gradients of a gate's inputs to those of its sums: d = scale * (da gain - z * mean(da gain z)).

    gate  counted through all layers
    """
    at = (t * layers * GATES + gate) * cells
    product = vsplat(0.0)
    for i in range(cells // LANES):
        d = vmul(vload(net.gates, at + LANES * i), vload(net.gain.weights, gate * cells + LANES * i))
        vstore(net.dz, at + LANES * i, d)
        product = vfma(d, vload(net.z, at + LANES * i), product)
    mean = vsplat(f32(vsum(product) / f32(-cells)))
    scale = vsplat(net.scales[t * LANES + gate])
    for i in range(cells // LANES):
        d = vfma(vload(net.z, at + LANES * i), mean, vload(net.dz, at + LANES * i))
        vstore(net.dz, at + LANES * i, vmax(vmin(vmul(d, scale), vsplat(MOST)), vsplat(-MOST)))


@jit
def take_steps(net, layers, cells, n_features, top_rate):
    """One step of every weight."""
    updates = net.regs[UPDATES] + 1
    net.regs[UPDATES] = updates
    net.powers[0] = f32(net.powers[0] * f32(DECAY))
    correction = f32(f32(1.0 - DECAY) / f32(1.0 - net.powers[0]))
    fall = min(froot(f32(1.0 + f32(f32(updates) / f32(RATE_FALL)))), f32(MOST_FALL))
    rise = min(f32(1.0), f32(f32(updates) / f32(WARM_UP)))
    rate = f32(f32(f32(-top_rate) * rise) / fall)
    width = layers * cells
    d = GATES * cells
    for m in range(layers + 1):  # matrices: one call of descend for all, as each copy of it makes the program longer
        if m < layers:
            dense, w, x, n = net.recurrent, recurrent_at(layers, cells, m), m * cells, cells if m == 0 else width
            errors, e, stride, n_panels, steps, next_steps = net.dz, m * d, layers * d, d // LANES, ALL_STEPS, 0
            for k in range(features_of(m, n_features)):
                for t in range(HORIZON):
                    step_row(net, layers, cells, m, k * HORIZON, t, rate, correction)
        else:
            dense, w, x, n = net.output, 0, width, width
            errors, e, stride, n_panels, steps, next_steps = net.errors, 0, ERRORS, SYMBOL_PANELS, 0, LIST
        descend(
            dense, w, net.h, x, width, n, errors, e, stride, n_panels, net.busy, steps, next_steps, rate, correction
        )
    step_vectors(net, layers, cells, rate, correction)


@jit
def step_vectors(net, layers, cells, rate, correction):
    """One step of gains and biases."""
    n_gates = layers * GATES * cells
    for i in range(n_gates // LANES):
        j = LANES * i
        d_bias = vsplat(0.0)
        d_gain = vsplat(0.0)
        for t in range(HORIZON):
            at = t * n_gates + j
            d = vload(net.gates, at)
            d_bias = vadd(d_bias, d)
            d_gain = vfma(d, vload(net.z, at), d_gain)
        step(net.bias.weights, j, net.bias.squares, j, d_bias, rate, correction)
        step(net.gain.weights, j, net.gain.squares, j, d_gain, rate, correction)
    for i in range(SYMBOL_PANELS):
        d_bias = vsplat(0.0)
        for t in range(HORIZON):
            d_bias = vadd(d_bias, vload(net.errors, t * ERRORS + LANES * i))
        step(net.output_bias.weights, LANES * i, net.output_bias.squares, LANES * i, d_bias, rate, correction)


@jit
def step_row(net, layers, cells, layer, first, t, rate, correction):
    """One step of a layer's row seen[first + t], when the chunk used it at step t for the first time."""
    row = i64(net.seen[first + t])
    for u in range(t):
        if i64(net.seen[first + u]) == row:
            return
    n_users = 0
    for u in range(t, HORIZON):
        if i64(net.seen[first + u]) == row:
            net.users[n_users] = u
            n_users += 1
    w = row_at(layers, cells, layer, row)
    ahead = row_at(layers, cells, layer, i64(net.seen[min(first + t + 1, first + HORIZON - 1)]))
    for i in range(row_floats(cells) // LANES):
        prefetch(net.embedding, ahead + LANES * i)
    n_gates = GATES * cells
    for gate in range(GATES):
        square = vsplat(0.0)
        for i in range(gate * cells // LANES, (gate + 1) * cells // LANES):
            d = vsplat(0.0)
            for k in range(n_users):
                d = vadd(d, vload(net.dz, (i64(net.users[k]) * layers + layer) * n_gates + LANES * i))
            if cells < OWN_SQUARES:
                vstore(net.sums, LANES * i, d)
                square = vfma(d, d, square)
            else:
                step(net.embedding, w + LANES * i, net.embedding, w + n_gates + LANES * i, d, rate, correction)
        if cells < OWN_SQUARES:
            step_together(net, cells, gate, w, f32(vsum(square) / f32(cells)), rate, correction)


@jit
def step_together(net, cells, gate, w, square, rate, correction):
    """One step of a row's weights of one gate along the gradients in `sums`; `square` is the mean of their squares."""
    s = w + GATES * cells + gate
    total = f32(f32(net.embedding[s] * f32(DECAY)) + f32(square + f32(LEAST_SQUARE)))
    net.embedding[s] = total
    factor = vsplat(f32(rate / froot(f32(total * correction))))
    for i in range(gate * cells // LANES, (gate + 1) * cells // LANES):
        at = w + LANES * i
        vstore(net.embedding, at, vfma(vload(net.sums, LANES * i), factor, vload(net.embedding, at)))
