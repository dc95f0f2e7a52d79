"""What the bytes so far say about text and wiki markup, as registers: words, lines, brackets, fields, byte classes.

r        int64[N_REGS]  the registers, named below; contexts and selectors are functions of them
classes  uint8[256]     byte -> class, 1 to 15
follow1  uint32[256]    the last four bytes that followed a byte
follow2  uint32[65536]  the last four bytes that followed a pair of bytes
stack    uint32[64]     open brackets of this line: position << 8 | byte, innermost last
"""

from typing import Any, NamedTuple

from golfkit.compress.kernels.jit import MASK32, carver, i64, i64_view, jit, u8_view, u32_view
from golfkit.compress.kernels.maps import hash2
from golfkit.compress.kernels.transform_restore import CAPITAL, CAPITALS

N_REGS = 192
C0, BITS = 0, 1  # the partial byte (leading 1), and how many bits of it are known
POS, C1, C2, C4, C8, C12 = (
    2,
    3,
    4,
    5,
    6,
    7,
)  # bytes so far; the last two bytes; the last 4, the 4 before, 4 before those
WORD, WORD1, WORD2, WORD3 = 8, 9, 10, 11  # hash of the letters since the last non-letter; of the words before
WORD_LENGTH, SHAPE, SENTENCE = 12, 13, 14  # letters; 1 lower case, 2 Capital, 3 CAPITALS; hash of its first word
LINE, ABOVE_LINE, FIRST, COLUMN, ABOVE = (
    16,
    17,
    18,
    19,
    20,
)  # starts of lines; class of the line's first byte; at most 255
FIRST2 = 21  # the line's first two bytes
BRACKET, DISTANCE, DEPTH = 22, 23, 24  # the innermost open bracket of this line, 0: none; bytes since (at most 255)
LINK, FIELD = 25, 26  # hash of the text since "[", 0 outside; since the last delimiter of markup
CLASSES, KINDS = 27, 28  # classes of the last 8 bytes, 4 bits each; kinds of the last 16, 2 bits each
CHANGES = 29  # the classes of the last 8 runs of bytes of one class
FOLLOW1, FOLLOW2 = 30, 31  # what followed the last byte, the last two, before
TAG = 32  # hash of the last XML tag
PUNCTUATION = 33  # the last four bytes that are neither letter nor digit nor space
GAP = 34  # hash of the bytes between the last word and the one before
SEEN, WORDS_SEEN = 40, 41  # of the contexts of each group, how many were seen before here
EXPECTED, LENGTH, EXPECTED2, LENGTH2 = 42, 43, 44, 45  # of the match models: byte, bucket of the length (0: none)
MATCHING, MATCHING2 = 46, 47  # the same for this bit: 0 none or failed, else 2 * bucket + the bit
NET, NET_TOP = 48, 49  # of the LSTM: 1 to 23 for its stretched probability of this bit, its likeliest byte
RUN_FIRST = 64  # and on: per followed context, 1 + the last byte seen in it (+ 256 when it came twice), 0: none

LOWER, UPPER, DIGIT, HIGH, SPACE, NEWLINE, BRACKETS, BRACES, ANGLES, MARKUP, STOP, COMMA, QUOTE, DASH, OTHER = range(
    1, 16
)
PARSER_BYTES = 8 * N_REGS + 256 + 1024 + 4 * 65536 + 256


class Parser(NamedTuple):
    """Its arrays."""

    r: Any
    classes: Any
    follow1: Any
    follow2: Any
    stack: Any


@carver
def parser_at(arena, at):
    """Views at byte `at`."""
    return Parser(
        i64_view(arena, at, N_REGS),
        u8_view(arena, at + 8 * N_REGS, 256),
        u32_view(arena, at + 8 * N_REGS + 256, 256),
        u32_view(arena, at + 8 * N_REGS + 1280, 65536),
        u32_view(arena, at + 8 * N_REGS + 263424, 64),
    )


@jit
def class_of(c):
    """The class of a byte."""
    if 97 <= c <= 122:
        return LOWER
    if 65 <= c <= 90 or CAPITAL <= c <= CAPITALS:
        return UPPER
    if 48 <= c <= 57:
        return DIGIT
    if c >= 128:
        return HIGH
    if c == 32:
        return SPACE
    if c == 10:
        return NEWLINE
    if c == 91 or c == 93:  # [ ]
        return BRACKETS
    if c >= 123:  # { | } ~
        return BRACES
    if c == 60 or c == 62 or c == 38:  # < > &
        return ANGLES
    if c == 61 or c == 42 or c == 35 or c == 58:  # = * # :
        return MARKUP
    if c == 46 or c == 33 or c == 63:  # . ! ?
        return STOP
    if c == 44 or c == 59:  # , ;
        return COMMA
    if c == 40 or c == 41 or c == 34 or c == 39:  # ( ) " '
        return QUOTE
    if c == 45 or c == 47 or c == 95:  # - / _
        return DASH
    return OTHER


@jit
def init_parser(parser):
    """Fill the classes."""
    for c in range(256):
        parser.classes[c] = class_of(c)
    parser.r[C0] = 1


