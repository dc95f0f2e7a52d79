"""The registers about the text so far, against what they are said to hold, worked out from the whole text."""

import itertools

import pytest
import samples
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from golfkit.compress.kernels import parser
from golfkit.compress.kernels.parser import (
    ABOVE,
    BRACKET,
    C0,
    C1,
    C2,
    C4,
    C8,
    C12,
    CHANGES,
    CLASSES,
    COLUMN,
    DIGIT,
    DISTANCE,
    FIELD,
    FIRST,
    FIRST2,
    FOLLOW1,
    FOLLOW2,
    GAP,
    HIGH,
    KINDS,
    LINK,
    LOWER,
    POS,
    PUNCTUATION,
    SENTENCE,
    SHAPE,
    SPACE,
    TAG,
    UPPER,
    WORD,
    WORD1,
    WORD2,
    WORD3,
    WORD_LENGTH,
)

OPEN, CLOSE = b"[({<", b"])}>"
TEXT = (
    b"<b>Two words</b> of [[Some Link|text]], {{field=1 (a) b}}.\n\n"
    b"A line; THE END!\n* item [x\n* 12 + \xc3\xa9t\xc3\xa9\n"
)
ALPHABET = st.sampled_from(list(b"aZ9 \n[](){}<>|=.,;*\xc3\x01\x02\xff\0"))


def registers(text: bytes) -> list[int]:
    """Those after the last byte of a text."""
    made = parser.parser_at(memoryview(bytearray(parser.PARSER_BYTES)), 0)
    parser.init_parser(made)
    ring = bytearray(1 << 16)
    for i, c in enumerate(text):
        ring[i] = c
        parser.read_byte(made, ring, len(ring) - 1, c)
    return list(made.r)


def expected(text: bytes) -> dict[int, int]:
    """The same, from the text as a whole."""
    before, line = bytes(12) + text, text.rpartition(b"\n")[2]
    classes = [parser.class_of(c) for c in text]
    above = text[: -len(line) - 1].rpartition(b"\n")[2] + b"\n" if b"\n" in text else b""
    kinds = [{LOWER: 1, UPPER: 1, DIGIT: 2, HIGH: 3}.get(k, 0) for k in classes]
    opened = open_brackets(line)
    return {
        C0: 1,
        POS: len(text),
        C1: before[-1],
        C2: before[-2],
        C4: int.from_bytes(before[-4:]),
        C8: int.from_bytes(before[-8:-4]),
        C12: int.from_bytes(before[-12:-8]),
        CLASSES: packed(classes[-8:], 4),
        CHANGES: packed([k for k, _ in itertools.groupby(classes)][-8:], 4),
        KINDS: packed(kinds[-16:], 2),
        PUNCTUATION: packed([c for c, k in zip(text, classes, strict=True) if k > SPACE][-4:], 8),
        COLUMN: min(len(line), 255),
        FIRST: parser.class_of(line[0]) if line else 0,
        FIRST2: int.from_bytes(line[:2]),
        ABOVE: above[len(line)] if len(line) < len(above) else 10 if text else 0,
        BRACKET: line[opened[-1]] if opened else 0,
        DISTANCE: min(len(line) - 1 - opened[-1], 255) if opened else 0,
        FOLLOW1: followed(before[11:], 1),
        FOLLOW2: followed(before[10:], 2),
    }


def packed(values: list[int], width: int) -> int:
    return sum(value << width * i for i, value in enumerate(reversed(values)))


def open_brackets(line: bytes) -> list[int]:
    """Where those are that nothing has closed."""
    opened: list[int] = []
    for i, c in enumerate(line):
        if c in OPEN and len(opened) < 64:
            opened.append(i)
        elif c in CLOSE and opened:
            opened.pop()
    return opened


def followed(text: bytes, n: int) -> int:
    """The last four bytes that came after earlier places of the last n bytes."""
    places = [i + n for i in range(len(text) - n) if text[i : i + n] == text[-n:]]
    return packed([text[i] for i in places[-4:]], 8)


def differing(text: bytes) -> dict[int, tuple[int, int]]:
    """Register, what it holds, what it should."""
    found = registers(text)
    return {at: (found[at], value) for at, value in expected(text).items() if found[at] != value}


@pytest.mark.parametrize("n", range(len(TEXT) + 1))
def test_registers_say_what_the_text_says(n: int):
    assert differing(TEXT[:n]) == {}


@hypothesis_settings(max_examples=150)
@given(st.lists(ALPHABET, max_size=90).map(bytes))
@example(b"[" * 70 + b"x" + b"]" * 5)
@example(b"]" * 70)
@example(b"x" * 300 + b"\n" + b"y" * 280)
@example(b"(" + b"z" * 300)
@example(samples.mixed(2000))
def test_registers_say_what_any_text_says(text: bytes):
    assert differing(text) == {}


def test_a_word_has_one_hash_whatever_its_case_and_its_place():
    word = registers(b"word")[WORD]
    for text in (b"Word", b"WORD", b"of word", b"a\nword", b"a-woRD"):
        assert registers(text)[WORD] == word
    assert word not in {registers(text)[WORD] for text in (b"wor", b"words", b"Wort", b"w ord", b"drow", b"")}
    assert registers(b"word ")[WORD] == 0
    assert [registers(b"word, the last one:")[at] for at in (WORD1, WORD2, WORD3)] == [
        registers(text)[WORD] for text in (b"one", b"last", b"the")
    ]


def test_words_have_length_and_shape_and_sentences_a_first_word():
    assert [registers(text)[WORD_LENGTH] for text in (b"", b"a word", b"word ", b"\xc3\xa9t")] == [0, 4, 0, 3]
    assert [registers(text)[SHAPE] for text in (b"word", b"Word", b"WORD", b"wOrd", b"word ")] == [1, 2, 3, 3, 0]
    first = registers(b"first")[WORD]
    assert [registers(text)[SENTENCE] for text in (b"first", b"first ", b"First of all", b"One. first, ")] == [
        *(0, first, first, first)
    ]
    assert registers(b"first.")[SENTENCE] == registers(b"first\n")[SENTENCE] == 0


def test_a_gap_a_tag_a_link_and_a_field_are_known_again():
    for at, one, same, other in (
        (GAP, b"a - b", b"word - other", b"a, b"),
        (TAG, b"<title>", b"x <title>", b"<text>"),
        (LINK, b"[[Some", b"text [[Some", b"[[Other"),
        (FIELD, b"{{name = 1", b"|x= 1", b"{{name = 2"),
    ):
        assert registers(one)[at] == registers(same)[at] != registers(other)[at]
    assert registers(b"[[Some]")[LINK] == registers(b"[[Some\n")[LINK] == 0
    assert registers(b"a - ")[GAP] == registers(b"a - b")[GAP]
    assert registers(b"<title>words")[TAG] == registers(b"<title>")[TAG]


def test_every_byte_has_a_class_of_four_bits():
    assert {parser.class_of(c) for c in range(256)} == set(range(1, 16))
