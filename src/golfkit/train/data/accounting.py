"""The contest's byte accounting: how many bytes of text each target token stands for, and the audit of that count.

A score in bits per byte is as right as its count of bytes, and wrong counts were the main source of false records. So
every evaluation is audited: what the tables count must be what the tokenizer's own decoding gives.
Of golfkit, this module needs `errors` alone: it is part of the flattened script.
Source: openai/parameter-golf, train_gpt.py, build_sentencepiece_luts and eval_val.
"""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from golfkit.errors import Exit, GolfError, missing_package

if TYPE_CHECKING:
    import numpy as np

BYTES = "bytes"  # the tokenizer without a file: pad 0, bos 1, eos 2, unk 3, then the 256 byte values
BYTES_OFFSET = 4  # id of byte value 0
BYTES_VOCAB = BYTES_OFFSET + 256
BOS = 1  # both kinds
SPACE = "\u2581"  # how SentencePiece writes a space
CHUNK = 1 << 22  # tokens counted at a time
SAMPLE = 1_000_000  # tokens decoded by the audit; 0.1 s

# The official validation split by vocabulary: tokens evaluated, and bytes of text, which are nearly the same for all.
# Source: logs of the contest's records; the last row is the split before the contest exported it anew.
WHOLE_SPLITS = (
    (1024, 62_021_632, 151.08e6),
    (4096, 45_508_608, 151.08e6),
    (8192, 40_540_160, 151.08e6),
    (8192, 47_851_520, 151.08e6),  # CaseOps
    (1024, 63_779_840, 155.77e6),
)
SAME_SPLIT = 2**16  # tokens; a longer sequence length leaves out more of the last window
SPLIT_TOLERANCE = 0.005  # of the bytes; the smallest accounting bug on record is 4.1%


class Luts(NamedTuple):
    """What a token id counts; arrays by id."""

    base_bytes: "np.ndarray"  # int16[vocab]: bytes of the piece without its leading space; specials 0
    has_leading_space: "np.ndarray"  # bool[vocab]: one byte more, unless the token before is a boundary
    is_boundary: "np.ndarray"  # bool[vocab]: control, unknown and unused ids


class Count(NamedTuple):
    """Targets, and the bytes of text they stand for."""

    tokens: int
    bytes: int

    @property
    def bytes_per_token(self) -> float:
        """Bytes of text that a target stands for, on average."""
        return self.bytes / self.tokens


def open_sentencepiece(path: Path | str) -> Any:
    """The SentencePieceProcessor of a .model file."""
    try:
        import sentencepiece
    except ModuleNotFoundError as error:
        raise missing_package("sentencepiece") from error
    if not Path(path).is_file():
        raise GolfError(f"{path}: no such file, expected a SentencePiece .model; correct the path, or use {BYTES}")
    try:
        return sentencepiece.SentencePieceProcessor(model_file=str(path))
    except RuntimeError as error:
        raise GolfError(f"{path}: {error}; expected a SentencePiece .model; name another") from error


def byte_luts(tokenizer: Path | str, vocab_size: int = 0) -> Luts:
    """The official tables of a tokenizer: a .model file, or "bytes".

    vocab_size  the model's; ids that the tokenizer does not have are boundaries of 0 bytes
    """
    import numpy as np

    processor = None if tokenizer == BYTES else open_sentencepiece(tokenizer)
    known = processor.vocab_size() if processor else BYTES_VOCAB
    size = max(known, vocab_size)
    luts = Luts(np.zeros(size, np.int16), np.zeros(size, np.bool_), np.ones(size, np.bool_))
    if processor is None:
        luts.base_bytes[BYTES_OFFSET:BYTES_VOCAB] = 1
        luts.is_boundary[BYTES_OFFSET:BYTES_VOCAB] = False
        return luts
    for i in range(known):
        if processor.is_control(i) or processor.is_unknown(i) or processor.is_unused(i):
            continue
        piece = processor.id_to_piece(i)
        luts.is_boundary[i] = False
        luts.has_leading_space[i] = not processor.is_byte(i) and piece.startswith(SPACE)
        luts.base_bytes[i] = 1 if processor.is_byte(i) else len(piece.removeprefix(SPACE).encode())
    return luts


def target_bytes(luts: Luts, previous: "np.ndarray", target: "np.ndarray") -> int:
    """Bytes of text that `target` stands for, each id after the one at its place in `previous`; same shapes."""
    spaces = luts.has_leading_space[target] & ~luts.is_boundary[previous]
    return int(luts.base_bytes[target].sum(dtype="int64")) + int(spaces.sum(dtype="int64"))


def count_bytes(luts: Luts, tokens: "np.ndarray") -> Count:
    """Targets and bytes of a stream of tokens; its first token is no target."""
    n_targets = max(len(tokens) - 1, 0)
    n_bytes = 0
    for start in range(0, n_targets, CHUNK):
        span = tokens[start : start + CHUNK + 1]
        n_bytes += target_bytes(luts, span[:-1], span[1:])
    return Count(n_targets, n_bytes)


