"""The chosen grader, ready to work: the one place that builds graders for commands."""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from golfkit.research.grade.choice import Choice
from golfkit.research.grade.grader import ByItem, Grader, Offline, processes
from golfkit.research.grade.llm import client, prompt
from golfkit.research.grade.llm.grader import LlmGrader
from golfkit.research.grade.llm.purse import Prices, Purse
from golfkit.research.grade.llm.wire import Endpoint
from golfkit.research.material import Material
from golfkit.research.verify.verifier import ByModel, ByRules, Verifier
from golfkit.settings import Settings


class Ready(NamedTuple):
    """A grader, and what it may spend and has spent."""

    grader: Grader
    purse: Purse


class ReadyInFull(NamedTuple):
    """A verifier, and what it may spend and has spent."""

    verifier: Verifier
    purse: Purse


@contextlib.contextmanager
def opened(choice: Choice, found: Material, values: Settings, frontier: Sequence[str]) -> Iterator[Ready]:
    """The grader of a choice, while the block runs; a model is not asked yet.

    frontier  lines on the families of techniques, for the prompt
    """
    purse = _purse(values)
    if choice.endpoint is None:
        yield Ready(Offline(_rules(found, values), processes(sys.platform)), purse)
        return
    with _model(choice.endpoint, purse, found, values, frontier, in_full=False) as grader:
        yield Ready(grader, purse)


@contextlib.contextmanager
def opened_in_full(choice: Choice, found: Material, values: Settings, frontier: Sequence[str]) -> Iterator[ReadyInFull]:
    """`opened`, for reading in full."""
    purse = _purse(values)
    if choice.endpoint is None:
        yield ReadyInFull(ByRules(_rules(found, values), found.taxonomy), purse)
        return
    with _model(choice.endpoint, purse, found, values, frontier, in_full=True) as grader:
        yield ReadyInFull(ByModel(grader), purse)


@contextlib.contextmanager
def _model(
    endpoint: Endpoint, purse: Purse, found: Material, values: Settings, frontier: Sequence[str], *, in_full: bool
) -> Iterator[LlmGrader]:
    history, competitors, taxonomy = found.history, found.competitors, found.taxonomy
    text = prompt.build(history, competitors, frontier, taxonomy, values, endpoint.model, in_full=in_full)
    waits_s = {"timeout_s": values.llm_timeout_seconds, "longest_wait_s": values.longest_wait_seconds}
    with client.opened(endpoint, purse, **waits_s) as asking:
        yield LlmGrader(asking, endpoint.model, text, taxonomy)


def _rules(found: Material, values: Settings) -> ByItem:
    from golfkit.research.grade.offline.grader import OfflineGrader

    return OfflineGrader(
        found.history,
        found.taxonomy,
        found.competitors,
        artifact_limit=values.artifact_limit,
        training_seconds=values.training_seconds,
    )


def _purse(values: Settings) -> Purse:
    prices = Prices(values.llm_input_usd_per_mtok, values.llm_output_usd_per_mtok)
    return Purse(values.llm_max_tokens, values.llm_max_usd, prices)