@jit
def read_byte(parser, ring, mask, c):
    """Take in the next byte; `ring` holds it already."""
    r = parser.r
    pos = r[POS]
    c4 = r[C4]
    klass = i64(parser.classes[c])
    pair = c4 & 0xFFFF
    parser.follow1[c4 & 255] = (i64(parser.follow1[c4 & 255]) << 8 | c) & MASK32
    parser.follow2[pair] = (i64(parser.follow2[pair]) << 8 | c) & MASK32
    r[C0] = 1
    r[POS] = pos + 1
    r[C12] = (r[C12] << 8 | r[C8] >> 24) & MASK32
    r[C8] = (r[C8] << 8 | c4 >> 24) & MASK32
    r[C4] = (c4 << 8 | c) & MASK32
    r[C2] = r[C1]
    r[C1] = c
    r[FOLLOW1] = i64(parser.follow1[c])
    r[FOLLOW2] = i64(parser.follow2[r[C4] & 0xFFFF])
    if klass != r[CLASSES] & 15:
        r[CHANGES] = (r[CHANGES] << 4 | klass) & MASK32
    r[CLASSES] = (r[CLASSES] << 4 | klass) & MASK32
    kind = 1 if klass <= UPPER else (klass - 1 if klass <= HIGH else 0)  # letter, digit, high, other
    r[KINDS] = (r[KINDS] << 2 | kind) & MASK32
    if klass > SPACE or klass == 0:
        r[PUNCTUATION] = (r[PUNCTUATION] << 8 | c) & MASK32
    read_word(r, klass, c)
    read_line(parser, ring, mask, klass, c)
    read_brackets(parser, pos, c)
    read_markup(r, c)


@jit
def read_word(r, klass, c):
    """Words: case-folded letters, and bytes from 128 on."""
    if c > CAPITALS and klass in (LOWER, UPPER, HIGH):
        length = r[WORD_LENGTH]
        if length == 0:
            r[SHAPE] = 2 if klass == UPPER or r[C2] == CAPITAL else 3 if r[C2] == CAPITALS else 1
        elif klass == UPPER:
            r[SHAPE] = 3
        r[WORD] = hash2(r[WORD], c + 33 if klass == UPPER else c + 1)
        r[WORD_LENGTH] = length + 1
    else:
        if r[WORD] != 0:
            r[WORD3] = r[WORD2]
            r[WORD2] = r[WORD1]
            r[WORD1] = r[WORD]
            if r[SENTENCE] == 0:
                r[SENTENCE] = r[WORD]
            r[WORD] = 0
            r[WORD_LENGTH] = 0
            r[SHAPE] = 0
            r[GAP] = 0
        r[GAP] = hash2(r[GAP], c)
        if klass in (STOP, NEWLINE):
            r[SENTENCE] = 0


@jit
def read_line(parser, ring, mask, klass, c):
    """Lines: the first byte, the column, the byte above."""
    r = parser.r
    if c == 10:
        r[ABOVE_LINE] = r[LINE]
        r[LINE] = r[POS]
        r[FIRST] = 0
        r[FIRST2] = 0
        r[DEPTH] = 0
        r[LINK] = 0
        r[FIELD] = 0
    elif r[POS] - r[LINE] <= 2:
        r[FIRST2] = r[FIRST2] << 8 | c
        if r[FIRST] == 0:
            r[FIRST] = klass
    column = r[POS] - r[LINE]
    r[COLUMN] = min(column, 255)
    at = r[ABOVE_LINE] + column
    r[ABOVE] = i64(ring[at & mask]) if at < r[LINE] else 10


@jit
def read_brackets(parser, pos, c):
    """The stack of open brackets."""
    r = parser.r
    depth = r[DEPTH]
    if c == 91 or c == 40 or c == 123 or c == 60:  # [ ( { <
        if depth < 64:
            parser.stack[depth] = (pos & 0xFFFFFF) << 8 | c
            depth += 1
    elif c == 93 or c == 41 or c == 125 or c == 62:  # ] ) } >
        depth = max(depth - 1, 0)
    r[DEPTH] = depth
    r[BRACKET] = 0
    r[DISTANCE] = 0
    if depth > 0:
        top = i64(parser.stack[depth - 1])
        r[BRACKET] = top & 255
        r[DISTANCE] = min((pos - (top >> 8)) & 0xFFFFFF, 255)


@jit
def read_markup(r, c):
    """The text of a link, of a field of markup, and of a tag."""
    if c == 91:  # [
        r[LINK] = 1
    elif c == 93:  # ]
        r[LINK] = 0
    elif r[LINK] > 0:
        r[LINK] = hash2(r[LINK], c)
    if c == 91 or c == 123 or c == 124 or c == 61 or c == 60 or c == 62 or c == 10:  # [ { | = < >
        r[FIELD] = c
    else:
        r[FIELD] = hash2(r[FIELD], c)
    if c == 60:  # <
        r[TAG] = 1
    elif r[BRACKET] == 60:
        r[TAG] = hash2(r[TAG], c)
