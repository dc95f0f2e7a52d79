"""As much of GraphQL as the runpod package sends: operations, arguments, selections; no variables, no fragments."""

import json
import re
from typing import Any, NamedTuple

_TOKEN = re.compile(
    r'\s*(?:(?P<string>"(?:[^"\\\n]|\\.)*")|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>\w+)|(?P<sign>[{}()\[\]:,]))'
)


class Word(str):
    """An enum's value, as against a string."""


class Field(NamedTuple):
    """One field of a selection."""

    name: str
    arguments: dict[str, Any]
    fields: list["Field"]


class Operation(NamedTuple):
    """A query or mutation."""

    kind: str
    fields: list[Field]


def parse(text: str) -> Operation:
    """The one operation of a document; ValueError where GraphQL would say Syntax Error."""
    tokens = _tokens(text)
    tokens.append("")
    kind = tokens.pop(0)
    if kind not in ("query", "mutation"):
        raise ValueError(f"Syntax Error: Unexpected {kind!r}.")
    if tokens[0] != "{":
        tokens.pop(0)  # the operation's name
    fields = _selection(tokens)
    if tokens != [""]:
        raise ValueError(f"Syntax Error: Unexpected {tokens[0]!r}.")
    return Operation(kind, fields)


def _tokens(text: str) -> list[str]:
    tokens, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"Syntax Error: Unexpected character: {text[at:].strip()[0]!r}.")
        if match[0].strip() != ",":
            tokens.append(match[0].strip())
        at = match.end()
    return tokens


def _expect(tokens: list[str], sign: str) -> None:
    if tokens[0] != sign:
        raise ValueError(f"Syntax Error: Expected {sign!r}, found {tokens[0]!r}.")
    tokens.pop(0)


def _name(tokens: list[str]) -> str:
    if not re.fullmatch(r"[A-Za-z_]\w*", tokens[0]):
        raise ValueError(f"Syntax Error: Expected Name, found {tokens[0]!r}.")
    return tokens.pop(0)


def _selection(tokens: list[str]) -> list[Field]:
    _expect(tokens, "{")
    fields = []
    while tokens[0] != "}":
        name = _name(tokens)
        arguments = _pairs(tokens, "(", ")") if tokens[0] == "(" else {}
        fields.append(Field(name, arguments, _selection(tokens) if tokens[0] == "{" else []))
    tokens.pop(0)
    return fields


def _pairs(tokens: list[str], start: str, end: str) -> dict[str, Any]:
    _expect(tokens, start)
    pairs = {}
    while tokens[0] != end:
        name = _name(tokens)
        _expect(tokens, ":")
        pairs[name] = _value(tokens)
    tokens.pop(0)
    return pairs


def _value(tokens: list[str]) -> Any:
    if tokens[0] == "{":
        return _pairs(tokens, "{", "}")
    if tokens[0] == "[":
        tokens.pop(0)
        values = []
        while tokens[0] != "]":
            values.append(_value(tokens))
        tokens.pop(0)
        return values
    token = tokens.pop(0)
    if token[:1] == '"' or token[:1].isdigit() or token[:1] == "-":
        return json.loads(token)
    if token in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[token]
    if not re.fullmatch(r"\w+", token):
        raise ValueError(f"Syntax Error: Unexpected {token!r}.")
    return Word(token)
