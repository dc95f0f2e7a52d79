"""What the bytes so far say about text and wiki markup: words, lines, brackets, links, byte classes.

regs     int64[32]      see the names below
classes  uint8[256]     byte -> class, 1 to 11 (letters, digits, space, markup, ...)
follow1  uint32[256]    the last four bytes that followed a byte
follow2  uint32[65536]  the last four bytes that followed a pair of bytes
"""

from typing import Any, NamedTuple

from golfkit.compress.kernels.jit import MASK32, carver, i64, i64_view, jit, u8_view, u32_view
from golfkit.compress.kernels.maps import hash2

POS, C4, C8 = 0, 1, 2  # bytes so far; the last four bytes, and the four before them
WORD, WORD1, WORD2 = 3, 4, 5  # hash of the letters since the last non-letter; of the two words before
LINE, ABOVE_LINE, FIRST = 6, 7, 8  # start of this line and the one before; class of this line's first byte, 0: none yet
BRACKET, BRACKET_POS = 9, 10  # the last bracket opened on this line and not closed, 0: none; where
LINK = 11  # hash of the text since "[", 0 outside
CLASSES, KINDS = 12, 13  # classes of the last 8 bytes, 4 bits each; kinds (class group) of the last 16, 2 bits each
N_REGS = 32
TEXT_BYTES = 8 * N_REGS + 256 + 1024 + 4 * 65536

LOWER, UPPER, DIGIT, HIGH, SPACE, NEWLINE, BRACKETS, MARKUP, STOP, QUOTE, OTHER = range(1, 12)


class Text(NamedTuple):
    """Its arrays."""

    regs: Any
    classes: Any
    follow1: Any
    follow2: Any


@carver
def text_at(arena, at):
    """Views at byte `at`."""
    return Text(
        i64_view(arena, at, N_REGS),
        u8_view(arena, at + 256, 256),
        u32_view(arena, at + 512, 256),
        u32_view(arena, at + 1536, 65536),
    )


@jit
def class_of(c):
    """The class of a byte."""
    if 97 <= c <= 122:
        return LOWER
    if 65 <= c <= 90:
        return UPPER
    if 48 <= c <= 57:
        return DIGIT
    if c >= 128:
        return HIGH
    if c == 32:
        return SPACE
    if c == 10:
        return NEWLINE
    if c == 91 or c == 93 or c >= 123:  # [ ] { | }
        return BRACKETS
    if c == 60 or c == 62 or c == 38 or c == 61 or c == 42 or c == 35:  # < > & = * #
        return MARKUP
    if c == 46 or c == 44 or c == 59 or c == 58:  # . , ; :
        return STOP
    if c == 40 or c == 41 or c == 34 or c == 39:  # ( ) " '
        return QUOTE
    return OTHER


@jit
def init_text(text):
    """Fill the classes."""
    for c in range(256):
        text.classes[c] = class_of(c)


@jit
def is_letter(klass):
    """Whether bytes of a class make up words."""
    return klass in (LOWER, UPPER, HIGH)


@jit
def above(text, ring, mask):
    """The byte above: at this column of the line before; a newline where that line is shorter."""
    regs = text.regs
    at = regs[ABOVE_LINE] + regs[POS] - regs[LINE]
    return i64(ring[at & mask]) if at < regs[LINE] else 10


@jit
def read_byte(text, c):
    """Take in the next byte."""
    regs = text.regs
    pos = regs[POS]
    c4 = regs[C4]
    klass = i64(text.classes[c])
    text.follow1[c4 & 255] = (i64(text.follow1[c4 & 255]) << 8 | c) & MASK32
    text.follow2[c4 & 0xFFFF] = (i64(text.follow2[c4 & 0xFFFF]) << 8 | c) & MASK32
    regs[POS] = pos + 1
    regs[C8] = (regs[C8] << 8 | c4 >> 24) & MASK32
    regs[C4] = (c4 << 8 | c) & MASK32
    regs[CLASSES] = (regs[CLASSES] << 4 | klass) & MASK32
    kind = 1 if klass <= UPPER else (klass - 1 if klass <= HIGH else 0)  # letter, digit, high, other
    regs[KINDS] = (regs[KINDS] << 2 | kind) & MASK32
    read_word(regs, klass, c)
    if regs[FIRST] == 0:
        regs[FIRST] = klass
    read_brackets(regs, pos, c)
    if c == 10:
        regs[ABOVE_LINE] = regs[LINE]
        regs[LINE] = pos + 1
        regs[FIRST] = 0
        regs[BRACKET] = 0
        regs[LINK] = 0


@jit
def read_word(regs, klass, c):
    """Words: case-folded letters, and bytes from 128 on."""
    if is_letter(klass):
        regs[WORD] = hash2(regs[WORD], c + 33 if klass == UPPER else c + 1)
    elif regs[WORD] != 0:
        regs[WORD2] = regs[WORD1]
        regs[WORD1] = regs[WORD]
        regs[WORD] = 0


@jit
def read_brackets(regs, pos, c):
    """The bracket that is open, and the text of a link."""
    if c == 91 or c == 40 or c == 123 or c == 60:  # [ ( { <
        regs[BRACKET] = c
        regs[BRACKET_POS] = pos
    elif c == 93 or c == 41 or c == 125 or c == 62:  # ] ) } >
        regs[BRACKET] = 0
    if c == 91:
        regs[LINK] = 1
    elif c == 93:
        regs[LINK] = 0
    elif regs[LINK] > 0:
        regs[LINK] = hash2(regs[LINK], c)
