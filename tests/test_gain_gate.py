"""The gates around legality: what the files weigh, the gain, which run is next, and the order they are asked in."""

import dataclasses
from pathlib import Path

import pytest

from golfkit.budget.gate import artifact, gain, gates
from golfkit.budget.gate.verdict import Verdict
from golfkit.errors import Exit, GolfError
from golfkit.ledger import Row
from golfkit.settings import Settings
from golfkit.train.runs import record
from golfkit.train.runs.record import Artifact, Data, RunRecord, SeedResult

RUN = RunRecord(
    run="local_new_1",
    tier="local",
    source="train-local",
    tokens_seen=1000,
    seq_len=128,
    data=Data(tokenizer="bytes", train_sha256="t", val_sha256="v"),
    artifact=Artifact(code_bytes=10, payload_bytes=90, artifact_bytes=100, limit=16_000_000, payload="m.int6.ptz"),
)


def run(name: str, *scores: float, **change: object) -> RunRecord:
    made = dataclasses.replace(RUN, run=name, **change)
    return record.scored(made, [SeedResult(seed=i, val_bpb=score) for i, score in enumerate(scores)])


def row(made: RunRecord, promoted: str = "no", status: str = "keep", description: str = "") -> Row:
    return Row(made.run, made.tier, made.val_bpb, 100, None, status, promoted, None, description)


BASE, BETTER, BEST = run("local_base_1", 2.0), run("local_better_1", 1.9), run("local_best_1", 1.8)
ROWS = [row(BASE), row(BETTER, "pending"), row(BEST, "pending")]
RECORDS = {made.run: made for made in (BASE, BETTER, BEST)}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "train_gpt.py").write_bytes(b"#" * 10)
    (tmp_path / "m.int6.ptz").write_bytes(b"x" * 90)
    return tmp_path


def test_files_that_fit_pass(folder):
    verdict = artifact.check(folder, RUN, 100)
    assert (verdict.passed, verdict.details) == (True, ())
    assert verdict.reason == "10 code + 90 payload = 100 bytes, 0 under the limit of 100"


def test_one_byte_more_does_not(folder):
    verdict = artifact.check(folder, RUN, 99)
    assert verdict.passed is False
    assert "1 over the limit of 99" in verdict.reason


def test_what_lies_on_disk_counts_and_another_size_in_run_json_is_said(folder):
    (folder / "m.int6.ptz").write_bytes(b"x" * 95)
    verdict = artifact.check(folder, RUN, 100)
    assert verdict.passed is False
    assert verdict.details == ("run.json says 90 payload bytes, the files have 95: they were changed",)


def test_the_larger_of_two_scripts_counts(folder):
    verdict = artifact.check(folder, RUN, 100, code="#" * 20)
    assert verdict.passed is False
    assert "the run's script has 10 bytes, the one to be run 20; the larger counts" in verdict.details


def test_a_payload_that_run_json_does_not_name_is_found(folder):
    nameless = dataclasses.replace(RUN, artifact=Artifact())
    assert artifact.check(folder, nameless, 100).reason.startswith("10 code + 90 payload")


def test_several_payloads_that_nothing_names_all_count(folder):
    (folder / "other.ptz").write_bytes(b"x" * 5)
    assert artifact.check(folder, dataclasses.replace(RUN, artifact=Artifact()), 100).passed is False


@pytest.mark.parametrize("name", ["train_gpt.py", "m.int6.ptz"])
def test_a_missing_file_opens_nothing(folder, name):
    (folder / name).unlink()
    verdict = artifact.check(folder, RUN, 100)
    assert verdict.passed is None
    assert "cannot tell" in verdict.reason


def test_a_gain_above_threshold_and_noise_passes():
    verdict = gain.check(BETTER, ROWS, RECORDS, 0.03)
    assert verdict.passed is True
    assert "0.1000 bpb (5.00%) below the running local baseline local_base_1 (2.0000)" in verdict.reason
    assert "noise not measured" in verdict.details[0]


def test_the_baseline_is_that_before_the_run():
    assert "local_better_1 (1.9000)" in gain.check(BEST, ROWS, RECORDS, 0.03).reason
    assert gain.check(BEST, ROWS, RECORDS, 0.06).passed is False


def test_a_gain_inside_the_noise_does_not():
    base, new = run("local_base_1", 2.0, 1.8, 2.2), run("local_new_1", 1.75, 1.95, 2.0)
    records = {made.run: made for made in (base, new)}
    verdict = gain.check(new, [row(base), row(new, "pending")], records, 0.03)
    assert verdict.passed is False
    assert "inside the noise" in verdict.reason


def test_the_first_run_of_its_kind_and_a_crash_do_not():
    assert gain.check(BASE, ROWS, RECORDS, 0.03).passed is False
    crashed = dataclasses.replace(RUN, status="crash", reason="it diverged")
    assert gain.check(crashed, ROWS, RECORDS, 0.03) == Verdict("gain", False, "it diverged")


def test_a_reason_forces_the_gain_and_says_so():
    verdict = gain.check(BEST, ROWS, RECORDS, 0.5, "three seeds for the record")
    assert verdict.passed is True
    assert verdict.reason.startswith("skipped by --force (three seeds for the record); it would say no: ")
    assert "--force was not needed" in gain.check(BEST, ROWS, RECORDS, 0.03, "just so").details


