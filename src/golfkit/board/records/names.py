"""Names on a board: ids of agents, file names, stamps, and paths that stay inside. Pure.

A message or result is FOLDER/{YYYYMMDD-HHmmss}_{agent_id}.md in UTC, so that names sort by time. Where that name may be
taken, and always on a bucket, which cannot create a file only if it is new, the stamp gets a suffix: milliseconds and
random digits, {YYYYMMDD-HHmmss}-{mmm}{9 hex}_{agent_id}.md. Programs that take any file name read both.
"""

import re
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import NamedTuple

from golfkit.errors import Exit, GolfError

MESSAGES, RESULTS, AGENTS, ARTIFACTS = "message_board", "results", "agents", "artifacts"
STAMP = "%Y%m%d-%H%M%S"
WRITTEN = "%Y-%m-%d %H:%M UTC"  # the form of `timestamp` and `joined`
_AGENT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")
_FILE = re.compile(r"(\d{8}-\d{6})(?:-([0-9a-z]{1,32}))?_(.+)\.md")
_TIMES = (WRITTEN, "%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%d %H:%M")


class Name(NamedTuple):
    """A message's or result's file name, taken apart."""

    when: datetime | None  # UTC; None where the digits are no time
    suffix: str
    agent: str


def check_agent(agent_id: str) -> str:
    """`agent_id` if it can be one: letters, digits, `.`, `_`, `-`, at most 64, first and last a letter or digit."""
    if not _AGENT.fullmatch(agent_id) or ".." in agent_id:
        raise GolfError(
            f"agent id {agent_id!r:.80}, expected letters, digits, '.', '_' or '-', at most 64; set AGENT_ID",
            Exit.USAGE,
        )
    return agent_id


def file_name(now: datetime, agent_id: str, suffix: str = "") -> str:
    """The name of a new file; `suffix` as `unique` makes it, or none."""
    return f"{now.astimezone(UTC).strftime(STAMP)}{'-' if suffix else ''}{suffix}_{check_agent(agent_id)}.md"


def unique(now: datetime, nine_hex: str) -> str:
    """A suffix that no other process makes: milliseconds, then 36 random bits."""
    return f"{now.microsecond // 1000:03d}{nine_hex}"


def take_apart(name: str) -> Name | None:
    """The parts of a file name; None where it is no message's or result's."""
    match = _FILE.fullmatch(name)
    if match is None:
        return None
    try:
        when = datetime.strptime(match[1], STAMP).replace(tzinfo=UTC)
    except ValueError:
        when = None
    return Name(when, match[2] or "", match[3])


def order(file: str) -> tuple[str, str, str]:
    """The key that sorts files by time: by name alone, `-` would put a suffix before the plain name of its second."""
    match = _FILE.fullmatch(file)
    return (file, "", "") if match is None else (match[1], match[2] or "", match[3])


def parse_time(text: str | None) -> datetime | None:
    """A time as records write it, UTC; None where it is none."""
    for form in _TIMES if text else ():
        try:
            return datetime.strptime(text or "", form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def inside(path: str) -> PurePosixPath | None:
    """A path of a record (refs, artifacts) as one inside the board; None where it is absolute, climbs or is strange."""
    if not path or len(path) > 400 or not path.isprintable() or any(mark in path for mark in ("\\", "//", ":")):
        return None
    parts = path.strip("/").split("/")
    if path.startswith("/") or any(part in ("", ".", "..") or part.startswith(("~", "-")) for part in parts):
        return None
    return PurePosixPath(*parts)
