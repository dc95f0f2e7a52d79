"""A record folder as it lies on disk: submission, logs, script."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from golfkit.budget.record import logs
from golfkit.budget.record.logs import RecordLog
from golfkit.budget.record.requirements import imported
from golfkit.errors import GolfError
from golfkit.train.logs import decode, submission
from golfkit.train.logs.submission import Submission

README = "README.md"
SCRIPT = "train_gpt.py"  # the one script that the contest counts
LOGS = (".log", ".txt")
NO_LOGS = ("requirements.txt",)
RECORD_TRACK, OTHER_TRACK = "10min_16mb", "non_record_16mb"
LARGEST_LOG = 1 << 28  # bytes


@dataclass(frozen=True, kw_only=True)
class Record:
    """One record folder."""

    path: Path
    names: frozenset[str]  # of the files right in it
    submission_file: str | None  # its name; None where there is none
    submission: Submission | None  # None where there is none that can be read
    broken: str | None  # why it cannot be read
    logs: tuple[RecordLog, ...]  # those that say something, each content once
    code: tuple[tuple[str, int], ...]  # (name, bytes) of the script and of the modules beside it that it imports
    script: str | None  # its text; None where it is not there, or not looked at

    @property
    def n_code_bytes(self) -> int:
        """Bytes of code as shipped."""
        return sum(n_bytes for _, n_bytes in self.code)

    @property
    def for_record(self) -> bool:
        """Whether it is for the record track, by its place; its submission says where the place does not."""
        place = self.path.absolute().parent.name
        track = place if place.startswith("track_") else (self.submission.track if self.submission else None)
        return track is None or "non" not in track.lower()


def read(path: Path, *, with_script: bool = True) -> Record:
    """The folder at `path`; what its files hold may be anything.

    with_script  whether to look at train_gpt.py
    """
    if not path.is_dir():
        raise GolfError(f"{path}: no such folder, expected a record's; name one of records/track_*/")
    names = frozenset(item.name for item in path.iterdir() if item.is_file())
    file = submission.FILE if submission.FILE in names else _other_submission(names)
    found = broken = None
    if file is not None:
        try:
            found = submission.read((path / file).read_bytes().decode("utf-8", "replace"), file)
        except GolfError as error:
            broken = str(error)
    script = path / SCRIPT if with_script and SCRIPT in names else None
    text = script.read_bytes().decode("utf-8", "replace") if script else None
    return Record(
        path=path,
        names=names,
        submission_file=file,
        submission=found,
        broken=broken,
        logs=tuple(_logs(path)),
        code=tuple((name, (path / name).stat().st_size) for name in [SCRIPT, *_beside(text, names)]) if script else (),
        script=text,
    )


def _other_submission(names: frozenset[str]) -> str | None:
    """submission_x.json, where it is the only one."""
    others = [name for name in names if name.startswith("submission") and name.endswith(".json")]
    return others[0] if len(others) == 1 else None


def _logs(path: Path) -> Iterator[RecordLog]:
    """The training logs in the folder and below it; the same log under two names is read once."""
    seen: set[str] = set()
    for file in sorted(path.rglob("*")):
        if file.suffix not in LOGS or file.name in NO_LOGS or not file.is_file():
            continue
        if file.stat().st_size > LARGEST_LOG:
            raise GolfError(f"{file}: {file.stat().st_size} bytes, expected a log of {LARGEST_LOG} or fewer")
        text = decode(file.read_bytes())
        log = logs.read(str(file.relative_to(path)), text)
        if log.useful and text not in seen:
            seen.add(text)
            yield log


def _beside(script: str | None, names: frozenset[str]) -> list[str]:
    """The modules in the folder that a script imports by name."""
    return sorted({f"{name}.py" for name in imported(script or "")} & names - {SCRIPT})
