"""The grader that asks a model: a batch, one repair of what was wrong in the answer, and the rest is ungraded."""

import dataclasses
from collections.abc import Mapping, Sequence

from golfkit.errors import Exit, GolfError
from golfkit.files import neutralise
from golfkit.research.grade.graded import Graded
from golfkit.research.grade.grader import Opinion
from golfkit.research.grade.llm import schema
from golfkit.research.grade.llm.client import Client, Rejected
from golfkit.research.grade.llm.prompt import TITLE_CHARACTERS, Prompt
from golfkit.research.grade.llm.purse import CapReached, Usage
from golfkit.research.grade.llm.schema import Answered, Judged
from golfkit.research.grade.llm.wire import Question
from golfkit.research.grade.names import LLM
from golfkit.research.grade.rubric import UNGRADED
from golfkit.research.items.item import Item
from golfkit.research.techniques import Taxonomy

BATCH = 10  # items asked about at once
TOKENS_BASE, TOKENS_EACH = 1_000, 500  # of an answer at most: for thoughts, and for each item (typically 150)
TOKENS_IN_FULL = 1_500  # more, for the brief
TYPICAL_CHARACTERS = 4  # of English in one token
TYPICAL_TOKENS_EACH = 150


class LlmGrader:
    """Grades by asking a model."""

    name = LLM
    at_once = BATCH

    def __init__(self, client: Client, model: str, prompt: Prompt, taxonomy: Taxonomy) -> None:
        self.model, self.context = model, prompt.context
        self._client, self._prompt, self._taxonomy = client, prompt, taxonomy

    def grade(self, items: Sequence[Item], now: str) -> list[Graded]:
        """Gradings of a batch, in its order; ungraded where twice no answer could be used.

        CapReached, GolfError  as Client.ask; nothing was answered then
        """
        return [opinion.graded for opinion in self.judge(items, now)]

    def judge(self, items: Sequence[Item], now: str) -> list[Opinion]:
        """`grade`, with brief and red flags where the prompt asks for them."""
        asked = {f"item-{n}": item for n, item in enumerate(items, start=1)}
        used = dict.fromkeys(asked, Usage())
        judged = self._ask(asked, None, used)
        if judged.errors:
            judged = self._repair(asked, judged, used)
        return [
            self._opinion(item, judged.answered.get(handle), judged.errors.get(handle), used[handle], now)
            for handle, item in asked.items()
        ]

    def typical(self, items: Sequence[Item]) -> Usage:
        """About what grading these will use, in batches, without repairs: for --dry-run, not for the caps."""
        total = Usage()
        for start in range(0, len(items), self.at_once):
            batch = items[start : start + self.at_once]
            asked = {f"item-{n}": item for n, item in enumerate(batch, start=1)}
            sent = len(self._prompt.system) + len(self._prompt.user(asked))
            total = total.plus(Usage(sent // TYPICAL_CHARACTERS, TYPICAL_TOKENS_EACH * len(batch)))
        return total

    def _repair(self, asked: Mapping[str, Item], first: Judged, used: dict[str, Usage]) -> Judged:
        """Ask once more for what was wrong, with what was wrong.

        An answer that was blocked as a whole (refused, cut off, rejected) does not say which item is to blame: then
        each is asked for by itself. Where a cap or the server ends it, what is there stays.

        GolfError  the server took no request at all, however short: no item is to blame
        """
        failing = {handle: asked[handle] for handle in first.errors}
        alone = first.blocked and len(failing) > 1
        answered, errors = dict(first.answered), dict(first.errors)
        rejected = alone and first.rejected
        for part in [{handle: item} for handle, item in failing.items()] if alone else [failing]:
            try:
                again = self._ask(part, {handle: first.errors[handle] for handle in part}, used)
            except (CapReached, GolfError):  # the next batch runs into it, too
                break
            answered |= again.answered
            errors |= again.errors
            rejected = rejected and again.rejected
        if rejected:
            raise GolfError(f"{next(iter(errors.values()))}; check llm_model and llm_wire", Exit.REMOTE)
        return Judged(answered, {handle: why for handle, why in errors.items() if handle not in answered})

    def _ask(self, asked: Mapping[str, Item], errors: Mapping[str, str] | None, used: dict[str, Usage]) -> Judged:
        """One call; its tokens are shared among the items it was about."""
        kind = {"competitors": self._prompt.competitors, "in_full": self._prompt.in_full}
        most = TOKENS_BASE + (TOKENS_EACH + TOKENS_IN_FULL * self._prompt.in_full) * len(asked)
        question = Question(
            self._prompt.system, self._prompt.user(asked, errors), schema.json_schema(**kind), max_tokens=most
        )
        before = self._client.purse.spent
        try:
            reply = self._client.ask(question)
        except Rejected as error:
            return Judged({}, dict.fromkeys(asked, f"the server {error}"), blocked=True, rejected=True)
        finally:
            shares = self._client.purse.spent.minus(before).shares(len(asked))
            used |= {handle: used[handle].plus(share) for handle, share in zip(asked, shares, strict=True)}
        return schema.judge(reply.text, list(asked), trouble=reply.trouble, **kind)

    def _opinion(self, item: Item, answer: Answered | None, why: str | None, used: Usage, now: str) -> Opinion:
        """One item's row, of its answer or of why there is none."""
        graded = Graded(
            item=item.id,
            item_digest=item.digest,
            title=neutralise(item.title)[:TITLE_CHARACTERS],
            grader=self.name,
            model=self.model,
            context=self.context,
            graded=now,
            grade=UNGRADED,
            reason=why,
            tokens_in=used.tokens_in,
            tokens_out=used.tokens_out,
            cost_usd=self._client.purse.prices.cost_usd(used),
        )
        if answer is None:
            return Opinion(graded)
        scored = dataclasses.replace(
            graded,
            grade=answer.scores.grade,
            total=answer.scores.total,
            **answer.scores._asdict(),
            summary=answer.summary,
            flags=answer.flags,
            techniques=tuple(name for name in answer.techniques if self._taxonomy.named(name)),
        )
        return Opinion(scored, answer.brief, answer.red_flags)
