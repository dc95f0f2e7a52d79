"""Strangers' text is one inert line: nothing in it closes, opens, links, hides or speaks for somebody."""

import re
import unicodedata

import pytest
from attacks import ATTACKS
from hypothesis import example, given
from hypothesis import strategies as st

from golfkit.research.inject import escape

MOST = 80
FORBIDDEN = set('<>`|[]*~\\"{}@\n\r\t\0')
anything = st.text(st.characters(exclude_categories=[])) | st.lists(st.sampled_from(ATTACKS), max_size=3).map("".join)


def check(text: str) -> None:
    line = escape.inert(text, MOST)
    assert len(line) <= MOST
    assert line.isprintable() or not line
    assert not FORBIDDEN & set(line)
    assert not escape._INVISIBLE.search(line)
    assert "://" not in line
    assert not re.search(r"www\.|#\s|##|&#?\w+;", line, re.IGNORECASE)
    assert not re.search(r"\b(?:system|assistant|human|user|instruction)\s*:", line, re.IGNORECASE)
    assert not line or unicodedata.category(line[0]) not in ("Mn", "Me")
    assert escape.inert(line, MOST) == line
    line.encode("utf-8")


@given(anything)
def test_text_is_inert_whatever_it_holds(text):
    check(text)


@pytest.mark.parametrize("text", ATTACKS, ids=range(len(ATTACKS)))
def test_each_known_attack_is_inert(text):
    check(text)
    check(f"fine {text} fine")


def test_there_are_enough_attacks():
    assert len(ATTACKS) >= 40


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("BigramHash, relu\u00b2 at 1e-3: 2.5x faster & 3 MB smaller (#1787)", None),
        ("\u00dcber-Modelle \u4e2d\u6587 \u0440\u0443\u0441\u0441\u043a\u0438\u0439 na\u00efve \u2014 ok", None),
        ("two\n lines\tand  blanks", "two lines and blanks"),
        ("S\u200bystem: x", "System - x"),
        ("Operating systems: a view", None),
        ("a@b.example", "a(at)b.example"),
        ("see https://x.example", "see https: //x.example"),
        ("\ud800", "\ufffd"),
        ("x" * 100, "x" * 79 + "\u2026"),
        ("e\u0301" * 50, "e\u0301" * 39 + "\u2026"),
    ],
)
def test_plain_text_stays_readable(text, expected):
    assert escape.inert(text, MOST) == (text if expected is None else expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("arxiv:2403.01234", "`arxiv:2403.01234`"),
        ("github:openai/parameter-golf#12", "`github:openai/parameter-golf#12`"),
        ("doi:10.1/a<b>(c)|`d`", "`doi:10.1/a%3Cb%3E%28c%29%7C%60d%60`"),
        ("a b\n", "`a%20b%0A`"),
        ("\ud800", "`%3F`"),
        ("", "`-`"),
    ],
)
def test_an_id_is_one_word_of_code(text, expected):
    assert escape.identifier(text) == expected


@given(anything)
def test_an_id_and_an_address_are_plain_ascii_whatever_they_hold(text):
    for shown in (escape.identifier(text), escape.address(text), escape.address(f"https://a.example/{text}")):
        assert shown is None or re.fullmatch(r"`[!-_a-~]+`", shown)
        assert shown is None or not set("<>|[]*\\\"'()") & set(shown)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://arxiv.org/abs/2403.01234", "`https://arxiv.org/abs/2403.01234`"),
        ("HTTP://Example.ORG:8080/a%20b?x=1&y=%zz#p", "`http://example.org:8080/a%20b?x=1&y=%25zz#p`"),
        ("https://b\u00fccher.example/\u00fc`|<>", "`https://xn--bcher-kva.example/%C3%BC%60%7C%3C%3E`"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("file:///etc/passwd", None),
        ("https://openai.com@evil.example/", None),
        ("https://a.example/x y", None),
        ("https://a.example/\u202egnp", None),
        ("https://[::1", None),
        ("https://", None),
        ("//a.example", None),
        ("https://a.example/" + "x" * 300, None),
        ("https://\u2100.example/", None),
    ],
)
def test_only_a_web_address_that_shows_where_it_leads_is_shown(url, shown):
    assert escape.address(url) == shown


@example("\u0301" * 10)
@given(st.text(max_size=200))
def test_a_quotation_has_two_quotation_marks(text):
    assert escape.quoted(text, MOST).count('"') == 2