def expensive(name: str, pair: str | None = None, score: float | None = 1.5) -> RunRecord:
    made = dataclasses.replace(RUN, run=name, tier="runpod", source="script", pair=pair)
    return dataclasses.replace(made, val_bpb=score, status="crash" if score is None else "keep")


def test_the_latest_pending_run_is_next():
    assert gain.latest_promotable(ROWS, RECORDS) == "local_best_1"


@pytest.mark.parametrize("score", [1.5, None])
def test_a_run_that_has_an_expensive_row_is_not_next_even_if_that_crashed(score):
    done = expensive("runpod_abc_0501", "local_best_1", score)
    rows = [*ROWS, row(done, "yes", done.status or "")]
    assert gain.latest_promotable(rows, RECORDS | {done.run: done}) == "local_better_1"


def test_rows_without_records_pair_by_description():
    done = expensive("runpod_abc_0501")
    rows = [ROWS[0], ROWS[1], row(BEST, "pending", description="wider"), row(done, "yes", description="wider")]
    assert gain.latest_promotable(rows, RECORDS) == "local_better_1"


def test_where_no_run_is_left_it_is_an_answer_and_not_a_guess():
    for rows, words in ((ROWS[:1], "none cleared the threshold"), ([], "none cleared the threshold")):
        with pytest.raises(GolfError, match=words) as error:
            gain.latest_promotable(rows, RECORDS)
        assert error.value.exit_code == Exit.NO
    done = [expensive(f"runpod_{i}_0501", made.run) for i, made in enumerate((BETTER, BEST))]
    with pytest.raises(GolfError, match="all 2 that were have an expensive row"):
        gain.latest_promotable([*ROWS, *map(row, done)], RECORDS | {made.run: made for made in done})


def test_a_run_is_found_by_its_id_and_by_no_other():
    assert gain.find_run("local_best_1", ROWS, RECORDS) is BEST
    with pytest.raises(GolfError, match="did you mean local_best_1"):
        gain.find_run("local_bset_1", ROWS, RECORDS)
    with pytest.raises(GolfError, match="tier runpod, expected a local"):
        gain.find_run("runpod_abc_0501", [*ROWS, row(expensive("runpod_abc_0501"))], RECORDS)
    with pytest.raises(GolfError, match=r"run\.json: not found"):
        gain.find_run("local_best_1", ROWS, {})


def asked(home: Path, code: str = "x = 1\n", local: RunRecord = BEST, **more: object) -> list[Verdict]:
    """The verdicts up to the first that is not yes, as a caller asks for them."""
    folder = home / "runs" / local.run
    folder.mkdir(parents=True)
    (folder / "train_gpt.py").write_bytes(b"#" * 10)
    (folder / "m.int6.ptz").write_bytes(b"x" * 90)
    found = []
    budget = lambda: Verdict("budget", True, "there is money")  # noqa: E731
    for verdict in gates.verdicts(home, Settings(), local, ROWS, RECORDS, code, **({"budget": budget} | more)):
        found.append(verdict)
        if not verdict.passed:
            break
    return found


def test_the_gates_are_asked_in_order(tmp_path):
    assert [verdict.name for verdict in asked(tmp_path)] == ["artifact", "legality", "gain", "budget"]


def test_after_a_no_the_budget_is_not_asked(tmp_path):
    def budget() -> Verdict:
        raise AssertionError("asked")

    assert [v.name for v in asked(tmp_path, "import requests\nrequests.get('x')", budget=budget)] == [
        "artifact",
        "legality",
    ]


def test_what_legality_cannot_tell_opens_nothing_and_force_does_not_help(tmp_path):
    last = asked(tmp_path, "exec(open('x').read())", force_reason="please")[-1]
    assert (last.name, last.passed) == ("legality", None)
    assert "cannot tell: use --dynamic" in last.reason


def test_force_skips_the_gain_alone(tmp_path):
    found = asked(tmp_path, local=BASE, force_reason="a record needs three seeds")
    assert [verdict.passed for verdict in found] == [True] * 4
    over = gates.verdicts(
        tmp_path,
        Settings(artifact_limit=50),
        BASE,
        ROWS,
        RECORDS,
        "x = 1",
        budget=lambda: Verdict("budget", False, "no money"),
        force_reason="please",
    )
    assert next(over).passed is False


def test_a_run_decides_what_the_source_does_not_tell():
    unknown, illegal = "exec(open('x').read())", "import requests\nrequests.get('x')"
    calls = []

    def execute(code: str, *, tokenizer: Path | str) -> Verdict:
        calls.append((code, tokenizer))
        return Verdict("legality", True, "run on altered validation text", ("seen",))

    verdict = gates.legal(unknown, tokenizer="bytes", run=True, execute=execute)
    assert verdict.passed is True
    assert verdict.details[0].startswith("source: cannot tell: use --dynamic")
    assert verdict.details[-1] == "seen"
    assert gates.legal(illegal, tokenizer="bytes", run=True, execute=execute).passed is False
    small = gates.legal(unknown, tokenizer="bytes", run=True, small="y = 1", execute=execute)
    assert "run at the local run's size" in small.details
    assert calls == [(unknown, "bytes"), ("y = 1", "bytes")]
