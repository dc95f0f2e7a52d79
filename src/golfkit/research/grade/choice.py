"""Which grader: the model where one is set and can be reached, else the offline one; with the reason in words. Pure."""

from typing import NamedTuple
from urllib.parse import urlsplit

from golfkit.errors import Exit, GolfError
from golfkit.research.grade.llm import wire
from golfkit.research.grade.llm.wire import Endpoint
from golfkit.research.grade.names import LLM, OFFLINE
from golfkit.settings import Settings

AUTO = "auto"
GRADERS = (AUTO, LLM, OFFLINE)


class Choice(NamedTuple):
    """The grader and why; `endpoint` is None for the offline one."""

    name: str
    why: str
    endpoint: Endpoint | None = None


def choose(asked: str, values: Settings) -> Choice:
    """The grader asked for; auto: the model's where llm_model is set and there is a key or llm_base_url.

    auto never changes over because nobody answers: that would replace what a model found by what rules guess.
    GolfError where the model was asked for and cannot be, or a setting is no address.
    """
    if asked not in GRADERS:
        raise GolfError(f"--grader is {asked!r}, expected one of {', '.join(GRADERS)}", Exit.USAGE)
    if asked == OFFLINE:
        return Choice(OFFLINE, "asked for")
    lacking = _lacking(values)
    if lacking is None:
        endpoint = _endpoint(values)
        return Choice(LLM, f"{endpoint.model} at {endpoint.shown}", endpoint)
    if asked == LLM:
        raise GolfError(f"--grader llm: {lacking}", Exit.USAGE)
    return Choice(OFFLINE, lacking)


def _lacking(values: Settings) -> str | None:
    """What keeps the model from being asked."""
    if not values.llm_model:
        return "llm_model is not set; set it in golf.toml or as GOLF_LLM_MODEL"
    name = _wire(values)
    if not values.llm_base_url and not _key(values, name):
        variable = "ANTHROPIC_API_KEY" if name == wire.ANTHROPIC else "OPENAI_API_KEY"
        return f"no {variable}, and llm_base_url names no server that does without; set one of them"
    return None


def _endpoint(values: Settings) -> Endpoint:
    name = _wire(values)
    base_url = values.llm_base_url or wire.VENDORS[name]
    try:
        parts = urlsplit(base_url)
        valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and base_url.isprintable()
    except ValueError:  # a port that is no number, half an IPv6 address
        valid = False
    if not valid:
        raise GolfError(f"llm_base_url is {base_url!r}, expected an http or https address; correct it", Exit.USAGE)
    return Endpoint(name, base_url.rstrip("/"), values.llm_model, _key(values, name))


def _wire(values: Settings) -> str:
    if values.llm_wire != AUTO:
        return values.llm_wire
    return wire.ANTHROPIC if values.anthropic_api_key and not values.openai_api_key else wire.OPENAI


def _key(values: Settings, name: str) -> str | None:
    return values.anthropic_api_key if name == wire.ANTHROPIC else values.openai_api_key
