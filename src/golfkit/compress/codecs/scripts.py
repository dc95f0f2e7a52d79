"""The shell programs of a reference codec: `decompress` for bundle and folder, `compress` for the folder.

They are POSIX sh. `decompress` is counted in the score, so it is short: it skips the container's header, pipes the
payload through the tool, and compares length limit and sha256 with the header where the system has sha256sum. OUT
appears only when all of that went well. `ulimit -f` counts blocks of 512 bytes.
"""

import shlex
import shutil
import sys
from pathlib import Path

from golfkit.compress.container import HEADER_BYTES

_DECOMPRESS = """\
#!/bin/sh
# golf archive: {header} bytes of header (original_bytes at 8, its sha256 at 24), then a stream for: {tool}
die() {{ echo "decompress: $*" >&2; exit 1; }}
[ $# = 2 ] && [ -f "$1" ] && [ ! -d "$2" ] || die 'usage: decompress ARCHIVE OUT'
{golf}command -v {program} >/dev/null || die 'needs {program}'
h() {{ od -An -v -t$1 -j$2 -N$3 <"$a" | tr -d ' \\n'; }}
a=$1 t=$2.$$
trap 'rm -f "$t"' EXIT
trap 'exit 130' HUP INT TERM
n=$(h u8 8 8) s=$(h x1 24 32)
ulimit -f $((n / 512 + 1)) || die "$a: damaged"
tail -c +{skip} <"$a" | {tool} >"$t" || die "$a: damaged"
! command -v sha256sum >/dev/null || [ "$(sha256sum <"$t")" = "$s  -" ] || die "$a: sha256 differs"
mv -f "$t" "$2"
"""
_GOLF = """\
golf=$(command -v golf) || golf={fallback}
"""
_COMPRESS = """\
#!/bin/sh
# Makes the archive again: compress IN ARCHIVE
die() {{ echo "compress: $*" >&2; exit 1; }}
[ $# = 2 ] && [ -f "$1" ] && [ ! -d "$2" ] || die 'usage: compress IN ARCHIVE'
{golf}[ -x "$golf" ] || die 'needs golf on PATH; run: pip install golfkit'
t=$2.$$
trap 'rm -f "$t"' EXIT
trap 'exit 130' HUP INT TERM
"$golf" compress --codec {codec} -o - -- "$1" >"$t" || exit
mv -f "$t" "$2"
"""


def decompress(tool: str, *, golf: bool = False) -> bytes:
    """The `decompress` script around `tool`; with `golf` it asks golf where the system lacks the tool."""
    program = tool.split()[0]
    ask = ""
    if golf:
        ask = _GOLF.format(fallback=_fallback()) + (
            f'command -v {program} >/dev/null || [ ! -x "$golf" ] || exec "$golf" decompress -- "$1" "$2"\n'
        )
    text = _DECOMPRESS.format(header=HEADER_BYTES, skip=HEADER_BYTES + 1, tool=tool, program=program, golf=ask)
    return text.encode()


def compress(codec: str) -> bytes:
    """The `compress` script: golf with this codec."""
    return _COMPRESS.format(codec=codec, golf=_GOLF.format(fallback=_fallback())).encode()


def _fallback() -> str:
    """Where golf lies when it is not on PATH: the one that writes the folder."""
    beside = Path(sys.executable).with_name("golf")
    return shlex.quote(str(beside) if beside.exists() else shutil.which("golf") or "golf")
