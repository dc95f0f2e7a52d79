"""A stand-in for a model behind both wire formats, on the server of web.py.

    with web.running() as site:
        model = llm_standin.Model(site)                     # good answers until told otherwise
        model.script = [llm_standin.fenced, llm_standin.item("item-2", novelty=999), Reply(429, ...)]
        model.refuses = ("response_format", "temperature")  # answers 400 while one of these is sent
        site.fault("/llm", "drop")                          # the faults of web.py, before or between
        Settings(**model.settings("anthropic"))

Each call takes the next step of `script`; with none left the answer is good. A step is a function of the call to the
text of the answer or to an `Ending` (text and why it ended), or a Reply that is sent as it is.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from web import Reply, Seen, Site

from golfkit.research.grade import rubric

KEY = "sk-standin-0123456789"
GOOD = {"bpb_impact": 2, "size_compatibility": 3, "time_compatibility": 2, "implementability": 3, "novelty": 2}  # 12


class Ending(NamedTuple):
    """An answer that ends in another way than by itself: finish_reason and stop_reason; refusal of the openai wire."""

    text: str | None
    reason: str
    refusal: str | None = None


@dataclass(frozen=True)
class Call:
    """One call as the model sees it, whatever the wire."""

    wire: str
    system: str
    user: str
    body: Mapping[str, Any]
    headers: Mapping[str, str]

    @property
    def document(self) -> dict[str, Any]:
        """The message, which is one JSON document."""
        return json.loads(self.user)

    @property
    def ids(self) -> list[str]:
        """Handles of the items asked about."""
        return [item["id"] for item in self.document["items"]]

    @property
    def schema(self) -> Mapping[str, Any] | None:
        """The schema sent; None where none was."""
        if self.wire == "anthropic":
            return self.body.get("output_config", {}).get("format", {}).get("schema")
        return self.body.get("response_format", {}).get("json_schema", {}).get("schema")


Step = Callable[[Call], "str | Ending"] | Reply


@dataclass
class Model:
    """The model; `usage` is what it says it used, None: nothing of it."""

    site: Site
    script: list[Step] = field(default_factory=list)
    usage: tuple[Any, Any] | None = (1000, 200)
    refuses: tuple[str, ...] = ()
    calls: list[Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.site.on("/llm/v1/chat/completions", lambda seen: self._answer(seen, "openai"))
        self.site.on("/llm/v1/messages", lambda seen: self._answer(seen, "anthropic"))

    def settings(self, wire: str = "openai", key: str | None = KEY) -> dict[str, Any]:
        """Settings that lead here."""
        keys = {f"{wire}_api_key": key} if key else {}
        base_url = f"{self.site.url}/llm/v1"
        return {"llm_base_url": base_url, "llm_model": "standin-1", "llm_wire": wire, **keys}

    def environ(self, wire: str = "openai") -> dict[str, str]:
        """The same for the environment of a process."""
        return {
            "GOLF_LLM_BASE_URL": f"{self.site.url}/llm/v1",
            "GOLF_LLM_MODEL": "standin-1",
            "GOLF_LLM_WIRE": wire,
            f"{wire.upper()}_API_KEY": KEY,
        }

    def _answer(self, seen: Seen, wire: str) -> Reply:
        call = _call(seen, wire)
        self.calls.append(call)
        if refused := next((name for name in self.refuses if name in call.body), None):
            hint = "; use 'max_completion_tokens' instead" if refused == "max_tokens" else ""
            return Reply.of({"error": {"message": f"Unsupported parameter: '{refused}'{hint}"}}, 400)
        step = self.script.pop(0) if self.script else good
        if isinstance(step, Reply):
            return step
        said = step(call)
        ending = said if isinstance(said, Ending) else Ending(said, "stop" if wire == "openai" else "end_turn")
        return Reply.of(_openai(ending, self.usage) if wire == "openai" else _anthropic(ending, self.usage))


def grading(handle: str, competitors: bool = False, in_full: bool = False, **changes: Any) -> dict[str, Any]:
    """A good grading of one item; `changes` replace keys, ... removes one."""
    record = {"id": handle, **GOOD, "summary": f"what {handle} is", "flags": ["a doubt"], "techniques": ["bigram hash"]}
    record |= {"competitor_validated": 1} if competitors else {}
    record |= {"brief": f"how to build {handle}", "red_flags": ["no ablation"]} if in_full else {}
    return {key: value for key, value in (record | changes).items() if value is not ...}


def gradings(call: Call, changed: Mapping[str, Mapping[str, Any]] | None = None) -> list[dict[str, Any]]:
    """Good gradings of what a call asks about, in the form that its instructions ask for."""
    wanted = {"competitors": "competitor_validated:" in call.system, "in_full": "red_flags:" in call.system}
    return [grading(handle, **wanted, **(changed or {}).get(handle, {})) for handle in call.ids]


def good(call: Call) -> str:
    """What was asked for."""
    return json.dumps({"items": gradings(call)})


def item(handle: str, **changes: Any) -> Callable[[Call], str]:
    """Good, but for one item."""
    return lambda call: json.dumps({"items": gradings(call, {handle: changes})})


def prose(call: Call) -> str:
    """Talk before and after, braces in it."""
    return f"Sure! Here are the {{requested}} grades:\n\n{good(call)}\n\nLet me know {{if}} you need more."


def fenced(call: Call) -> str:
    """In a code fence."""
    return f"```json\n{good(call)}\n```"


def without(*handles: str) -> Callable[[Call], str]:
    """Good, with items left out."""
    return lambda call: json.dumps({"items": [record for record in gradings(call) if record["id"] not in handles]})


def doubled(handle: str) -> Callable[[Call], str]:
    """One item twice, with different points."""
    return lambda call: json.dumps({"items": [*gradings(call), grading(handle, novelty=0)]})


def foreign(call: Call) -> str:
    """An item that nobody asked about."""
    return json.dumps({"items": [*gradings(call), grading("item-99", bpb_impact=3)]})


def truncated(call: Call) -> Ending:
    """Cut in the middle of the last item."""
    text = good(call)
    return Ending(text[: text.rindex('"summary"')], "length" if call.wire == "openai" else "max_tokens")


def refusing(call: Call) -> Ending:
    """The model will not."""
    if call.wire == "anthropic":
        return Ending("", "refusal")
    return Ending(None, "stop", refusal="I cannot help with that.")


def refusing_if(words: str) -> Callable[[Call], "str | Ending"]:
    """Refuses where the message holds certain words."""
    return lambda call: refusing(call) if words in call.user else good(call)


def _call(seen: Seen, wire: str) -> Call:
    body = seen.json()
    messages = body["messages"]
    system = body["system"] if wire == "anthropic" else messages[0]["content"]
    return Call(wire, system, messages[-1]["content"], body, seen.headers)


def _openai(ending: Ending, usage: tuple[Any, Any] | None) -> dict[str, Any]:
    message = {"role": "assistant", "content": ending.text} | ({"refusal": ending.refusal} if ending.refusal else {})
    answer = {"id": "chatcmpl-1", "choices": [{"index": 0, "message": message, "finish_reason": ending.reason}]}
    return answer | ({"usage": {"prompt_tokens": usage[0], "completion_tokens": usage[1]}} if usage else {})


def _anthropic(ending: Ending, usage: tuple[Any, Any] | None) -> dict[str, Any]:
    content = [{"type": "text", "text": ending.text}] if ending.text else []
    answer = {"type": "message", "role": "assistant", "content": content, "stop_reason": ending.reason}
    return answer | ({"usage": {"input_tokens": usage[0], "output_tokens": usage[1]}} if usage else {})


assert set(GOOD) == set(rubric.MOST)
