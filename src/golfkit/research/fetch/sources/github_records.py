"""Record folders of a pull request: which files hold scores, and what competitors they make. Pure."""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from golfkit.errors import GolfError
from golfkit.research.competitors.competitor import Competitor
from golfkit.research.competitors.score import score
from golfkit.research.fetch.protocol import Answer
from golfkit.research.fetch.sources import shape
from golfkit.research.items import identity
from golfkit.train.logs import submission as submissions

MOST_FOLDERS = 6  # of one pull request; who touches more tidies up the records of others
FILE_BYTES = 300_000  # of a README or submission.json that are read; the longest README of a record has 30 kB


class Pull(NamedTuple):
    """A pull request as the list gives it; texts are on one line but the body."""

    repository: str
    number: int
    title: str
    body: str
    author: str | None
    state: str  # open, merged, closed
    created: str | None  # UTC
    updated: str | None
    sha: str | None  # of its last commit

    @property
    def id(self) -> str:
        """Its identity."""
        return identity.github_pull(self.repository, self.number)

    @property
    def url(self) -> str:
        """Its page."""
        return f"https://github.com/{self.repository}/pull/{self.number}"


class Folder(NamedTuple):
    """A record's folder in a pull request: paths of its files."""

    path: str
    readme: str | None
    submission: str | None
    added: bool  # by this pull request, rather than edited


class Record(NamedTuple):
    """A record's folder with the texts of its files; None where there is no such file, or it could not be read."""

    folder: Folder
    readme: str | None
    submission: str | None


def pull(value: Any, repository: str) -> Pull | None:
    """A pull request of the list; None where it has no number or title. Its fork may be gone and its body null."""
    number, title = shape.pick(value, "number"), shape.line(shape.pick(value, "title"))
    if type(number) is not int or number <= 0 or not title:
        return None
    sha = shape.line(shape.pick(value, "head", "sha"))
    merged = shape.pick(value, "merged_at") is not None
    return Pull(
        repository=repository,
        number=number,
        title=title,
        body=shape.prose(shape.pick(value, "body")),
        author=shape.line(shape.pick(value, "user", "login")) or None,
        state="merged" if merged else "open" if shape.pick(value, "state") == "open" else "closed",
        created=shape.iso(shape.pick(value, "created_at")),
        updated=shape.iso(shape.pick(value, "updated_at")),
        sha=sha if re.fullmatch("[0-9a-f]{40,64}", sha) else None,
    )


def folders(files: Sequence[Any], globs: Sequence[str]) -> list[Folder]:
    """The record folders among the files of a pull request: those with a file that matches and is not removed.

    A README alone, above or below a folder that holds a submission, is about more or less than a record.
    """
    wanted = _pattern(globs)
    matched: dict[str, list[tuple[str, bool]]] = {}
    for file in files:
        path, status = shape.pick(file, "filename"), shape.pick(file, "status")
        if isinstance(path, str) and path.isprintable() and status != "removed" and wanted.fullmatch(path):
            matched.setdefault(path.rpartition("/")[0], []).append((path, status in ("added", "copied", "renamed")))
    found = [_folder(path, members) for path, members in sorted(matched.items())]
    holders = [folder.path for folder in found if folder.submission] or [folder.path for folder in found[:1]]
    return [
        folder
        for folder in found
        if folder.submission or folder.path in holders or not any(_nested(folder.path, path) for path in holders)
    ]


def text_of(answer: Answer) -> str:
    """The text of a file of GitHub's contents; in base64 where it did not heed the raw media type."""
    try:
        value = json.loads(answer.body)
        if shape.pick(value, "encoding") == "base64" and shape.pick(value, "type") == "file":
            return _text(base64.b64decode(value["content"]))
    except (ValueError, TypeError, KeyError, RecursionError, binascii.Error):
        pass  # the file itself: a README, or a submission.json of whatever content
    return _text(answer.body)


def competitors(request: Pull, records: Sequence[Record]) -> Iterator[Competitor]:
    """One for each record; for a pull request without any, one where its title states a score."""
    if not records:
        if score(title=request.title).val_bpb is not None:
            yield _competitor(request, request.id, None)
        return
    for record in records:
        name = request.id if len(records) == 1 else f"{request.id}:{record.folder.path}"
        yield _competitor(request, name, record)


def _competitor(request: Pull, name: str, record: Record | None) -> Competitor:
    submission, readme = (record.submission, record.readme) if record else (None, None)
    found = score(submission=submission, readme=readme, title=request.title)
    author, technique = _stated(submission)
    if record is None or record.folder.added:  # who edits the record of another is not its author
        author = request.author or author
    return Competitor(
        id=name,
        val_bpb=found.val_bpb,
        source=found.source,
        confidence=found.confidence,
        conflict=found.conflict,
        readings=found.readings,
        repository=request.repository,
        pr=request.number,
        author=author or request.author,
        technique=technique or request.title,
        title=request.title,
        url=request.url,
        state=request.state,
        date=request.created[:10] if request.created else None,
        notes=found.notes,
    )


def _stated(submission: str | None) -> tuple[str | None, str | None]:
    """(author, technique) of a submission.json."""
    try:
        read = submissions.read(submission or "")
    except GolfError:
        return None, None
    return shape.line(read.github_id) or None, shape.line(read.name) or None


def _folder(path: str, members: Sequence[tuple[str, bool]]) -> Folder:
    names = sorted((member.rpartition("/")[2].lower(), member) for member, _ in members)
    ranked = sorted(names, key=lambda name: name[0] not in ("readme.md", submissions.FILE))
    return Folder(
        path,
        readme=next((member for name, member in ranked if not name.endswith(".json")), None),
        submission=next((member for name, member in ranked if name.endswith(".json")), None),
        added=any(added for _, added in members),
    )


def _nested(one: str, other: str) -> bool:
    return one == "" or other == "" or f"{other}/".startswith(f"{one}/") or f"{one}/".startswith(f"{other}/")


def _pattern(globs: Sequence[str]) -> re.Pattern[str]:
    """Any of the globs on a whole path: ** is any number of folders, * and ? stay within one name."""
    wild = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = [[wild.get(part, re.escape(part)) for part in re.split(r"(\*\*/|\*\*|\*|\?)", glob)] for glob in globs]
    return re.compile("|".join("".join(part) for part in parts), re.DOTALL)


def _text(content: bytes) -> str:
    return content[:FILE_BYTES].decode("utf-8", "replace")
