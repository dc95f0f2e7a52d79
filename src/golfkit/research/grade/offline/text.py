"""Untrusted text as terms: cleaned, cut into passages, words stemmed. Pure."""

import re
from collections.abc import Iterator

MOST_CHARACTERS = 30_000  # of one item that are read: a long README; what follows says the same again
PASSAGE_WORDS = 40  # a passage is a sentence or two; longer ones are cut

_CODE = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)", re.DOTALL)
_MARKUP = re.compile(r"</?[A-Za-z!][^<>]{0,200}>|https?://\S{1,300}|\]\([^()\s]{0,300}\)|[`*~]|\\(?=[_*#])")
_ASSIGNMENT = re.compile(r"\b[A-Z][A-Z0-9_]{2,40}=\S{0,60}")  # environment of a command
_CREDITS = re.compile(
    r"^#{1,6}[ \t]*(?:credits?|acknowledge?ments?|references|attribution|lineage|related work|prior work|included files"
    r"|files|reproduction|reproducing|how to run|run command|setup|command)\b.*?(?=^#{1,6}[ \t]|\Z)",
    re.DOTALL | re.IGNORECASE | re.MULTILINE,
)
_NEGATED = re.compile(
    r"\b(?:[Nn]o|NO|[Ww]ithout|[Nn]ever|[Nn]ot(?! only)|NOT|[Rr]emov(?:ed?|ing)|[Dd]rop(?:s|ped)?(?! to| from| by)"
    r"|[Ii]nstead of|[Rr]ather than|[Uu]nlike|[Dd]isabled?|[Rr]eplac(?:es|ed|ing)|[Ii]ncompatible with|[Rr]ejected)\b"
    r"[^.,;:)\n|+→]{0,40}"
)
_END = re.compile(r"(?<=[.!?;])\s+|\s*\n\s*")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORD = re.compile(r"[a-z0-9]+(?:\.[0-9]+)?")


def plain(text: str) -> str:
    """`text` without code, markup, addresses, commands and credits: what it says itself."""
    text = text[:MOST_CHARACTERS]
    if "`" in text or "~~~" in text:
        text = _CODE.sub("\n", text)
    if "#" in text:
        text = _CREDITS.sub("\n", text)
    return _ASSIGNMENT.sub(" ", _MARKUP.sub(" ", text))


def affirmed(text: str) -> str:
    """`text` without what it says it does not do: "no TTT", "instead of SWA", "X removed" stays as X."""
    return _NEGATED.sub(" ", text)


def passages(title: str, text: str) -> list[str]:
    """Title and lead first, then sentence by sentence; each at most about PASSAGE_WORDS words."""
    sentences = list(_sentences(text))
    return [" . ".join([title, *sentences[:2]]), *sentences[2:]]


def words(text: str) -> list[str]:
    """Lower-case words and numbers; CamelCase is cut."""
    return _WORD.findall(_CAMEL.sub(" ", text).lower())


def joined_words(text: str) -> list[str]:
    """`words` without the cuts in CamelCase."""
    return _WORD.findall(text.lower())


def camel(text: str) -> bool:
    """Whether a word of `text` would be cut, so that both kinds of words differ."""
    return _CAMEL.search(text) is not None


class Stemmer:
    """Stems of English words, each worked out once."""

    def __init__(self) -> None:
        import snowballstemmer

        self._stem = snowballstemmer.stemmer("english").stemWord
        self._known: dict[str, str] = {}

    def __call__(self, word: str) -> str:
        """The stem; numbers and words of up to three letters stay as they are."""
        stem = self._known.get(word)
        if stem is None:
            stem = self._stem(word) if len(word) > 3 and word.isalpha() else word
            if len(self._known) < 200_000:  # words of hostile text do not fill the memory
                self._known[word] = stem
        return stem


def _sentences(text: str) -> Iterator[str]:
    for sentence in _END.split(text):
        if len(sentence) < PASSAGE_WORDS * 6:
            if len(sentence) > 2:
                yield sentence
            continue
        parts = sentence.split()
        for start in range(0, len(parts), PASSAGE_WORDS):
            yield " ".join(parts[start : start + PASSAGE_WORDS])[: PASSAGE_WORDS * 20]
