"""Tokenizers: bytes, or a SentencePiece model; encoding for packing, and training with the contest's settings."""

import contextlib
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from golfkit import files
from golfkit.errors import Exit, GolfError, missing_package
from golfkit.train.data import accounting

if TYPE_CHECKING:
    import numpy as np

LEAST_VOCAB = 4 + 256  # specials and bytes
MAX_VOCAB = 2**16  # what a shard's uint16 can say
MAX_SENTENCE = 4192  # bytes; SentencePiece's default, longer ones it leaves out

# Read from the trainer_spec and normalizer_spec inside the contest's fineweb_1024_bpe.model.
CONTEST_SETTINGS = {
    "model_type": "bpe",
    "character_coverage": 0.999,
    "byte_fallback": True,
    "split_digits": True,
    "normalization_rule_name": "nmt_nfkc",
    "add_dummy_prefix": False,
    "pad_id": 0,
    "bos_id": 1,
    "eos_id": 2,
    "unk_id": 3,
    "hard_vocab_limit": False,
}


class Tokenizer(NamedTuple):
    """What turns text into tokens; `load_tokenizer` makes one."""

    name: str  # of the file without its suffix, or "bytes"
    kind: str  # the manifest's word: "byte" or "sentencepiece_bpe"
    vocab_size: int
    bos_id: int
    eos_id: int
    sha256: str | None  # of the model file; None for bytes, which has none
    source: str  # path of the model file, or "bytes"
    processor: Any  # SentencePieceProcessor; None for bytes

    def encode(self, texts: Sequence[str], n_threads: int = 1) -> "list[np.ndarray]":
        """The tokens of each text, uint16[n], without BOS."""
        import numpy as np

        if self.processor is None:
            offset = np.uint16(accounting.BYTES_OFFSET)
            return [np.frombuffer(text.encode(), np.uint8).astype(np.uint16) + offset for text in texts]
        encoded = self.processor.encode(list(texts), out_type=int, num_threads=n_threads)
        return [np.array(ids, dtype=np.uint16) for ids in encoded]

    def decode(self, tokens: "np.ndarray") -> str:
        """The text of tokens; specials are left out, and what is not UTF-8 becomes U+FFFD."""
        if self.processor is None:
            offset = accounting.BYTES_OFFSET
            raw = bytes(int(token) - offset for token in tokens if offset <= token < accounting.BYTES_VOCAB)
            return raw.decode("utf-8", "replace")
        return self.processor.decode([int(token) for token in tokens if token < self.vocab_size])


def load_tokenizer(source: str | Path) -> Tokenizer:
    """The tokenizer "bytes", or that of a SentencePiece .model file."""
    if source == accounting.BYTES:
        return Tokenizer("bytes", "byte", accounting.BYTES_VOCAB, accounting.BOS, 2, None, accounting.BYTES, None)
    processor = accounting.open_sentencepiece(source)
    path = Path(source)
    if processor.vocab_size() > MAX_VOCAB:
        raise GolfError(
            f"{path}: {processor.vocab_size()} tokens, expected at most {MAX_VOCAB}; use a smaller vocabulary"
        )
    if processor.bos_id() < 0:
        raise GolfError(f"{path}: has no BOS token, expected one in front of each document; make it with bos_id=1")
    return Tokenizer(
        name=path.stem,
        kind="sentencepiece_bpe",
        vocab_size=processor.vocab_size(),
        bos_id=processor.bos_id(),
        eos_id=processor.eos_id(),
        sha256=files.digest(path),
        source=str(path),
        processor=processor,
    )


class Trained(NamedTuple):
    """A tokenizer just made."""

    model: Path
    vocab: Path
    vocab_size: int
    sha256: str


def train_tokenizer(documents: Iterable[str], vocab_size: int, prefix: Path, sample_bytes: int) -> Trained:
    """Train a SentencePiece BPE with the contest's settings; writes PREFIX.model and PREFIX.vocab.

    sample_bytes  text used; SentencePiece keeps all of it in memory
    """
    try:
        import sentencepiece
    except ModuleNotFoundError as error:
        raise missing_package("sentencepiece") from error
    import io

    if not LEAST_VOCAB < vocab_size <= MAX_VOCAB:
        found = f"a vocabulary of {vocab_size}"
        raise GolfError(f"{found}, expected {LEAST_VOCAB + 1} to {MAX_VOCAB}; choose another --vocab", Exit.USAGE)
    sink = io.BytesIO()
    sentences = _sentences(documents, sample_bytes)
    with contextlib.closing(sentences):
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=sentences,
                model_writer=sink,
                vocab_size=vocab_size,
                minloglevel=2,  # errors only
                **CONTEST_SETTINGS,
            )
        except RuntimeError as error:
            raise GolfError(f"{prefix}: {error}; give more text, or a smaller or larger --vocab") from error
    content = sink.getvalue()
    processor = sentencepiece.SentencePieceProcessor(model_proto=content)
    if processor.is_unknown(processor.piece_to_id(accounting.SPACE)):
        raise GolfError(f"{prefix}: no bare space (U+2581) in the vocabulary; give more text, or a larger --vocab")
    lines = (f"{processor.id_to_piece(i)}\t{processor.get_score(i):g}\n" for i in range(processor.vocab_size()))
    model, vocab = (prefix.with_name(prefix.name + suffix) for suffix in (".model", ".vocab"))
    files.atomic_write(vocab, "".join(lines))
    files.atomic_write(model, content)
    return Trained(model, vocab, processor.vocab_size(), hashlib.sha256(content).hexdigest())


def _sentences(documents: Iterable[str], sample_bytes: int) -> Iterator[str]:
    """The lines of documents, long ones in parts that SentencePiece takes, until the sample is full."""
    left = sample_bytes
    for document in documents:
        for line in document.split("\n"):
            for start in range(0, len(line), MAX_SENTENCE // 4):  # a character has at most 4 bytes
                part = line[start : start + MAX_SENTENCE // 4].replace("\0", " ").strip()
                if part:
                    left -= len(part.encode())
                    yield part
            if left <= 0:
                return
