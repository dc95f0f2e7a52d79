"""val_bpb: every target once, by the official accounting, in any number of processes, never after it was learned."""

import math
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfkit.errors import Exit, GolfError
from golfkit.train.data.accounting import Luts
from golfkit.train.engine.evaluate import Score, evaluate, windows

VOCAB = 30
SHAPES = st.tuples(st.integers(2, 200), st.integers(1, 24)).filter(lambda shape: shape[0] > shape[1])


@st.composite
def strided(draw):
    """Tokens, sequence length, stride."""
    n, seq_len = draw(SHAPES)
    return n, seq_len, draw(st.integers(1, seq_len))


def make_luts():
    rng = np.random.default_rng(0)
    return Luts(rng.integers(1, 7, VOCAB).astype(np.int16), rng.random(VOCAB) < 0.4, rng.random(VOCAB) < 0.2)


def make_tokens(n):
    return np.random.default_rng(n).integers(0, VOCAB, n).astype(np.uint16)


def nll(inputs, targets):
    """Some loss that depends on both tokens."""
    return ((inputs * 7 + targets * 13) % 19 / 5 + 0.01).astype(np.float32)


def official(tokens, luts, seq_len):
    """val_loss and val_bpb as the contest defines them, one target at a time."""
    n_targets = math.floor((len(tokens) - 1) / seq_len) * seq_len
    loss_sum = n_bytes = 0.0
    for previous, target in zip(tokens[:n_targets].tolist(), tokens[1 : n_targets + 1].tolist(), strict=True):
        loss_sum += float(nll(np.array(previous), np.array(target)))
        n_bytes += luts.base_bytes[target] + (luts.has_leading_space[target] and not luts.is_boundary[previous])
    val_loss = loss_sum / n_targets
    return Score(val_loss, val_loss / math.log(2) * n_targets / n_bytes, n_targets, int(n_bytes))


