"""One seed from first weights to score: what is reported is what the file on disk scores."""

import importlib
import random
from dataclasses import replace

import numpy as np
import pytest
from models import needs_mlx, needs_torch

from golfkit.errors import GolfError
from golfkit.train.data.accounting import byte_luts
from golfkit.train.data.shards import TokenStream, write_shard
from golfkit.train.engine import session
from golfkit.train.engine.loop import Plan, prime, train
from golfkit.train.engine.schedule import pace
from golfkit.train.engine.session import Validation
from golfkit.train.model import default
from golfkit.train.model.parameters import initial
from golfkit.train.payload.container import pack, weights

SHAPE = {"vocab_size": 260, "seq_len": 16, "batch_tokens": 64, "n_layers": 2, "dim": 16, "n_heads": 2, "n_kv_heads": 1}
SHAPE |= {"bigram_buckets": 16, "trigram_buckets": 16, "bigram_dim": 8, "rope_dims": 4}
SPEC = replace(default.LOCAL, **SHAPE)
NAME = "final_model.int6.ptz"
STEPS = 6


@pytest.fixture(scope="module")
def shard(tmp_path_factory):
    """3,000 tokens of bytes, and their last 200 are the validation."""
    needs_torch()
    text = " ".join(random.Random(0).choices(["the", "quick", "brown", "fox", "jumps"], k=700)).encode()[:2999]
    path = tmp_path_factory.mktemp("session") / "text_train_000000.bin"
    write_shard(path, np.array([1, *(4 + byte for byte in text)]))
    return path


def backend_of(spec, **options):
    from golfkit.train.engine.torch_backend import TorchBackend

    return TorchBackend(default, spec, **options)


def run(shard, payload, spec=SPEC, *, export=None, seed=1, **validation):
    stream, backend = TokenStream([shard]), backend_of(spec)
    said = []
    found = session.run(
        backend,
        default,
        spec,
        stream,
        Validation(stream.take(3000)[-200:], byte_luts("bytes", 260), 64, **validation),
        Plan(STEPS),
        payload,
        seed=seed,
        export=export,
        say=said.append,
    )
    return found, "\n".join(said)


def test_the_score_is_that_of_the_file_on_disk(shard, tmp_path):
    found, said = run(shard, tmp_path / NAME)
    stream, backend = TokenStream([shard]), backend_of(SPEC)
    backend.load(weights((tmp_path / NAME).read_bytes()))
    again = session.score(backend, SPEC, Validation(stream.take(3000)[-200:], byte_luts("bytes", 260), 64))
    assert found.score == again
    assert found.payload_bytes == (tmp_path / NAME).stat().st_size
    assert found.score.tokens == found.score.bytes == 192
    assert f"final_artifact_roundtrip_exact val_loss:{again.val_loss:.8f} val_bpb:{again.val_bpb:.8f}" in said
    assert f"Serialized model int6: {found.payload_bytes} bytes" in said


def test_an_export_that_alters_the_weights_alters_the_score_and_not_the_one_before_it(shard, tmp_path):
    def tampered(arrays):
        return pack({name: np.float32(0.5) * array for name, array in arrays.items()})

    honest, _ = run(shard, tmp_path / "a.int6.ptz")
    found, _ = run(shard, tmp_path / "b.int6.ptz", export=tampered)
    assert found.pre_quant == honest.pre_quant
    assert abs(found.score.val_bpb - honest.score.val_bpb) > 1e-3


def test_coarse_quantisation_shows_in_the_score_and_not_before_it(shard, tmp_path):
    spec = replace(SPEC, matrix_bits=3, embed_bits=3, matrix_rate=0.1)
    found, _ = run(shard, tmp_path / NAME, spec)
    assert abs(found.score.val_bpb - found.pre_quant.val_bpb) > 1e-3


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failed_export_leaves_no_file(shard, tmp_path, error):
    def failing(arrays):
        raise error

    with pytest.raises(error):
        run(shard, tmp_path / NAME, export=failing)
    assert not list(tmp_path.iterdir())


def test_a_payload_that_cannot_be_written_leaves_no_part_of_it(shard, tmp_path, monkeypatch):
    def full(self, content):
        self.touch()
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        run(shard, tmp_path / NAME)
    assert not list(tmp_path.iterdir())


def test_sliding_windows_and_test_time_training_are_scored_where_asked_for_alone(shard, tmp_path):
    plain, said = run(shard, tmp_path / "a.int6.ptz")
    assert plain.sliding is plain.ttt is None
    assert "sliding" not in said
    assert "ttt" not in said
    both, said = run(shard, tmp_path / "b.int6.ptz", stride=4, ttt=True)
    assert both.score == plain.score  # what comes after it cannot change it
    assert both.sliding.tokens == both.ttt.tokens == plain.score.tokens
    assert len({both.sliding.val_bpb, both.ttt.val_bpb, both.score.val_bpb}) == 3
    assert said.index("final_artifact_roundtrip") < said.index("final_sliding_window") < said.index("legal_ttt")


