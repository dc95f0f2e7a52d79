"""What a record is about and who made it: submission.json, README, title or folder name. Pure."""

import re
from typing import NamedTuple

from golfkit.errors import GolfError
from golfkit.files import neutralise
from golfkit.research.competitors import markdown
from golfkit.research.competitors.markdown import Line
from golfkit.train.logs import submission as submissions

MOST = 160  # characters of a technique
_PREFIX = re.compile(
    r"^\W*(?:(?:new\s+)?(?:notable\s+)?(?:non[- ]?record|records?)(?:\s+submission|\s+attempt)?s?\b\W*|"
    r"submission\b\W*(?=:)|\[[^\]]*\]\s*)+",
    re.I,
)
_SCORES = re.compile(
    r"\([^()]{0,80}bp[bp]\b[^()]{0,80}\)|"
    r"\(?\b(?:mean\s+)?(?:val[_ ]?)?bp[bp]\b\s*[:=]?\s*~?\d\.\d+\)?|\(?~?\d\.\d{3,}\s*(?:val[_ ]?)?bp[bp]\b\)?|"
    r"\(\s*(?:\d+-)?seeds?\s+mean[^)]*\)|\(#\d+\)|\(\s*[,;]?[^()\w]*\)",
    re.I,
)
_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}[T_ -]*")
_AUTHOR = re.compile(r"^(?:authors?|submitted by|by)\s*:\s*(.{1,80})", re.I)
_HANDLE = re.compile(r"@([A-Za-z0-9](?:[A-Za-z0-9-]{0,38}))")


class About(NamedTuple):
    """None is unknown."""

    technique: str | None  # one line
    author: str | None  # the github id where it is given, else a name


def about(
    *, submission: str | None = None, readme: str | None = None, title: str | None = None, folder: str | None = None
) -> About:
    """What is said of a record, the first source that says it.

    submission  text of submission.json
    readme      text of README.md
    title       of the pull request
    folder      name of the record's folder, as 2026-03-20_Int6_MLP3x
    """
    read = _submission(submission)
    heading, signed = _readme(readme)
    named = (read.name, heading, title, _of_folder(folder))
    technique = next((words for words in map(_short, named) if words), None)
    return About(technique, _first(read.github_id, read.author, signed))


def date_of(folder: str) -> str | None:
    """The day that a record folder's name begins with, 2026-05-01."""
    found = re.match(r"(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))(?!\d)", folder)
    return found[1] if found else None


def _submission(text: str | None) -> submissions.Submission:
    try:
        return submissions.read(text) if text is not None else submissions.Submission()
    except GolfError:  # its score is unknown for the same reason, and says so
        return submissions.Submission()


def _readme(text: str | None) -> tuple[str | None, str | None]:
    """(title, author) of a README."""
    heading = author = None
    for block in markdown.read(text or ""):
        if isinstance(block, Line) and block.kind != "code":
            if heading is None and block.kind == "heading" and block.level <= 2:
                heading = block.text
            if author is None and (signed := _AUTHOR.match(block.text)):
                handle = _HANDLE.search(signed[1])
                author = handle[1] if handle else re.split(r"[|(,]|\s[\u2014\u2013-]\s", signed[1])[0].strip()
    return heading, author


def _of_folder(name: str | None) -> str | None:
    return re.sub(r"[_\s]+", " ", _DATE.sub("", name)).strip() if name else None


def _short(text: str | None) -> str | None:
    """Without "Record:", scores and numbers of requests, on one line."""
    if not text:
        return None
    words = _SCORES.sub(" ", _PREFIX.sub("", neutralise(markdown.plain(text))))
    words = re.sub(r"\s+([,;:)])", r"\1", " ".join(words.split()))
    words = words.strip(" \t-\u2013\u2014|:;,=")
    return words if len(words) <= MOST else words[: MOST - 1].rsplit(" ", 1)[0] + "…" or None


def _first(*texts: str | None) -> str | None:
    return next((neutralise(text) for text in texts if text and neutralise(text)), None)
