"""The contest's shard format, damaged in every way, and batches that do not depend on the number of processes."""

import ast
import inspect
import struct
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfkit.errors import Exit, GolfError
from golfkit.train.data import accounting, shards

TOKENS = np.arange(1000, dtype=np.uint16)


@pytest.fixture
def shard(tmp_path):
    path = tmp_path / "text_train_000000.bin"
    shards.write_shard(path, TOKENS)
    return path


def stream_of(folder, *lengths):
    """A stream of consecutive numbers over shards of these lengths."""
    start, paths = 0, []
    for i, length in enumerate(lengths):
        paths.append(folder / f"s_train_{i:06d}.bin")
        shards.write_shard(paths[-1], np.arange(start, start + length))
        start += length
    return shards.TokenStream(paths)


@given(st.lists(st.integers(0, 65535)))
def test_what_is_written_is_read(tmp_path_factory, tokens):
    path = tmp_path_factory.mktemp("shard") / "x.bin"
    shards.write_shard(path, np.array(tokens, dtype=np.int64))
    assert path.stat().st_size == 1024 + 2 * len(tokens)
    assert struct.unpack("<256i", path.read_bytes()[:1024]) == (20240520, 1, len(tokens), *[0] * 253)
    assert shards.read_shard(path).tolist() == tokens
    assert shards.read_shard(path).dtype == np.dtype("<u2")


@given(st.integers(0, 1024 + 2 * len(TOKENS) - 1))
def test_a_shard_cut_anywhere_is_refused_at_its_end(tmp_path_factory, length):
    path = tmp_path_factory.mktemp("shard") / "x.bin"
    shards.write_shard(path, TOKENS)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(GolfError, match=rf"x\.bin:byte {length}: the file ends there") as caught:
        shards.read_shard(path)
    assert caught.value.exit_code == Exit.BAD_FILE


@pytest.mark.parametrize(
    ("offset", "value", "says"),
    [
        (0, 20240521, "byte 0: magic 20240521, expected 20240520"),
        (4, 2, "byte 4: version 2, expected 1"),
        (8, -1, "byte 8: -1 tokens, expected 0 or more"),
        (8, 999, "byte 3022: more bytes (3024 bytes in all), expected 3022 bytes for 999 tokens"),
        (8, 1001, "byte 3024: the file ends there (3024 bytes in all), expected 3026 bytes for 1001 tokens"),
    ],
)
def test_a_wrong_header_is_named_by_its_byte(shard, offset, value, says):
    raw = bytearray(shard.read_bytes())
    struct.pack_into("<i", raw, offset, value)
    shard.write_bytes(raw)
    with pytest.raises(GolfError) as caught:
        shards.read_shard(shard)
    assert f"{shard}:{says}" in str(caught.value)


def test_an_odd_size_is_refused(shard):
    shard.write_bytes(shard.read_bytes() + b"\0")
    with pytest.raises(GolfError, match="byte 3024: more bytes"):
        shards.read_shard(shard)


@pytest.mark.parametrize("tokens", [[65536], [-1]])
def test_a_token_that_uint16_cannot_say_is_refused_and_nothing_is_written(tmp_path, tokens):
    with pytest.raises(GolfError, match="expected 0 to 65535"):
        shards.write_shard(tmp_path / "x.bin", np.array(tokens))
    assert not list(tmp_path.iterdir())


def test_shards_are_listed_by_split_in_order(tmp_path):
    for name in ("f_train_000010.bin", "f_train_000002.bin", "f_val_000000.bin", ".f_train_000003.bin.1.part"):
        (tmp_path / name).touch()
    names = [path.name for path in shards.shard_files(tmp_path, "train")]
    assert names == ["f_train_000002.bin", "f_train_000010.bin"]
    assert shards.shard_files(tmp_path / "f_val_*.bin", "val") == [tmp_path / "f_val_000000.bin"]
    with pytest.raises(GolfError, match="expected val shards"):
        shards.shard_files(tmp_path / "no", "val")


def test_a_stream_goes_through_all_shards_and_starts_again(tmp_path):
    stream = stream_of(tmp_path, 5, 0, 3)
    assert stream.take(7).tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert stream.take(12).tolist() == [7, *range(8), 0, 1, 2]
    assert stream.position == 19
    stream.position = 6
    assert stream.take(3).tolist() == [6, 7, 0]


def test_a_stream_without_tokens_is_refused(tmp_path):
    with pytest.raises(GolfError, match="no tokens"):
        stream_of(tmp_path, 0)


def test_inputs_and_targets_are_the_same_tokens_one_apart(tmp_path):
    stream = stream_of(tmp_path, 100)
    inputs, targets = stream.batch(12, 4)
    assert inputs.tolist() == np.arange(12).reshape(3, 4).tolist()
    assert targets.tolist() == np.arange(1, 13).reshape(3, 4).tolist()
    assert inputs.dtype == targets.dtype == np.int64
    assert stream.batch(12, 4)[0][0, 0] == 12  # the last target is the next input: no token is skipped


@given(st.sampled_from([(1, 8), (2, 4), (4, 2), (8, 1), (2, 1), (1, 1)]), st.integers(1, 3))
def test_a_step_covers_the_same_tokens_for_every_number_of_processes(tmp_path_factory, shape, seq_len):
    folder = tmp_path_factory.mktemp("shards")
    world_size, grad_accum = shape
    global_tokens = 16 * seq_len
    alone = stream_of(folder, 13, 40)
    ranks = [stream_of(folder, 13, 40) for _ in range(world_size)]
    for _ in range(4):
        expected = [part.ravel().tolist() for part in alone.batch(global_tokens, seq_len)]
        together = [[], []]
        for _ in range(grad_accum):
            for rank, stream in enumerate(ranks):
                inputs, targets = stream.batch(global_tokens, seq_len, rank, *shape)
                together[0] += inputs.ravel().tolist()
                together[1] += targets.ravel().tolist()
        assert together == expected
        assert {stream.position for stream in ranks} == {alone.position}


@pytest.mark.parametrize("module", [shards, accounting])
def test_what_is_flattened_imports_nothing_of_golfkit_but_its_errors(module):
    tree = ast.parse(inspect.getsource(module))
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert names - sys.stdlib_module_names <= {"golfkit.errors", "numpy", "sentencepiece", "collections.abc"}


@pytest.mark.parametrize("size", [0, 7, 12])
def test_a_batch_that_cannot_be_shared_out_is_refused(tmp_path, size):
    with pytest.raises(GolfError, match="expected a multiple of 8: 2 processes x 1 micro-steps x 4 tokens") as caught:
        stream_of(tmp_path, 100).batch(size, 4, 0, 2)
    assert caught.value.exit_code == Exit.USAGE
