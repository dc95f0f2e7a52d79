"""The container: 60 bytes in front of every archive, read strictly.

    offset  size  field
         0     4  magic "golf"
         4     1  container version, 1
         5     1  codec id
         6     1  codec version
         7     1  codec parameter (cm codecs: log2 of the slot count; reference codecs: 0)
         8     8  original_bytes, little-endian
        16     8  payload_bytes, little-endian
        24    32  sha256 of the original
        56     4  check: the first 4 bytes of sha256(header[0:56])
        60        payload

The check means that a flipped length cannot ask for a terabyte; the payload's length means that truncation and
appended bytes are refused before anything is decoded.
"""

import hashlib
import struct
from typing import NamedTuple

from golfkit.errors import GolfError

MAGIC = b"golf"
VERSION = 1
_FIELDS = struct.Struct("<4sBBBBQQ32s")
_CHECK_BYTES = 4
HEADER_BYTES = _FIELDS.size + _CHECK_BYTES  # 60


class Header(NamedTuple):
    """What the container says of its payload."""

    codec_id: int
    codec_version: int
    parameter: int
    original_bytes: int
    payload_bytes: int
    sha256: bytes


def pack(header: Header) -> bytes:
    """The 60 bytes of a header."""
    fields = _FIELDS.pack(MAGIC, VERSION, *header)
    return fields + _check(fields)


def unpack(head: bytes, archive_bytes: int, where: str) -> Header:
    """The header of an archive; anything that is not exactly right is refused.

    head           the first 60 bytes of the archive (fewer when it is shorter)
    archive_bytes  size of the whole archive
    where          its name, for the error
    """
    if len(head) < HEADER_BYTES:
        raise GolfError(f"{where}: {len(head)} bytes, expected a golf archive of at least {HEADER_BYTES}")
    fields, check = head[: _FIELDS.size], head[_FIELDS.size : HEADER_BYTES]
    magic, version, *rest = _FIELDS.unpack(fields)
    if magic != MAGIC:
        raise GolfError(f"{where}: byte 0: magic is {magic!r}, expected {MAGIC!r}; this is not a golf archive")
    if check != _check(fields):
        raise GolfError(
            f"{where}: byte {_FIELDS.size}: header check is wrong; the header is damaged, fetch the archive again"
        )
    if version != VERSION:
        raise GolfError(f"{where}: byte 4: container version {version}, expected {VERSION}; update golfkit")
    header = Header(*rest)
    found = archive_bytes - HEADER_BYTES
    if found != header.payload_bytes:
        raise GolfError(f"{where}: payload of {found} bytes, expected {header.payload_bytes}; truncated or extended")
    return header


def _check(fields: bytes) -> bytes:
    return hashlib.sha256(fields).digest()[:_CHECK_BYTES]
