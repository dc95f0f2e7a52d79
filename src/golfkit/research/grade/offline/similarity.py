"""How near an item is to what was tried: BM25 of its passages against short descriptions. Pure.

    score(d, p) = sum over the terms t of d:  idf(t) * boost(t) * tf * (k1 + 1) / (tf + k1 * (1 - b + b * |p| / LENGTH))

d is a description (a failed run, a proven technique), p a passage of the item, tf how often t stands in p. The
similarity is the best passage's score over the sum of d's weights: 0 to 1, how much of the idea is there; one mention
in a passage of LENGTH terms counts in full. idf is over the techniques of techniques.toml and LENGTH a constant,
neither is over the descriptions: so that one more failure moves no item but those that are like it.
Source: Robertson and Zaragoza, FnTIR 3 (2009).
"""

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from golfkit.research.grade.offline.lexicon import Lexicon, Terms
from golfkit.research.techniques import Taxonomy

K1 = 1.2  # how soon more of the same term counts no more; the usual value
B = 0.25  # how much long passages are discounted; low, as passages are cut to one size
LENGTH = 24.0  # terms of a usual passage
TECHNIQUE = 2.0  # boost of a technique over a word
RANKED = 0.6  # boost of each further technique of a description: its idea stands first
WORD = 0.6  # boost of a stem that no concept covers: chance decides whether a paraphrase uses it
ALIKE = 0.5  # from here on it is the same idea


class Near(NamedTuple):
    """A description that an item is like."""

    label: str
    similarity: float  # 0 to 1


class Memory:
    """Descriptions that items are compared with. Built once."""

    def __init__(self, lexicon: Lexicon, taxonomy: Taxonomy, documents: Sequence[tuple[str, str]]) -> None:
        """documents: (label, description); those without a term of their own are like nothing."""
        self._frequency = Counter(term for parts in lexicon.parts.values() for term in parts)
        self._count = len(taxonomy.techniques)
        self._labels: list[str] = []
        self._norms: list[float] = []
        self._postings: dict[str, list[tuple[int, float]]] = {}
        for label, description in documents:
            weights = self._weights(lexicon.idea(description))
            if not weights:
                continue
            for term, weight in weights.items():
                self._postings.setdefault(term, []).append((len(self._labels), weight))
            self._labels.append(label)
            self._norms.append(sum(weights.values()))

    def near(self, passages: Sequence[Terms]) -> list[Near]:
        """Every description that is ALIKE, nearest first."""
        best: dict[int, float] = {}
        for passage in passages:
            scores: dict[int, float] = {}
            damp = K1 * (1 - B + B * max(1.0, len(passage.words) / LENGTH))
            for term, times in Counter(passage.words).items():
                if term in self._postings:
                    saturated = min(1.0, times * (K1 + 1) / (times + damp))
                    for document, weight in self._postings[term]:
                        scores[document] = scores.get(document, 0.0) + weight * saturated
            for document, score in scores.items():
                best[document] = max(best.get(document, 0.0), score / self._norms[document])
        found = [Near(self._labels[document], value) for document, value in best.items() if value >= ALIKE]
        return sorted(found, key=lambda near: (-near.similarity, near.label))

    def _weights(self, terms: Sequence[str]) -> dict[str, float]:
        weights = {}
        boost = TECHNIQUE
        for term in terms:
            if term.startswith("#"):
                weights[term] = self._idf(1) * boost
                boost *= RANKED
            else:
                weights[term] = self._idf(self._frequency[term]) * (1.0 if term.startswith("@") else WORD)
        return weights

    def _idf(self, frequency: int) -> float:
        return math.log(1 + (self._count - frequency + 0.5) / (frequency + 0.5))
