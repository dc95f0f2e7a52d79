"""Records on disk: a README, a record folder or a tree of them, read into competitors."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from golfkit.errors import GolfError
from golfkit.research.competitors import technique
from golfkit.research.competitors.competitor import Competitor
from golfkit.research.competitors.score import score

SUBMISSIONS = "submission*.json"
MOST_BYTES = 2_000_000  # of one file that are read
RECORDS = "records"  # the folder of the contest's repository under which a record's path is its name


class _Texts(NamedTuple):
    submission: str | None
    readme: str | None
    notes: tuple[str, ...]


class Found(NamedTuple):
    """One record and where it lies."""

    path: Path  # its folder, or the file that was named
    competitor: Competitor


def find(path: Path) -> list[Found]:
    """What a README, a submission.json, a record folder or a tree of record folders says.

    A file is read alone, whatever lies beside it. Errors: nothing is there, or no record is in it.
    """
    if path.is_file():
        return [Found(path, _competitor(path, _texts_of_file(path), path.absolute().parent.name))]
    if not path.is_dir():
        raise GolfError(f"{path}: not found, expected a record folder, a README or a tree of record folders")
    records = sorted(_records(path))
    if not records:
        raise GolfError(f"{path}: no README.md and no submission.json in it or below; name a record folder")
    return [Found(record, _competitor(record, _texts_of_folder(record), record.absolute().name)) for record in records]


def _records(folder: Path) -> Iterator[Path]:
    """The record folders of a tree: with a submission.json, or a README and a dated name; else the folder itself."""
    found = {path.parent for path in folder.rglob(SUBMISSIONS) if path.is_file()}
    found |= {path.parent for path in _readmes(folder) if technique.date_of(path.absolute().parent.name)}
    if not found and _readme(folder):
        found = {folder}
    nested = {inner for inner in found for outer in found if outer in inner.parents}
    return iter(found - nested)


def _readmes(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.name.lower() == "readme.md" and path.is_file())


def _readme(folder: Path) -> Path | None:
    return next(
        (path for path in sorted(folder.iterdir()) if path.name.lower() == "readme.md" and path.is_file()), None
    )


def _texts_of_folder(folder: Path) -> _Texts:
    submissions = sorted(folder.glob(SUBMISSIONS), key=lambda path: (path.name != "submission.json", path.name))
    readme = _readme(folder)
    others = tuple(f"not read, as {submissions[0].name} is there: {path.name}" for path in submissions[1:])
    return _Texts(_text(submissions[0]) if submissions else None, _text(readme) if readme else None, others)


def _texts_of_file(path: Path) -> _Texts:
    if path.suffix.lower() == ".json":
        return _Texts(_text(path), None, ())
    return _Texts(None, _text(path), ())


def _text(path: Path) -> str:
    with path.open("rb") as source:
        return source.read(MOST_BYTES).decode("utf-8", "replace")


def _competitor(path: Path, texts: _Texts, folder: str) -> Competitor:
    found = score(submission=texts.submission, readme=texts.readme)
    about = technique.about(submission=texts.submission, readme=texts.readme, folder=folder)
    return Competitor(
        id=_id(path),
        val_bpb=found.val_bpb,
        source=found.source,
        confidence=found.confidence,
        conflict=found.conflict,
        readings=found.readings,
        author=about.author,
        technique=about.technique,
        date=technique.date_of(folder),
        notes=(*found.notes, *texts.notes),
    )


def _id(path: Path) -> str:
    """The path from `records` on, else as it was given."""
    parts = path.parts
    return Path(*parts[parts.index(RECORDS) :]).as_posix() if RECORDS in parts else path.as_posix()
