"""golf record check: every record of the contest, every known trap, and each rule broken alone."""

import contextlib
import json
import math
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golfkit.budget.record import accounting, checks, folder, logs, seeds, versus
from golfkit.errors import GolfError
from golfkit.train.logs import submission

RECORDS = Path(__file__).parents[2] / "shared/data/parameter_golf/records"
needs_records = pytest.mark.skipif(not RECORDS.is_dir(), reason=f"{RECORDS} is not here")
EXPECTED = Path(__file__).with_name("expected_records.tsv")
RULES = checks.Rules(limit=16_000_000, training_seconds=600)
GPUS = "".join(f"|   {i}  NVIDIA H100 80GB HBM3          On  |   00000000:18:00.0 Off |\n" for i in range(8))
SCRIPT = "import torch\n\nprint(torch.__version__)\n"
LOSSES = {1337: 1.9000, 42: 1.9010, 7: 1.9004}  # nats a token
BYTES_PER_TOKEN = 151_080_363 / 62_021_632


def log(seed: int, loss: float, **changes: object) -> str:
    """A log of the official form; `changes` replaces its values by name."""
    values = {
        "shards": 80,
        "tokens": 62_021_632,
        "world": 8,
        "lr": 0.04,
        "seconds": 600.03,
        "payload": 15_900_000,
        "code": len(SCRIPT),
        "bpb": loss / math.log(2) / BYTES_PER_TOKEN,
        "eval": 90.5,
    } | changes
    return (
        f"{SCRIPT}{'=' * 100}\nRunning Python 3.12\n{GPUS}{'=' * 100}\n"
        f"train_loader:dataset:fineweb10B_sp1024 train_shards:{values['shards']}\n"
        f"val_loader:shards pattern=./data/fineweb_val_*.bin tokens:{values['tokens']}\n"
        f"world_size:{values['world']} grad_accum_steps:1\nmatrix_lr:{values['lr']}\nseed:{seed}\nwarmup_step:1/20\n"
        f"step:13000/20000 train_loss:2.1 train_time:{values['seconds'] * 1000:.0f}ms step_avg:43ms\n"
        f"Code size: {values['code']} bytes\nSerialized model int8+zlib: {values['payload']} bytes (payload:1)\n"
        f"Total submission size int8+zlib: {values['payload'] + values['code']} bytes\n"
        f"final_int8_zlib_roundtrip val_loss:{loss:.8f} val_bpb:{values['bpb']:.8f}"
        f" eval_time:{values['eval'] * 1000:.0f}ms\n"
    )


def bpb(loss: float) -> float:
    return loss / math.log(2) / BYTES_PER_TOKEN


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """A folder that passes every check."""
    path = tmp_path / "track_10min_16mb" / "2026-05-01_Good"
    path.mkdir(parents=True)
    (path / "README.md").write_text("# Good\n")
    (path / "train_gpt.py").write_text(SCRIPT)
    mean = sum(LOSSES.values()) / 3
    results = {str(seed): {"val_bpb": round(bpb(loss), 5), "val_loss": loss} for seed, loss in LOSSES.items()}
    table = {"author": "A", "github_id": "a", "name": "Good", "val_loss": mean, "val_bpb": bpb(mean)}
    (path / "submission.json").write_text(json.dumps(table | {"seed_results": results}, indent=2))
    for seed, loss in LOSSES.items():
        (path / f"train_seed{seed}.log").write_text(log(seed, loss))
    return path


def found(path: Path, **rules: object) -> dict[str, checks.Check]:
    asked = checks.Rules(**vars(RULES) | rules)  # type: ignore[arg-type]
    return {one.key: one for one in checks.every(folder.read(path, with_script=asked.with_script), asked)}


def shipped(path: Path, seed: int, **changes: object) -> None:
    (path / f"train_seed{seed}.log").write_text(log(seed, changes.pop("loss", LOSSES[seed]), **changes))  # type: ignore[arg-type]


def submitted(path: Path, **changes: object) -> None:
    table = json.loads((path / "submission.json").read_text()) | changes
    (path / "submission.json").write_text(json.dumps({k: v for k, v in table.items() if v != "gone"}, indent=2))


def expected_records() -> list[dict[str, str]]:
    head, *rows = EXPECTED.read_text().splitlines()
    return [dict(zip(head.split("\t"), row.split("\t"), strict=True)) for row in rows]


@needs_records
@pytest.mark.parametrize("row", expected_records(), ids=lambda row: row["record"][-40:])
def test_each_record_of_the_contest_has_its_expected_verdicts(row):
    read = folder.read(RECORDS / row["record"], with_script=False)
    answers = checks.every(read, checks.Rules(**vars(RULES) | {"with_script": False}))
    for one in (*answers, versus.judge(read, None)[0]):
        said = one.verdict if row[one.key] == one.verdict else f"{one.verdict}: {one.reason}"
        assert said == row[one.key], one.key


