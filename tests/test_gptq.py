"""Error compensation: how much less output error than rounding, and what is refused."""

import numpy as np
import pytest

from golfkit.errors import GolfError
from golfkit.train.payload.gptq import gptq
from golfkit.train.payload.quantise import dequantise, quantise

ROWS, COLUMNS = 64, 300  # three blocks, the last one short


def layer(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Weights, and the Hessian of inputs whose columns are correlated and differ in size."""
    rng = np.random.default_rng(seed)
    mixing = np.eye(COLUMNS) + 0.15 * rng.standard_normal((COLUMNS, 40)) @ rng.standard_normal((40, COLUMNS)) / 6
    inputs = rng.standard_normal((2000, COLUMNS)) @ mixing * np.exp(0.5 * rng.standard_normal(COLUMNS))
    return rng.standard_normal((ROWS, COLUMNS)).astype(np.float32) * 0.05, inputs.T @ inputs


def output_error(weight: np.ndarray, tensor, hessian: np.ndarray) -> float:
    wrong = (dequantise(tensor) - weight).astype(np.float64)
    return float(np.trace(wrong @ hessian @ wrong.T))


@pytest.mark.parametrize("order", [False, True])
@pytest.mark.parametrize(
    ("bits", "spread", "shared"), [(8, None, False), (6, None, False), (6, 12.0, True), (3, None, False)]
)
def test_output_error_falls_to_a_quarter_and_with_ordering_to_an_eighth(bits, spread, shared, order):
    weight, hessian = layer()
    plain = quantise(weight, bits, spread, shared)
    found = gptq(weight, hessian, bits, spread=spread, shared=shared, order=order)
    assert output_error(weight, found, hessian) < output_error(weight, plain, hessian) / (8 if order else 4)
    np.testing.assert_array_equal(found.scale, plain.scale)
    assert np.abs(found.codes.astype(int)).max() <= 2 ** (bits - 1) - 1


def test_uncorrelated_inputs_leave_plain_rounding():
    weight, _ = layer()
    found = gptq(weight, np.diag(np.arange(COLUMNS, dtype=np.float64)), 6)
    np.testing.assert_array_equal(found.codes, quantise(weight, 6).codes)


def test_the_block_changes_nothing(monkeypatch):
    weight, hessian = layer()
    whole = gptq(weight, hessian, 5)
    monkeypatch.setattr("golfkit.train.payload.gptq.GPTQ_COLUMNS", 7)
    found = gptq(weight, hessian, 5)
    assert np.mean(found.codes != whole.codes) < 1e-3  # sums in another order may tip a tie


@pytest.mark.parametrize("shape", [(0, 4), (3, 0), (1, 1)])
def test_layers_of_next_to_nothing(shape):
    weight = np.full(shape, 0.5, np.float32)
    assert gptq(weight, np.zeros((shape[1], shape[1])), 4).codes.shape == shape


@pytest.mark.parametrize("bad", ["nan", "shape", "negative"])
def test_a_hessian_that_is_none_is_refused(bad):
    weight, hessian = layer()
    bent = {"nan": hessian * np.nan, "shape": hessian[1:], "negative": -hessian}[bad]
    with pytest.raises(GolfError, match=r"^hessian: "):
        gptq(weight, bent, 6)
