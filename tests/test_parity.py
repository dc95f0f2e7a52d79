"""One model, three array libraries: the same losses and gradients, which numpy in float64 has the last word on."""

import numpy as np
import pytest
from models import (
    CHANGES,
    EVERYTHING,
    NOT_IN_FORWARD,
    SHAPE_NAMES,
    SMALL,
    apart,
    each_case,
    each_library,
    library,
    mlx_loss,
    numpy_loss,
    torch_loss,
    weights_of,
)

from golfkit.train.model.ops import NORM_EPS

STEP = 3e-6  # of central differences: their error is about its square


def test_every_field_of_the_spec_that_forward_reads_is_changed_by_a_case():
    changed = {name for change in CHANGES.values() for name, value in change.items() if value != getattr(SMALL, name)}
    assert changed | NOT_IN_FORWARD == SHAPE_NAMES


@each_case
def test_losses_of_numpy_torch_and_mlx_agree(case):
    weights = weights_of(case)
    expected = numpy_loss(case, weights)
    assert torch_loss(case, weights)[0] == pytest.approx(expected, rel=2e-6)
    assert mlx_loss(case, weights)[0] == pytest.approx(expected, rel=2e-6)


@each_case
def test_gradients_of_torch_and_mlx_agree_in_every_array(case):
    weights = weights_of(case)
    ours, theirs = mlx_loss(case, weights)[1], torch_loss(case, weights)[1]
    assert ours.keys() == theirs.keys() == weights.keys()
    assert max(apart(ours[name], theirs[name]) for name in weights) < 1e-4


@each_case
def test_the_torch_gradient_of_every_array_is_the_derivative_of_the_numpy_loss(case):
    weights, rng = weights_of(case), np.random.default_rng(3)
    for name, gradient in torch_loss(case, weights, "float64")[1].items():
        direction = rng.normal(size=gradient.shape)
        ahead, behind = (
            numpy_loss(case, weights | {name: weights[name] + sign * STEP * direction}) for sign in (1, -1)
        )
        off = (ahead - behind) / (2 * STEP) - float((gradient * direction).sum())
        assert abs(off) <= 5e-6 * np.linalg.norm(gradient), name


@pytest.mark.parametrize("loss", [torch_loss, mlx_loss])
def test_bfloat16_changes_the_loss_by_its_rounding_only(loss):
    weights = weights_of(EVERYTHING)
    low, grads = loss(EVERYTHING, weights, "bfloat16")
    assert low == pytest.approx(numpy_loss(EVERYTHING, weights), rel=2e-2)
    assert low != loss(EVERYTHING, weights)[0]  # the compute dtype is used
    assert all(np.isfinite(grad).all() for grad in grads.values())


@each_library
def test_rope_turns_the_first_dims_by_plus_theta(name):
    lib = library(name)
    x = np.zeros((1, 4, 1, 6))
    x[..., 0] = x[..., 5] = 1
    turned = lib.leave(lib.ops.rope(lib.floats(x), 4, 100.0))
    np.testing.assert_allclose(turned[0, 0, 0], x[0, 0, 0])
    np.testing.assert_allclose(turned[0, 1, 0], [np.cos(1), 0, np.sin(1), 0, 0, 1], atol=1e-6)
    x[..., 0], x[..., 1] = 0, 1  # the second pair: 100^(-2/4) a position
    turned = lib.leave(lib.ops.rope(lib.floats(x), 4, 100.0))
    np.testing.assert_allclose(turned[0, 3, 0], [0, np.cos(0.3), 0, np.sin(0.3), 0, 1], atol=1e-6)


@each_library
def test_rms_norm_adds_the_stated_epsilon(name):
    lib = library(name)
    x = np.full((1, 1, 8), NORM_EPS**0.5)  # its mean square is the epsilon
    np.testing.assert_allclose(lib.leave(lib.ops.rms_norm(lib.floats(x))), 0.5**0.5, rtol=1e-5)


@each_library
def test_delay_puts_zeros_in_front_and_keeps_ids_whole_numbers(name):
    lib = library(name)
    delayed = lib.leave(lib.ops.delay(lib.ids([[1, 2, 3], [4, 5, 6]])))
    assert delayed.tolist() == [[0, 1, 2], [0, 4, 5]]
    assert delayed.dtype.kind == "i"


@each_library
def test_attention_shares_key_heads_between_neighbouring_query_heads(name):
    lib = library(name)
    q, k = np.zeros((1, 3, 4, 2)), np.zeros((1, 3, 2, 2))  # all scores equal: the mean of the values so far
    v = np.arange(12.0).reshape(1, 3, 2, 2)
    y = lib.leave(lib.ops.attention(*map(lib.floats, (q, k, v))))
    mean = np.cumsum(v, 1) / np.arange(1, 4)[:, None, None]
    np.testing.assert_allclose(y, np.repeat(mean, 2, 2), rtol=1e-6)


@each_library
def test_cross_entropy_bears_logits_of_any_size(name):
    lib = library(name)
    nats = lib.ops.cross_entropy(lib.floats([[[1e4, 0, -1e4], [0, 0, 0]]]), lib.ids([[1, 2]]))
    np.testing.assert_allclose(lib.leave(nats), [[1e4, np.log(3)]], rtol=1e-6)