@needs_records
def test_every_record_of_the_contest_is_in_the_table():
    assert sorted(f"{path.parent.name}/{path.name}" for path in RECORDS.glob("*/*")) == [
        row["record"] for row in expected_records()
    ]


@needs_records
def test_the_command_checks_every_record_without_a_crash(golf):
    for row in expected_records():
        if "04-06" not in row["record"] and "int6_STE" not in row["record"]:
            continue
        result = golf("record", "check", "--without-script", RECORDS / row["record"])
        no = any(cell.startswith("no:") for cell in row.values())
        assert (result.returncode, result.stderr) == (int(no), ""), row["record"]
        assert [line.partition(": ")[0] for line in result.stdout.splitlines()] == list(row)[1:]


@needs_records
def test_a_record_is_judged_against_another_record_of_another_tokenizer(golf):
    path = RECORDS / "track_10min_16mb"
    ours = next(path.glob("2026-04-22_*"))
    rival = path / "2026-04-09_SP8192_3LayerRecur_ParResid_QK525_LegalTTT"
    result = golf("record", "check", "--without-script", "--json", ours, "--sota", rival)
    test = json.loads(result.stdout)["test"]
    assert test["gain"] == pytest.approx((1.0810 - 1.06453) * math.log(2) * 3.15715, abs=2e-5)
    assert "converted from 3.7266 to 3.1572" in json.loads(result.stdout)["checks"]["significance"]["reason"]
    assert test["p_margin"] < 1e-6


def test_a_good_record_passes_every_check_and_the_command_says_so(golf, record):
    assert {one.verdict for one in found(record).values()} == {"ok"}
    result = golf("record", "check", record, "--sota-val-loss", "1.91,1.9101,1.9102")
    assert (result.returncode, result.stderr) == (0, "")
    assert "significance: ok: +0.00963 nats, p(> 0.005) = " in result.stdout
    assert "config: ok: the logs begin with train_gpt.py as shipped" in result.stdout
    result = golf("record", "check", record, "--sota-val-loss", "1.91", "--margin", "0.02", "--json")
    told = json.loads(result.stdout)
    assert (result.returncode, told["checks"]["significance"]["verdict"]) == (1, "no")
    assert told["test"]["p_margin"] > 0.99 > 0.01 > told["test"]["p_zero"]


@pytest.mark.parametrize(
    ("changes", "key", "verdict", "reason"),
    [
        ({"payload": 16_000_000}, "size", "no", "train_gpt.py 39, payload 16,000,000"),
        ({"payload": 16_000_001}, "size", "no", "the payload alone has 16,000,001 bytes"),
        ({"code": 180_000}, "size", "ok", "15,900,039 bytes shipped"),
        ({"code": 180_000}, "config", "no", "different code, of 39, 180,000 bytes"),
        ({"seconds": 600.6}, "training", "no", "train_seed42.log: 600.6 s"),
        ({"seconds": 600.4}, "training", "ok", "600.4 s"),
        ({"eval": 688}, "evaluation", "no", "train_seed42.log: 688.0 s"),
        ({"world": 4}, "hardware", "no", "processes: 4, 8"),
        ({"lr": 0.05}, "config", "no", "matrix_lr: 0.04, 0.05"),
        ({"shards": 1499}, "overlap", "no", "40,000 of the 50,000"),
        ({"tokens": 63_779_840}, "accounting", "no", "expected 151.08 MB"),
        ({"loss": 1.95}, "scores", "no", "seed 42: 1.12588, its log says 1.15489"),
        ({"bpb": 1.0}, "scores", "unknown", "seed 42: 1.12588, but train_seed42.log: line 25"),
    ],
)
def test_each_rule_broken_by_one_seed_is_found(record, changes, key, verdict, reason):
    shipped(record, 42, **changes)
    one = found(record)[key]
    assert (one.verdict, reason in one.reason) == (verdict, True), one


def test_code_that_the_log_counted_unpacked_is_weighed_as_shipped(record):
    for seed in LOSSES:
        shipped(record, seed, payload=15_980_000, code=80_000)
    assert found(record)["size"].verdict == "ok"
    without = found(record, with_script=False)["size"]
    assert without.verdict == "unknown"
    assert "it fits if the shipped code has 20,000 or fewer" in without.reason


def test_a_log_that_gives_the_total_alone_leaves_the_shipped_size_unknown_near_the_limit(record):
    for seed, total in ((1337, 15_999_990), (42, 15_999_000), (7, 15_999_000)):
        lines = [
            line for line in log(seed, LOSSES[seed]).splitlines() if not line.startswith(("Code size", "Serialized"))
        ]
        text = "\n".join(f"Total submission size x: {total} bytes" if "Total" in line else line for line in lines)
        (record / f"train_seed{seed}.log").write_text(text + "\n")
    assert found(record)["size"].verdict == "unknown"
    assert found(record, with_script=False)["size"].verdict == "ok"