def test_the_same_seed_gives_the_same_bytes_and_score_and_another_does_not(shard, tmp_path):
    names = ["a.int6.ptz", "b.int6.ptz", "c.int6.ptz"]
    found = [run(shard, tmp_path / name, seed=seed)[0] for name, seed in zip(names, (1, 1, 2), strict=True)]
    first, second, third = ((tmp_path / name).read_bytes() for name in names)
    assert first == second
    assert first != third
    assert (found[0].score, found[0].pre_quant) == (found[1].score, found[1].pre_quant)
    assert found[0].score != found[2].score


def test_test_time_training_leaves_the_payload_alone(shard, tmp_path):
    run(shard, tmp_path / "a.int6.ptz")
    run(shard, tmp_path / "b.int6.ptz", ttt=True)
    assert (tmp_path / "a.int6.ptz").read_bytes() == (tmp_path / "b.int6.ptz").read_bytes()


def steps(backend, spec, shard, n):
    """The losses of `n` steps from the first weights."""
    backend.load(initial(default.parameters(spec), 3))
    losses = []
    train(
        backend,
        spec,
        TokenStream([shard]),
        Plan(n),
        clock=iter(range(n + 1)).__next__,
        on_step=lambda step: losses.append(step.loss),
    )
    return losses


def test_a_batch_in_parts_gives_the_losses_of_a_whole_one(shard):
    spec = replace(SPEC, batch_tokens=112)  # 7 sequences: the last part is smaller
    whole, parts = backend_of(spec), backend_of(spec, micro_tokens=48)
    assert steps(parts, spec, shard, 3) == pytest.approx(steps(whole, spec, shard, 3), abs=1e-5)
    for name, array in whole.weights().items():
        np.testing.assert_allclose(parts.weights()[name], array, atol=1e-4)


def test_mlx_and_torch_give_the_same_losses(shard):
    mx = needs_mlx()
    from golfkit.train.engine.mlx_backend import MlxBackend

    mx.disable_compile()  # on a CPU it runs a C++ compiler, for 15 s
    try:
        theirs = steps(MlxBackend(default, SPEC, micro_tokens=32), SPEC, shard, 3)
    finally:
        mx.enable_compile()
    assert theirs == pytest.approx(steps(backend_of(SPEC), SPEC, shard, 3), abs=1e-3)


def test_averaged_weights_are_exported_where_the_recipe_averages(shard):
    plain, averaged = backend_of(SPEC), backend_of(replace(SPEC, ema=0.9))
    assert steps(plain, SPEC, shard, 3) == steps(averaged, replace(SPEC, ema=0.9), shard, 3)
    weights_of = {name: [] for name in ("embed", "smear")}
    backend, stream = backend_of(SPEC), TokenStream([shard])
    backend.load(initial(default.parameters(SPEC), 3))
    means = initial(default.parameters(SPEC), 3)
    for step in range(3):
        now = pace(replace(SPEC, ema=0.9), step, step / 3, 3)
        backend.step(*stream.batch(64, 16), now)
        for name in weights_of:
            means[name] = now.decay * means[name] + (1 - now.decay) * backend.weights()[name]
    for name in weights_of:
        np.testing.assert_allclose(averaged.weights()[name], means[name], atol=1e-6)
        assert not np.allclose(averaged.weights()[name], plain.weights()[name], atol=1e-5)


def test_priming_leaves_the_weights_and_the_optimiser_as_they_were(shard):
    primed, stream = backend_of(replace(SPEC, ema=0.9)), TokenStream([shard])
    arrays = initial(default.parameters(SPEC), 3)
    prime(primed, SPEC, stream, Plan(3), arrays)
    assert stream.position == 0
    for name, array in initial(default.parameters(SPEC), 3).items():
        np.testing.assert_array_equal(primed.weights()[name], array)
    assert all(not array.any() for part in primed.state.values() for array in part.values())


def test_scoring_changes_no_weight(shard):
    backend = backend_of(SPEC)
    backend.load(initial(default.parameters(SPEC), 3))
    before = backend.weights()
    ids = np.arange(33)[None]
    backend.nll(ids[:, :16], ids[:, 1:17])
    assert all((backend.weights()[name] == array).all() for name, array in before.items())


def test_weights_that_score_nothing_finite_are_an_error(shard, tmp_path):
    def broken(arrays):
        return pack({name: np.full_like(array, np.nan) for name, array in arrays.items()})

    with pytest.raises(GolfError, match="finite"):
        run(shard, tmp_path / NAME, export=broken)


@pytest.mark.parametrize("name", ["torch", "mlx"])
def test_error_compensation_stores_other_codes_of_every_matrix_and_of_nothing_else(shard, name):
    needs_mlx() if name == "mlx" else needs_torch()
    module = importlib.import_module(f"golfkit.train.engine.{name}_backend")
    spec = replace(SPEC, gptq=True)
    backend = getattr(module, f"{name.title()}Backend")(default, spec)
    rng = np.random.default_rng(0)
    arrays = {row.name: rng.normal(size=row.shape).astype(np.float32) for row in default.parameters(spec)}
    backend.load(arrays)
    plain = weights(session.stored(backend, default, SPEC, TokenStream([shard]), arrays))
    compensated = weights(session.stored(backend, default, spec, TokenStream([shard]), arrays))
    for row in default.parameters(spec):
        assert (compensated[row.name] == plain[row.name]).all() == (row.group != "matrix"), row.name
