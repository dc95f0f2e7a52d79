"""An item as the offline grader reads it: terms, techniques, constraints, what kind of thing it is. Pure."""

import re
from collections import Counter
from typing import NamedTuple

from golfkit.research.grade.offline import constraints, gains, text
from golfkit.research.grade.offline.constraints import Finding
from golfkit.research.grade.offline.lexicon import Lexicon, Terms
from golfkit.research.items.item import Item

CODE_KINDS = ("pull_request", "commit", "code")
CONTEST_MARKS = 2  # so many different marks make it an item about the contest
FEW_TECHNIQUES = 4  # a text that names fewer by keyword may speak of others in its own words
LEADING = 5  # techniques that one item is about, at most
RELEVANT = 3  # different words of the field that make a text one of the field

# Marks of the contest, each with its spellings in lower case.
_CONTEST = (
    ("bpb", "bits per byte", "bits-per-byte"),
    ("parameter golf", "parameter-golf", "parameter_golf"),
    ("8xh100", "8\u00d7h100", "8x h100", "8 x h100", "8 h100"),
    ("16mb", "16 mb", "16,000,000", "artifact"),
    ("train_gpt", "submission.json", "roundtrip"),
    ("600s", "600 s", "10 min", "10-min"),
    ("fineweb",),
)
_REPOSITORY = re.compile(r"parameter[-_]golf", re.IGNORECASE)  # in an id or address: nothing else is published there
_INHERITS = re.compile(
    r"\b(?:built|builds|building|based|stacked|stacks?) (?:up)?on\b|\bon top of\b"
    r"|\b(?:base|same|full|existing|inherited) (?:stack|scaffold|recipe)\b|\b(?:stack|scaffold|base) (?:from|of|with)\b"
    r"|\b(?:carried|inherited|unchanged|identical|adopted) (?:over )?(?:from|to)\b",
    re.IGNORECASE,
)
_CODE_AT_HAND = (
    "github.com/",
    "code is available",
    "code available",
    "code at",
    "open-source",
    "open source",
    "our code",
)


class Reading(NamedTuple):
    """What is needed to score it."""

    passages: tuple[Terms, ...]
    techniques: tuple[str, ...]  # by name, all of them, in the order of their weight in the text
    leading: tuple[str, ...]  # those that the item is about
    findings: list[Finding]
    claimed: float  # bpb, discounted
    contest: bool  # about the contest, so that its sizes and times are its own
    system: bool  # a whole model, which stands or falls with all of its parts
    inherits: bool  # says that it takes over another's parts
    relevant: bool  # about the field at all
    code: bool
    effort: tuple[tuple[str, int], ...]  # what makes it hard, and the points that it costs


def read(item: Item, lexicon: Lexicon) -> Reading:
    """Read an item once."""
    body = text.plain(item.text)
    title = text.affirmed(text.plain(item.title)[:400])
    said = text.affirmed(body)
    passages = tuple(lexicon.read(passage) for passage in text.passages(title, said))
    techniques, leading = _techniques(passages, lexicon.read(title))
    raw = f"{item.title}\n{item.text[: text.MOST_CHARACTERS]}"
    lower = f"{item.id} {item.url} {raw}".lower()
    home = _REPOSITORY.search(f"{item.id} {item.url}") is not None
    contest = home or sum(any(word in lower for word in words) for words in _CONTEST) >= CONTEST_MARKS
    stems = [stem for passage in passages for stem in passage.stems]
    return Reading(
        passages=passages,
        techniques=techniques,
        leading=leading,
        findings=constraints.read_clean(f"{title}\n{said}", raw, stems, lexicon),
        claimed=gains.claimed(body),
        contest=contest,
        system=contest and item.kind in CODE_KINDS and bool(techniques),
        inherits=contest and _INHERITS.search(body) is not None,
        relevant=bool(techniques) or len(lexicon.field & set(stems)) >= RELEVANT,
        code=item.kind in CODE_KINDS or any(words in lower for words in _CODE_AT_HAND),
        effort=tuple((" ".join(phrase), lexicon.effort[phrase]) for phrase in lexicon.found(stems, lexicon.effort)),
    )


def _techniques(passages: tuple[Terms, ...], heading: Terms) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(all, leading). A technique that concepts alone imply counts where the text names few by keyword."""
    times = Counter(term for passage in passages for term in passage.words if term in passage.named)
    implied = Counter(name for passage in passages[:3] for name in passage.implied)
    if len(times) < FEW_TECHNIQUES:
        times.update({name: n for name, n in implied.items() if name not in times})
    order = sorted(times, key=lambda name: (-times[name], name))
    first = passages[0].named | passages[0].implied
    leading = [name for name in order if name in heading.named | heading.implied] or [n for n in order if n in first]
    return tuple(name[1:] for name in order), tuple(name[1:] for name in (leading or order)[:LEADING])
