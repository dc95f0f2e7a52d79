"""runs/ID/run.json: strict, whole, and a folder that no two runs share."""

import dataclasses
import json
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfkit.errors import Exit, GolfError
from golfkit.train.runs import comparison, record
from golfkit.train.runs.record import Artifact, BaselineRef, Data, Model, RunRecord, SeedResult

REQUIRED = {"schema": record.SCHEMA, "run": "local_x_1", "tier": "local", "source": "import"}
DATA = Data(train="wiki", val="fineweb", tokenizer="sp1024", train_sha256="c" * 64, val_sha256="b" * 64)
FULL = RunRecord(
    run="local_bigram-hash_2",
    tier="local",
    source="train-local",
    description="add a bigram hash",
    started="2026-05-01T14:30:00Z",
    status="keep",
    reason="the first",
    pair="runpod_abc1234_0501",
    model=Model(file="model.py", sha256="d" * 64, spec={"layers": 4, "smear": True}, n_params=1_900_000),
    backend="torch",
    device="cpu",
    dtype="float32",
    data=DATA,
    iterations=500,
    steps=500,
    batch_tokens=8192,
    seq_len=512,
    tokens_seen=4_096_000,
    train_seconds=171.5,
    wall_seconds=400.25,
    tokens_per_second=23_900.0,
    val_tokens=1_000_000,
    val_bytes=2_435_930,
    artifact=Artifact(code_bytes=40_000, payload_bytes=1_000_000, artifact_bytes=1_040_000, limit=16_000_000),
    peak_memory_gb=1.5,
    baseline=BaselineRef(run="local_x_1", val_bpb=1.9),
    versions={"python": "3.11.7", "golfkit": "0.1.0"},
    git_commit="abc1234",
    command=("golf", "train-local", "--seeds", "2"),
)
SEEDS = (SeedResult(seed=1337, val_bpb=1.8, val_loss=3.0, artifact_bytes=1_040_000), SeedResult(seed=42, val_bpb=1.9))


def parse(table: object) -> RunRecord:
    return record.parse(json.dumps(table), "run.json")


def test_a_record_comes_back_as_it_was_written(tmp_path):
    written = record.scored(FULL, SEEDS)
    record.write(tmp_path / "run.json", written)
    assert record.read(tmp_path / "run.json") == written
    assert list(tmp_path.iterdir()) == [tmp_path / "run.json"]


def test_the_score_is_the_mean_of_the_seeds_and_the_noise_their_sample_deviation():
    scored = record.scored(FULL, SEEDS)
    assert scored.val_bpb == pytest.approx(1.85)
    assert scored.noise_bpb == pytest.approx(math.sqrt(0.005))
    assert record.scored(FULL, SEEDS[:1]).noise_bpb is None


def test_a_seed_without_a_score_leaves_the_run_without_one():
    scored = record.scored(FULL, (*SEEDS, SeedResult(seed=7)))
    assert (scored.val_bpb, scored.noise_bpb) == (None, None)
    assert record.scored(FULL, ()).val_bpb is None


def test_an_imported_record_holds_little_and_is_read():
    read = parse(REQUIRED | {"log_sha256": "e" * 64, "parsed": {"val_bpb": 1.2, "label": None}})
    assert read.parsed == {"val_bpb": 1.2, "label": None}
    assert (read.val_bpb, read.seeds, read.status) == (None, (), None)


def test_an_unknown_key_at_the_top_is_kept():
    read = parse(REQUIRED | {"mood": ["fine"]})
    assert json.loads(record.render(read))["mood"] == ["fine"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": "golfkit.run.v2"}, "'schema' is 'golfkit.run.v2', expected 'golfkit.run.v1'"),
        ({"run": "../x"}, "'run' is '../x'"),
        ({"run": None}, "'run' is None, expected a string"),
        ({"tier": "cloud"}, "'tier' is 'cloud', expected one of local, runpod, ssh"),
        ({"source": "hand"}, "'source' is 'hand'"),
        ({"status": "kept"}, "'status' is 'kept', expected one of keep, discard, crash"),
        ({"steps": 1.5}, "'steps' is 1.5, expected a whole number or null"),
        ({"steps": True}, "'steps' is True"),
        ({"steps": -1}, "'steps' is -1, expected a finite number, 0 or more"),
        ({"val_bpb": 0}, "'val_bpb' is 0, expected more, or null for unknown"),
        ({"val_bpb": "1.2"}, "'val_bpb' is '1.2', expected a number or null"),
        ({"seeds": [{"seed": 1, "val_bpb": 0.0}]}, "'seeds[0].val_bpb' is 0"),
        ({"seeds": [{"val_bpb": 1.0}]}, "'seeds'[0]: key 'seed' is missing"),
        ({"seeds": {}}, "'seeds' is {}, expected a list"),
        ({"model": {"spec": []}}, "'model': key 'spec' is [], expected an object or null"),
        ({"model": {"speck": {}}}, "'model': unknown key 'speck'"),
        ({"versions": {"python": 3}}, "'versions'['python'] is 3, expected a string"),
        ({"started": "2026-02-31T00:00:00Z"}, "'started' is '2026-02-31T00:00:00Z', expected UTC"),
        ({"started": "2026-02-01T00:00:00"}, "expected UTC"),
        ({"baseline": {"run": "x"}}, "'baseline': key 'val_bpb' is missing"),
    ],
)
def test_what_is_wrong_is_named_by_key(change, said):
    with pytest.raises(GolfError) as error:
        parse(REQUIRED | change)
    assert said in str(error.value)
    assert str(error.value).startswith("run.json: key")
    assert error.value.exit_code == Exit.BAD_FILE


