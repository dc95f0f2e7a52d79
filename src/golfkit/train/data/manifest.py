"""manifest.json of a dataset: what the shards were made from, by which tokenizer; golf's own and the contest's.

The contest's lies two folders above the shards (data/manifest.json for data/datasets/NAME/), golf's beside them.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from golfkit.errors import GolfError
from golfkit.train.data.tokenizers import Tokenizer

NAME = "manifest.json"
VERSION = "golfkit-1"


class Manifest(NamedTuple):
    """What a manifest says of one dataset."""

    path: Path
    tokenizer_name: str
    tokenizer_kind: str
    tokenizer_sha256: str | None  # golf's own say it; the contest's do not
    vocab_size: int
    train_files: int
    val_files: int
    own: bool  # golf made it, and all shards that it names are there; of the contest's, one may have fetched a part
    record: Mapping[str, Any]  # the whole of it, as read


def read_manifest(path: Path, dataset: str | None = None) -> Manifest:
    """One dataset of a manifest, the only one where no name is given; what is missing or wrong is a GolfError."""
    try:
        record = json.loads(path.read_text("utf-8"))
        entries = {str(entry["name"]): entry for entry in record["datasets"]}
        tokenizers = {str(entry["name"]): entry for entry in record["tokenizers"]}
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise GolfError(f"{path}: {error}; expected JSON; fetch or pack the dataset again") from error
    except (KeyError, TypeError) as error:
        raise _wrong(path, error) from error
    if dataset is None and len(entries) == 1:
        dataset = next(iter(entries))
    if dataset not in entries:
        raise GolfError(f"{path}: no dataset {dataset}, expected one of {', '.join(entries)}; choose one of them")
    try:
        entry = entries[dataset]
        tokenizer = tokenizers[str(entry["tokenizer_name"])]
        stats = entry["stats"]
        return Manifest(
            path=path,
            tokenizer_name=str(entry["tokenizer_name"]),
            tokenizer_kind=str(entry.get("tokenizer_kind", tokenizer.get("kind"))),
            tokenizer_sha256=tokenizer.get("sha256"),
            vocab_size=int(entry.get("vocab_size", tokenizer.get("vocab_size"))),
            train_files=int(stats["files_train"]),
            val_files=int(stats["files_val"]),
            own=record.get("version") == VERSION,
            record=record,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _wrong(path, error) from error


def tokenizer_entry(tokenizer: Tokenizer) -> dict[str, Any]:
    """What a manifest says of a tokenizer."""
    return {
        "name": tokenizer.name,
        "kind": tokenizer.kind,
        "vocab_size": tokenizer.vocab_size,
        "bos_id": tokenizer.bos_id,
        "eos_id": tokenizer.eos_id,
        "sha256": tokenizer.sha256,
        "model_path": None if tokenizer.processor is None else Path(tokenizer.source).name,
    }


def check_tokenizer(manifest: Manifest, tokenizer: Tokenizer) -> None:
    """Refuse a tokenizer that is not the one the shards were made with."""
    expected, found = manifest.tokenizer_sha256, tokenizer.sha256
    if expected and found != expected:
        raise GolfError(
            f"{tokenizer.source}: sha256 {found or 'none'}, expected {expected}, that of {manifest.tokenizer_name},"
            f" which made the shards by {manifest.path}; name that tokenizer"
        )
    if (manifest.tokenizer_kind == "byte") != (tokenizer.kind == "byte") or manifest.vocab_size != tokenizer.vocab_size:
        raise GolfError(
            f"{tokenizer.source}: a {tokenizer.kind} tokenizer of {tokenizer.vocab_size}, expected"
            f" {manifest.tokenizer_kind} of {manifest.vocab_size} by {manifest.path}; name {manifest.tokenizer_name}"
        )


def _wrong(path: Path, error: Exception) -> GolfError:
    what = f"{type(error).__name__} {error}"
    return GolfError(f"{path}: {what}; expected datasets and tokenizers; fetch or pack the dataset again")
