"""What must hold of a model whatever its spec: it sees no future and no neighbour, and starts where its seed says."""

import numpy as np
import pytest
from models import EVERYTHING, batch_of, each_case, numpy_logits, weights_of

from golfkit.train.model.parameters import Parameter, initial, n_params


@each_case
def test_no_logit_depends_on_a_later_token(case):
    weights, (ids, _), rng = weights_of(case), batch_of(case), np.random.default_rng(5)
    before = numpy_logits(case, weights, ids)
    for t in range(1, ids.shape[1]):
        other = ids.copy()
        other[:, t:] = (ids[:, t:] + rng.integers(1, case.spec.vocab_size, ids[:, t:].shape)) % case.spec.vocab_size
        after = numpy_logits(case, weights, other)
        np.testing.assert_array_equal(after[:, :t], before[:, :t])
        assert (after[:, t:] != before[:, t:]).any(-1).all()


@each_case
def test_sequences_of_a_batch_do_not_see_each_other(case):
    weights, (ids, _) = weights_of(case), batch_of(case)
    other = ids.copy()
    other[1:] = other[1:, ::-1]
    both = numpy_logits(case, weights, ids), numpy_logits(case, weights, other)
    np.testing.assert_array_equal(both[0][0], both[1][0])
    assert not np.array_equal(both[0][1], both[1][1])


@each_case
def test_every_array_of_the_table_matters(case):
    weights, (ids, _) = weights_of(case), batch_of(case)
    whole = numpy_logits(case, weights, ids)
    for name, array in weights.items():
        other = numpy_logits(case, weights | {name: array * 1.1}, ids)
        assert array.size == 0 or not np.array_equal(other, whole), name


def test_initial_weights_have_the_shapes_of_the_table_and_come_from_the_seed_alone():
    table = EVERYTHING.model.parameters(EVERYTHING.spec)
    first, again, other = initial(table, 7), initial(table, 7), initial(table, 8)
    assert {name: array.shape for name, array in first.items()} == {row.name: row.shape for row in table}
    assert sum(array.size for array in first.values()) == n_params(table)
    assert {str(array.dtype) for array in first.values()} == {"float32"}
    for row in table:
        np.testing.assert_array_equal(first[row.name], again[row.name])
        assert row.init == "constant" or not np.array_equal(first[row.name], other[row.name])


def test_one_row_more_or_another_order_leaves_the_other_initial_weights_as_they_are():
    table = EVERYTHING.model.parameters(EVERYTHING.spec)
    more = initial([Parameter("new", (3, 3), "normal", 1.0, "matrix"), *reversed(table)], 7)
    for name, array in initial(table, 7).items():
        np.testing.assert_array_equal(more[name], array)


@pytest.mark.parametrize("shape", [(2, 8, 8), (2, 24, 8), (8, 24)])
def test_orthogonal_initial_weights_have_equal_singular_values(shape):
    array = initial([Parameter("w", shape, "orthogonal", 0.5, "matrix")], 0)["w"]
    expected = 0.5 * max(1, shape[-2] / shape[-1]) ** 0.5
    np.testing.assert_allclose(np.linalg.svd(array, compute_uv=False), expected, rtol=1e-5)
