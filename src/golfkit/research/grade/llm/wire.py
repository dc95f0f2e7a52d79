"""The two wire formats of models: what is sent, what comes back, what a refusal of a parameter means. Pure.

openai     POST BASE/chat/completions, as OpenAI, OpenRouter, vLLM, llama.cpp, Ollama and LM Studio take it
anthropic  POST BASE/messages

Not every server takes every parameter: a `Manner` says which are sent, and `Manner.without` makes one of what a server
refused. All answers are validated as if no schema had been sent.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from golfkit.files import neutralise
from golfkit.research.grade.llm.purse import Usage

OPENAI, ANTHROPIC = "openai", "anthropic"
VENDORS = {OPENAI: "https://api.openai.com/v1", ANTHROPIC: "https://api.anthropic.com/v1"}
PATHS = {OPENAI: "/chat/completions", ANTHROPIC: "/messages"}
ANTHROPIC_VERSION = "2023-06-01"
MOST_TOKENS = 1_000_000_000  # a count above it is no count
ROOM = 64  # tokens that a server may put around messages
_THOUGHTS = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)  # of local reasoning models, before the answer


class Endpoint(NamedTuple):
    """Where a model answers. The key is in no repr, line or file."""

    wire: str
    base_url: str
    model: str
    key: str | None

    def __repr__(self) -> str:
        return f"Endpoint({self.wire}, {self.shown}, {self.model})"

    @property
    def shown(self) -> str:
        """The base URL for people: without a user and password."""
        parts = urlsplit(self.base_url)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))

    @property
    def url(self) -> str:
        """The address of a call."""
        return self.base_url.rstrip("/") + PATHS[self.wire]

    @property
    def headers(self) -> dict[str, str]:
        """With the key, where there is one."""
        if self.wire == ANTHROPIC:
            return {"anthropic-version": ANTHROPIC_VERSION} | ({"x-api-key": self.key} if self.key else {})
        return {"authorization": f"Bearer {self.key}"} if self.key else {}


class Question(NamedTuple):
    """One call. `schema` is JSON Schema in the subset that strict modes take."""

    system: str
    user: str
    schema: Mapping[str, Any]
    max_tokens: int


class Manner(NamedTuple):
    """Which parameters a server takes; found out once a run."""

    form: str = "json_schema"  # or json_object (openai alone), or prompt: nothing but the words of the system prompt
    temperature: bool = True
    limit: str = "max_tokens"  # or max_completion_tokens

    def without(self, wire: str, complaint: str) -> "Manner | None":
        """The manner that does without what a 400 complains of; None where it names nothing of ours."""
        if self.form != "prompt" and re.search(r"response_format|output_config|json_schema|json_object", complaint):
            lower = "json_object" if wire == OPENAI and self.form == "json_schema" else "prompt"
            return self._replace(form=lower)
        if self.limit == "max_tokens" and "max_completion_tokens" in complaint:
            return self._replace(limit="max_completion_tokens")
        if self.temperature and "temperature" in complaint:
            return self._replace(temperature=False)
        return None


class Reply(NamedTuple):
    """What a model said.

    usage    None where the answer does not say
    trouble  why the text may not be whole: refused, filtered, cut off; None for a regular end
    """

    text: str
    usage: Usage | None
    trouble: str | None = None


class NoReply(ValueError):
    """The body is no answer of a model. `status` where it holds an error that has one."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


def body(endpoint: Endpoint, question: Question, manner: Manner) -> bytes:
    """The request's body."""
    sent: dict[str, Any] = {"model": endpoint.model, manner.limit: question.max_tokens}
    if manner.temperature:
        sent["temperature"] = 0
    user = {"role": "user", "content": question.user}
    if endpoint.wire == ANTHROPIC:
        sent |= {"system": question.system, "messages": [user]}
        if manner.form == "json_schema":
            sent["output_config"] = {"format": {"type": "json_schema", "schema": question.schema}}
    else:
        sent["messages"] = [{"role": "system", "content": question.system}, user]
        if manner.form == "json_schema":
            named = {"name": "answer", "strict": True, "schema": question.schema}
            sent["response_format"] = {"type": "json_schema", "json_schema": named}
        elif manner.form == "json_object":
            sent["response_format"] = {"type": "json_object"}
    return json.dumps(sent, ensure_ascii=False).encode("utf-8", "replace")


def most(sent: bytes, question: Question) -> Usage:
    """The most that a call can use: a token is at least a byte."""
    return Usage(len(sent) + ROOM, question.max_tokens)


def parse(wire: str, content: bytes) -> Reply:
    """The reply of a 200's body; NoReply where it is none."""
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise NoReply(f"the answer is no JSON ({len(content)} bytes)") from error
    if not isinstance(answer, dict):
        raise NoReply(f"the answer is {type(answer).__name__}, expected an object")
    if isinstance(answer.get("error"), dict):  # OpenRouter: an error of the model's host inside a 200
        code = answer["error"].get("code")
        raise NoReply(said(content), code if type(code) is int and 400 <= code < 600 else 502)
    return _anthropic(answer) if wire == ANTHROPIC else _openai(answer)


def said(content: bytes) -> str:
    """What an error's body says, in a form fit for one line."""
    text = content[:2000].decode("utf-8", "replace")
    try:
        error = json.loads(content)
        error = error.get("error", error) if isinstance(error, dict) else text
        message = error.get("message", error) if isinstance(error, dict) else error
    except (ValueError, RecursionError):
        message = text
    return str(message)[:300] or "nothing"


def _openai(answer: Mapping[str, Any]) -> Reply:
    try:
        choice = answer["choices"][0]
        message = choice["message"]
        content, refusal = message.get("content"), message.get("refusal")
        reason = choice.get("finish_reason")
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise NoReply("the answer has no choices[0].message") from error
    usage = _usage(answer.get("usage"), ("prompt_tokens",), "completion_tokens")
    text = _THOUGHTS.sub("", _joined(content))
    trouble = None
    if refusal:
        trouble = f"the model refused: {neutralise(str(refusal))[:120]}"
    elif reason == "content_filter":
        trouble = "the answer was filtered (finish_reason content_filter)"
    elif reason == "length":
        trouble = "the answer was cut off (finish_reason length)"
    return Reply(text, usage, trouble)


def _anthropic(answer: Mapping[str, Any]) -> Reply:
    if not isinstance(answer.get("content"), list):
        raise NoReply("the answer has no content")
    inputs = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    usage = _usage(answer.get("usage"), inputs, "output_tokens")
    troubles = {
        "refusal": "the model refused (stop_reason refusal)",
        "max_tokens": "the answer was cut off (stop_reason max_tokens)",
        "model_context_window_exceeded": "the answer was cut off (stop_reason model_context_window_exceeded)",
    }
    return Reply(_joined(answer["content"]), usage, troubles.get(str(answer.get("stop_reason"))))


def _joined(content: Any) -> str:
    """The text of a message: a string, or parts of which the textual ones count."""
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def _usage(found: Any, inputs: tuple[str, ...], output: str) -> Usage | None:
    """The counts of an answer; None where one is missing or no count: then the worst case counts."""
    if not isinstance(found, dict):
        return None
    counts = [found.get(name) or 0 for name in inputs]
    counts.append(found.get(output))
    if not all(type(count) is int and 0 <= count <= MOST_TOKENS for count in counts) or not sum(counts[:-1]):
        return None
    return Usage(sum(counts[:-1]), counts[-1])