@given(strided())
def test_every_target_up_to_the_official_cut_is_scored_once_and_in_order(shape):
    n, seq_len, stride = shape
    for step in (0, stride):
        found = windows(n, seq_len, step)
        assert [t for w in found for t in range(w.fresh, w.end)] == list(range((n - 1) // seq_len * seq_len))
        assert all(w.start >= 0 and w.end - w.start == seq_len for w in found)


@given(strided())
def test_sliding_windows_give_context_of_all_but_a_stride(shape):
    n, seq_len, stride = shape
    for w in windows(n, seq_len, stride)[1:]:
        assert w.fresh - w.start >= seq_len - stride


def test_windows_without_overlap_are_the_official_ones():
    assert [tuple(w) for w in windows(14, 4)] == [(0, 0, 4), (4, 4, 8), (8, 8, 12)]
    assert windows(14, 4, 4) == windows(14, 4)


@given(SHAPES)
def test_the_score_is_the_official_one(shape):
    n, seq_len = shape
    tokens, luts = make_tokens(n), make_luts()
    found, wanted = evaluate(nll, tokens, luts, seq_len, batch_tokens=3 * seq_len), official(tokens, luts, seq_len)
    assert found[2:] == wanted[2:]
    assert found[:2] == pytest.approx(wanted[:2], rel=1e-12)


@given(strided(), st.integers(1, 100), st.integers(1, 3))
def test_neither_batch_size_nor_processes_nor_stride_change_what_is_counted(shape, batch_tokens, world_size):
    n, seq_len, stride = shape
    tokens, luts = make_tokens(n), make_luts()
    one = evaluate(nll, tokens, luts, seq_len, batch_tokens=10 * seq_len)
    parts, told = [], []
    for rank in range(world_size):
        evaluate(
            nll,
            tokens,
            luts,
            seq_len,
            batch_tokens=batch_tokens,
            stride=stride,
            part=(rank, world_size),
            combine=lambda mine: parts.append(mine) or [1.0, 1.0, 1.0],
            on_tokens=told.append,
        )
    nats, *counts = map(math.fsum, zip(*parts, strict=True))
    assert counts == [one.tokens, one.bytes]
    assert nats / one.tokens == pytest.approx(one.val_loss, rel=1e-12)
    assert sum(told) == one.tokens


class Learner:
    """A backend that refuses to score a target which an update has seen. Tokens of the stream are their positions."""

    def __init__(self, meeting=None):
        self.seen, self.scored, self.updates, self.meeting = set(), set(), 0, meeting or (lambda targets: [targets])

    def nll(self, inputs, targets):
        assert not self.seen & set(targets.flat)
        assert (targets == inputs + 1).all()
        self.scored |= set(targets.flat)
        return np.ones(targets.shape, np.float32)

    def adapt(self, inputs, targets):
        assert set(targets.flat) <= self.scored
        for part in self.meeting(targets):
            self.seen |= set(part.flat)
        self.updates += 1


def positions(n):
    ones = np.ones(n, np.int16)
    return np.arange(n, dtype=np.uint16), Luts(ones, ones > 1, ones > 1)


@pytest.mark.parametrize(("n", "batch_tokens", "updates"), [(41, 8, 4), (41, 16, 2), (44, 100, 0), (9, 8, 0)])
def test_test_time_training_learns_only_what_was_scored_and_not_for_nothing(n, batch_tokens, updates):
    learner, (tokens, luts) = Learner(), positions(n)
    found = evaluate(learner.nll, tokens, luts, 8, batch_tokens=batch_tokens, adapt=learner.adapt)
    assert found.tokens == (n - 1) // 8 * 8
    assert learner.scored == set(range(1, found.tokens + 1))
    assert learner.updates == updates


@pytest.mark.parametrize("n", [9, 41, 49, 57, 64 + 1, 100])
@pytest.mark.parametrize("world_size", [2, 3])
def test_processes_that_learn_together_meet_as_often_and_score_first(n, world_size):
    """Updates share gradients, so that each waits for all: were one process to update once more, it would wait for
    ever (here: break the barrier).
    """
    tokens, luts = positions(n)
    barrier, shared = threading.Barrier(world_size, timeout=10), {}
    sums, errors = [], []

    def meet(rank):
        def meeting(targets):
            shared[rank] = targets
            barrier.wait()
            parts = list(shared.values())
            barrier.wait()
            return parts

        return meeting

    def work(rank):
        try:
            evaluate(
                learners[rank].nll,
                tokens,
                luts,
                8,
                batch_tokens=8,
                part=(rank, world_size),
                combine=lambda mine: sums.append(mine) or [1.0, 1.0, 1.0],
                adapt=learners[rank].adapt,
            )
        except (AssertionError, threading.BrokenBarrierError) as error:
            errors.append(error)
            barrier.abort()

    learners = [Learner(meet(rank)) for rank in range(world_size)]
    threads = [threading.Thread(target=work, args=(rank,)) for rank in range(world_size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    n_batches = (n - 1) // 8
    assert {learner.updates for learner in learners} == {(n_batches - 1) // world_size}
    assert sum(mine[1] for mine in sums) == n_batches * 8


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_no_number_is_an_error_and_no_score(bad):
    tokens, luts = positions(20)
    with pytest.raises(GolfError, match="not finite"):
        evaluate(lambda x, y: np.where(y == 5, bad, 1.0), tokens, luts, 4, batch_tokens=8)


@pytest.mark.parametrize("n", [0, 1, 8])
def test_less_than_one_sequence_is_refused(n):
    with pytest.raises(GolfError, match=f"{n} validation tokens, expected at least 9"):
        windows(n, 8)


@pytest.mark.parametrize("stride", [-1, 9])
def test_a_stride_that_would_leave_targets_out_is_refused(stride):
    with pytest.raises(GolfError, match=f"a stride of {stride} tokens, expected 1 to") as caught:
        windows(100, 8, stride)
    assert caught.value.exit_code == Exit.USAGE


def test_test_time_training_over_overlapping_windows_is_refused():
    tokens, luts = positions(20)
    with pytest.raises(GolfError, match="do not overlap"):
        evaluate(nll, tokens, luts, 4, batch_tokens=8, stride=2, adapt=lambda x, y: None)
