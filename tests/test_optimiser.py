"""The optimiser's one rule: the same weights from numpy, torch and mlx, and orthogonal updates for matrices."""

from dataclasses import replace

import numpy as np
import pytest
from models import EVERYTHING, apart, each_library, library, weights_of

from golfkit.train.engine.schedule import pace
from golfkit.train.model.ops_numpy import NumpyOps
from golfkit.train.model.optimiser import KELLER, POLAR, new_state, orthogonalise, update

STEPS = 4
REACHED = 2e-3  # share of the Frobenius norm from which on five steps bring a singular value into their interval
NEAR_1 = {"keller": (KELLER, 0.68, 1.21), "polar": (POLAR, 0.85, 1.15)}  # that interval
OPS = NumpyOps()


def trained(spec, lib) -> dict[str, np.ndarray]:
    """The weights after some steps of seeded gradients with a changing pace."""
    table, rng = EVERYTHING.model.parameters(spec), np.random.default_rng(6)
    weights = {name: lib.floats(array) for name, array in weights_of(EVERYTHING).items()}
    state = new_state(table, weights)
    for step in range(STEPS):
        grads = {row.name: lib.floats(rng.normal(size=row.shape) * 10.0 ** -rng.integers(1, 4)) for row in table}
        weights, state = update(spec, table, weights, grads, state, pace(spec, step, step / STEPS, STEPS), lib.ops)
    return {name: lib.leave(array) for name, array in weights.items()}


@each_library
@pytest.mark.parametrize("normuon", [False, True])
@pytest.mark.parametrize("polar", [False, True])
def test_updates_give_the_same_weights_in_every_library(name, polar, normuon):
    spec = replace(EVERYTHING.spec, polar=polar, normuon=normuon, weight_decay=0.1, clip=20.0, warmdown=0.6)
    start, expected = weights_of(EVERYTHING), trained(spec, library("numpy"))
    for key, array in trained(spec, library(name)).items():
        assert apart(array - start[key], expected[key] - start[key]) < 1e-4, key


@each_library
@pytest.mark.parametrize(("steps", "least", "most"), NEAR_1.values(), ids=NEAR_1)
@pytest.mark.parametrize("shape", [(40, 40), (3, 60, 20), (20, 60)])
def test_orthogonalise_brings_singular_values_near_1_and_keeps_the_singular_vectors(name, steps, least, most, shape):
    lib, rng = library(name), np.random.default_rng(7)
    u, _, vt = np.linalg.svd(rng.normal(size=shape), full_matrices=False)
    sizes = np.geomspace(1.0, 0.01, min(shape[-2:]))
    sizes[-1] = REACHED * np.linalg.norm(sizes)
    x = 1e-3 * (u * sizes) @ vt
    y = lib.leave(orthogonalise(lib.floats(x), steps, lib.ops.low))
    core = np.swapaxes(u, -1, -2) @ y @ np.swapaxes(vt, -1, -2)
    new = np.diagonal(core, axis1=-2, axis2=-1)
    assert least < new.min() < new.max() < most
    np.testing.assert_allclose(core - new[..., None] * np.eye(new.shape[-1]), 0, atol=2e-4)


@pytest.mark.parametrize("steps", [KELLER, POLAR], ids=["keller", "polar"])
def test_orthogonalise_blows_up_no_small_singular_value_and_no_zero_matrix(steps):
    sizes = np.geomspace(1e-6, 1, 300)
    new = np.diagonal(orthogonalise(np.diag(sizes), steps, OPS.low))
    assert 0 < new.min() < new.max() < 1.21
    assert not orthogonalise(np.zeros((4, 6)), steps, OPS.low).any()


def test_normuon_gives_every_row_the_same_size_and_leaves_that_of_the_matrix():
    spec = replace(EVERYTHING.spec, polar=True, weight_decay=0.0)
    table, rng = EVERYTHING.model.parameters(spec), np.random.default_rng(8)
    weights = weights_of(EVERYTHING)
    grads = {row.name: rng.normal(size=row.shape) for row in table}
    moved = {}
    for normuon in (False, True):
        chosen, state = replace(spec, normuon=normuon), new_state(table, weights)
        after, _ = update(chosen, table, weights, grads, state, pace(spec, 0, 0.0, 1), OPS)
        moved[normuon] = after["mlp.up"] - weights["mlp.up"]
    rows = np.linalg.norm(moved[True], axis=-1)
    np.testing.assert_allclose(rows, np.broadcast_to(rows[:, :1], rows.shape), rtol=1e-5)
    np.testing.assert_allclose(*(np.linalg.norm(step, axis=(-2, -1)) for step in moved.values()), rtol=1e-5)
