"""Inputs that several tests compress."""

import hashlib
import pydoc_data.topics
import random
from pathlib import Path

ENWIK8_XZ = Path(__file__).parents[2] / "shared/data/enwik8.4M.xz"  # the first 4,000,000 bytes, where it was put


def text(n_bytes: int) -> bytes:
    """English with markup that every Python has, though not the same in every version."""
    return "\n".join(pydoc_data.topics.topics.values()).encode()[:n_bytes]


def mixed(n_bytes: int) -> bytes:
    """Text, numbers, zeros and noise, the same on every machine and in every Python."""
    noise = b"".join(hashlib.sha256(b"golf %d" % i).digest() for i in range(200))
    numbers = b"".join(b"%d squared is %d, [[cubed]] %d.\n" % (i, i * i, i**3) for i in range(1200))
    records = b"".join(i.to_bytes(4, "little") + b"\0\xff" for i in range(3000))
    part = numbers + noise + bytes(9000) + records
    return (part * (n_bytes // len(part) + 1))[:n_bytes]


def noise(n_bytes: int) -> bytes:
    """Random bytes, always the same."""
    return random.Random(0).randbytes(n_bytes)


def long_words(n_bytes: int) -> bytes:
    """Lines of few and long words, always the same, which the transform makes a sixth as long."""
    draw = random.Random(0)
    words = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randint(14, 24))) for _ in range(36)]
    return b" ".join(draw.choice(words).encode() for _ in range(n_bytes // 14))[:n_bytes]
