"""How many labelled records and titles are read right, beside a peer's regular expressions; run it for the table.

python tests/extractor_table.py
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from golfkit import output
from golfkit.research.competitors import folder
from golfkit.research.competitors.score import score

DATA = Path(__file__).parents[2] / "shared/data/parameter_golf"
PEER = {"READMEs": "36 of 58", "titles": "20 of 32"}  # of the peer's own, larger set of READMEs, and of these titles
RIGHT, UNKNOWN, WRONG = "right", "unknown", "wrong"


class Outcome(NamedTuple):
    """One case, read."""

    name: str
    verdict: str
    value: float | None


def cases(name: str) -> list[dict[str, Any]]:
    """The labelled cases of a file; none where it is not there."""
    path = DATA / name
    return json.loads(path.read_text("utf-8")) if path.is_file() else []


def verdict(value: float | None, accepted: list[float]) -> str:
    """right: an accepted value, up to the rounding of the shorter one; where none is accepted, unknown is right."""
    if value is None:
        return UNKNOWN if accepted else RIGHT
    return RIGHT if any(same(value, other) for other in accepted) else WRONG


def same(one: float, other: float) -> bool:
    """Whether two scores are one number, written with fewer and more digits."""
    digits = min(len(repr(value).partition(".")[2]) for value in (one, other))
    return abs(one - other) <= 0.5 * 10**-digits + 1e-12 if repr(one) != repr(other) else True


def readmes() -> Iterator[Outcome]:
    """Each README alone; the two whose README contradicts the record are not scored."""
    for case in cases("readme_cases.json"):
        if not case["conflict"]:
            value = score(readme=(DATA / case["path"]).read_text("utf-8")).val_bpb
            yield Outcome(case["path"], verdict(value, case["accept"]), value)


def folders() -> Iterator[Outcome]:
    """Each record folder, all its files."""
    for case in cases("readme_cases.json"):
        (found,) = folder.find((DATA / case["path"]).parent)
        value = found.competitor.val_bpb
        yield Outcome(case["path"], verdict(value, case["accept"]), value)


def titles() -> Iterator[Outcome]:
    """Each title."""
    for case in cases("pr_title_cases.json"):
        value = score(title=case["title"]).val_bpb
        truth = case["true_val_bpb"]
        yield Outcome(case["title"], verdict(value, [] if truth is None else [truth]), value)


def main() -> None:
    """Print the table, and every case that is not right."""
    rows = []
    for name, found in (("READMEs", list(readmes())), ("folders", list(folders())), ("titles", list(titles()))):
        counts = Counter(outcome.verdict for outcome in found)
        rows.append((name, len(found), counts[RIGHT], counts[UNKNOWN], counts[WRONG], PEER.get(name, "")))
        for outcome in found:
            if outcome.verdict != RIGHT:
                output.note(f"{outcome.verdict}: {outcome.name}: {outcome.value}")
    output.table(("what", "cases", RIGHT, UNKNOWN, WRONG, "peer right"), rows)


if __name__ == "__main__":
    main()