def test_a_log_that_names_no_seed_has_that_of_its_name(record):
    path = record / "train_seed7.log"
    path.write_text(path.read_text().replace("seed:7\n", ""))
    assert found(record)["seeds"].reason == "logs of 3 seeds: 7, 42, 1337"


def test_a_submission_of_the_best_seed_is_told_the_mean(record):
    submitted(record, val_bpb=bpb(LOSSES[1337]), val_loss=LOSSES[1337])
    one = found(record)["scores"]
    assert (one.verdict, one.reason) == (
        "ok",
        f"val_bpb {bpb(1.9)} is that of one log; the mean of the seeds is 1.12556",
    )


def test_a_module_beside_the_script_that_it_imports_counts(record):
    (record / "train_gpt.py").write_text("import helper\nimport torch\n")
    (record / "helper.py").write_text("#" * 100_000)
    (record / "unused.py").write_text("#" * 100_000)
    assert found(record)["size"].reason.startswith("16,000,027 bytes shipped (train_gpt.py 27 + helper.py 100,000")


@pytest.mark.parametrize("name", ["README.md", "submission.json", "train_gpt.py"])
def test_a_missing_file_is_named(record, name):
    (record / name).unlink()
    one = found(record)["files"]
    assert (one.verdict, f"{name} missing" in one.reason) == ("no", True)


def test_fewer_seeds_than_three_or_a_seed_without_a_log_is_no(record):
    (record / "train_seed7.log").unlink()
    assert "logs of 2 seeds: 42, 1337, expected 3" in found(record)["seeds"].reason
    assert "names 7, of which there is no log" in found(record)["seeds"].reason


def test_one_log_under_two_names_is_one_log(record):
    shutil.copy(record / "train_seed42.log", record / "train.log")
    assert len(folder.read(record).logs) == 3


def test_the_non_record_track_has_neither_clock_nor_seeds(record):
    other = record.parent.parent / "track_non_record_16mb"
    record.parent.rename(other)
    path = other / record.name
    for seed in (1337, 7):
        (path / f"train_seed{seed}.log").unlink()
    submitted(path, seed_results={"42": {}}, val_bpb=bpb(LOSSES[42]))
    shipped(path, 42, seconds=9000, eval=9000, world=1)
    answers = found(path)
    assert all(answers[key].verdict == "ok" for key in ("training", "evaluation", "hardware", "seeds", "scores"))


@pytest.mark.parametrize(
    ("text", "val_bpb", "val_loss", "traps"),
    [
        ('{"name": "x", "github_id": "x", "val_loss": 1.14276}', 1.14276, None, ["too small for nats a token"]),
        ('{"name": "x", "github_id": "x", "val_loss": 1.9}', None, 1.9, ["val_bpb is missing"]),
        ('{"name": "x", "github_id": "x", "val_loss": 1.1, "val_bpb": 1.1}', 1.1, None, ["both 1.1"]),
        ('{"name": "x", "github_id": "x", "mean_val_bpb": 1.17}', 1.17, None, ["mean_val_bpb is read in its place"]),
        (
            '{"run_name": "x", "val_bpb": "1.17", "val_loss": null}',
            1.17,
            None,
            ["run_name", "is text", "val_loss is null"],
        ),
        (
            '\ufeff{"val_bpb": 1.2}',
            1.2,
            None,
            ["byte order mark", "one line", "github_id is missing", "name is missing"],
        ),
        ('{"author": "", "github_id": "", "val_bpb": 1.2}', 1.2, None, ["author is missing", "github_id is missing"]),
        ("[1.2]", None, None, ["it is a list"]),
    ],
)
def test_the_traps_of_a_submission_are_named_with_what_was_done(text, val_bpb, val_loss, traps):
    read = submission.read(text)
    assert (read.val_bpb, read.val_loss) == (val_bpb, val_loss)
    said = "; ".join(remark.text for remark in read.remarks)
    assert all(trap in said for trap in traps), said


@pytest.mark.parametrize(
    "table",
    [
        {"seed_results": {"42": {"val_bpb": 1.1}, "7": {"val_bpb": 1.2}}},
        {"seeds": {"42": {"val_bpb": 1.1}, "seed_7": {"val_bpb": 1.2}}},
        {"seeds": {"42": 1.1, "7": 1.2}},
        {"seeds": [{"seed": 42, "val_bpb": 1.1}, {"seed": 7, "val_bpb": 1.2}]},
        {"seeds": [7, 42], "seed_results": [{"seed": 42, "val_bpb": 1.1}, {"seed": 7, "val_bpb": 1.2}]},
    ],
)
def test_seeds_are_read_from_objects_and_lists(table):
    read = submission.read(json.dumps(table))
    assert {(seed.seed, seed.val_bpb) for seed in read.seeds} == {(42, 1.1), (7, 1.2)}


