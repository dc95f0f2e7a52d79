"""What tests of inject, frontier and calibrate are made of: items, gradings, competitors, rows, a workspace of them."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from golfkit import jsonl, ledger
from golfkit.ledger import Row
from golfkit.research.competitors import competitor
from golfkit.research.competitors.competitor import Competitor
from golfkit.research.grade import graded
from golfkit.research.grade.graded import Graded
from golfkit.research.grade.rubric import Scores
from golfkit.research.items import item
from golfkit.research.items.item import Item
from golfkit.research.verify import verified
from golfkit.research.verify.verified import Verified
from golfkit.train.runs import record
from golfkit.train.runs.record import Artifact, BaselineRef, Data, RunRecord
from golfkit.train.workspace import create

PAPER = "arxiv:2403.01234"


def an_item(name: str = PAPER, **changes: Any) -> Item:
    """A paper."""
    made = Item(
        id=name,
        source="arxiv",
        kind="paper",
        contests=("parameter_golf",),
        title=f"A finding called {name}",
        text="We quantise.",
        url="https://arxiv.org/abs/2403.01234",
        fetched="2026-05-01T00:00:00Z",
    )
    return dataclasses.replace(made, **changes)


def a_grading(of: Item, points: Sequence[int | None] = (3, 2, 2, 3, 2), **changes: Any) -> Graded:
    """A grading of an item, at noon of 2026-05-01 unless said otherwise."""
    scores = Scores(*points)
    made = Graded(
        item=of.id,
        item_digest=of.digest,
        title=of.title,
        grader="offline",
        context="0" * 16,
        graded="2026-05-01T12:00:00Z",
        grade=scores.grade,
        total=scores.total,
        **scores._asdict(),
        summary="What it is.",
    )
    return dataclasses.replace(made, **changes)


def a_reading(of: Item, **changes: Any) -> Verified:
    """The item read in full: from A to B."""
    made = Verified(
        item=of.id,
        item_digest=of.digest,
        title=of.title,
        url=of.url,
        verified="2026-05-02T00:00:00Z",
        grader="llm",
        context="0" * 16,
        total_before=12,
        grade_before="A",
        total=9,
        grade="B",
        dimensions=(2, 2, 1, 2, 2),
        brief="Add one matrix.",
        red_flags=("scale",),
        evidence=("https://arxiv.org/html/2403.01234",),
        full_text=True,
    )
    return dataclasses.replace(made, **changes)


def a_competitor(pr: int, val_bpb: float | None, **changes: Any) -> Competitor:
    """A pull request with a score."""
    made = Competitor(
        id=f"github:openai/parameter-golf#{pr}",
        val_bpb=val_bpb,
        source="README",
        confidence=0.9,
        conflict=False,
        readings={} if val_bpb is None else {"README": val_bpb},
        repository="openai/parameter-golf",
        pr=pr,
        author="somebody",
        technique="smear gate",
        state="merged",
    )
    return dataclasses.replace(made, **changes)


def a_row(run: str, val_bpb: float | None, status: str, description: str, tier: str = "local") -> Row:
    """A row of the ledger."""
    return Row(run, tier, val_bpb, None, None, status, "no", None, description)


def a_record(row: Row, started: str | None, baseline_bpb: float | None = None) -> RunRecord:
    """Its run.json, comparable with every other of these."""
    return RunRecord(
        run=row.commit,
        tier=row.tier,
        source="train-local",
        description=row.description,
        started=started,
        status=row.status,
        tokens_seen=1000,
        seq_len=128,
        data=Data(tokenizer="bytes", train_sha256="t", val_sha256="v"),
        artifact=Artifact(code_bytes=1000),
        val_bpb=row.val_bpb,
        baseline=None if baseline_bpb is None else BaselineRef(run="local_first_1", val_bpb=baseline_bpb),
    )


def workspace(
    folder: Path,
    *,
    items: Sequence[Item] = (),
    gradings: Sequence[Graded] = (),
    readings: Sequence[Verified] = (),
    competitors: Sequence[Competitor] = (),
    rows: Sequence[Row] = (),
    records: Sequence[RunRecord] = (),
) -> Path:
    """What golf init writes, with these files in it."""
    if not (folder / "golf.toml").exists():
        create.create(folder)
    for name, lines in (
        (item.FILE, items),
        (graded.FILE, gradings),
        (verified.FILE, readings),
        (competitor.FILE, competitors),
    ):
        if lines:
            (folder / name).write_bytes("".join(f"{jsonl.render(line)}\n" for line in lines).encode())
    for row in rows:
        ledger.append_row(folder / "results.tsv", row)
    for made in records:
        record.write(folder / "runs" / made.run / record.FILE, made)
    return folder
