"""The training loop: it stops where it should, at the same step in all processes, and at once when it diverges."""

import math
from dataclasses import replace

import numpy as np
import pytest

from golfkit.errors import Exit
from golfkit.train.engine.loop import Diverged, Plan, prime, train
from golfkit.train.model.recipe import Recipe

SPEC = Recipe(seq_len=4, batch_tokens=8)


class Stream:
    """Batches that name their position."""

    def __init__(self, position=0):
        self.position = position

    def batch(self, global_tokens, seq_len, rank=0, world_size=1):
        span = np.arange(self.position, self.position + global_tokens + 1)
        self.position += global_tokens
        return span[:-1].reshape(-1, seq_len), span[1:].reshape(-1, seq_len)


class Backend:
    """Records what it is given; its losses are `losses`, then 1."""

    def __init__(self, losses=()):
        self.losses, self.starts, self.paces, self.loaded = list(losses), [], [], []

    def load(self, arrays):
        self.loaded.append(arrays)
        self.weights, self.state = dict(arrays), 0

    def step(self, inputs, targets, pace):
        assert (targets == inputs + 1).all()
        self.starts.append(int(inputs.flat[0]))
        self.paces.append(pace)
        self.weights, self.state = {}, 1
        return self.losses.pop(0) if self.losses else 1.0


def ticking(seconds):
    """A clock that moves on by `seconds` at each look."""
    now = -seconds

    def clock():
        nonlocal now
        now += seconds
        return now

    return clock


@pytest.mark.parametrize("iterations", [1, 5])
def test_it_takes_as_many_steps_as_planned_over_batches_in_order(iterations):
    backend, seen = Backend(), []
    found = train(backend, SPEC, Stream(), Plan(iterations), clock=ticking(2.0), on_step=seen.append)
    assert found == (iterations, iterations * 8, 2.0 * iterations, 1.0)
    assert backend.starts == [8 * i for i in range(iterations)]
    assert [(step.step, step.loss, step.train_s) for step in seen] == [
        (i + 1, 1.0, 2.0 * (i + 1)) for i in range(iterations)
    ]
    assert backend.paces[-1].rate > 0


@pytest.mark.parametrize(("limit_s", "steps"), [(10.0, 5), (9.9, 4), (2.0, 1), (0.5, 1), (1e9, 20)])
def test_by_the_clock_no_step_starts_that_has_no_room(limit_s, steps):
    found = train(Backend(), SPEC, Stream(), Plan(20, limit_s), clock=ticking(2.0))
    assert (found.steps, found.tokens_seen) == (steps, steps * 8)


def test_by_the_clock_the_schedule_ends_with_the_time_and_not_with_the_planned_steps():
    backend = Backend()
    train(backend, replace(SPEC, warmdown=1.0), Stream(), Plan(1_000_000, 10.0), clock=ticking(1.0))
    assert [pace.rate for pace in backend.paces] == pytest.approx([1 - i / 10 for i in range(10)])


def test_the_first_processs_clock_decides_for_all():
    said = iter([1.0, 2.0, 9.5])
    found = train(Backend(), SPEC, Stream(), Plan(100, 10.0), clock=ticking(1e-6), agree=lambda mine: next(said))
    assert (found.steps, found.train_s) == (3, 9.5)


@pytest.mark.parametrize("losses", [[math.nan], [3.0, math.inf], [3.0, 2.0, math.nan], [3.0] * 20 + [5.1]])
def test_a_loss_that_is_no_number_or_2_nats_above_the_first_ends_the_run_at_once(losses):
    backend, seen = Backend(losses), []
    with pytest.raises(Diverged, match=f"step {len(losses)}: loss .* diverged") as caught:
        train(backend, SPEC, Stream(), Plan(30), clock=ticking(1.0), on_step=seen.append)
    assert caught.value.exit_code == Exit.NO
    assert len(backend.starts) == len(losses)
    assert len(seen) == len(losses) - 1


@pytest.mark.parametrize("losses", [[3.0, 14.0], [3.0] * 20 + [4.9]], ids=["leaps-at-first", "rises-by-less"])
def test_a_loss_that_leaps_at_first_or_rises_by_less_goes_on(losses):
    assert train(Backend(losses), SPEC, Stream(), Plan(30), clock=ticking(1.0)).steps == 30


def test_priming_takes_a_step_and_leaves_everything_as_it_was():
    backend, stream, arrays = Backend(), Stream(40), {"a": np.ones(3)}
    prime(backend, SPEC, stream, Plan(10), arrays)
    assert backend.starts == [40]
    assert (stream.position, backend.weights, backend.state) == (40, arrays, 0)
    np.testing.assert_array_equal(arrays["a"], np.ones(3))
