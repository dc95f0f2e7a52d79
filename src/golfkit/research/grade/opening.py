"""The chosen grader, ready to work: the one place that builds graders for commands."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from golfkit.research.grade.choice import Choice
from golfkit.research.grade.grader import ByItem, Grader, Offline
from golfkit.research.grade.llm import client, prompt
from golfkit.research.grade.llm.grader import LlmGrader
from golfkit.research.grade.llm.purse import Prices, Purse
from golfkit.research.material import Material
from golfkit.settings import Settings


class Ready(NamedTuple):
    """A grader, and what it may spend and has spent."""

    grader: Grader
    purse: Purse


def purse_of(values: Settings) -> Purse:
    """The caps and prices of the settings."""
    prices = Prices(values.llm_input_usd_per_mtok, values.llm_output_usd_per_mtok)
    return Purse(values.llm_max_tokens, values.llm_max_usd, prices)


@contextlib.contextmanager
def opened(choice: Choice, found: Material, values: Settings, frontier: Sequence[str]) -> Iterator[Ready]:
    """The grader of a choice, while the block runs; a model is not asked yet.

    frontier  lines on the families of techniques, for the prompt
    """
    purse = purse_of(values)
    if choice.endpoint is None:
        yield Ready(Offline(_rules(found, values)), purse)
        return
    text = prompt.build(found.history, found.competitors, frontier, found.taxonomy, values, choice.endpoint.model)
    with client.opened(
        choice.endpoint, purse, timeout_s=values.llm_timeout_seconds, longest_wait_s=values.longest_wait_seconds
    ) as asking:
        yield Ready(LlmGrader(asking, choice.endpoint.model, text, found.taxonomy), purse)


def _rules(found: Material, values: Settings) -> ByItem:
    from golfkit.research.grade.offline.grader import OfflineGrader

    return OfflineGrader(
        found.history,
        found.taxonomy,
        found.competitors,
        artifact_limit=values.artifact_limit,
        training_seconds=values.training_seconds,
    )
