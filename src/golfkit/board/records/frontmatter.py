"""Markdown with YAML front matter, as agents and shell scripts write it: read whatever it holds, written for all.

    ---
    agent: agent-01
    timestamp: 2026-05-01 14:30 UTC
    refs: 20260501-143000_agent-02.md
    ---

    body

The text is a stranger's. Reading never fails: what is not in this form is read as far as its meaning is clear, and each
such thing is a problem that names itself. Values stay text: YAML would make 7 of the agent 007, and false of no.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from golfkit import files

MOST_BYTES = 1_000_000  # of a file; what is longer is cut
MOST_HEAD = 16_000  # characters of front matter
MOST_FIELDS = 64
MOST_NESTING = 50  # brackets and dashes of lists, far below the depth that a YAML reader can take
FENCE = "---"

Value = str | tuple[str, ...]


class FrontMatter(NamedTuple):
    """A file as it was read.

    fields    text, or a tuple of texts for a list
    problems  one line each on what is broken; empty for a well-formed file
    """

    fields: Mapping[str, Value]
    body: str
    problems: tuple[str, ...]

    def text(self, name: str) -> str | None:
        """A field on one line; a list joined by commas; None where it is missing or empty."""
        value = self.fields.get(name)
        joined = ", ".join(value) if isinstance(value, tuple) else value
        return files.neutralise(joined) or None if joined is not None else None


def read(content: bytes) -> FrontMatter:
    """The fields and the body of a file."""
    problems = []
    if len(content) > MOST_BYTES:
        problems.append(f"{len(content)} bytes, expected at most {MOST_BYTES}: the rest is left out")
        content = content[:MOST_BYTES]
    if b"\0" in content:
        problems.append("it holds NUL bytes: this is no text")
    text = content.decode("utf-8", "replace").removeprefix("\ufeff")
    if "\ufffd" in text and "\ufffd".encode() not in content:
        problems.append("it is not UTF-8: bytes that are none are shown as \ufffd")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    head, body = _split(text)
    if head is None:
        return FrontMatter({}, text, (*problems, "no front matter: expected a first line --- and a second one below"))
    if len(head) > MOST_HEAD:
        problems.append(f"front matter of {len(head)} characters, expected at most {MOST_HEAD}: the rest is left out")
        head = head[:MOST_HEAD]
    fields, more = _fields(head)
    return FrontMatter(fields, body, (*problems, *more))


def write(fields: Mapping[str, Value | None], body: str) -> str:
    """A file of these fields, those that are None left out; every value quoted where YAML would read another thing."""
    import yaml

    given = {
        name: [files.neutralise(part) for part in value] if isinstance(value, tuple) else files.neutralise(value)
        for name, value in fields.items()
        if value is not None
    }
    lines = [  # a list stays on the line of its name, which readers that know no YAML can split
        yaml.safe_dump(
            {name: value},
            allow_unicode=True,
            width=1 << 30,
            default_flow_style=None if isinstance(value, list) else False,
        )
        for name, value in given.items()
    ]
    text = body.replace("\r\n", "\n").strip("\n")
    return f"{FENCE}\n{''.join(lines)}{FENCE}\n" + (f"\n{text}\n" if text else "")


def _split(text: str) -> tuple[str | None, str]:
    """(front matter, body); None where there is no pair of fences."""
    lines = text.split("\n")
    if lines[0].rstrip() != FENCE:
        return None, text
    for n, line in enumerate(lines[1:], start=1):
        if line.rstrip() == FENCE:
            return "\n".join(lines[1:n]), "\n".join(lines[n + 1 :]).strip("\n")
    return None, text


def _fields(head: str) -> tuple[dict[str, Value], list[str]]:
    """The fields by YAML; by lines where it is none, as `description: a: b` is not, which shell scripts write."""
    import yaml

    nesting = sum(head.count(mark) for mark in ("[", "{", "- ", "-\n", "? "))
    try:
        if nesting > MOST_NESTING:
            return _by_lines(head), [f"{nesting} brackets and list marks, expected flat fields: read line by line"]
        table = yaml.load(head, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))  # BaseLoader makes text alone
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = files.neutralise(str(getattr(error, "problem", None) or error))
        return _by_lines(head), [f"front matter is no YAML ({reason:.80}): read line by line"]
    if table is None:
        return {}, []
    if not isinstance(table, dict):
        return _by_lines(head), ["front matter is no list of fields: read line by line"]
    return _flat(table)


def _flat(table: dict[str, Any]) -> tuple[dict[str, Value], list[str]]:
    fields: dict[str, Value] = {}
    problems = []
    for name, value in list(table.items())[:MOST_FIELDS]:
        if isinstance(value, str):
            fields[name] = value
        elif isinstance(value, list) and all(isinstance(part, str) for part in value):
            fields[name] = tuple(value)
        else:
            problems.append(f"{name:.40} is nested, expected text or a list of texts: left out")
    if len(table) > MOST_FIELDS:
        problems.append(f"{len(table)} fields, expected at most {MOST_FIELDS}: the rest is left out")
    return fields, problems


def _by_lines(head: str) -> dict[str, Value]:
    """`name: the rest of the line`, whatever the rest is; other lines are left out."""
    fields: dict[str, Value] = {}
    for line in head.split("\n"):
        name, colon, value = line.partition(":")
        if colon and name.strip() and name == name.lstrip() and len(fields) < MOST_FIELDS:
            fields.setdefault(name.strip(), value.strip())
    return fields
