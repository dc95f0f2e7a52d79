"""The grader without a key: deterministic, from the text, the history and the competitors alone.

What each dimension is made of:

bpb_impact            expected gain in bpb: what the item claims, or what new techniques of its families gained, both
                      shrunk as the best score nears what is possible; a whole model loses what proven techniques it
                      lacks, unless it says that it builds on another. Steps of GAINS, SYSTEM_GAINS. A point less
                      where it is like a recent failure
size_compatibility    feasible.size
time_compatibility    feasible.time
implementability      4, less what makes it hard (lexicon.toml, [effort]), packages to add, no code; 0 where it breaks
                      a rule
novelty               3 where its techniques are new; less the more of them are proven or tried; less where it is
                      like a failure; 1 where it is not of the field
competitor_validated  1 where a competitor better than the baseline uses what it is about, 2 where one as good as the
                      best does
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from golfkit import jsonl
from golfkit.files import neutralise
from golfkit.research.competitors.competitor import Competitor
from golfkit.research.grade import rubric
from golfkit.research.grade.graded import Graded
from golfkit.research.grade.history import History
from golfkit.research.grade.offline import constraints, feasible, reading, text
from golfkit.research.grade.offline.lexicon import Lexicon
from golfkit.research.grade.offline.reading import Reading
from golfkit.research.grade.offline.similarity import Memory, Near
from golfkit.research.items.item import Item
from golfkit.research.techniques import Taxonomy

RULES = 1  # version of what stands here and beside; another one grades again
TRIED = 200  # different descriptions of results.tsv that novelty looks back on, the last ones
FLOOR_BPB = 1.0  # no 16 MB model is likely to get below: gains shrink towards it
# bpb that a technique of the family gains at the baseline, before it shrinks. Judgement from the ablations that records
# print: evaluation and vocabulary moved the score by hundredths, the rest by thousandths.
FAMILY_GAINS = {
    "evaluation": 0.012,
    "tokenizer": 0.010,
    "quantisation": 0.006,
    "architecture": 0.004,
    "optimiser": 0.003,
    "data": 0.003,
    "compression": 0.002,
    "systems": 0.003,
}
OTHER_GAIN = 0.003  # of a family that somebody added
GAINS = (0.0005, 0.003, 0.010)  # bpb from which an idea has 1, 2 and 3 points; 0.003 is 0.005 nats a token of 2.4 bytes
SYSTEM_GAINS = (-0.020, -0.008, 0.0)  # the same of a whole model, which is behind by what it lacks; docs/tuning.md
COUNTED = 4  # techniques whose gains are added up: more at once do not add
LACKING = 0.35  # share of the proven techniques' weight that good models name; below it a whole model falls behind
SURE = 0.5  # confidence of a competitor's score that is believed
AS_GOOD = 0.002  # bpb: a competitor this near to the best is as good
VERY_LIKE = 0.8  # similarity to a failure from which novelty loses two points
FOCUS = 3  # techniques that one idea may touch
FLAGS = 16  # of one item
_SHOWN = (constraints.ARTIFACT, constraints.PARAMETERS, constraints.ADDED, constraints.TRAINING, constraints.DEPENDENCY)
# By their names in techniques.toml; one that is called otherwise there costs no point.
GROWING = frozenset(("mixture of experts", "wider mlp", "sp8192", "bigram hash"))
HEAVY = frozenset(("distillation", "second-order preconditioning"))


class _Judged(NamedTuple):
    points: int
    reasons: tuple[str, ...] = ()


class OfflineGrader:
    """Grades items one by one. Everything that is the same for all of them is worked out once, here."""

    name = "offline"

    def __init__(
        self,
        history: History,
        taxonomy: Taxonomy,
        competitors: Sequence[Competitor],
        *,
        artifact_limit: int,
        training_seconds: float,
    ) -> None:
        self._history = history
        self._limit = artifact_limit
        self._training_s = training_seconds
        self._lexicon = Lexicon(taxonomy)
        self._families = {technique.name: technique.family for technique in taxonomy.techniques}
        self._proven = {proven.name: proven.why for proven in history.proven}
        tried = list(dict.fromkeys(row.description for row in history.tried if row.description))[-TRIED:]
        self._tried = {name for description in tried for name in self._named(description)}
        self._failures = self._memory(
            taxonomy,
            [(f"{row.commit} ({neutralise(row.description)[:60]})", row.description) for row in history.failed],
        )
        free = [proven for proven in history.proven if proven.name not in self._families]
        self._known = self._memory(taxonomy, [(proven.name, proven.text) for proven in free])
        self._repeats = self._memory(taxonomy, [(description, description) for description in tried])
        self._scores = {
            one.id: one.val_bpb for one in competitors if one.val_bpb is not None and one.confidence >= SURE
        }
        self._users = self._best_users(competitors)
        self._any_competitor = bool(self._scores)
        parts = (RULES, self._lexicon.digest, repr(taxonomy), history.digest, tried, artifact_limit, training_seconds)
        rivals = "\n".join(sorted(jsonl.render(one) for one in competitors))
        self.context = hashlib.sha256(f"{parts!r}\0{rivals}".encode("utf-8", "replace")).hexdigest()[:16]

    def grade(self, item: Item, now: str) -> Graded:
        """The grading of an item; the same item, history and `now` give the same one.

        now  UTC, 2026-05-01T14:30:00Z
        """
        read = reading.read(item, self._lexicon)
        failures = self._failures.near(_about(read))
        size = feasible.size(read.findings, self._limit, contest=read.contest, grows=bool(GROWING & set(read.leading)))
        time = feasible.time(
            read.findings, self._training_s, contest=read.contest, heavy=bool(HEAVY & set(read.leading))
        )
        impact = self._impact(item, read, failures)
        build = self._implementability(read)
        novelty = self._novelty(read, failures)
        validated = self._validated(item, read)
        points = {
            "bpb_impact": impact.points,
            "size_compatibility": size.points,
            "time_compatibility": time.points,
            "implementability": build.points,
            "novelty": novelty.points,
        }
        if validated is not None:
            points["competitor_validated"] = validated
        scores = rubric.checked(points, competitors=validated is not None)
        alike = [f"like FAILED {near.label} (similarity {near.similarity:.2f})" for near in failures]
        reasons = [one.reason for one in (size, time) if one.reason is not None]
        found = [f"{finding.kind}: {finding.words}" for finding in read.findings if finding.kind in _SHOWN]
        return Graded(
            item=item.id,
            item_digest=item.digest,
            title=item.title,
            grader=self.name,
            context=self.context,
            graded=now,
            grade=scores.grade,
            total=scores.total,
            **scores._asdict(),
            summary=_summary(item, read, impact),
            flags=tuple(dict.fromkeys([*alike, *reasons, *build.reasons, *novelty.reasons, *found]))[:FLAGS],
            techniques=read.techniques,
        )

    def _memory(self, taxonomy: Taxonomy, documents: Sequence[tuple[str, str]]) -> Memory:
        return Memory(
            self._lexicon, taxonomy, [(label, text.affirmed(description)) for label, description in documents]
        )

    def _named(self, description: str) -> list[str]:
        terms = self._lexicon.idea(text.affirmed(description))
        return [term[1:] for term in terms if term.startswith("#")]

    def _best_users(self, competitors: Sequence[Competitor]) -> Mapping[str, float]:
        """The best score of a competitor that names each technique."""
        best: dict[str, float] = {}
        for one in competitors:
            if one.val_bpb is None or one.confidence < SURE:
                continue
            for name in self._lexicon.read(text.affirmed(f"{one.technique or ''} . {one.title or ''}")).named:
                best[name[1:]] = min(best.get(name[1:], one.val_bpb), one.val_bpb)
        return best

    def _impact(self, item: Item, read: Reading, failures: Sequence[Near]) -> _Judged:
        """Points for the expected gain."""
        if not read.relevant:
            return _Judged(0)
        own = self._scores.get(item.id)
        if own is not None and read.system:
            gain = self._history.sota - own + GAINS[1]  # as good as the best: its parts are worth a look
            why = f"scored {own:.4f}, the bar is {self._history.sota:.4f}"
        else:
            gain = self._expected(read)
            why = f"expected gain {max(0.0, gain):.4f} bpb"
        points = sum(gain >= step for step in (SYSTEM_GAINS if read.system else GAINS))
        if points == 0 and read.techniques and not read.system:
            points = 1  # a technique that is known to work somewhere
        return _Judged(max(0, points - bool(failures)), (why,))

    def _expected(self, read: Reading) -> float:
        """bpb that the item may gain over the best."""
        headroom = max(0.1, min(1.0, (self._history.sota - FLOOR_BPB) / (self._history.baseline - FLOOR_BPB)))
        techniques = read.techniques if read.system else read.leading
        new = sorted((self._gain(name) for name in techniques if name not in self._proven), reverse=True)
        gain = max(read.claimed, headroom * sum(new[:COUNTED]))
        if read.system and not read.inherits:
            gain -= headroom * self._lack(read.techniques)
        return gain

    def _lack(self, techniques: Sequence[str]) -> float:
        """bpb that a whole model misses, because proven techniques are not in it."""
        weight = sum(self._gain(name) for name in self._proven if name in self._families)
        has = sum(self._gain(name) for name in techniques if name in self._proven)
        return max(0.0, LACKING * weight - has)

    def _gain(self, name: str) -> float:
        return FAMILY_GAINS.get(self._families[name], OTHER_GAIN) if name in self._families else OTHER_GAIN

    def _implementability(self, read: Reading) -> _Judged:
        """Points for how soon it can be tried here."""
        broken = [finding.words for finding in read.findings if finding.kind == constraints.BROKEN]
        if broken:
            return _Judged(0, tuple(f"not allowed: {words}" for words in broken))
        packages = [finding.words for finding in read.findings if finding.kind == constraints.DEPENDENCY]
        hard = min(2, max((points for _, points in read.effort), default=0) + (len(read.effort) > 2))
        points = 4 - hard - bool(packages) - (not read.code) - (not read.relevant) - (not read.techniques)
        return _Judged(max(1, points), tuple(f"hard: {phrase}" for phrase, _ in read.effort))

    def _novelty(self, read: Reading, failures: Sequence[Near]) -> _Judged:
        """Points for how far it is from what is proven or was tried."""
        about = read.techniques if read.system else read.leading
        proven = [name for name in about if name in self._proven]
        new = [name for name in about if name not in self._proven and name not in self._tried]
        known = [near.label for near in self._known.near(_about(read))]
        if known or (about and len(proven) == len(about)):
            points = 0
        elif not about:
            points = 2 if read.relevant else 1
        elif read.system:
            points = min(3, 1 + len(new))
        else:
            points = 3 if len(new) == len(about) else 2 if new else 1
        if points > 1 and not new and self._repeats.near(_about(read)):
            points = 1
        points -= (1 if failures[0].similarity < VERY_LIKE else 2) if failures else 0
        reasons = [f"proven: {name}" for name in dict.fromkeys([*known, *([] if read.system else proven)])]
        return _Judged(max(0, points), tuple(reasons))

    def _validated(self, item: Item, read: Reading) -> int | None:
        """Points for competitors that made it work; None where no competitor is known."""
        if not self._any_competitor:
            return None
        about = read.techniques if read.system else read.leading
        scores = [self._users[name] for name in about if name in self._users]
        own = self._scores.get(item.id)
        best = min([*scores, *([own] if own is not None else [])], default=None)
        if best is None or best >= self._history.baseline:
            return 0
        return 2 if best <= self._history.sota + AS_GOOD else 1


def _about(read: Reading) -> tuple[reading.Terms, ...]:
    """The passages that say what an item is about: a whole model's list of parts is about none of them."""
    return read.passages[:1] if len(read.techniques) > FOCUS else read.passages[:4]


def _summary(item: Item, read: Reading, impact: _Judged) -> str:
    """One sentence."""
    kind = "a whole model" if read.system else "an idea" if read.relevant else "not about training language models"
    about = f" about {', '.join(read.leading[:4])}" if read.leading else ""
    return neutralise(f"{item.title[:160]}: {kind}{about}; {'; '.join(impact.reasons) or 'no gain expected'}.")
