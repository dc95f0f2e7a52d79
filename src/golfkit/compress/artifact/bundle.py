"""decompressor.zip: an ordinary zip of the folder decompressor/, made small because its bytes are counted.

As `zip -9 -X -r decompressor.zip ./decompressor/` makes it, less what no unzip needs: there is no entry for the folder,
and behind the start of a program, which deflates, the rest may be stored, because it is packed already (zip would code
all of it as one block). Deterministic: the same files give the same bytes. Entries are sorted, times are fixed.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

FOLDER = "decompressor"
MODE = 0o755  # every file of a bundle is a program
TIME = (2000, 1, 1, 0, 0, 0)  # of every entry
LAST_CUT = 4096  # bytes of a file within which its stored rest may begin
STORED_MOST = 65_535  # bytes of a stored block of deflate
_TIME = TIME[3] << 11 | TIME[4] << 5 | TIME[5] // 2 | (TIME[0] - 1980 << 9 | TIME[1] << 5 | TIME[2]) << 16
_LOCAL, _CENTRAL, _END = "<4sHHHIIIIHH", "<4sHHHHIIIIHHHHHII", "<4sHHHHIIH"
_UNIX, _REGULAR, _VERSION, _DEFLATED = 3 << 8, 0o100000, 20, 8


def zip_bundle(files: Mapping[str, bytes]) -> bytes:
    """The bytes of decompressor.zip.

    files  programs by their path below decompressor/
    """
    entries, directory = b"", b""
    for name in sorted(files):
        path, content, at = _entry(name).encode(), files[name], len(entries)
        packed = deflated(content)
        fields = (_VERSION, 0, _DEFLATED, _TIME, zlib.crc32(content), len(packed), len(content), len(path), 0)
        mode = (_REGULAR | MODE) << 16
        entries += struct.pack(_LOCAL, b"PK\3\4", *fields) + path + packed
        directory += struct.pack(_CENTRAL, b"PK\1\2", _UNIX | _VERSION, *fields, 0, 0, 0, mode, at) + path
    count = len(files)
    return entries + directory + struct.pack(_END, b"PK\5\6", 0, 0, count, count, len(directory), len(entries), 0)


def deflated(content: bytes) -> bytes:
    """The smallest of a few ways to write `content` in the format deflate."""
    return min(_ways(content), key=len)


def _ways(content: bytes) -> Iterator[bytes]:
    whole = zlib.compressobj(9, zlib.DEFLATED, -15)
    yield whole.compress(content) + whole.flush()
    for cut in range(16, min(LAST_CUT, len(content)), 16):
        if len(content) - cut <= STORED_MOST:
            yield _start_deflated(content[:cut], content[cut:])


def _start_deflated(start: bytes, rest: bytes) -> bytes:
    """Deflate in three blocks: the start, the rest as it is, and an empty one that ends it."""
    state = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = state.compress(start) + state.flush(zlib.Z_SYNC_FLUSH)
    # `head` ends with a stored block of no bytes: its length becomes that of the rest
    return head[:-4] + struct.pack("<HH", len(rest), len(rest) ^ 0xFFFF) + rest + b"\3\0"


def _entry(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or ".." in path.parts:
        raise ValueError(f"a bundle's file is named {name!r}, expected a path below {FOLDER}/")
    return f"{FOLDER}/{path}"
