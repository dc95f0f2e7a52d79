"""Mirroring a board both ways: files are created on the side that lacks them; none is changed or removed.

Files of a board are immutable, so that a name with other bytes on each side is a conflict, which is reported and left.
Batches bound the disk and memory that a call takes, and are what a call that was cut has done; the next goes on there.
"""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from golfkit.board.homes.local import README, LocalHome
from golfkit.board.homes.protocol import Entry, Home, Listing, Rejected, Taken

TOGETHER = 100  # files a batch
BATCH_BYTES = 64_000_000  # of a batch, unless it is one file


@dataclass
class Report:
    """What a sync did, or would do; paths in order."""

    pulled: list[str] = field(default_factory=list)
    pushed: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)  # other bytes on each side; both stay as they are
    large: list[str] = field(default_factory=list)  # left out for their size
    refused: list[tuple[str, str]] = field(default_factory=list)  # (path, why): names and files that a side won't take


def sync(
    local: LocalHome,
    remote: Home,
    *,
    most_bytes: int | None = None,
    dry_run: bool = False,
    advance: Callable[[int, str], None] = lambda n_bytes, path: None,
) -> Report:
    """Mirror `local` and `remote`.

    most_bytes  larger files are left out; None: no limit
    advance     called with (bytes, path) for each file copied
    """
    report = Report()
    here, there = local.listing(""), remote.listing("")
    report.refused += [(path, "no name of a file on a board") for path in _strange(here, there)]
    own, others = ({entry.path: entry for entry in side.entries} for side in (here, there))
    template = local.read_all(["README.md"], len(README) + 1).get("README.md") == README.encode()
    if template:  # golf's own text is no part of the shared board
        own.pop("README.md", None)
        others.pop("README.md", None)
    report.conflicts += _conflicts(local, remote, own, others)
    pull = _small([entry for path, entry in others.items() if path not in own], most_bytes, report)
    push = _small([entry for path, entry in own.items() if path not in others], most_bytes, report)
    if dry_run:
        report.pulled += [entry.path for entry in pull]
        report.pushed += [entry.path for entry in push]
        return report
    for entries, source, target, done in ((pull, remote, local, report.pulled), (push, local, remote, report.pushed)):
        for batch in _batches(entries):
            for path in _copy(batch, source, target, report):
                done.append(path)
                advance(next(entry.size for entry in batch if entry.path == path), path)
    report.conflicts.sort()
    return report


def _strange(here: Listing, there: Listing) -> list[str]:
    return sorted({*here.strange, *there.strange})


def _conflicts(local: LocalHome, remote: Home, own: dict[str, Entry], others: dict[str, Entry]) -> list[str]:
    """Names that both sides have, with other bytes."""
    both = [path for path in own if path in others]
    sizes = [path for path in both if own[path].size != others[path].size]
    same_size = [path for path in both if own[path].size == others[path].size]
    return sizes + remote.unlike([(local.root / path, path) for path in same_size])


def _small(entries: list[Entry], most_bytes: int | None, report: Report) -> list[Entry]:
    """Those that are not too large."""
    report.large += [entry.path for entry in entries if most_bytes is not None and entry.size > most_bytes]
    return [entry for entry in entries if most_bytes is None or entry.size <= most_bytes]


def _batches(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    for entry in entries:
        if batch and (len(batch) == TOGETHER or sum(one.size for one in batch) + entry.size > BATCH_BYTES):
            yield batch
            batch = []
        batch.append(entry)
    if batch:
        yield batch


def _copy(batch: Sequence[Entry], source: Home, target: Home, report: Report) -> list[str]:
    """Copy files by way of a private folder, where no name is a stranger's; the paths that are on both sides now."""
    with tempfile.TemporaryDirectory(prefix="golf-sync-") as folder:
        places = {entry.path: Path(folder) / str(n) for n, entry in enumerate(batch)}
        fetched = [(places[path], path) for path in source.fetch(list(places.items()))]
        with contextlib.suppress(Taken, Rejected):
            target.put(fetched)
            return [path for _, path in fetched]
        done = []
        for one in fetched:  # one of them stands in the way of the others
            try:
                target.put([one])
            except Taken:
                report.conflicts.append(one[1])
            except Rejected as error:
                report.refused.append((one[1], str(error)))
            else:
                done.append(one[1])
        return done
