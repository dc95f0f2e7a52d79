"""The transformed input beside a checkpoint, so that a run that goes on need not make it again.

    check     16 bytes: xxh3_128 of a key and of what follows, big-endian
    content   the transformed input

The key says of what it is. Nothing depends on the file: one that is not there, or is torn or damaged, is made anew.
"""

from pathlib import Path

import xxhash

_CHECK = 16


def keep(path: Path, key: bytes, content: memoryview) -> None:
    """Write `content` to `path`; not synced, for it is checked when it is read."""
    with path.open("wb") as sink:
        sink.write(_check(key, content))
        sink.write(content)


def kept(path: Path, key: bytes) -> memoryview | None:
    """What was written there with the same key; None where that is not there."""
    if not path.exists():
        return None
    found = memoryview(path.read_bytes())
    content = found[_CHECK:]
    return content if found[:_CHECK] == _check(key, content) else None


def _check(key: bytes, content: memoryview) -> bytes:
    digest = xxhash.xxh3_128(key)
    digest.update(content)
    return digest.digest()
