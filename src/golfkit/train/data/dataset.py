"""A dataset: the shards of a folder and what its manifest says, checked against tokenizer and model."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from golfkit.errors import GolfError
from golfkit.train.data import manifest, shards
from golfkit.train.data.manifest import Manifest
from golfkit.train.data.tokenizers import Tokenizer

if TYPE_CHECKING:
    import numpy as np

LOOKED_AT = 1 << 24  # tokens of each split whose ids are looked at; 10 ms


class Dataset(NamedTuple):
    """Training and validation shards that belong together."""

    folder: Path
    train: list[Path]
    val: list[Path]
    manifest: Manifest | None  # None: bare shards


def load_dataset(folder: Path) -> Dataset:
    """The dataset of a folder: its shards are whole, in number what the manifest says, and some are for validation."""
    if not folder.is_dir():
        raise GolfError(f"{folder}: no such folder, expected one with shards; make one with golf data pack")
    train, val = shards.shard_files(folder, "train"), shards.shard_files(folder, "val")
    n_val = sum(shards.shard_tokens(path) for path in val)
    if n_val < 2:
        raise GolfError(f"{val[0]}: {n_val} validation tokens, expected at least 2; pack with --val-docs")
    for path in train:
        shards.shard_tokens(path)
    found = _manifest(folder)
    if found:
        for split, paths, n_files in (("train", train, found.train_files), ("val", val, found.val_files)):
            if n_files and (len(paths) > n_files or (len(paths) < n_files and found.own)):
                fix = "remove what does not belong there, or pack again"
                raise GolfError(f"{found.path}: {n_files} {split} shards, but {len(paths)} are there; {fix}")
    return Dataset(folder, train, val, found)


def check_dataset(dataset: Dataset, tokenizer: Tokenizer, vocab_size: int) -> None:
    """Refuse a tokenizer that did not make the shards, and a model whose vocabulary it exceeds.

    vocab_size  the model's
    """
    if tokenizer.vocab_size > vocab_size:
        raise GolfError(
            f"{tokenizer.source}: {tokenizer.vocab_size} tokens, but the model has {vocab_size};"
            " set the model's vocab_size to it, or choose another tokenizer"
        )
    if dataset.manifest:
        manifest.check_tokenizer(dataset.manifest, tokenizer)
    for paths in (dataset.train, dataset.val):
        left = LOOKED_AT
        for path in paths:
            tokens = shards.read_shard(path)[:left]
            left -= len(tokens)
            check_ids(path, tokens, tokenizer)


def check_ids(path: Path, tokens: "np.ndarray", tokenizer: Tokenizer) -> None:
    """Refuse a tokenizer that does not have the ids of a shard's tokens."""
    if len(tokens) and int(tokens.max()) >= tokenizer.vocab_size:
        at = int((tokens >= tokenizer.vocab_size).argmax())
        raise GolfError(
            f"{path}:byte {shards.HEADER_BYTES + 2 * at}: token {tokens[at]}, expected less than"
            f" {tokenizer.vocab_size} from {tokenizer.name}; name the tokenizer that made the shard"
        )


def _manifest(folder: Path) -> Manifest | None:
    """Golf's own beside the shards, or the contest's two folders above, where it knows the folder."""
    own = folder / manifest.NAME
    if own.is_file():
        return manifest.read_manifest(own)
    contests = folder.absolute().parent.parent / manifest.NAME
    if folder.absolute().parent.name == "datasets" and contests.is_file():
        return manifest.read_manifest(contests, folder.name)
    return None
