"""Programs that unpack themselves: a small unpacker, and behind it the program's image, packed.

The unpacker and the host's packer are C that share one model (`c/packing.h`). A packed program is one segment:

    origin             ELF header, program header, unpacker, packed image
    image - 1024       the parser's table, which is unpacked with the program
    image              where the program was linked, and is entered once it is there
    behind its memory  the model's memory, zeros as Linux gives them
"""

import struct
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from golfkit.compress.runtimes import x86

HEADERS = 112  # bytes: 64 of the ELF header and 56 of the program header, which share 8
ROOM = 1 << 17  # bytes before a program's page for what unpacks it
PAGE = 4096
MODEL_BYTES = 80 << 20  # what c/packing.h needs, and some more
MASKS = (  # the contexts; found by a search over cm-max's program (docs/tuning.md)
    *(0x30000000, 0x00800000, 0x80800000, 0x00830302, 0x4A2B0300, 0x10810000, 0x83310204, 0x40910000, 0x00B21300),
    *(0x14811400, 0x982E0203, 0x83310604, 0x40000000, 0x00900000, 0x00B21101, 0x00040000, 0xA0000000, 0x212B0207),
)
MODEL = ("-march=x86-64-v3", f"-DMASKS={','.join(map(hex, MASKS))}")  # of both sides
LINK = ("-static", "-nostdlib", "-no-pie", "-Wl,--build-id=none,-z,noseparate-code,-z,noexecstack,-z,norelro,-N,-s")
_FILE = "<16sHHIQQQIHHHHHH"  # the ELF header
_SEGMENT = "<IIQQQQQQ"  # kind, flags, offset, address twice, bytes in the file and in memory, alignment
_LOADED, _ALL_ALLOWED = 1, 7


class Segment(NamedTuple):
    """What a program has in memory when it is entered."""

    content: bytes
    address: int
    n_bytes: int  # with the zeros behind the content
    entry: int


def make_packer(source: Path, cc: Callable[..., str]) -> None:
    """Compile `pack`, the host's side, in the folder in which `cc` runs.

    source  folder of the C
    """
    cc("-O2", *MODEL, "-o", "pack", source / "pack.c")


def pack(work: Path, elf: bytes, source: Path, cc: Callable[..., str], compile_flags: Sequence[str]) -> bytes:
    """A static program, with one segment that is loaded, as one that unpacks itself.

    work  folder with `pack`, in which `cc` runs
    """
    program = segment(elf)
    image = x86.table() + program.content
    packed = packer(work / "pack", image)
    origin = program.address // PAGE * PAGE - ROOM
    model = (program.address + program.n_bytes) // PAGE * PAGE + PAGE
    places = {"table": program.address - len(x86.table()), "entry": program.entry, "model": model}
    symbols = [f"--defsym={name}={place:#x}" for name, place in places.items()]
    cc(*compile_flags, *MODEL, f"-DN_BYTES={len(image)}", "-c", "-o", "unpack.o", source / "unpack.c")
    cc(*LINK, ",".join(["-Wl", f"-Ttext={origin + HEADERS:#x}", *symbols]), "-o", "unpack", "unpack.o")
    unpacker = segment((work / "unpack").read_bytes())
    content = unpacker.content + packed
    if unpacker.address != origin + HEADERS or HEADERS + len(content) > ROOM - len(x86.table()) - PAGE:
        raise ValueError(f"an unpacker at {unpacker.address:#x} of {len(content)} bytes does not fit")
    return headers(origin, unpacker.entry, HEADERS + len(content), model + MODEL_BYTES - origin) + content


def packer(program: Path, data: bytes, *arguments: str) -> bytes:
    """What `pack` makes of an image; or of what it made before, given the number of its bytes."""
    return subprocess.run([program, *arguments], input=data, capture_output=True, check=True).stdout


def headers(origin: int, entry: int, n_file: int, n_memory: int) -> bytes:
    """Of a program in one segment that begins with them.

    The program header begins with the last 8 bytes of the ELF header, which are: one program header, no sections (and,
    where the flags lie, 7 of them, which nobody reads where there is no table).
    """
    ident = b"\x7fELF\2\1\1"
    file = struct.pack(_FILE, ident, 2, 62, 1, entry, HEADERS // 2, 0, 0, 64, 56, 1, 0, 0, 0)
    return file[:56] + struct.pack(_SEGMENT, _LOADED, _ALL_ALLOWED, 0, origin, origin, n_file, n_memory, PAGE)


def segment(elf: bytes) -> Segment:
    """The one segment of a program that is loaded."""
    at, n = int.from_bytes(elf[32:40], "little"), int.from_bytes(elf[56:58], "little")
    loaded = [fields for i in range(n) if (fields := struct.unpack_from(_SEGMENT, elf, at + 56 * i))[0] == _LOADED]
    if len(loaded) != 1:
        raise ValueError(f"a program to be packed has {len(loaded)} loaded segments, expected 1")
    _, _, offset, address, _, n_content, n_bytes, _ = loaded[0]
    return Segment(elf[offset : offset + n_content], address, n_bytes, int.from_bytes(elf[24:32], "little"))
