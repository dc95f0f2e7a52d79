"""What a model must answer, and reading what it did: each item by itself, so that a bad one costs no other.

Only dimensions, words and lists are taken. Totals and grades in an answer are ignored: rubric.py makes them.
"""

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from golfkit.files import neutralise
from golfkit.research.grade import rubric
from golfkit.research.grade.rubric import Scores
from golfkit.research.verify.verified import BRIEF_CHARACTERS

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

VERSION = 1  # of the prompt, the schema and what is made of the answer; another one is another context
SUMMARY_CHARACTERS = 400
FLAG_CHARACTERS = 160
FLAGS = 8
STARTS = 200  # of a { in an answer that are tried; prose has a few


class Answered(NamedTuple):
    """What a model said of one item, checked and cut to size. brief and red_flags: of a reading in full."""

    scores: Scores
    summary: str
    flags: tuple[str, ...]
    techniques: tuple[str, ...]  # as the model named them
    brief: str = ""
    red_flags: tuple[str, ...] = ()


class Judged(NamedTuple):
    """The answers by item handle, and what is wrong with the others, each in one line.

    blocked   nothing came for a reason that is not the answer's form: one item may be to blame for all
    rejected  the server did not take the request
    """

    answered: Mapping[str, Answered]
    errors: Mapping[str, str]
    blocked: bool = False
    rejected: bool = False


def json_schema(*, competitors: bool, in_full: bool = False) -> dict[str, Any]:
    """The schema of an answer: every key required, none more, no bounds (strict modes take no others)."""
    words = {"type": "array", "items": {"type": "string"}}
    keys: dict[str, Any] = {"id": {"type": "string"}}
    keys |= {name: {"type": "integer"} for name in rubric.most(competitors=competitors)}
    keys |= {"summary": {"type": "string"}, "flags": words, "techniques": words}
    if in_full:
        keys |= {"brief": {"type": "string"}, "red_flags": words}
    return _object({"items": {"type": "array", "items": _object(keys)}})


def judge(
    text: str, asked: Sequence[str], *, competitors: bool, in_full: bool = False, trouble: str | None = None
) -> Judged:
    """Read an answer for the items asked (by handle); foreign ones are left out, doubled ones are errors.

    trouble  why the answer may not be whole
    """
    found: dict[str, list[Any]] = {}
    for record in _gradings(text):
        found.setdefault(str(record.get("id")), []).append(record)
    answered: dict[str, Answered] = {}
    errors: dict[str, str] = {}
    for handle in asked:
        records = found.get(handle, [])
        if len(records) != 1:
            errors[handle] = f"{len(records)} gradings came, expected one" if records else trouble or "no grading came"
            continue
        try:
            answered[handle] = _checked(records[0], competitors, in_full)
        except ValueError as error:
            errors[handle] = str(error)
    return Judged(answered, errors, blocked=trouble is not None and not answered)


def _object(keys: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": keys, "required": list(keys), "additionalProperties": False}


def _gradings(text: str) -> Iterator[Mapping[str, Any]]:
    """Everything in an answer that says it is of an item: in {"items": [...]}, or by itself where that was cut off.

    The JSON may stand in prose or between fences.
    """
    decoder = json.JSONDecoder()
    at = 0
    for _ in range(STARTS):
        at = text.find("{", at)
        if at < 0:
            return
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at += 1
            continue
        records = value["items"] if isinstance(value.get("items"), list) else [value]
        found = [record for record in records if isinstance(record, dict) and "id" in record]
        yield from found
        at = end if found else at + 1  # {"answer": {"items": [...]}} is looked into


def _checked(record: Mapping[str, Any], competitors: bool, in_full: bool) -> Answered:
    """One item's answer; ValueError says in one line what is wrong with it."""
    from pydantic import ValidationError

    try:
        answer = _model(competitors, in_full).model_validate(record).model_dump()
    except ValidationError as error:
        raise ValueError(_first(error)) from error
    return Answered(
        rubric.checked({name: answer[name] for name in rubric.most(competitors=competitors)}, competitors=competitors),
        _line(answer["summary"], SUMMARY_CHARACTERS),
        _lines(answer["flags"]),
        _lines(answer["techniques"]),
        _line(answer.get("brief", ""), BRIEF_CHARACTERS),
        _lines(answer.get("red_flags", [])),
    )


@functools.cache
def _model(competitors: bool, in_full: bool) -> "type[BaseModel]":
    """One item's answer: types as they are, nothing converted; keys that nobody asked for (totals) are left out."""
    from pydantic import ConfigDict, create_model

    fields: dict[str, Any] = dict.fromkeys(rubric.most(competitors=competitors), (int, ...))
    fields |= {"summary": (str, ...), "flags": (list[str], ...), "techniques": (list[str], ...)}
    if in_full:
        fields |= {"brief": (str, ...), "red_flags": (list[str], ...)}
    return create_model("Grading", __config__=ConfigDict(strict=True, extra="ignore"), **fields)


def _first(error: "ValidationError") -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}, found {first['input']!r:.60}"


def _line(text: str, most: int) -> str:
    """Text of a model's, on one line; it may repeat what an item told it to say."""
    return neutralise(text)[:most].rstrip()


def _lines(texts: Sequence[str]) -> tuple[str, ...]:
    lines = (_line(text, FLAG_CHARACTERS) for text in texts[:FLAGS])
    return tuple(dict.fromkeys(line for line in lines if line))