def bits_per_byte(nll_nats: float, n_tokens: int, n_bytes: int) -> float:
    """Bits per byte from the sum of the targets' losses; in the official order of operations."""
    return nll_nats / n_tokens / math.log(2.0) * (n_tokens / n_bytes)


def check_bytes_per_token(luts: Luts, tokens: "np.ndarray", tokenizer: Path | str, sample: int = SAMPLE) -> Count:
    """Count the bytes of evaluated tokens, and refuse (exit 1) a count that the tokenizer's decoding does not bear out.

    tokens  uint16[n], the stream that is evaluated; the first one is no target
    sample  how many of them are decoded to compare; the official split as a whole is known besides
    """
    if len(tokens) < 2:
        raise GolfError(f"{len(tokens)} validation tokens, expected at least 2; choose other shards")
    processor = None if tokenizer == BYTES else open_sentencepiece(tokenizer)
    known, highest = processor.vocab_size() if processor else BYTES_VOCAB, int(tokens.max())
    if highest >= known:
        raise GolfError(
            f"{tokenizer}: token {highest} among those of validation, expected less than {known}; name theirs"
        )
    if processor is not None and processor.is_unknown(processor.piece_to_id(SPACE)):
        # Then a space is three byte tokens, which count 3 bytes and also decode to 3, those of U+2581.
        raise GolfError(
            f"{tokenizer}: no piece for a bare space (U+2581), so that a space counts as 3 bytes;"
            " make the tokenizer anew with golf data tokenizer",
            Exit.NO,
        )
    _check_decoded(luts, tokens[:sample], tokenizer, processor)
    count = count_bytes(luts, tokens)
    if not count.bytes:
        raise GolfError(f"{tokenizer}: the {count.tokens} validation tokens stand for no byte of text", Exit.NO)
    for vocab_size, n_tokens, n_bytes in WHOLE_SPLITS:
        same = len(luts.base_bytes) == vocab_size and abs(count.tokens - n_tokens) < SAME_SPLIT
        if same and abs(count.bytes / n_bytes - 1) > SPLIT_TOLERANCE:
            raise GolfError(
                f"{tokenizer}: {count.bytes} bytes in {count.tokens} validation tokens, expected {n_bytes:.0f};"
                " these are not the official tokens, or not counted by the official rules",
                Exit.NO,
            )
    return count


def _check_decoded(luts: Luts, tokens: "np.ndarray", tokenizer: Path | str, processor: Any) -> None:
    """Compare the tables' bytes with those of the decoded documents, one by one; they must be equal."""
    import numpy as np

    bos = BOS if processor is None else processor.bos_id()
    starts = np.flatnonzero(tokens == bos)
    ends = np.append(starts[1:], len(tokens))
    if not len(starts):  # a piece of one document: its first token stands for the start
        starts, ends = np.array([0]), np.array([len(tokens)])
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        document = tokens[start:end]
        if end == len(tokens):
            document = _whole_characters(document, processor)
        counted = target_bytes(luts, document[:-1], document[1:])
        decoded = _decoded_bytes(document, processor)
        if counted != decoded:
            raise GolfError(
                f"{tokenizer}: tokens {start} to {start + len(document) - 1} count as {counted} bytes,"
                f" expected the {decoded} that they decode to{_hint(luts, document, counted - decoded, processor)}",
                Exit.NO,
            )


def _decoded_bytes(document: "np.ndarray", processor: Any) -> int:
    """Bytes of the text that the targets of a document decode to; a space right after BOS is none, by the rules."""
    if processor is None:
        return int((document[1:] >= BYTES_OFFSET).sum())
    ids = document[1:].tolist()
    text = processor.decode(ids)
    n_bytes = len(text.encode())
    opens_with_space = bool(ids) and processor.id_to_piece(ids[0]).startswith(SPACE)
    if processor.is_control(int(document[0])):
        return n_bytes - (opens_with_space and text.startswith(" "))
    return n_bytes + (opens_with_space and not text.startswith(" "))  # inside a document it is one


def _whole_characters(document: "np.ndarray", processor: Any) -> "np.ndarray":
    """The document without byte tokens at its end, which a cut may have left in the middle of a character."""
    end = len(document)
    while processor is not None and end > 1 and processor.is_byte(int(document[end - 1])):
        end -= 1
    return document[:end]


def _hint(luts: Luts, document: "np.ndarray", surplus: int, processor: Any) -> str:
    """The known mistakes that give just this surplus."""
    targets, previous = document[1:], document[:-1]
    spaces = int((luts.has_leading_space[targets] & ~luts.is_boundary[previous]).sum())
    n_bytes = sum(processor.is_byte(i) for i in targets.tolist()) if processor else 0
    if surplus == spaces:
        return "; the leading space is counted twice"
    if n_bytes and surplus == 2 * n_bytes:
        return "; byte tokens are counted as 3"
    return ""
