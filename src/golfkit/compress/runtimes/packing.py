"""Programs that unpack themselves: a small unpacker, and behind it the program's image, packed.

The unpacker and the host's packer are C that share the whole model (`c/packing.h`). A packed program is one segment:

    origin             ELF header, program header, unpacker, what is packed
    table              1024 bytes for the parser, unpacked with the program
    program            where it was linked; entered when it is there
    model              behind the program's memory; zeros, as Linux gives them

What the searches and tries gave: docs/tuning.md.
"""

import struct
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from golfkit.compress.runtimes import x86

HEADERS = 112  # bytes: 64 of the ELF header and 56 of the program header, which share 8
ROOM = 1 << 17  # bytes from origin to the program's page
PAGE = 4096
MODEL_BYTES = 80 << 20  # no less than the Model of c/packing.h
MASKS = (  # the contexts: bits for the 8 bytes of records -2, -1 and 0, and for the last 8 bytes, the last one first
    *(0x0C4080C0, 0x00C0C000, 0x01A0C0C0, 0x00824302, 0x00CB0040, 0x28C14040, 0x001FD500, 0x02D10000),
    *(0x00FBD3C0, 0x1AAD4100, 0x00904000, 0x0053C113, 0x0020C040, 0x05020208, 0x00EBA1A3, 0x81001057),
)
MODEL = ("-march=x86-64-v3", f"-DMASKS={','.join(map(hex, MASKS))}")  # flags of both sides
SHORT = (  # registers that nobody needs back, and loops as they are written: 70 bytes less
    *(f"-fcall-used-{register}" for register in ("rbx", "r12", "r13", "r14", "r15")),
    *("-fno-tree-scev-cprop", "-fno-tree-reassoc", "-ftree-loop-optimize"),
)
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


def packer(program: Path, data: bytes, *n_bytes: str) -> bytes:
    """What `pack` makes of an image; given the number of the image's bytes, the image of what it made."""
    return subprocess.run([program, *n_bytes], input=data, capture_output=True, check=True).stdout


def pack(
    work: Path, elf: bytes, source: Path, cc: Callable[..., str], flags: Sequence[str], link: Sequence[str]
) -> bytes:
    """A static program with one segment that is loaded, as one that unpacks itself.

    work   folder with `pack`, in which `cc` runs
    flags  for small code that stands alone
    link   to link it with
    """
    program = segment(elf)
    image = x86.table() + program.content
    origin = program.address // PAGE * PAGE - ROOM
    model = (program.address + program.n_bytes) // PAGE * PAGE + PAGE
    places = {"table": program.address - len(x86.table()), "entry": program.entry, "model": model}
    symbols = ",".join(f"--defsym={name}={place:#x}" for name, place in places.items())
    cc(*flags, *MODEL, *SHORT, f"-DN_BYTES={len(image)}", "-c", "-o", "unpack.o", source / "unpack.c")
    cc(*link, f"-Wl,-Ttext={origin + HEADERS:#x},{symbols}", "-o", "unpack", "unpack.o")
    unpacker = segment((work / "unpack").read_bytes())
    content = unpacker.content + packer(work / "pack", image)
    if unpacker.address != origin + HEADERS or HEADERS + len(content) > ROOM - len(x86.table()):
        raise ValueError(f"an unpacker of {len(content)} bytes at {unpacker.address:#x} has no place below its program")
    return headers(origin, unpacker.entry, HEADERS + len(content), model + MODEL_BYTES - origin) + content


def headers(origin: int, entry: int, n_file: int, n_memory: int) -> bytes:
    """Of a program in one segment that begins with them.

    The program header lies on the last 8 bytes of the ELF header. Both read there 1, one program header and a segment
    that is loaded; the flags are taken for a number of sections, which nobody reads where there is no section table.
    """
    at = HEADERS - struct.calcsize(_SEGMENT)
    file = struct.pack(_FILE, b"\x7fELF\2\1\1", 2, 62, 1, entry, at, 0, 0, 64, 56, 1, 0, 0, 0)
    return file[:at] + struct.pack(_SEGMENT, _LOADED, _ALL_ALLOWED, 0, origin, origin, n_file, n_memory, PAGE)


def segment(elf: bytes) -> Segment:
    """The one segment of a program that is loaded."""
    at, n = int.from_bytes(elf[32:40], "little"), int.from_bytes(elf[56:58], "little")
    every = [struct.unpack_from(_SEGMENT, elf, at + 56 * i) for i in range(n)]
    loaded = [fields for fields in every if fields[0] == _LOADED]
    if len(loaded) != 1:
        raise ValueError(f"a program has {len(loaded)} loaded segments, expected 1")
    _, _, offset, address, _, n_content, n_bytes, _ = loaded[0]
    return Segment(elf[offset : offset + n_content], address, n_bytes, int.from_bytes(elf[24:32], "little"))
