"""What a README states as the record's score: forms that count, and numbers that look like it and are none."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golfkit.research.competitors import markdown, readme, title

METRICS = "## Key metrics\n\n"
SEEDS = "## Results\n\n| Seed | Steps | val_bpb |\n|---|---|---|\n"


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("# Wide model\n\n**val_bpb: 1.2345** (3-seed mean, std 0.0004) | **15.9 MB** | 600s", "1.2345"),
        ("# Wide model\n\n**val\\_bpb = 1.2345**", "1.2345"),
        ("# Wide model — 1.2345 BPB", "1.2345"),
        ("# Wide model: 1.2345 BPP (8 GPUs)", "1.2345"),
        ("# Wide model\n\n**Score:** 1.2345 BPB", "1.2345"),
        ("# Wide model\n\n## Score: mean val_bpb = 1.2345 (3 seeds: 1.2340, 1.2346, 1.2349)", "1.2345"),
        ("# Wide model\n\nmean val_bpb = 1.2345 | std = 0.0008 | 15.9 MB", "1.2345"),
        ("# Wide model\n\n**val_loss: 2.1001 | val_bpb: 1.2345** | 15.9 MB", "1.2345"),
        (METRICS + "- Pre-quant: `val_loss:2.1 val_bpb:1.2222`\n- Post-quant: `val_loss:2.2 val_bpb:1.2345`", "1.2345"),
        (METRICS + "- `val_bpb` (raw model): 1.2222\n- `val_bpb` (after quantization): 1.2345", "1.2345"),
        (METRICS + "- Exact: `final_int8_zlib_roundtrip_exact val_bpb:1.23451234`", "1.23451234"),
        ("# Wide\n\nWe tried a lot. This submission achieves **1.2345 val_bpb** at last.", "1.2345"),
        ("# Wide\n\nThe final post-quant score (**1.3281 val_bpb**) does not beat the baseline (1.2244).", "1.3281"),
        ("# Wide\n\n```\nbpb: [1.2340, 1.2346, 1.2349]\nmean: 1.2345\nstd: 0.0004\n```", "1.2345"),
    ],
)
def test_a_score_is_read_in_the_forms_that_authors_use(text, score):
    assert readme.read(text).text == score


@pytest.mark.parametrize(
    "text",
    [
        "# Wide\n\nThis lowers the gap by 0.0123 bpb, an improvement of -0.0456 BPB.",
        "# Wide\n\nThe merged SOTA (PR #12) scores 1.1111 BPB.",
        "# Wide\n\nBuilt on PR #12 by @someone (val_bpb: 1.1111).",
        "# Wide\n\n**Previous submission: 1.1111 BPB**",
        "# Wide\n\n## Results\n\n- our prior submission val_bpb: 1.1111",
        "# Wide\n\nWe expect about 1.1111 BPB on 8 GPUs.",
        "# Wide\n\n**Estimated val_bpb: ~1.160** from scaling.\n\n| Metric | Value |\n|---|---|\n| val_bpb | 2.1111 |",
        "# Wide\n\n## Key metrics\n\n- **val_bpb (int8 roundtrip):** PLACEHOLDER\n- baseline val_bpb: 1.2244",
        "## Expected results\n\n| Seed | val_bpb |\n|---|---|\n| 1 | 1.1340 |\n| **Mean** | **1.1350** |",
        "# Wide\n\nPre-quant val_bpb: 1.1111",
        "# Wide\n\nTo count, a run must score below 1.1111 BPB (p < 0.01).",
        "# Wide\n\n| Change | val_bpb | Delta |\n|---|---|---|\n| base | 1.2000 | |\n| + a | 1.1900 | -0.01 |",
        "# Wide\n\n| step | val_bpb |\n|---|---|\n| 0 | 4.1111 |\n| 1000 | 1.3333 |",
        "# Wide\n\nval_loss: 1.9999 nats",
        "# Wide\n\nUse the run below as the reference:\n\n```\nfinal val_bpb: 1.3656\n```",
        "```bash\nMATRIX_LR=1.2345 QK_GAIN=1.5000 python train.py\n```",
        "# Wide 1.2.3456\n\nSee arXiv:2603.12345 and commit v1.2345.",
        "",
    ],
)
def test_what_is_no_result_of_this_record_is_unknown(text):
    assert readme.read(text).text is None


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("- val_bpb: **1.2222 pre-quant** (1.2345 after roundtrip)", "1.2345"),
        ("- val_bpb: **1.2345 post-quant** (1.2222 pre-quant)", "1.2345"),
        ("- val_bpb: 1.2345 standard, 1.2122 sliding window", "1.2122"),
        ("- val_bpb: 1.2122 sliding window, 1.2345 standard", "1.2122"),
        ("- val_bpb: 1.2222 pre-quant (1.2345)", None),
    ],
)
def test_the_words_after_each_of_several_numbers_are_its_own(text, score):
    assert readme.read(f"# Wide\n\n## Results\n\n{text}").text == score
    assert readme.read(f"# Wide model here\n\n**{text.lstrip('- ')}**").text == score


@pytest.mark.parametrize("text", ["1.2345, 1.2351, 1.2360", "1.2345 / 1.2122"])
def test_a_list_without_a_mean_is_no_score(text):
    assert readme.read(f"# Wide model here\n\n**val_bpb: {text}**").text is None
    assert readme.read(f"# Wide model here\n\n**val_bpb: {text} (mean 1.2350)**").text == "1.2350"


def test_mean_of_the_seeds_counts_and_the_spread_does_not():
    rows = "| 1 | 100 | 1.2001 |\n| 2 | 100 | 1.2005 |\n| **Mean ± Std** | | **1.2003 ± 0.0002** |\n| Std | | 0.0002 |"
    assert readme.read(SEEDS + rows).text == "1.2003"


def test_seeds_without_a_mean_give_the_first_only_where_it_is_the_best():
    assert readme.read(SEEDS + "| 1 | 100 | 1.2001 |\n| 2 | 100 | 1.2005 |").text == "1.2001"
    unclear = readme.read(SEEDS + "| 1 | 100 | 1.2005 |\n| 2 | 100 | 1.2001 |")
    assert unclear.text is None
    assert "2 seeds" in unclear.notes[0]


def test_the_column_of_this_record_counts_not_that_of_the_other():
    text = "| Metric | PR #12 | This submission | Delta |\n|---|---|---|---|\n| val_bpb | 1.1100 | 1.1050 | -0.0050 |"
    assert readme.read(text).text == "1.1050"


@pytest.mark.parametrize(
    ("columns", "row", "score"),
    [
        ("Pre-quant BPB | Post-quant BPB | **Sliding BPB**", "1.2100 | 1.2200 | 1.1900", "1.1900"),
        ("Sliding BPB | val_bpb | RT bpb", "1.1900 | 1.2100 | 1.2200", "1.1900"),
        ("Pre-TTT bpb | Post-TTT bpb | TTT gain", "1.1900 | 1.1850 | -0.0050", "1.1850"),
        ("slide_loss (nats) | slide_bpb | rt_bpb", "1.9420 | 1.1900 | 1.2200", "1.1900"),
        ("val_bpb | time (s) | Artifact MB", "1.1900 | 1.2345 | 1.1111", "1.1900"),
    ],
)
def test_the_latest_stage_of_the_evaluation_counts(columns, row, score):
    rule = "|".join(["---"] * (columns.count("|") + 2))
    assert readme.read(f"# A\n\n| Seed | {columns} |\n|{rule}|\n| **Mean** | {row} |\n").text == score


@pytest.mark.parametrize("digits", [3, 4, 5])
@pytest.mark.parametrize("stage", ["roundtrip", "sliding (s=48)", "post-TTT"])
def test_a_stage_beside_the_plain_score_is_the_later_one_with_as_many_digits(stage, digits):
    plain, later = f"{1.2:.{digits}f}", f"{1.25:.{digits}f}"
    columns = f"| Run | Seed | val_bpb | {stage} | gap |\n|---|---|---|---|---|\n"
    rows = f"| A1 | 1 | 1.201 | 1.251 | 0.050 |\n| **Mean** | -- | **{plain}** | **{later}** | **0.050** |"
    assert readme.read(f"# A\n\n{columns}{rows}").text == later
    turned = f"| Metric | Seed 1 | Mean |\n|---|---|---|\n| val_bpb | 1.201 | {plain} |\n| {stage} | 1.251 | {later} |"
    assert readme.read(f"# A\n\n{turned}").text == later


def test_the_row_of_this_submission_counts_not_that_of_the_one_before():
    for this in ("This submission", "**This (wide)**", "This"):
        rows = f"| Previous submission | 1.2000 |\n| {this} | 1.1900 |\n| A third one | 1.1800 |"
        assert readme.read(f"# A\n\n## Results\n\n| Run | val_bpb |\n|---|---|\n{rows}").text == "1.1900"


def test_a_cell_may_say_itself_that_it_is_the_mean():
    rows = "| Steps | 4,914 | 4,916 | 4,915.0 mean |\n| **BPB** | **1.2040** | **1.2044** | **1.2042 mean** |"
    for last in ("3-seed", "All"):
        assert readme.read(f"# A\n\n| Metric | Seed 1 | Seed 2 | {last} |\n|---|---|---|---|\n{rows}").text == "1.2042"


def test_of_title_and_headline_the_one_with_more_digits_counts():
    title = "# Record: wide model with sliding TTT (val_bpb: 1.204)"
    assert readme.read(f"{title}\n\n**val_bpb: 1.20416683** (3-seed mean)").text == "1.20416683"


def test_of_variants_of_one_stage_the_later_counts_where_it_is_the_better():
    rows = "| Pre-quant val_bpb | 1.2079 |\n| Quantized val_bpb (zlib) | {} |\n| Quantized val_bpb (lzma, mixed) | {} |"
    table = f"# A\n\n## Result\n\n| Metric | Value |\n|---|---|\n{rows}"
    assert readme.read(table.format("1.2353", "1.2266")).text == "1.2266"
    assert readme.read(table.format("1.2266", "1.2353")).text is None


def test_a_seed_that_happens_to_have_the_number_of_a_mean_vouches_for_nothing():
    means = "| Seed | Roundtrip bpb | Sliding bpb |\n|---|---|---|\n| Mean | 1.602 | 1.567 |\n\n"
    other = "## Run {}\n\n| Run | Change | RT bpb |\n|---|---|---|\n| R1 | a | 1.602 |\n\n"
    found = readme.read("# A\n\n" + means + "".join(other.format(i) for i in range(4)))
    assert found.text == "1.567"


def test_stages_that_are_rows_rank_as_columns_do():
    rows = "| Pre-quant | 1.2079 |\n| Post-quant roundtrip | 1.2353 |\n| Sliding window | 1.2266 |"
    assert readme.read(f"# A\n\n| Stage | val_bpb |\n|---|---|\n{rows}").text == "1.2266"


def test_results_of_several_experiments_under_one_name_are_unknown():
    one = "### Results\n| Metric | Value |\n|---|---|\n| Final int6 val_bpb | {} |\n"
    found = readme.read(f"# Log\n\n## Run 1\n{one.format('1.1390')}\n## Run 2\n{one.format('1.1350')}")
    assert found.text is None
    assert "1.1350" in found.notes[0]


def test_a_bound_of_a_test_is_no_score_wherever_it_stands():
    log = "bpb: [1.1927, 1.1935]\nmean: 1.1931\np-value < 1.195: 0.002"
    assert readme.read(f"## Results\n\nSubmitting at `bpb=1.195`.\n\n```\n{log}\n```").text == "1.1931"


def test_a_score_outside_of_what_is_plausible_is_kept_and_doubted():
    far, near = readme.read("**val_bpb: 0.0942** (3-seed mean)"), readme.read("**val_bpb: 1.0942** (3-seed mean)")
    assert far.text == "0.0942"
    assert far.confidence < 0.5 < near.confidence
    assert "outside" in far.notes[0]


def test_statements_that_agree_make_it_surer():
    alone = readme.read("# A\n\n**val_bpb: 1.2345**")
    together = readme.read(f"# A (val_bpb 1.2345)\n\n**val_bpb: 1.2345**\n\n{SEEDS}| **Mean** | | 1.23451 |")
    assert together.text == "1.2345"
    assert together.confidence > alone.confidence


def test_unicode_minus_is_a_minus_and_words_struck_out_or_commented_out_are_gone():
    assert readme.read("# A\n\n**val_bpb: \u22121.2345**").text is None
    assert readme.read("# A\n\n**val_bpb: ~~1.1111~~ 1.2345**").text == "1.2345"
    assert readme.read("# A\n<!-- was\n**val_bpb: 1.1111** -->\n**val_bpb: 1.2345**").text == "1.2345"
    assert (
        readme.read("# A\n\n**val_bpb \u2248 1.2345**").confidence
        < readme.read("# A\n\n**val_bpb: 1.2345**").confidence
    )


def test_sections_captions_and_wrapped_lines_of_markdown():
    wrapped = "some words that are long enough to be wrapped by hand at\nthe end."
    text = f"# T\n\n## One\n{wrapped}\n\nNumbers:\n- a\n\n```\ncode\n```\n"
    lines = [b for b in markdown.read(text) if isinstance(b, markdown.Line) and b.kind != "heading"]
    assert [line.kind for line in lines] == ["text", "text", "item", "code"]
    assert lines[0].text.endswith("at the end.")
    assert lines[2].caption == "Numbers:"
    assert {line.sections for line in lines} == {("One",)}


def test_a_table_is_as_wide_as_its_header_and_keeps_escaped_pipes():
    (table,) = markdown.read("| a \\| b | c |\n|---|---|\n| 1 |\n| 2 | 3 | 4 |")
    assert [cell.text for cell in table.header] == ["a | b", "c"]
    assert [[cell.text for cell in row] for row in table.rows] == [["1", ""], ["2", "3"]]


@pytest.mark.parametrize(
    "unit", ["[", "(1.2345", "| 1.1234 ", "~~a", "<a ", "**", "val_bpb: 1.1234 vs 1.2 ", "- 1.1 -"]
)
def test_hostile_text_is_read_in_time(unit):
    text = (unit * 20_000)[:60_000]
    readme.read(text)
    readme.read("\n".join(text[i : i + 300] for i in range(0, len(text), 300)))
    title.read(text)


PUNCTUATION = [
    "# ",
    "\n",
    "|",
    "|---|",
    ": ",
    " = ",
    "**",
    "`",
    "```",
    "(",
    ")",
    "\u2192",
    "\u00b1",
    "- ",
    "> ",
    "~",
    "\\",
]
NUMBERS = ["1.2345", "-0.0021", "1.2", "1,234.5678", "\u00b10.001", "0.5", "1.10.2", "99.9%"]
WORDS = ["val_bpb", "bpb", "mean", "Seed", "PR #12", "baseline", " vs ", "pre-quant", "sliding", "final", "nats"]
FORMS = st.sampled_from([*PUNCTUATION, *NUMBERS, *WORDS])


@settings(max_examples=300)
@given(st.lists(st.one_of(FORMS, st.text(max_size=6)), max_size=40).map(" ".join))
def test_never_a_crash_and_never_a_number_that_does_not_stand_there(text):
    for found in (readme.read(text), title.read(text)):
        assert 0 <= found.confidence <= 1
        if found.text is not None:
            assert found.text in re.findall(r"\d+\.\d+", text)


@settings(max_examples=100)
@given(st.text())
def test_any_text_is_read(text):
    readme.read(text)
    title.read(text)
