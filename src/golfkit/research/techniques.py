"""techniques.toml: the techniques that golf knows by name, their families, and finding them in text."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from golfkit import strict
from golfkit.errors import GolfError

FILE = "techniques.toml"
_WORD = re.compile(r"[a-z0-9]+(?:\.[0-9]+)?")


@dataclass(frozen=True, kw_only=True)
class Technique:
    """One technique; `keywords` are phrases that give it away."""

    name: str
    family: str
    keywords: tuple[str, ...]
    proven: bool
    source: str


@dataclass(frozen=True, kw_only=True)
class Taxonomy:
    """The whole file."""

    families: Mapping[str, str]  # name: what is in it
    techniques: tuple[Technique, ...]

    def found(self, text: str) -> tuple[Technique, ...]:
        """The techniques whose name or a keyword stands in `text` as whole words, in the file's order."""
        seen: set[int] = set()
        tokens = words(text)
        for i, first in enumerate(tokens):
            for phrase, number in self._by_first_word.get(first, ()):
                if number not in seen and tuple(tokens[i : i + len(phrase)]) == phrase:
                    seen.add(number)
        return tuple(self.techniques[number] for number in sorted(seen))

    def named(self, name: str) -> Technique | None:
        """The technique of that name."""
        return next((technique for technique in self.techniques if technique.name == name), None)

    @cached_property
    def _by_first_word(self) -> dict[str, list[tuple[tuple[str, ...], int]]]:
        index: dict[str, list[tuple[tuple[str, ...], int]]] = {}
        for number, technique in enumerate(self.techniques):
            for phrase in {tuple(words(keyword)) for keyword in (technique.name, *technique.keywords)}:
                index.setdefault(phrase[0], []).append((phrase, number))
        return index


def words(text: str) -> list[str]:
    """Lower-case words and numbers; a hyphen, an underscore and a space are the same."""
    return _WORD.findall(text.lower())


def read(path: Path) -> Taxonomy:
    """The file, checked: a family that is not declared, or a keyword of two techniques, is an error with its line."""
    import tomllib

    try:
        text = path.read_bytes().decode("utf-8")
        table = tomllib.loads(text)
    except FileNotFoundError as error:
        raise GolfError(f"{path}: not found, expected the techniques; golf init writes it") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise GolfError(f"{path}: {error}; expected TOML in UTF-8, correct it there") from error
    taxonomy = strict.decode(Taxonomy, table, str(path))
    for problem, value in _problems(taxonomy):
        raise GolfError(f"{path}:{_line_of(value, text)}: {problem}; correct it there")
    return taxonomy


def _problems(taxonomy: Taxonomy) -> Iterator[tuple[str, str]]:
    """(what is wrong, the text it is wrong with)."""
    owners: dict[Sequence[str], str] = {}
    for technique in taxonomy.techniques:
        if technique.family not in taxonomy.families:
            yield (
                f"family {technique.family!r} of {technique.name!r}, expected one of {', '.join(taxonomy.families)}",
                technique.name,
            )
        for phrase in dict.fromkeys((technique.name, *technique.keywords)):
            tokens = tuple(words(phrase))
            if not tokens:
                yield f"keyword {phrase!r} of {technique.name!r} has no word", phrase
            elif owners.setdefault(tokens, technique.name) != technique.name:
                yield f"{phrase!r} belongs to {owners[tokens]!r} and to {technique.name!r}, expected one", phrase


def _line_of(value: str, text: str) -> int:
    """Number of the first line that holds the value in quotes; 1 where none does."""
    return next((n for n, line in enumerate(text.split("\n"), start=1) if f'"{value}"' in line), 1)
