"""What the parser of `c/packing.h` knows of x86-64 code as compilers write it: how long instructions are.

A table of 256 times 4 entries: what follows a byte that is an opcode or prefix, an opcode of two bytes, a ModRM or a
SIB byte. An entry is the next of these four + 4 * bytes of immediate + 32 * bytes of displacement. What no compiler
writes is not in it, nor are a few rare lengths; an instruction read wrong costs bits, no more.
"""

TWO_BYTE, MODRM, SIB = 1, 2, 3  # what the next byte is; 0 is an opcode or prefix
PREFIX = 255  # of the same instruction
IMMEDIATE, DISPLACEMENT = 4, 32  # a byte of each
ONE_BYTE_ALONE = {0x68: 4, 0xA9: 4, 0xE8: 4, 0xE9: 4, 0x6A: 1, 0xA8: 1, 0xEB: 1}  # immediate bytes without a ModRM
ONE_BYTE_MODRM = dict.fromkeys((*range(0x80, 0x90), *range(0xD0, 0xE0), 0x63, 0xF6, 0xF7, 0xFE, 0xFF), 0)
ONE_BYTE_MODRM |= {0x69: 4, 0x81: 4, 0xC7: 4, 0x6B: 1, 0x80: 1, 0x83: 1, 0xC0: 1, 0xC1: 1, 0xC6: 1}
TWO_BYTE_IMMEDIATE = {0x19, 0x39, 0x4A, 0x70, 0x72, 0x73, 0xBA, 0xC6, 0xF0}  # in whichever map that is what is used


def one_byte(code: int) -> int:
    """Entry of an opcode, or of a prefix."""
    if code == 0x0F:
        return TWO_BYTE
    if code in (0xC4, 0xC5):  # VEX: two more bytes, or one
        return TWO_BYTE + IMMEDIATE * (0xC6 - code)
    if code < 0x40:
        return (MODRM, MODRM, MODRM, MODRM, IMMEDIATE, 4 * IMMEDIATE, 0, 0)[code & 7]
    if code < 0x50 or code in (0x66, 0xF2, 0xF3):
        return PREFIX
    if code in ONE_BYTE_MODRM:
        return MODRM + IMMEDIATE * ONE_BYTE_MODRM[code]
    if code >> 4 == 7 or code >> 3 == 0xB0 >> 3:
        return IMMEDIATE
    return IMMEDIATE * (4 if code >> 3 == 0xB8 >> 3 else ONE_BYTE_ALONE.get(code, 0))


def two_byte(code: int) -> int:
    """Entry of an opcode after 0F or a VEX prefix, of all maps together."""
    if code == 0x38:  # one more map
        return TWO_BYTE
    if code in (0x05, 0x77):
        return 0
    return 4 * IMMEDIATE if code >> 4 == 8 else MODRM + IMMEDIATE * (code in TWO_BYTE_IMMEDIATE)


def modrm(code: int) -> int:
    """Entry of a ModRM byte: bytes of displacement, and of a SIB byte that says no more."""
    if code >> 6 == 3:
        return 0
    if code & 7 == 4:
        return (SIB, 2 * DISPLACEMENT, 5 * DISPLACEMENT)[code >> 6]
    return DISPLACEMENT * (4 if code & 7 == 5 else 0, 1, 4)[code >> 6]


def sib(code: int) -> int:
    """Entry of a SIB byte after a ModRM byte without displacement."""
    return 4 * DISPLACEMENT if code & 7 == 5 else 0


def table() -> bytes:
    """All entries: those of one byte together."""
    return bytes(page(code) for code in range(256) for page in (one_byte, two_byte, modrm, sib))
