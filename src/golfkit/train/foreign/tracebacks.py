"""The exceptions that ended a Python program, read from what it printed last. Pure."""

import re
from collections.abc import Iterable
from pathlib import PurePath
from typing import NamedTuple

_PREFIX = re.compile(r"(?:\[[^\]]{1,60}\]:? ?)*")  # [rank0]: as torch's launcher writes it
_FRAME = re.compile(r'\s{1,40}File "([^"]{1,1000})", line (\d{1,9})')
_RAISED = re.compile(r"(?:\w{1,80}\.){0,9}(\w{1,80})(?::\s?(.*))?$")
_HEADER = "Traceback (most recent call last)"
_LAUNCHER = ("ChildFailedError", "SignalException")  # says only that a worker failed
_PEER_GONE = re.compile(
    r"connection (?:closed|reset) by peer|broken pipe|remote process exited|TCPStore", re.IGNORECASE
)


class Frame(NamedTuple):
    """A line of source that a traceback names."""

    file: str
    line: int


class Raised(NamedTuple):
    """An exception as it was printed."""

    kind: str  # RuntimeError
    message: str  # its first line
    frames: tuple[Frame, ...]  # the innermost last; a SyntaxError's is the line itself

    def place(self, script: str) -> str:
        """FILE:LINE, of the script if it is in the traceback: a library's line says less."""
        if not self.frames:
            return script
        own = [frame for frame in self.frames if PurePath(frame.file).name == script]
        frame = (own or self.frames)[-1]
        return f"{PurePath(frame.file).name}:{frame.line}"

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}" if self.message else self.kind


def last_raised(lines: Iterable[str]) -> Raised | None:
    """The exception that ended the program; None where none was printed.

    With several processes that is not the one by which another noticed that its peer was gone, nor the launcher's.
    """
    found = [raised for raised in _all(lines) if raised.kind not in _LAUNCHER]
    causes = [raised for raised in found if not _PEER_GONE.search(raised.message)]
    return (causes or found or [None])[-1]


def _all(lines: Iterable[str]) -> list[Raised]:
    """Every exception behind a traceback, but those that Python ignored; each process is followed by its prefix."""
    frames: dict[str, list[Frame]] = {}
    ignored: set[str] = set()
    found = []
    for line in lines:
        prefix = _PREFIX.match(line).group()  # type: ignore[union-attr]  # it matches the empty string
        text = line[len(prefix) :]
        if text.startswith("Exception ignored in"):
            ignored.add(prefix)
        elif text.startswith(_HEADER):
            frames[prefix] = []
        elif frame := _FRAME.match(text):
            frames.setdefault(prefix, []).append(Frame(frame[1], int(frame[2])))
        elif frames.get(prefix) and text and not text[0].isspace():
            raised = _RAISED.match(text)
            if raised and prefix not in ignored:
                found.append(Raised(raised[1], raised[2] or "", tuple(frames[prefix])))
            ignored.discard(prefix)
            del frames[prefix]
    return found