def test_a_submission_under_another_name_is_read_and_named(record):
    (record / "submission.json").rename(record / "submission_ternary.json")
    answers = found(record)
    assert "submission_ternary.json is read in its place" in answers["files"].reason
    assert (answers["files"].verdict, answers["scores"].verdict) == ("no", "ok")


@pytest.mark.parametrize("text", ["{", "", "nonsense", "[" * 100_000, '{"val_bpb": ' + "9" * 5000 + "}"])
def test_what_is_no_json_is_no_and_no_crash(record, text):
    (record / "submission.json").write_text(text)
    one = found(record)["submission"]
    assert (one.verdict, one.reason.startswith("submission.json")) == ("no", True)


def test_a_size_without_the_code_is_said(record):
    results = {"42": {"val_bpb": round(bpb(LOSSES[42]), 5), "artifact_bytes": 15_900_000}}
    submitted(record, seed_results=results)
    assert found(record)["scores"] == (
        "scores",
        "unknown",
        "seed 42: artifact_bytes 15,900,000 is the payload without code",
    )


@pytest.mark.parametrize(
    ("ratio", "tokens", "verdict", "words"),
    [
        (176_332_748 / 40_540_160, None, "no", "every leading space was counted twice"),
        (176_332_748 / 40_540_160, 40_540_160, "no", "every leading space was counted twice"),
        (4.349, None, "no", "every leading space was counted twice"),
        (3.72663 * 1.0413, 40_540_160, "no", "each byte token was counted as 3 bytes"),
        (2.44230, 63_779_840, "no", "validation split of the launch"),
        (2.44230, None, "no", "validation split of the launch"),
        (2.43593, None, "ok", "as SP1024"),
        (3.31968, None, "ok", "as SP4096"),
        (3.72663, None, "ok", "as SP8192"),
        (3.15715, None, "ok", "as SP8192 CaseOps"),
        (1.0, None, "ok", "as bytes"),
        (2.43593, 62_021_632, "ok", "151.08 MB"),
        (2.43593, 31_000_000, "no", "expected 151.08 MB"),
        (3.5, None, "unknown", "no tokenizer that golfkit knows"),
        (0.4, None, "no", "another quantity"),
    ],
)
def test_the_byte_accounting_is_known_by_its_fingerprint(ratio, tokens, verdict, words):
    answer = accounting.judge(ratio, tokens)
    assert (answer[0], words in answer[1]) == (verdict, True), answer


def test_a_double_count_is_found_though_the_log_reader_believes_no_score(record):
    for seed in LOSSES:
        shipped(record, seed, bpb=bpb(LOSSES[seed]) / 1.16714)
    assert all(read.log.val_bpb is None for read in folder.read(record).logs)
    assert "every leading space was counted twice" in found(record)["accounting"].reason


def test_losses_of_another_tokenizer_are_not_compared(record):
    one, test = versus.judge(folder.read(record), versus.Rival(losses=(2.8, 2.81)))
    assert (one.verdict, test) == ("unknown", None)
    assert "not of one tokenizer" in one.reason


def test_of_several_logs_of_a_seed_the_one_that_the_submission_names_counts(record):
    (record / "again").mkdir()
    (record / "again" / "seed_42.log").write_text(log(42, 1.5, payload=1))
    assert sorted(seeds.losses(folder.read(record))) == sorted(LOSSES.values())


@settings(max_examples=40)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_any_json_is_read_or_refused(value):
    keys = ("val_bpb", "val_loss", "seeds", "seed_results", "seed", "author", "name", "bytes_total", "compliance")
    for table in (value, dict.fromkeys(keys, value), {"seeds": [value, {"seed": 1}], "seed_results": {"1": value}}):
        assert all(remark.text.isprintable() for remark in submission.read(json.dumps(table)).remarks)


@given(st.text())
def test_any_text_is_a_log_or_none_and_a_submission_or_refused(text):
    assert logs.read("x.log", text).name == "x.log"
    with contextlib.suppress(GolfError):
        submission.read(text)


def test_wrong_calls_are_usage_errors(golf, record):
    for words in (["--sota-val-loss", "1,x"], ["--sota-val-loss", "1", "--sota", record]):
        assert golf("record", "check", record, *words).returncode == 2
    result = golf("record", "check", record / "nowhere")
    assert (result.returncode, "no such folder" in result.stderr) == (3, True)
