"""A folder of records as a series in time: what each scored, and what it gained over what was there before."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from golfkit.errors import GolfError
from golfkit.research.backtest.strip import strip
from golfkit.research.items.item import TEXT_CHARACTERS, Item
from golfkit.train.logs import submission

_FOLDER = re.compile(r"(\d{4}-\d{2}-\d{2})_(.+)")
_OWN_NUMBER = re.compile(r"\bthis (?:PR|pull request)(?:\W|is\b){0,12}#(\d{1,6})", re.IGNORECASE)
REPOSITORY = "https://github.com/openai/parameter-golf"  # where records of the contest are
NO_NUMBER = 10**9  # a record whose pull request is not named comes after those of its day that are


class Record(NamedTuple):
    """One record with its outcome."""

    track: str  # its list: track_10min_16mb
    name: str
    date: str  # UTC day of its folder
    number: int  # of its pull request, or NO_NUMBER
    val_bpb: float
    item: Item  # stripped
    gain: (
        float  # val_bpb of the preceding record of its list, less its own; of the first one the baseline, less its own
    )
    gain_over_best: float  # the same over the best of all lists so far, or the baseline

    @property
    def accepted(self) -> bool:
        """Whether its list is one of records: other lists hold tries without a claim."""
        return "non" not in self.track


def read(folder: Path, baseline: float) -> list[Record]:
    """Every record below `folder` (track_*/DATE_NAME/) that has a README and a score, in the order of time.

    Order: day of the folder, then the pull request's number where the record itself names it, then its name.
    """
    found = [
        record for track in sorted(folder.glob("track_*")) for path in sorted(track.iterdir()) if (record := _one(path))
    ]
    if not found:
        raise GolfError(f"{folder}: no record, expected folders track_*/DATE_NAME with README.md and submission.json")
    return _with_gains(sorted(found, key=lambda one: (one.date, one.number, one.name)), baseline)


def _one(path: Path) -> Record | None:
    """A record; None where README, score or date is missing."""
    match = _FOLDER.fullmatch(path.name)
    readme = path / "README.md"
    jsons = sorted(path.glob("submission*.json"))
    if match is None or not readme.is_file() or not jsons:
        return None
    told = jsons[0].read_text("utf-8")
    scored = submission.read(told, str(jsons[0]))
    if scored.val_bpb is None:
        return None
    content = readme.read_text("utf-8", "replace")
    number = re.search(r'"(?:pr|pr_number|pull_request)"\s*:\s*"?#?(\d{1,6})', told) or _OWN_NUMBER.search(content)
    title, text = strip(content, path.name)
    words = re.sub(r"\d+\.\d+", " ", match[2]).replace("_", " ")
    item = Item(
        id=f"record:{path.parent.name}/{path.name}",
        source="github",
        kind="pull_request",
        contests=("parameter_golf",),
        title=title or words,
        text=text[:TEXT_CHARACTERS],
        url=REPOSITORY,
        fetched=f"{match[1]}T00:00:00Z",
    )
    return Record(
        path.parent.name,
        match[2],
        match[1],
        int(number[1]) if number else NO_NUMBER,
        scored.val_bpb,
        item,
        0.0,
        0.0,
    )


def _with_gains(records: Sequence[Record], baseline: float) -> list[Record]:
    """The records, in order, with what each gained."""
    last: dict[str, float] = {}
    best = baseline
    done = []
    for one in records:
        before = last.get(one.track, baseline)
        done.append(one._replace(gain=before - one.val_bpb, gain_over_best=best - one.val_bpb))
        last[one.track] = one.val_bpb
        best = min(best, one.val_bpb)
    return done
