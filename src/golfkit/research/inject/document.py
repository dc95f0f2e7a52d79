"""program.md as bytes: its four marked sections and its SOTA line are replaced, every other byte stays. Pure.

A marker is a line of its own, there once; blanks around it and a byte order mark before it do not count. Lines end in
"\\n", and new ones end as that of their START marker does, so a file with "\\r\\n" keeps it. Bytes outside of the
sections are never decoded: a file in any encoding that has ASCII in it survives, damaged text included.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from golfkit.errors import GolfError

SECTIONS = ("RESEARCH", "EXPERIMENTS", "COMPETITORS", "VERIFIED")
_BOM = b"\xef\xbb\xbf"
_SOTA = re.compile(rb"\*\*SOTA: [^*\n]*? bpb\. Baseline: [^*\n]*? bpb\.\*\*")
_SOTA_FORM = "**SOTA: 1.1194 bpb. Baseline: 1.2244 bpb.**"


class _Line(NamedTuple):
    number: int  # from 1
    start: int  # offset of its first byte
    end: int  # offset behind its newline
    text: bytes  # without blanks at its ends


class _Place(NamedTuple):
    """What lies between two markers."""

    name: str
    start: int  # offset behind the START marker's newline
    end: int  # offset of the END marker's line
    newline: bytes


def marker(section: str, end: str) -> str:
    """The line that opens (`end` is START) or closes (END) a section."""
    return f"<!-- {section}_{end} -->"


def rewrite(content: bytes, sections: Mapping[str, Sequence[str]], sota: float, baseline: float, where: str) -> bytes:
    """`content` with the lines of each section between its markers, and the scores in the SOTA line.

    sections  lines by section, without newlines; all of SECTIONS
    where     the file's name; one error names every problem there is, with file and line
    """
    lines = _lines(content)
    places, problems = _places(lines, content)
    found = _sota_lines(content, places)
    if not problems and len(found) != 1:
        problems.append(_sota_problem([_number(lines, match.start()) for match in found]))
    if problems:
        listed = "; ".join(f"{where}:{problem}" for problem in problems)
        raise GolfError(f"{listed}; nothing was written: correct the file, golf init shows one that is right")
    line = f"**SOTA: {sota:.4f} bpb. Baseline: {baseline:.4f} bpb.**".encode()
    edits = [(found[0].start(), found[0].end(), line)]
    edits += [(place.start, place.end, _body(sections[place.name], place.newline)) for place in places]
    parts, position = [], 0
    for start, end, new in sorted(edits):
        parts += [content[position:start], new]
        position = end
    return b"".join([*parts, content[position:]])


def _lines(content: bytes) -> list[_Line]:
    lines, start = [], 0
    for number, raw in enumerate(content.split(b"\n"), start=1):
        end = min(start + len(raw) + 1, len(content))
        text = raw.removeprefix(_BOM) if number == 1 else raw
        lines.append(_Line(number, start, end, text.strip(b" \t\r")))
        start = end
    return lines


def _places(lines: Sequence[_Line], content: bytes) -> tuple[list[_Place], list[str]]:
    """The sections in the order of the file, and what is wrong with the markers, as LINE: problem."""
    known = {marker(name, end).encode(): (name, end) for name in SECTIONS for end in ("START", "END")}
    found: dict[tuple[str, str], list[_Line]] = {key: [] for key in known.values()}
    for line in lines:
        if line.text in known:
            found[known[line.text]].append(line)
    problems = [problem for key, at in found.items() if (problem := _miscounted(marker(*key), at, lines))]
    if problems:
        return [], problems
    places, open_name = [], None
    ordered = sorted((at[0].number, *key) for key, at in found.items())
    for number, name, end in ordered:
        if end == "START" and open_name is not None:
            problems.append(f"{number}: {marker(name, end)} stands inside of {open_name}, expected it after its END")
        elif end == "END" and name != open_name:
            problems.append(f"{number}: {marker(name, end)} closes nothing that is open, expected it behind its START")
        if end == "START":
            open_name = open_name or name
        elif name == open_name:
            open_name = None
            first, last = found[name, "START"][0], found[name, "END"][0]
            newline = b"\r\n" if content[: first.end].endswith(b"\r\n") else b"\n"
            places.append(_Place(name, first.end, last.start, newline))
    return places, problems


def _miscounted(text: str, at: Sequence[_Line], lines: Sequence[_Line]) -> str | None:
    """What is wrong where a marker is not there exactly once."""
    if len(at) == 1:
        return None
    if at:
        numbers = ", ".join(str(line.number) for line in at)
        return f"{at[1].number}: {text} is there {len(at)} times (lines {numbers}), expected once"
    if near := next((line.number for line in lines if text.encode() in line.text), None):
        return f"{near}: {text} stands among other text, expected it alone on its line"
    return f"{lines[-1].number}: {text} is missing, expected it on a line of its own"


def _sota_lines(content: bytes, places: Sequence[_Place]) -> list[re.Match[bytes]]:
    """The SOTA lines outside of the sections."""
    return [
        match
        for match in _SOTA.finditer(content)
        if not any(place.start <= match.start() < place.end for place in places)
    ]


def _sota_problem(numbers: Sequence[int]) -> str:
    if not numbers:
        return f"1: no SOTA line outside of the sections, expected one, as {_SOTA_FORM}"
    listed = ", ".join(map(str, numbers))
    return f"{numbers[1]}: {len(numbers)} SOTA lines (lines {listed}), expected one outside of the sections"


def _number(lines: Sequence[_Line], offset: int) -> int:
    return next(line.number for line in lines if line.start <= offset < line.end)


def _body(lines: Sequence[str], newline: bytes) -> bytes:
    """Lines as bytes; one that is a marker or holds a line end is a mistake of the caller."""
    for line in lines:
        if "\n" in line or "\r" in line or "<!--" in line or "-->" in line:
            raise ValueError(f"a section's line would change the document: {line!r}")
    return b"".join(line.encode("utf-8") + newline for line in lines)
