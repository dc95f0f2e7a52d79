"""A brief without a model: the sentences of a text that say most about how something is built. Pure."""

import re

from golfkit.files import neutralise
from golfkit.research.techniques import Taxonomy
from golfkit.research.verify.verified import BRIEF_CHARACTERS

HEAD = "Extracted from the text, not judged: "
GAP = " [...] "
SENTENCE = (40, 400)  # characters; shorter ones are headings, longer ones tables and code
MOST_SENTENCES = 2_000
_END = re.compile(r"(?<=[.!?])\s+|\n+")
_NUMBER = re.compile(r"\d")
_BUILDS = re.compile(
    r"\b(?:we|is|are)\s+(?:use|add|replace|initiali[sz]e|train|quanti[sz]e|set|share|compute|apply)\w*"
    r"|\b(?:learning rate|layers?|heads?|dimension|parameters?|bits?|steps?|init|hyperparameters?|bytes|MB)\b",
    re.IGNORECASE,
)


def extract(text: str, taxonomy: Taxonomy) -> str:
    """Whole sentences, in their order, that name techniques, steps and numbers; empty where none does.

    At most BRIEF_CHARACTERS, and named as extracted.
    """
    sentences = [neutralise(part) for part in _END.split(text)[:MOST_SENTENCES]]
    weighed = [(_weight(part, taxonomy), n) for n, part in enumerate(sentences)]
    left = BRIEF_CHARACTERS - len(HEAD)
    chosen: list[int] = []
    for _, n in sorted((pair for pair in weighed if pair[0] > 0), key=lambda pair: (-pair[0], pair[1])):
        if len(sentences[n]) + len(GAP) <= left and sentences[n] not in {sentences[other] for other in chosen}:
            chosen.append(n)
            left -= len(sentences[n]) + len(GAP)
    return HEAD + GAP.join(sentences[n] for n in sorted(chosen)) if chosen else ""


def _weight(sentence: str, taxonomy: Taxonomy) -> float:
    if not SENTENCE[0] <= len(sentence) <= SENTENCE[1]:
        return 0.0
    techniques = len(taxonomy.found(sentence))
    builds = min(3, len(_BUILDS.findall(sentence)))
    return 2.0 * techniques + builds + 0.5 * bool(_NUMBER.search(sentence)) if techniques or builds else 0.0
