"""The experiment on records: what is stripped, what order they have, what is known when, and the figures."""

import json
import re
from pathlib import Path

import pytest

import golfkit
from golfkit.errors import GolfError
from golfkit.research import techniques
from golfkit.research.backtest import records, report, statistics
from golfkit.research.backtest.strip import PRAISE, strip

TAXONOMY = techniques.read(Path(golfkit.__file__).parent / "train/workspace/files/techniques.toml")
SHARED = Path(__file__).parents[2] / "shared/data/parameter_golf/records"
BASELINE = 1.2244
needs_records = pytest.mark.skipif(not SHARED.is_dir(), reason=f"{SHARED} is not there")


def write(folder: Path, name: str, readme: str, val_bpb: float | None, track: str = "track_10min_16mb", **more) -> None:
    path = folder / track / name
    path.mkdir(parents=True)
    (path / "README.md").write_text(readme)
    (path / "submission.json").write_text(json.dumps({"name": name, "val_bpb": val_bpb} | more))


def run(folder: Path) -> report.Backtest:
    return report.run(
        folder, TAXONOMY, sota=BASELINE, baseline=BASELINE, artifact_limit=16_000_000, training_seconds=600.0
    )


README = """# Record: GPTQ + Sliding Window (val_bpb: 1.1234)

**val_bpb: 1.1234** (3-seed mean), improves the SOTA by 0.0051. Int6 weights are stored with zstd.

| Seed | val_bpb |
|---|---|
| 42 | 1.1230 |

| Component | Origin |
|---|---|
| Brotli payload | PR #1089 |

- EMA of weights, decay 0.997, -0.0021 bpb; ternary costs 0.04 nats
- This beats the previous best
- Muon, 11 layers, 512 dim, stride 64, built on PR #287 of 2026-03-20

```bash
VAL=1.1234 python train.py
```
"""


def test_scores_and_praise_are_stripped_and_techniques_stay():
    title, text = strip(README, "2026-03-21_GPTQ_1.1234")
    assert title == "GPTQ + Sliding Window"
    for gone in ("1.12", "SOTA", "0.0051", "0.0021", "0.04 ", "beats", "42", "#287", "2026", "VAL"):
        assert gone not in text
    for kept in ("Int6", "zstd", "Brotli", "EMA of weights", "Muon, 11 layers, 512 dim, stride 64"):
        assert kept in text


@needs_records
def test_no_record_keeps_its_score_or_praise():
    for one in records.read(SHARED, BASELINE):
        shown = f"{one.item.title}\n{one.item.text}"
        numbers = [float(number) for number in re.findall(r"(?<![\d.])\d\.\d{3,}", shown)]
        assert not [number for number in numbers if abs(number - one.val_bpb) < 0.02], one.name
        assert not PRAISE.search(one.item.text), one.name


def test_records_are_in_the_order_of_day_number_and_name(tmp_path):
    write(tmp_path, "2026-03-20_B", "# B", 1.15)
    write(tmp_path, "2026-03-20_C", "# C\nThis PR is #12.", 1.16)
    write(tmp_path, "2026-03-20_D", "# D", 1.14, pr=7)
    write(tmp_path, "2026-03-19_Z", "# Z", 1.20)
    write(tmp_path, "2026-03-20_A", "# A", 1.30, track="track_non_record_16mb")
    write(tmp_path, "2026-03-21_E", "# no score", None)
    found = records.read(tmp_path, BASELINE)
    assert [one.name for one in found] == ["Z", "D", "C", "A", "B"]
    assert [round(one.gain, 4) for one in found] == [0.0244, 0.06, -0.02, -0.0756, 0.01]
    assert [round(one.gain_over_best, 4) for one in found] == [0.0244, 0.06, -0.02, -0.16, -0.01]


def test_a_folder_without_records_is_an_error(tmp_path):
    with pytest.raises(GolfError, match="no record"):
        records.read(tmp_path, BASELINE)


def test_a_record_is_graded_without_what_came_after_it(tmp_path):
    text = "# {}\nGPTQ int6, sliding window evaluation, EMA of weights, muon."
    write(tmp_path, "2026-03-19_A", text.format("first"), 1.20)
    write(tmp_path, "2026-03-20_B", text.format("second"), 1.15)
    alone = run(tmp_path).rows
    write(tmp_path, "2026-03-21_C", text.format("third"), 1.10)
    assert run(tmp_path).rows[:2] == alone
    first, second = (row.graded for row in alone)
    assert first.competitor_validated is None
    assert first.novelty > second.novelty == 0  # techniques.toml calls them proven, and that is not used
    assert [row.bar for row in run(tmp_path).rows] == [BASELINE, 1.20, 1.15]


def test_techniques_of_a_list_that_is_none_of_records_are_not_proven(tmp_path):
    text = "# {}\nGPTQ int6, sliding window evaluation, EMA of weights, muon."
    write(tmp_path, "2026-03-19_A", text.format("first"), 1.20, track="track_non_record_16mb")
    write(tmp_path, "2026-03-20_B", text.format("second"), 1.15)
    assert run(tmp_path).rows[1].graded.novelty == 3


def test_the_statistics_are_seeded_and_know_chance():
    x = [1.0, 2.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    found = statistics.associate("x", x, x)
    assert found == statistics.associate("x", x, x)
    assert found.spearman.value == pytest.approx(1.0)
    chance = statistics.chance(x, x)
    assert abs(chance.mean) < 0.05
    assert chance.low < -0.5
    assert chance.high > 0.5
    assert chance.share < 0.01
    assert statistics.rho([1.0, 1.0], [1.0, 2.0]) is None
    assert statistics.associate("constant", [1.0] * 8, x).bootstrap is None


@needs_records
def test_every_record_with_a_readme_and_a_score_is_in_the_experiment():
    backtest = run(SHARED)
    readmes = [path for path in SHARED.glob("*/*/README.md") if list(path.parent.glob("submission*.json"))]
    assert len(backtest.rows) == len(readmes) == 31
    said = report.lines(backtest)
    assert said[0].startswith("31 records")
    assert sum("random order" in line for line in said) == 2
    for outcome in backtest.outcomes:
        assert outcome.total.n == 31
        assert outcome.total.spearman.low < outcome.total.spearman.value < outcome.total.spearman.high
    over_best = backtest.outcomes[1]
    assert over_best.total.spearman.value > over_best.chance.high  # the text says more than chance