@pytest.mark.parametrize("key", ["schema", "run", "tier", "source"])
def test_a_required_key_is_missed(key):
    with pytest.raises(GolfError, match=f"key '{key}' is missing"):
        parse({k: v for k, v in REQUIRED.items() if k != key})


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"run": NaN}', '{"a": 1, "a": 2}', "[" * 100_000, '{"schema": 1e999}']
)
def test_what_is_no_record_is_an_error(text):
    with pytest.raises(GolfError, match=r"^run\.json"):
        record.parse(text, "run.json")


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda s: st.lists(s) | st.dictionaries(st.sampled_from(sorted(REQUIRED | dataclasses.asdict(FULL))), s),
    )
)
def test_any_json_is_read_or_refused(value):
    try:
        parse(value)
    except GolfError as error:
        assert str(error).startswith("run.json")  # noqa: PT017


def test_a_nan_is_never_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        record.write(tmp_path / "run.json", dataclasses.replace(FULL, val_bpb=math.nan))
    assert not list(tmp_path.iterdir())


def test_records_are_read_by_id_and_a_stranger_in_the_folder_is_an_error(tmp_path):
    record.write(tmp_path / FULL.run / "run.json", FULL)
    assert record.read_all(tmp_path, ["abc1234", "../..", FULL.run]) == {FULL.run: FULL}
    (tmp_path / FULL.run).rename(tmp_path / "other")
    with pytest.raises(GolfError, match="expected its folder's name 'other'"):
        record.read_all(tmp_path, ["other"])


@pytest.mark.parametrize(
    ("description", "slug"),
    [
        ("Add BigramHash(10240) embedding", "add-bigramhash-10240-embedding"),
        ("", "run"),
        ("日本語", "run"),
        ("café ../../etc", "cafe-etc"),
        ("x" * 31 + " y" * 9, "x" * 31),
    ],
)
def test_a_slug_is_short_ascii_words(description, slug):
    assert record.slug(description) == slug
    assert record.new_run_id("local", description, ()) == f"local_{slug}_1"


def test_the_lowest_free_number_is_taken():
    assert record.new_run_id("local", "x", {"local_x_1", "local_x_3"}) == "local_x_2"


def test_runs_that_start_together_never_share_a_folder(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda _: record.reserve(tmp_path / "runs", "local", "same"), range(40)))
    assert {folder.name for folder in folders} == {f"local_same_{n}" for n in range(1, 41)}


def test_an_id_of_the_ledger_does_not_come_back(tmp_path):
    assert record.reserve(tmp_path, "local", "x", taken=["local_x_1"]).name == "local_x_2"


def test_runs_that_differ_say_in_what():
    other = dataclasses.replace(FULL, run="other", tokens_seen=8_192_000, seq_len=None)
    assert comparison.comparable(FULL, FULL) == []
    assert comparison.comparable(FULL, other) == [
        "tokens seen: 4,096,000 against 8,192,000",
        "sequence length: 512 against not known",
    ]


def test_what_is_not_known_compares_with_nothing():
    bare = parse(REQUIRED)
    assert "tokens seen: not known" in comparison.comparable(bare, bare)
    assert comparison.key(bare) is None


def test_runs_ended_by_the_same_clock_on_the_same_device_compare_by_time():
    limited = dataclasses.replace(FULL, limit_seconds=60.0, steps=400, tokens_seen=3_276_800)
    slower = dataclasses.replace(limited, steps=390, tokens_seen=3_194_880)
    assert comparison.comparable(limited, slower) == []
    assert comparison.comparable(limited, dataclasses.replace(slower, device="cuda")) == ["device: cpu against cuda"]
    assert "ended by the clock" in comparison.comparable(limited, FULL)[0]
    assert comparison.comparable(FULL, dataclasses.replace(FULL, limit_seconds=600.0)) == []  # it was never reached


CHANGES = [
    *({"tokens_seen": n} for n in (None, 1, 2)),
    *({"seq_len": n} for n in (None, 1)),
    *({"limit_seconds": s, "steps": 3} for s in (60.0, 90.0)),
    *({"data": dataclasses.replace(DATA, val_sha256=d)} for d in (None, "x")),
    {"val_tokens": None},
]


@given(st.sampled_from(CHANGES), st.sampled_from(CHANGES))
def test_runs_are_comparable_exactly_where_their_keys_are_equal(one, two):
    a, b = dataclasses.replace(FULL, **one), dataclasses.replace(FULL, **two)
    same = comparison.key(a) is not None and comparison.key(a) == comparison.key(b)
    assert (comparison.comparable(a, b) == []) == same
    assert (comparison.comparable(b, a) == []) == same


def test_a_missing_record_is_one_line(tmp_path: Path):
    with pytest.raises(GolfError, match="cannot be read"):
        record.read(tmp_path / "run.json")
