"""Token shards in the contest's format, and the stream of training batches that is read from them.

A shard is 256 little-endian int32 (magic 20240520, version 1, number of tokens, zeros) and then uint16 tokens; its
size is 1024 + 2 * n bytes, exactly. Of golfkit, this module needs `errors` alone: it is part of the flattened script.
Source: openai/parameter-golf, train_gpt.py, load_data_shard and TokenStream.
"""

import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from golfkit.errors import Exit, GolfError

if TYPE_CHECKING:
    import numpy as np

MAGIC = 20240520
VERSION = 1
HEADER_BYTES = 1024  # 256 int32
MAX_TOKENS = 2**31 - 1  # what the header's int32 can say


def read_shard(path: Path) -> "np.ndarray":
    """The tokens of a shard, uint16[n], memory-mapped and read-only; a damaged shard is a GolfError."""
    import numpy as np

    n_tokens = shard_tokens(path)
    if n_tokens == 0:  # nothing to map
        return np.zeros(0, dtype="<u2")
    return np.memmap(path, dtype="<u2", mode="r", offset=HEADER_BYTES, shape=(n_tokens,))


def shard_tokens(path: Path) -> int:
    """How many tokens a shard holds, after a check of its header and size; the error names file and byte."""
    with open(path, "rb") as source:
        head = source.read(HEADER_BYTES)
        size = os.fstat(source.fileno()).st_size
    if len(head) < HEADER_BYTES:
        raise _damaged(path, len(head), "the file ends there", f"a header of {HEADER_BYTES} bytes")
    magic, version, n_tokens = struct.unpack("<3i", head[:12])
    if magic != MAGIC:
        raise _damaged(path, 0, f"magic {magic}", str(MAGIC))
    if version != VERSION:
        raise _damaged(path, 4, f"version {version}", str(VERSION))
    if n_tokens < 0:
        raise _damaged(path, 8, f"{n_tokens} tokens", "0 or more")
    expected = HEADER_BYTES + 2 * n_tokens
    if size != expected:
        found = f"{'the file ends there' if size < expected else 'more bytes'} ({size} bytes in all)"
        raise _damaged(path, min(size, expected), found, f"{expected} bytes for {n_tokens} tokens")
    return n_tokens


def shard_header(n_tokens: int) -> bytes:
    """The 1024 bytes in front of `n_tokens` tokens."""
    if not 0 <= n_tokens <= MAX_TOKENS:
        raise GolfError(f"{n_tokens} tokens, expected 0 to {MAX_TOKENS} in a shard; use more shards", Exit.USAGE)
    return struct.pack("<3i", MAGIC, VERSION, n_tokens).ljust(HEADER_BYTES, b"\0")


def write_shard(path: Path, tokens: "np.ndarray") -> None:
    """Write tokens (integers of 0 to 65535, one dimension) as a shard; it is there whole or not at all."""
    import numpy as np

    tokens = np.asarray(tokens)
    if tokens.size and (tokens.min() < 0 or tokens.max() >= 2**16):
        found = f"tokens {tokens.min()} to {tokens.max()}"
        raise GolfError(f"{path}: {found}, expected 0 to 65535; use a smaller vocabulary")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(shard_header(tokens.size) + tokens.astype("<u2").tobytes())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def shard_files(where: Path | str, split: str) -> list[Path]:
    """The shards of a split ("train" or "val"), in order.

    where  a folder (its `*_SPLIT_*.bin`), or a pattern such as `data/fineweb_train_*.bin`
    """
    where = Path(where)
    folder, pattern = (where, f"*_{split}_*.bin") if where.is_dir() else (where.parent, where.name)
    found = sorted(path for path in folder.glob(pattern) if not path.name.startswith("."))
    if not found:
        raise GolfError(f"{folder}: no {pattern} there, expected {split} shards; make them with golf data pack")
    return found


class TokenStream:
    """The tokens of shards one after the other, from the first again after the last; the same on every machine.

    position  tokens passed since the start of the first shard; it goes on counting in the next round, and may be set
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._shards = [tokens for tokens in map(read_shard, paths) if len(tokens)]
        self.n_tokens = sum(map(len, self._shards))  # of one round
        if not self.n_tokens:
            raise GolfError(f"{', '.join(map(str, paths)) or 'no shards'}: no tokens, expected some; pack some text")
        self._starts = [0]
        for tokens in self._shards:
            self._starts.append(self._starts[-1] + len(tokens))
        self.position = 0

    def take(self, n: int) -> "np.ndarray":
        """The next `n` tokens, uint16[n]."""
        tokens = self._read(self.position, n)
        self.position += n
        return tokens

    def batch(
        self, global_tokens: int, seq_len: int, rank: int = 0, world_size: int = 1, grad_accum: int = 1
    ) -> "tuple[np.ndarray, np.ndarray]":
        """This rank's (inputs, targets) of the next micro-step, int64[sequences, seq_len] each.

        A step of `global_tokens` is `grad_accum` micro-steps; a micro-step's span is cut into `world_size` contiguous
        parts that overlap by the one token that is a target here and an input there. So a step covers the same tokens
        whatever the number of processes and micro-steps is. (The official loader skips that token instead, and its
        batches depend on the number of processes.)
        """
        local, rest = divmod(global_tokens, world_size * grad_accum)
        if rest or local % seq_len or not local:
            raise GolfError(
                f"a batch of {global_tokens} tokens, expected a multiple of {world_size * grad_accum * seq_len}:"
                f" {world_size} processes x {grad_accum} micro-steps x {seq_len} tokens; choose another batch",
                Exit.USAGE,
            )
        span = self._read(self.position + rank * local, local + 1).astype("int64")
        self.position += local * world_size
        return span[:-1].reshape(-1, seq_len), span[1:].reshape(-1, seq_len)

    def _read(self, position: int, n: int) -> "np.ndarray":
        import bisect

        import numpy as np

        tokens = np.empty(n, dtype="<u2")
        done = 0
        while done < n:
            at = (position + done) % self.n_tokens
            k = bisect.bisect_right(self._starts, at) - 1
            part = self._shards[k][at - self._starts[k] :][: n - done]
            tokens[done : done + len(part)] = part
            done += len(part)
        return tokens


def _damaged(path: Path, offset: int, found: str, expected: str) -> GolfError:
    return GolfError(f"{path}:byte {offset}: {found}, expected {expected}; fetch or pack the shard again")
