"""The loop is closed: what a run gave changes the next grading and program.md, through the commands and plain files."""

import json
from decimal import Decimal

import pytest

from golfkit import jsonl, ledger
from golfkit.ledger import Row
from golfkit.research.items.item import Item

IDEA = "Token pairs as an extra input of small language models"
TWIN = "Lookup vectors of adjacent symbols"
FAR = "Faster attention kernels on the H100"
TEXTS = {
    IDEA: "Two neighbouring tokens are hashed into buckets, and each bucket has a vector which is added to the input.",
    TWIN: "We study an n-gram embedding: a table indexed by a hash of each bigram, trained with the network, int6.",
    FAR: "A fused attention kernel in Triton makes each training step 8% shorter, so that more tokens are seen.",
}


def words(text, n):
    """Every run of n words."""
    every = "".join(c if c.isalnum() else " " for c in text.lower()).split()
    return {tuple(every[i : i + n]) for i in range(len(every) - n + 1)}


@pytest.fixture
def loop(golf, tmp_path):
    """A workspace with three findings; `loop.total(title)` grades and gives the total in force."""
    assert golf("init").returncode == 0
    items = [
        Item(
            id=f"arxiv:2605.{n:05}", source="arxiv", kind="paper", contests=("parameter_golf",), title=title, text=text,
            url=f"https://arxiv.org/abs/2605.{n:05}", fetched="2026-05-01T00:00:00Z",
        )
        for n, (title, text) in enumerate(TEXTS.items())
    ]  # fmt: skip
    (tmp_path / "raw_cache.jsonl").write_text("".join(f"{jsonl.render(item)}\n" for item in items))

    def grades():
        ended = golf("grade", "--grader", "offline")
        assert ended.returncode == 0, ended.stderr
        rows = [json.loads(line) for line in (tmp_path / "graded.jsonl").read_text().splitlines()]
        return {row["title"]: row for row in rows}

    def ran(commit, tier, val_bpb, status, description):
        row = Row(commit, tier, val_bpb, 15_900_000, None, status, "yes", Decimal("3.50"), description)
        ledger.append_row(tmp_path / "results.tsv", row)

    return grades, ran


def test_a_failure_lowers_the_grade_of_a_paraphrase_and_of_nothing_else(loop):
    grades, ran = loop
    failed = "add BigramHash(10240) embedding"
    for title in (IDEA, TWIN):
        assert not words(failed, 4) & words(f"{title} {TEXTS[title]}", 4)
    before = grades()
    ran("local_bigramhash_1", "local", 1.26, "discard", failed)
    after = grades()
    assert after[IDEA]["total"] < before[IDEA]["total"]
    assert after[TWIN]["total"] < before[TWIN]["total"]
    assert any("local_bigramhash_1" in flag for flag in after[IDEA]["flags"])
    assert after[FAR] == before[FAR]  # not even a new line


def test_a_promoted_success_is_proven_and_its_twin_is_no_longer_new(loop):
    grades, ran = loop
    before = grades()
    ran("runpod_a3f2b1c_0502", "runpod", 1.1, "keep", "fused attention kernel in Triton, more tokens in the same time")
    after = grades()
    assert after[FAR]["novelty"] < before[FAR]["novelty"]


def test_a_new_best_moves_the_sota_line_and_the_experiments(loop, golf, tmp_path):
    grades, ran = loop
    program = tmp_path / "program.md"
    grades()
    assert golf("inject").returncode == 0
    assert "**SOTA: 1.1194 bpb. Baseline: 1.2244 bpb.**" in program.read_text()
    ran("runpod_a3f2b1c_0502", "runpod", 1.0911, "keep", "bigger tables")
    assert golf("inject").returncode == 0
    text = program.read_text()
    assert "**SOTA: 1.0911 bpb. Baseline: 1.2244 bpb.**" in text
    assert "runpod_a3f2b1c_0502" in text.split("<!-- EXPERIMENTS_START -->")[1].split("<!-- EXPERIMENTS_END -->")[0]
    assert golf("inject").returncode == 0
    assert program.read_text() == text


def test_grading_again_without_news_writes_nothing(loop, tmp_path):
    grades, _ = loop
    grades()
    content = (tmp_path / "graded.jsonl").read_bytes()
    grades()
    assert (tmp_path / "graded.jsonl").read_bytes() == content
