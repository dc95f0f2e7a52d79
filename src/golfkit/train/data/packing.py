"""Documents into shards: BOS before each, no EOS; all shards and then the manifest, or nothing.

The split into training and validation is made here, once, and recorded; a document is in one of them. Shards are
written in a hidden folder beside their place and renamed when all of them are complete.
"""

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from golfkit import files
from golfkit.errors import Exit, GolfError
from golfkit.train.data import accounting, documents, manifest, shards
from golfkit.train.data.accounting import Luts
from golfkit.train.data.documents import Source
from golfkit.train.data.tokenizers import Tokenizer

if TYPE_CHECKING:
    import numpy as np

BATCH_CHARACTERS = 4_000_000  # encoded at a time, by all threads; bounds the memory
SPLITS = ("train", "val")


class Chooser(NamedTuple):
    """A way to split documents."""

    split_of: Callable[[int], str]  # of document 0, 1, 2, ...
    splits: tuple[str, ...]  # those that must not come out empty


class Shard(NamedTuple):
    """One file written."""

    name: str
    tokens: int
    bytes: int  # of text, by the accounting tables
    sha256: str


class Split(NamedTuple):
    """One half of what was packed."""

    documents: int
    tokens: int
    bytes: int
    files: list[Shard]


class Packed(NamedTuple):
    """What `pack` made."""

    manifest: Path
    splits: dict[str, Split]


def first_documents(n_val: int) -> Chooser:
    """The contest's rule: the first `n_val` documents are for validation."""
    return Chooser(lambda i: "val" if i < n_val else "train", SPLITS)


def every_document(fraction: str) -> Chooser:
    """A fraction of the documents, evenly spread, is for validation ("0.01": every 100th)."""
    try:
        share = Fraction(fraction)
    except (ValueError, ZeroDivisionError):
        share = Fraction(0)
    if not 0 < share < 1:
        raise GolfError(f"--val-fraction is {fraction}, expected more than 0 and less than 1", Exit.USAGE)
    return Chooser(lambda i: "val" if (i + 1) * share // 1 > i * share // 1 else "train", SPLITS)


def one_split(split: str) -> Chooser:
    """All documents in one split."""
    if split not in SPLITS:
        raise GolfError(f"--split is {split}, expected train or val", Exit.USAGE)
    return Chooser(lambda i: split, (split,))


def pack(
    inputs: list[str],
    out: Path,
    tokenizer: Tokenizer,
    choose: Chooser,
    *,
    rule: str = "auto",
    name: str = "text",
    shard_tokens: int = 100_000_000,
    on_bytes: documents.Meter = lambda n: None,
) -> Packed:
    """Pack the documents of `inputs` into `out`; the folder may hold other files, but no dataset."""
    _check_inputs(inputs, out)
    luts = accounting.byte_luts(tokenizer.source)
    sources: list[Source] = []
    texts = (text for item in inputs for text in documents.read_documents(item, rule, sources, on_bytes))
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".pack-") as folder, contextlib.ExitStack() as stack:
        writers = {
            split: stack.enter_context(_Writer(Path(folder), f"{name}_{split}", shard_tokens, luts)) for split in SPLITS
        }
        for i, tokens in enumerate(_encoded(texts, tokenizer)):
            writers[choose.split_of(i)].add(tokens)
        splits = {split: writer.finish() for split, writer in writers.items()}
        _check_result(splits, sources, choose)
        record = _record(name, tokenizer, splits, sources, rule, shard_tokens)
        for split in splits.values():
            for shard in split.files:
                os.replace(Path(folder, shard.name), out / shard.name)
    path = out / manifest.NAME
    files.atomic_write(path, json.dumps(record, indent=2) + "\n")
    return Packed(path, splits)


def _check_inputs(inputs: list[str], out: Path) -> None:
    """Refuse what would put a document into both splits: an input twice, or a folder that holds a dataset."""
    same = [Path(item).resolve() if item != documents.STDIN else item for item in inputs]
    twice = [item for i, item in enumerate(inputs) if same[i] in same[:i]]
    if twice:
        raise GolfError(f"{twice[0]}: named twice, expected each input once; leave one out", Exit.USAGE)
    held = [path for pattern in (manifest.NAME, "*_train_*.bin", "*_val_*.bin") for path in out.glob(pattern)]
    if held:
        raise GolfError(f"{held[0]}: is there already, expected a folder without a dataset; choose another --out")


