"""Titles that say the same: one paper in two catalogues, one piece of news in two feeds. Pure."""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from typing import NamedTuple

SAME = 0.9  # share of the significant words that two titles have in common (Jaccard): one word more or less in ten
ORDER = 0.85  # likeness of their order: "A beats B" is not "B beats A"
FEWEST = 4  # significant words; "Weekly notes" says too little to be the same finding
CHARACTERS = 20  # or as many characters, for scripts that put no blanks between words
_WORD = re.compile(r"\w+")
_FRAME = re.compile(  # what search engines and sites put around a title
    r"^\s*(?:\[[^\]]{1,20}\]|\(pdf\))\s*|\s+(?:\|[^|]*|[-\u2013\u2014]\s*(?:arxiv|openreview|medium|substack|github|reddit)(?:\.\w+)?)\s*$",
    re.IGNORECASE,
)
_STOP = frozenset(
    (
        *("a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "in", "into", "is", "it", "its", "of", "on"),
        *("or", "our", "that", "the", "their", "this", "to", "using", "via", "we", "with"),
    )
)
_TELLING = frozenset(  # a word that makes it another finding, however alike the rest
    (
        *("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "one", "two", "three", "four", "five", "six"),
        *("seven", "eight", "nine", "ten", "first", "second", "third", "fourth", "fifth", "no", "not", "non"),
        *("without", "never", "more", "less", "fewer", "longer", "shorter", "part", "reply", "comment", "erratum"),
        *("corrigendum", "correction", "retraction", "retracted", "supplement", "appendix", "survey", "review"),
        *("revisited", "extended", "rebuttal"),
    )
)


class Title(NamedTuple):
    """A title as it is compared."""

    words: tuple[str, ...]  # significant ones, in order
    held: frozenset[str]

    @property
    def speaks(self) -> bool:
        """Whether it says enough to tell one finding from another."""
        return len(self.held) >= FEWEST or len("".join(self.words)) >= CHARACTERS


def title(text: str) -> Title:
    """A title in lower case, without frame, punctuation and stop words."""
    plain = unicodedata.normalize("NFKC", text[:400]).casefold()
    words = tuple(word for word in _WORD.findall(_FRAME.sub("", plain)) if word not in _STOP)
    return Title(words, frozenset(words))


def same(one: Title, other: Title) -> bool:
    """Whether two titles are near-duplicates. Numbers, parts and negations must agree."""
    common = len(one.held & other.held)
    if common < SAME * (len(one.held) + len(other.held) - common) or not (one.speaks and other.speaks):
        return False
    if one.words == other.words:
        return True
    if _telling(one) != _telling(other):
        return False
    return SequenceMatcher(None, one.words, other.words, autojunk=False).ratio() >= ORDER


class Index:
    """Titles by their rarest words: a near-duplicate is found without comparing all with all.

    Two sets of at least n words with a Jaccard of t share one of the n - ceil(t n) + 1 words that come first in any
    fixed order; rare words first makes the lists short.
    Source: prefix filtering, Chaudhuri, Ganti, Kaushik 2006.
    """

    def __init__(self, corpus: Iterable[Title]) -> None:
        self._counts = Counter(word for known in corpus for word in known.held)
        self._by_word: dict[str, list[tuple[int, Title]]] = {}

    def add(self, number: int, known: Title) -> None:
        """Keep a title under `number`."""
        if known.speaks:
            for word in self._rarest(known):
                self._by_word.setdefault(word, []).append((number, known))

    def alike(self, asked: Title) -> Iterator[int]:
        """Numbers of the near-duplicates, each once, in the order in which they were added by word."""
        seen: set[int] = set()
        for word in self._rarest(asked) if asked.speaks else ():
            for number, known in self._by_word.get(word, ()):
                if number not in seen and same(asked, known):
                    seen.add(number)
                    yield number

    def _rarest(self, known: Title) -> list[str]:
        ordered = sorted(known.held, key=lambda word: (self._counts[word], word))
        return ordered[: len(ordered) - math.ceil(SAME * len(ordered)) + 1]


def _telling(known: Title) -> Counter[str]:
    return Counter(word for word in known.words if word in _TELLING or len(word) == 1 or any(map(str.isdigit, word)))
