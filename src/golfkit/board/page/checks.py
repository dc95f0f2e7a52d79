"""How far a result can be believed: what the board's own files and other agents say of it. Pure.

    tampered     the artifact's files differ from its results.json, or the result from both
    disputed     another agent's verdict says no
    re-verified  another agent's verdict says yes
    verified     its author's record of a certified roundtrip, which nothing here contradicts
    unverified   nobody says that it was restored

A verdict is a message with `verdict:` in its front matter and the result in its refs.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from golfkit.board.homes.protocol import Entry
from golfkit.board.records.record import Message, Result
from golfkit.compress import verify
from golfkit.errors import GolfError

RESULTS = "results.json"
MOST_RECORD = 100_000  # bytes of a results.json
YES = ("yes", "true", "ok", "holds", "verified", "re-verified", "confirmed", "pass", "passed")
STATES = ("tampered", "disputed", "re-verified", "verified", "unverified")
TRUSTED = ("verified", "re-verified")
Digests = Callable[[str], str | None]  # sha256 of the file at a path of the board; None where it is not at hand


class Check(NamedTuple):
    """What an artifact's files say."""

    total_bytes: int | None  # archive + decompressor as they lie there; None where one is missing
    verified: bool  # results.json holds the record of a roundtrip
    digests: tuple[tuple[str, str], ...]  # (archive_sha256, ...) of the files where they were read, else as it says
    contents: bool  # contents were compared, not sizes alone
    problems: tuple[str, ...]  # what differs from results.json


class Standing(NamedTuple):
    """Where a result stands."""

    state: str  # one of STATES
    why: str  # one line


def check(name: str, files: Sequence[Entry], content: bytes | None, digests: Digests | None) -> Check | None:
    """Compare an artifact's files with its results.json; None without one. What it does not say is not compared."""
    if content is None:
        return None
    try:
        said = verify.results.parse(content.decode("utf-8", "replace"), RESULTS)
    except GolfError as error:
        return Check(None, False, (), False, (str(error),))
    sizes = {entry.path.rpartition("/")[2]: entry.size for entry in files if entry.path.count("/") == 2}
    problems, seen, known = [], True, {}
    for key, file in verify.FILES.items():
        if file not in sizes:
            problems.append(f"{file} is missing")
            continue
        problems += _differs(f"{key}_bytes", getattr(said, f"{key}_bytes"), sizes[file])
        found = digests(f"artifacts/{name}/{file}") if digests else None
        seen = seen and found is not None
        if found is not None:
            problems += _differs(f"{key}_sha256", getattr(said, f"{key}_sha256"), found)
        known[f"{key}_sha256"] = found or getattr(said, f"{key}_sha256")
    total = sum(sizes[file] for file in verify.FILES.values()) if sizes.keys() >= set(verify.FILES.values()) else None
    if total is not None:
        problems += _differs("total_bytes", said.total_bytes, total)
    digests_known = tuple((key, value) for key, value in known.items() if value)
    certified = said.verified is True and said.verified_at is not None
    return Check(total, certified, digests_known, seen, tuple(problems))


def standing(result: Result, found: Check | None, verdicts: Sequence[Message]) -> Standing:
    """Where a result stands.

    found     of its artifact; None where it names none, or one that is not there
    verdicts  messages that refer to it and have a verdict, oldest first
    """
    problems = list(found.problems) if found else []
    if found and found.total_bytes is not None and result.bytes is not None:
        problems += _differs("bytes", result.bytes, found.total_bytes)
    for key, value in found.digests if found else ():
        problems += _differs(key, result.field(key), value)
    if problems:
        return Standing("tampered", f"its artifact is not what was posted: {'; '.join(problems)}")
    others = {message.agent: message for message in verdicts if message.agent != result.agent}  # each one's newest
    yes = [agent for agent, message in others.items() if _is_yes(message)]
    no = [agent for agent in others if agent not in yes]
    if no:
        return Standing(
            "disputed", f"{', '.join(no)} could not confirm it" + (f"; {', '.join(yes)} did" if yes else "")
        )
    if yes:
        return Standing("re-verified", f"restored again by {', '.join(yes)}")
    claim = result.field("verified")
    how = "" if found is None else ", and the artifact's digests agree" if found.contents else ", and sizes agree"
    if (claim is None and found is not None and found.verified) or _says_yes(claim):
        return Standing("verified", f"its author's record of a roundtrip{how}")
    return Standing("unverified", "no record of a roundtrip" if claim is None else f"its author says: {claim:.40}")


def _is_yes(message: Message) -> bool:
    return _says_yes(message.field("verdict"))


def _says_yes(text: str | None) -> bool:
    words = (text or "").lower().replace(",", " ").replace(":", " ").split()
    return bool(words) and words[0] in YES


def _differs(key: str, said: object, found: object) -> list[str]:
    return [] if said is None or said == found else [f"{key} is {said}, found {found}"]