def _check_result(splits: dict[str, Split], sources: list[Source], choose: Chooser) -> None:
    names = ", ".join(source.name for source in sources)
    by_content: dict[str, Source] = {}
    for source in sources:
        other = by_content.setdefault(source.sha256, source)
        if other is not source:
            raise GolfError(f"{source.name}: the same text as {other.name}, expected each once; leave one out")
    n_documents = sum(split.documents for split in splits.values())
    if not n_documents:
        raise GolfError(f"{names}: no documents, expected text; choose other files or another --documents")
    for split in choose.splits:
        if not splits[split].documents:
            raise GolfError(
                f"{names}: {n_documents} documents, none left for {split}; give more, or choose another split"
            )


def _encoded(texts: Iterable[str], tokenizer: Tokenizer) -> "Iterator[np.ndarray]":
    """Each document's tokens behind their BOS, uint16[n]."""
    import numpy as np

    n_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    bos = np.array([tokenizer.bos_id], dtype=np.uint16)
    for batch in _batches(texts):
        for tokens in tokenizer.encode(batch, n_threads):
            yield np.concatenate([bos, tokens])


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    n_characters = 0
    for text in texts:
        batch.append(text)
        n_characters += len(text)
        if n_characters >= BATCH_CHARACTERS:
            yield batch
            batch, n_characters = [], 0
    if batch:
        yield batch


class _Writer:
    """Shards of one split; a document that does not fit goes on in the next shard."""

    def __init__(self, folder: Path, stem: str, shard_tokens: int, luts: Luts) -> None:
        self._folder, self._stem, self._limit, self._luts = folder, stem, shard_tokens, luts
        self._done: list[Shard] = []
        self._documents = 0
        self._sink: BinaryIO | None = None
        self._tokens = self._bytes = 0  # of the open shard

    def __enter__(self) -> "_Writer":
        return self

    def __exit__(self, *exception: object) -> None:
        if self._sink is not None:
            self._sink.close()

    def add(self, tokens: "np.ndarray") -> None:
        """Append one document, which starts with BOS."""
        self._documents += 1
        counts = self._luts.base_bytes[tokens].astype("int64")
        counts[1:] += self._luts.has_leading_space[tokens[1:]] & ~self._luts.is_boundary[tokens[:-1]]
        start = 0
        while start < len(tokens):
            if self._sink is None:
                self._sink = self._path().open("wb")
                self._sink.write(bytes(shards.HEADER_BYTES))
            end = min(start + self._limit - self._tokens, len(tokens))
            self._sink.write(tokens[start:end].astype("<u2").tobytes())
            self._tokens += end - start
            self._bytes += int(counts[start:end].sum())
            start = end
            if self._tokens == self._limit:
                self._close()

    def finish(self) -> Split:
        """Complete the last shard; what was written."""
        if self._sink is not None:
            self._close()
        n_tokens, n_bytes = sum(shard.tokens for shard in self._done), sum(shard.bytes for shard in self._done)
        return Split(self._documents, n_tokens, n_bytes, self._done)

    def _close(self) -> None:
        path, sink = self._path(), self._sink
        assert sink is not None
        sink.seek(0)
        sink.write(shards.shard_header(self._tokens))
        sink.flush()
        os.fsync(sink.fileno())
        sink.close()
        self._done.append(Shard(path.name, self._tokens, self._bytes, files.digest(path)))
        self._sink, self._tokens, self._bytes = None, 0, 0

    def _path(self) -> Path:
        return self._folder / f"{self._stem}_{len(self._done):06d}.bin"


def _record(
    name: str, tokenizer: Tokenizer, splits: dict[str, Split], sources: list[Source], rule: str, shard_tokens: int
) -> dict[str, Any]:
    """What manifest.json says; the keys are the contest's where it has them."""
    stats: dict[str, int] = {}
    for what, per_split in (
        ("docs", {split: part.documents for split, part in splits.items()}),
        ("files", {split: len(part.files) for split, part in splits.items()}),
        ("tokens", {split: part.tokens for split, part in splits.items()}),
        ("bytes", {split: part.bytes for split, part in splits.items()}),
    ):
        stats |= {f"{what}_total": sum(per_split.values())}
        stats |= {f"{what}_{split}": n for split, n in per_split.items()}
    return {
        "version": manifest.VERSION,
        "num_docs": stats["docs_total"],
        "num_val_docs": stats["docs_val"],
        "shard_size": shard_tokens,
        "append_eos": False,
        "documents": rule,
        "sources": [source._asdict() | {"name": Path(source.name).name} for source in sources],
        "tokenizers": [manifest.tokenizer_entry(tokenizer)],
        "datasets": [
            {
                "name": name,
                "tokenizer_name": tokenizer.name,
                "tokenizer_kind": tokenizer.kind,
                "vocab_size": tokenizer.vocab_size,
                "bos_id": tokenizer.bos_id,
                "eos_id": tokenizer.eos_id,
                "stats": stats,
                "files": {split: [shard._asdict() for shard in part.files] for split, part in splits.items()},
            }
        ],
    }
