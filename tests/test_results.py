"""results.json: the workspace's schema, strict, and honest about what is not known."""

import json
from pathlib import Path

import pytest

from golfkit.compress.artifact import results
from golfkit.compress.artifact.results import Results
from golfkit.errors import Exit, GolfError

FOREIGN = {  # the workspace document's example
    "agent_id": "agent-01",
    "timestamp": "2026-05-01T14:30:00Z",
    "experiment": "Byte-level 6-layer transformer + arithmetic coding",
    "method": "byte-transformer-6L",
    "archive_bytes": 15800000,
    "decompressor_zip_bytes": 420000,
    "total_bytes": 16220000,
    "bpc": 1.298,
    "hardware": "1x A100, 8 h training",
    "ram_peak_gb": 18.0,
    "runtime_seconds": 28800,
    "key_hparams": {"layers": 6, "d_model": 512, "context": 1024},
    "notes": "BPE-256 tokenization, model weights stored as int8.",
}
REQUIRED_ONLY = {key: FOREIGN[key] for key in results.REQUIRED}
ROUNDTRIP = {
    "verified_at": "2026-05-02T00:00:00Z",
    "archive_bytes": 1000,
    "archive_sha256": "aa",
    "decompressor_zip_bytes": 500,
    "decompressor_zip_sha256": "bb",
    "original_bytes": 4000,
    "original_sha256": "cc",
    "dataset": None,
    "root": "empty",
    "cpu_s": 1.23456,
    "wall_s": 2.34567,
    "ram_peak_bytes": 123_456_789,
    "hardware": "one core",
}


def parse(record: object) -> Results:
    return results.parse(json.dumps(record), "r.json")


def test_workspace_example_is_read_and_written_back_whole():
    read = parse(FOREIGN)
    assert (read.agent_id, read.total_bytes, read.bpc) == ("agent-01", 16220000, 1.298)
    written = json.loads(results.render(read))
    assert {key: written[key] for key in FOREIGN} == FOREIGN


def test_required_keys_are_enough_and_the_rest_is_null():
    read = parse(REQUIRED_ONLY)
    written = json.loads(results.render(read))
    assert all(written[key] is None for key in written if key not in REQUIRED_ONLY)
    assert read.verified is None


@pytest.mark.parametrize("key", results.REQUIRED)
def test_missing_required_key_is_named(key: str):
    with pytest.raises(GolfError, match=f"r.json: key '{key}' is missing") as caught:
        parse({other: value for other, value in FOREIGN.items() if other != key})
    assert caught.value.exit_code == Exit.BAD_FILE


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("agent_id", 1),
        ("archive_bytes", 1.5),
        ("archive_bytes", "15800000"),
        ("archive_bytes", True),
        ("archive_bytes", -1),
        ("archive_bytes", None),
        ("bpc", True),
        ("bpc", "1.2"),
        ("ram_peak_gb", -0.1),
        ("ram_peak_gb", [1]),
        ("verified", 1),
        ("verified", "true"),
        ("key_hparams", "layers"),
        ("notes", 5),
    ],
)
def test_wrong_value_names_file_and_key(key: str, value: object):
    with pytest.raises(GolfError, match=f"r.json: key '{key}' is .*, expected "):
        parse(FOREIGN | {key: value})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "r.json:1: not JSON"),
        ('{"a": 1,\n\n}', "r.json:3: not JSON"),
        ("[]", "found list"),
        ('{"bpc": NaN}', "found NaN"),
        ('{"bpc": Infinity}', "found Infinity"),
        ('{"bpc": 1, "bpc": 2}', "key 'bpc' is there twice"),
        ("[" * 100_000, "nested too deep"),
    ],
)
def test_text_that_is_no_record_is_refused(text: str, found: str):
    with pytest.raises(GolfError, match=found):
        results.parse(text, "r.json")


def test_number_too_large_for_a_float_is_refused():
    with pytest.raises(GolfError, match="key 'bpc' is inf"):
        results.parse(json.dumps(FOREIGN).replace("1.298", "1e999"), "r.json")


def test_file_that_is_missing_or_not_text_is_refused(tmp_path: Path):
    with pytest.raises(GolfError, match="cannot be read"):
        results.read(tmp_path / "none.json")
    (tmp_path / "bad.json").write_bytes(b"{\xff}")
    with pytest.raises(GolfError, match="byte 1 is not UTF-8"):
        results.read(tmp_path / "bad.json")


def test_written_file_reads_back_equal(tmp_path: Path):
    record = results.with_roundtrip(parse(FOREIGN | {"mine": {"a": [1, "ü"]}}), **ROUNDTRIP)
    results.write(tmp_path / "results.json", record)
    assert results.read(tmp_path / "results.json") == record
    assert record.extra == {"mine": {"a": [1, "ü"]}}


def test_file_name_of_any_bytes_survives():
    path = b"/tmp/\xff name".decode("utf-8", "surrogateescape")
    assert results.parse(results.render(parse(FOREIGN | {"original_path": path})), "r").original_path == path


def test_roundtrip_replaces_every_claim_by_what_was_measured():
    after = results.with_roundtrip(parse(FOREIGN | {"compress_wall_s": 3.0, "compress_ram_peak_gb": 0.5}), **ROUNDTRIP)
    assert (after.total_bytes, after.bpc, after.verified, after.self_contained) == (1500, 3.0, True, True)
    assert (after.decompress_cpu_s, after.decompress_wall_s, after.decompress_ram_peak_gb) == (1.235, 2.346, 0.123)
    assert (after.runtime_seconds, after.ram_peak_gb) == (5.346, 0.5)
    assert (after.agent_id, after.method, after.notes) == ("agent-01", FOREIGN["method"], FOREIGN["notes"])


def test_only_the_empty_root_is_self_contained():
    assert results.with_roundtrip(parse(FOREIGN), **ROUNDTRIP | {"root": "system"}).self_contained is False


def test_bpc_counts_archive_and_bundle_and_is_null_for_an_empty_original():
    assert results.bits_per_character(14_623_723, 100_000_000) == 1.169898
    assert results.bits_per_character(700, 0) is None
    assert results.bits_per_character(700, None) is None


def test_only_the_real_enwik8_is_enwik8():
    assert results.dataset_of(100_000_000, results.ENWIK8_MD5) == "enwik8"
    assert results.dataset_of(100_000_000, "d41d8cd98f00b204e9800998ecf8427e") is None
    assert results.dataset_of(100_000_000, None) is None
    assert results.dataset_of(4_000_000, results.ENWIK8_MD5) is None
