"""Which families of techniques were tried, what came of it, and which to try next. Pure.

The score of a family is an upper confidence bound, UCB1 on a shrunk mean:

    score = mean + C * sqrt(ln(N) / n)
    n     = tried + PRIOR                              tries, and PRIOR imagined ones, so that 0 tries have a score
    N     = sum of n over all families
    mean  = (kept + PRIOR * share + seen) / (tried + PRIOR + seen)
    share = (all kept + 1) / (all tried + 2)           what a try is worth here, whatever it is of
    seen  = SEEN * log2(1 + seen elsewhere)            what others report, as kept tries: few, as failures go unreported

The first term prefers what worked; the second grows for what others of the same file crowd out, so a family that nobody
tries comes to the front by itself. No random numbers: the same files give the same order, ties go by the file's order.
A technique's score is the same formula among the techniques of its family.

Source: UCB1 of Auer, Cesa-Bianchi and Fischer, Machine Learning 47 (2002), with its C of sqrt(2); shrinkage to the
common mean as in Efron and Morris, Scientific American 236 (1977).
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from golfkit.research.techniques import Taxonomy
from golfkit.train.runs.view import Entry

C = math.sqrt(2)
PRIOR = 2.0  # imagined tries
SEEN = 0.25  # kept tries that a doubling of reports is worth: 15 reports are one
EXPLANATION = (
    "score = mean reward + C * sqrt(ln N / n), C = sqrt(2) (UCB1): high for what worked or was hardly tried; "
    f"the mean is kept / tried, shrunk to the share of all families by {PRIOR:g} imagined tries; what is "
    "reported elsewhere counts a little"
)


class Count(NamedTuple):
    """What is known of one technique or family."""

    name: str
    family: str  # equal to name for a family
    proven: bool
    tried: int  # rows of results.tsv that name it
    kept: int
    failed: int  # discards and crashes
    elsewhere: int  # items and competitors that name it
    best_gain: float | None  # largest (baseline - val_bpb) / baseline of a scored row; None where none is known
    score: float


class Family(NamedTuple):
    """A family and its techniques."""

    count: Count
    techniques: tuple[Count, ...]  # best score first
    following: Count | None  # the untried technique to try next; None where all were tried

    @property
    def described(self) -> str:
        """The technique to try next, in words."""
        if self.following is None:
            return "all tried"
        return self.following.name + (" (proven elsewhere)" if self.following.proven else "")


class _Try(NamedTuple):
    names: frozenset[str]
    kept: bool
    gain: float | None


def ranked(taxonomy: Taxonomy, entries: Sequence[Entry], elsewhere: Mapping[str, Iterable[str]]) -> list[Family]:
    """The families, best score first.

    entries    rows of results.tsv, judged; every technique that a description names was tried by it
    elsewhere  names of techniques by the id of what reported them, each finding once
    """
    tries = [_tried(entry, taxonomy) for entry in entries]
    family_of = {technique.name: technique.family for technique in taxonomy.techniques}
    reports: Counter[str] = Counter()
    reports_of_family: Counter[str] = Counter()
    for names in elsewhere.values():
        known = family_of.keys() & set(names)
        reports.update(known)
        reports_of_family.update({family_of[name] for name in known})
    families = []
    for name in taxonomy.families:
        own = [technique for technique in taxonomy.techniques if technique.family == name]
        techniques = [_count(t.name, name, t.proven, {t.name}, tries, reports[t.name]) for t in own]
        best_first = tuple(sorted(_scored(techniques), key=lambda count: -count.score))
        untried = [count for count in best_first if not count.tried]
        following = min(untried, key=lambda count: count.proven, default=None)  # the best of what is not common yet
        whole = _count(name, name, False, {t.name for t in own}, tries, reports_of_family[name])
        families.append(Family(whole, best_first, following))
    scored = _scored([family.count for family in families])
    ranking = [family._replace(count=count) for family, count in zip(families, scored, strict=True)]
    return sorted(ranking, key=lambda family: -family.count.score)


def lines(families: Sequence[Family]) -> list[str]:
    """The ranking as text, a family a line."""
    return [
        f"{count.name}: tried {count.tried}, kept {count.kept}, failed {count.failed}, seen elsewhere "
        f"{count.elsewhere}, score {count.score:.2f}; next: {family.described}"
        for family in families
        for count in [family.count]
    ]


def _tried(entry: Entry, taxonomy: Taxonomy) -> _Try:
    names = frozenset(technique.name for technique in taxonomy.found(entry.row.description))
    gain = None
    if entry.delta_bpb is not None and entry.baseline is not None:
        gain = -entry.delta_bpb / entry.baseline.val_bpb
    return _Try(names, entry.row.status == "keep", gain)


def _count(name: str, family: str, proven: bool, members: set[str], tries: Sequence[_Try], seen: int) -> Count:
    """Everything but the score."""
    own = [tried for tried in tries if tried.names & members]
    kept = sum(tried.kept for tried in own)
    gains = [tried.gain for tried in own if tried.gain is not None]
    return Count(name, family, proven, len(own), kept, len(own) - kept, seen, max(gains, default=None), 0.0)


def _scored(counts: Sequence[Count]) -> list[Count]:
    """The counts with their scores among each other."""
    tried, kept = sum(c.tried for c in counts), sum(c.kept for c in counts)
    share = (kept + 1) / (tried + 2)
    log_n = math.log(max(math.e, tried + PRIOR * len(counts)))
    scored = []
    for count in counts:
        seen = SEEN * math.log2(1 + count.elsewhere)
        mean = (count.kept + PRIOR * share + seen) / (count.tried + PRIOR + seen)
        scored.append(count._replace(score=mean + C * math.sqrt(log_n / (count.tried + PRIOR))))
    return scored
