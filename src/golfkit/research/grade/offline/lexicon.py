"""From words to terms: stems, concepts (lexicon.toml) and techniques (techniques.toml). Pure but for reading the file.

A term is a stem, `@concept` where a phrase of the lexicon stands, or `#technique` where a keyword of a technique stands
or all concepts of one of its keywords do: "hashed lookup vectors for adjacent token pairs" holds @hash, @embedding and
@bigram, which are the concepts of "hashed bigram", a keyword of the bigram hash: so it holds #bigram hash as well.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import NamedTuple

from golfkit import strict
from golfkit.research.grade.offline import text
from golfkit.research.techniques import Taxonomy, Technique

FILE = "lexicon.toml"
NEAR = 5  # words between those of a phrase; a noun phrase with its adjectives


class Terms(NamedTuple):
    """What one passage holds."""

    words: tuple[str, ...]  # stems that are not common, @concepts and #techniques; a term as often as it stands there
    named: frozenset[str]  # techniques by keyword, as #name
    implied: frozenset[str]  # by concepts alone
    stems: list[str]  # every word, in the order of the text


@dataclass(frozen=True, kw_only=True)
class Table:
    """lexicon.toml."""

    concepts: Mapping[str, tuple[str, ...]]
    alone: Mapping[str, tuple[str, ...]]
    common: Mapping[str, str]
    field: Mapping[str, str]
    effort: Mapping[str, int]
    broken: Mapping[str, str]


class Lexicon:
    """Reads passages. Built once for a taxonomy."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        table, self.digest = _table()
        self.stem = text.Stemmer()
        self.effort = {tuple(map(self.stem, text.words(phrase))): n for phrase, n in table.effort.items()}
        self.broken = {tuple(map(self.stem, text.words(phrase))): why for phrase, why in table.broken.items()}
        self.common = frozenset(map(self.stem, table.common["words"].split()))
        self.field = frozenset(map(self.stem, table.field["words"].split()))
        self._alone = frozenset(f"@{name}" for name in table.alone["concepts"])
        self._phrases: dict[str, list[tuple[frozenset[str], str]]] = {}  # anchor: the other stems, the concept
        for concept, phrases in table.concepts.items():
            for phrase in phrases:
                anchor, *others = map(self.stem, text.words(phrase))
                self._phrases.setdefault(anchor, []).append((frozenset(others), f"@{concept}"))
        self._keywords: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        self._facets: dict[str, list[tuple[frozenset[str], str]]] = {}  # a concept: the others of a keyword, #technique
        self.parts: dict[str, frozenset[str]] = {}  # of a technique: every concept and stem of its keywords
        for technique in taxonomy.techniques:
            self._learn(technique)

    def read(self, passage: str) -> Terms:
        """The terms of a passage."""
        tokens = text.joined_words(passage)
        cut = text.words(passage) if text.camel(passage) else tokens
        stems = [self.stem(word) for word in cut]
        concepts = self._concepts(stems)
        named = self._named(tokens, cut)
        implied = self._implied(set(concepts)) - named.keys()
        plain = [stem for stem in stems if stem not in self.common]
        times = [name for name, n in named.items() for _ in range(n)]
        return Terms((*plain, *concepts, *times, *sorted(implied)), frozenset(named), frozenset(implied), stems)

    def idea(self, passage: str) -> list[str]:
        """The terms that a short description stands for: its techniques in order, then what they do not cover."""
        named = self._named(text.joined_words(passage), text.words(passage))
        techniques = list(named) or sorted(self._implied(set(self._concepts(self._stems(passage)))))
        covered: set[str] = set()
        for name in techniques:
            covered |= self.parts[name]
        rest = self._stems(passage)
        concepts = self._concepts(rest)
        spoken = {stem for anchor in set(rest) for stem in self._spoken(anchor, rest)}
        left = [stem for stem in rest if stem not in self.common and stem not in spoken and not stem[0].isdigit()]
        return techniques + [term for term in dict.fromkeys([*concepts, *left]) if term not in covered]

    def found(self, stems: Sequence[str], phrases: Mapping[tuple[str, ...], object]) -> list[tuple[str, ...]]:
        """Which of the phrases stand among the stems, word by word in their order."""
        here = set(stems)
        possible = [phrase for phrase in phrases if here.issuperset(phrase)]
        joined = f" {' '.join(stems)} " if possible else ""
        return [phrase for phrase in possible if f" {' '.join(phrase)} " in joined]

    def _stems(self, passage: str) -> list[str]:
        return [self.stem(word) for word in text.words(passage)]

    def _learn(self, technique: Technique) -> None:
        name = f"#{technique.name}"
        parts: set[str] = set()
        for keyword in dict.fromkeys((technique.name, *technique.keywords)):
            sequence = tuple(text.joined_words(keyword))
            self._keywords.setdefault(sequence[0], []).append((sequence, name))
            stems = self._stems(keyword)
            concepts = set(self._concepts(stems))
            rest = {stem for stem in stems if stem not in self.common}
            parts |= concepts | rest
            spoken = {stem for anchor in stems for stem in self._spoken(anchor, stems)}
            if rest - spoken or not (len(concepts) > 1 or concepts & self._alone):
                continue  # a word that no concept covers has to be there itself: the keyword says that already
            for concept in concepts:
                self._facets.setdefault(concept, []).append((frozenset(concepts - {concept}), name))
        self.parts[name] = frozenset(parts)

    def _concepts(self, stems: Sequence[str]) -> list[str]:
        found: dict[str, None] = {}
        phrases = self._phrases
        for i, stem in enumerate(stems):
            if stem in phrases:
                near = stems[max(0, i - NEAR) : i + NEAR + 1]
                for others, concept in phrases[stem]:
                    if concept not in found and (not others or others.issubset(near)):
                        found[concept] = None
        return list(found)

    def _spoken(self, anchor: str, stems: Sequence[str]) -> Iterable[str]:
        """The stems that a concept stands for, of those phrases that begin with `anchor`."""
        here = set(stems)
        for others, _ in self._phrases.get(anchor, ()):
            if others <= here:
                yield anchor
                yield from others

    def _named(self, tokens: list[str], cut: list[str]) -> dict[str, int]:
        """Techniques by keyword and how often, in the order of the text; of words with CamelCase whole and cut."""
        found: dict[str, int] = {}
        keywords = self._keywords
        for sequence in (tokens, cut) if len(cut) != len(tokens) else (tokens,):
            for i, first in enumerate(sequence):
                if first in keywords:
                    for phrase, name in keywords[first]:
                        if tuple(sequence[i : i + len(phrase)]) == phrase:
                            found[name] = found.get(name, 0) + 1
        return found

    def _implied(self, concepts: set[str]) -> set[str]:
        return {name for concept in concepts for others, name in self._facets.get(concept, ()) if others <= concepts}


@cache
def _table() -> tuple[Table, str]:
    import tomllib

    content = resources.files(__package__).joinpath(FILE).read_bytes()
    table = strict.decode(Table, tomllib.loads(content.decode("utf-8")), FILE)
    return table, hashlib.sha256(content).hexdigest()[:16]
