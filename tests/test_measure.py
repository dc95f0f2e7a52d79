"""golf measure: exact bytes, estimates that say so, and a gate that no slip can open."""

import bz2
import gzip
import json
import lzma
import struct
import zipfile
import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from golfkit.errors import Exit, GolfError
from golfkit.measure import artifact, feasibility

RAW = bytes(range(256)) * 64
CODE = "x = 1\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "train_gpt.py").write_text(CODE)
    return tmp_path


def sparse(path, n_bytes):
    """A file of that size which takes no room."""
    with path.open("wb") as sink:
        sink.truncate(n_bytes)
    return path


def values(result):
    return dict(line.split(": ", 1) for line in result.stdout.splitlines())


@pytest.mark.parametrize(("n_bytes", "code", "status"), [(94, Exit.DONE, "OK"), (95, Exit.NO, "OVER LIMIT")])
def test_equality_fits_and_one_byte_more_does_not(golf, folder, n_bytes, code, status):
    sparse(folder / "final_model.int8.ptz", n_bytes)
    result = golf("measure", "--limit", 100)
    assert result.returncode == code
    assert values(result) == {
        "code_bytes": "6",
        "weights_bytes[final_model.int8.ptz]": str(n_bytes),
        "artifact_bytes": str(n_bytes + 6),
        "limit": "100",
        "headroom": str(94 - n_bytes),
        "status": status,
    }


def test_the_default_limit_is_16_million_decimal_bytes(golf, folder):
    sparse(folder / "final_model.int8.ptz", 16_000_000 - 6)
    assert golf("measure").returncode == Exit.DONE
    sparse(folder / "final_model.int8.ptz", 16_000_000 - 5)
    assert golf("measure").returncode == Exit.NO


def test_json_has_the_fields_of_the_text(golf, folder):
    (folder / "model.npz").write_bytes(RAW)
    record = json.loads(golf("measure", "--json", "--level", 3).stdout)
    n_bytes = len(zstandard.ZstdCompressor(level=3).compress(RAW))
    assert record == {
        "code_bytes": 6,
        "weights_bytes": {"model.npz": n_bytes},
        "artifact_bytes": 6 + n_bytes,
        "limit": 16_000_000,
        "headroom": 16_000_000 - 6 - n_bytes,
        "status": "OK",
        "estimates": {"model.npz": "zstd level 3"},
    }


def test_a_raw_payload_is_said_to_be_an_estimate(golf, folder):
    (folder / "final_model.pt").write_bytes(RAW)
    result = golf("measure")
    assert "estimates[final_model.pt]: zstd level 22" in result.stdout
    assert "final_model.pt is raw: its bytes are an estimate" in result.stderr


def test_code_without_weights_says_code_only_and_is_still_gated(golf, folder):
    result = golf("measure")
    assert (result.returncode, values(result)["status"]) == (Exit.DONE, "CODE ONLY")
    result = golf("measure", "--limit", 5)
    assert (result.returncode, values(result)["status"]) == (Exit.NO, "OVER LIMIT")


def test_the_exporters_raw_file_beside_its_payload_is_not_counted_and_named(golf, folder):
    sparse(folder / "final_model.int8.ptz", 50)
    sparse(folder / "final_model.pt", 70)
    result = golf("measure")
    assert values(result)["artifact_bytes"] == "56"
    assert "not counted, as final_model.int8.ptz is the payload: final_model.pt" in result.stderr


def test_an_ambiguous_choice_is_refused_with_every_candidate_and_its_size(golf, folder):
    sparse(folder / "a.ptz", 50)
    sparse(folder / "b.br", 70)
    result = golf("measure")
    assert result.returncode == Exit.BAD_FILE
    assert "a.ptz (50 bytes), b.br (70 bytes); choose with --weights FILE" in result.stderr
    assert result.stdout == ""


def test_shards_and_tokenizers_are_no_candidates(golf, folder):
    (folder / "fineweb_val_000000.bin").write_bytes(struct.pack("<iii", 20240520, 1, 0))
    sparse(folder / "tokenizer.bin", 9)
    (folder / ".hidden.ptz").write_bytes(b"x")
    (folder / "weights.bin").write_bytes(RAW)
    result = golf("measure")
    assert result.returncode == Exit.DONE
    assert "weights_bytes[weights.bin]" in result.stdout


def test_a_file_named_twice_counts_once(golf, folder):
    sparse(folder / "a.ptz", 50)
    (folder / "b.ptz").symlink_to("a.ptz")
    result = golf("measure", "--weights", "a.ptz", "--weights", folder / "a.ptz", "--weights", "b.ptz")
    assert values(result) == values(golf("measure", "--weights", "a.ptz"))
    assert "counts once" in result.stderr


def test_several_weights_files_are_added_up(golf, folder):
    sparse(folder / "a.ptz", 50)
    sparse(folder / "b.int6", 7)
    result = golf("measure", "--weights", "a.ptz", "--weights", "b.int6")
    assert values(result)["artifact_bytes"] == "63"


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["--script", "gone.py"], Exit.BAD_FILE, "gone.py: not found"),
        (["--weights", "gone.ptz"], Exit.BAD_FILE, "gone.ptz: not found"),
        (["--weights", "."], Exit.BAD_FILE, ".: not a regular file"),
        (["--weights", "/dev/zero"], Exit.BAD_FILE, "/dev/zero: not a regular file"),
        (["--weights", "empty.ptz"], Exit.BAD_FILE, "empty.ptz: empty, expected weights"),
        (["--weights", "train_gpt.py"], Exit.USAGE, "named as script and as weights"),
        (["--limit", "0"], Exit.USAGE, "--limit"),
        (["--limit", "-5"], Exit.USAGE, "--limit"),
        (["--limit", "16e6"], Exit.USAGE, "--limit"),
        (["--level", "23"], Exit.USAGE, "--level"),
        (["--params", "5"], Exit.USAGE, "--params and --bits go together"),
        (["--bits", "8"], Exit.USAGE, "--params and --bits go together"),
        (["--params", "0", "--bits", "8"], Exit.USAGE, "--params"),
        (["--params", "5", "--bits", "nan"], Exit.USAGE, "--bits"),
        (["--params", "5", "--bits", "8", "--weights", "empty.ptz"], Exit.USAGE, "give one of them"),
        (["--workspace", "."], Exit.BAD_FILE, "holds no golf.toml"),
    ],
)
def test_what_cannot_be_weighed_is_one_line_and_its_exit_code(golf, folder, args, code, says):
    (folder / "empty.ptz").touch()
    result = golf("measure", *args)
    assert result.returncode == code
    assert says in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_a_missing_script_closes_the_gate_with_or_without_weights(golf, tmp_path):
    sparse(tmp_path / "final_model.int8.ptz", 50)
    for args in ([], ["--weights", "final_model.int8.ptz"]):
        result = golf("measure", *args)
        assert result.returncode == Exit.BAD_FILE
        assert "train_gpt.py: not found" in result.stderr
        assert "--script FILE" in result.stderr


def test_a_workspace_gives_its_script_and_its_limit_to_its_subfolders(golf, folder):
    (folder / "golf.toml").write_text("artifact_limit = 5\n")
    (folder / "runs").mkdir()
    result = golf("measure", cwd=folder / "runs")
    assert (result.returncode, values(result)["limit"]) == (Exit.NO, "5")
    assert golf("measure", "--limit", 6, cwd=folder / "runs").returncode == Exit.DONE


def test_a_workspace_without_a_script_says_what_is_missing(golf, tmp_path):
    (tmp_path / "golf.toml").touch()
    result = golf("measure")
    assert result.returncode == Exit.BAD_FILE
    assert f"the workspace {tmp_path}, which has no model.py" in result.stderr


def test_a_compressed_payload_is_weighed_without_reading_it_through(golf, folder):
    sparse(folder / "final_model.int8.ptz", 1 << 40)  # reading a terabyte would outlast the test
    assert golf("measure", "--limit", 1 << 41).returncode == Exit.DONE


STREAMS = {
    **{f"zlib {level}": zlib.compress(RAW, level) for level in (0, 1, 5, 9)},
    "gzip": gzip.compress(RAW),
    "bzip2": bz2.compress(RAW),
    "xz": lzma.compress(RAW),
    "lzma": lzma.compress(RAW, lzma.FORMAT_ALONE),
    "zstd": zstandard.compress(RAW),
    "lz4 frame": bytes.fromhex("04224d186440a700000000"),
}


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("suffix", artifact.RAW)
def test_a_compressed_stream_under_a_raw_name_counts_as_it_is(tmp_path, name, suffix):
    path = tmp_path / f"final_model{suffix}"
    path.write_bytes(STREAMS[name])
    assert not artifact.is_raw(path)


def test_all_four_zlib_headers_are_known():
    assert {zlib.compress(RAW, level)[:2].hex() for level in (0, 3, 6, 9)} == {"7801", "785e", "789c", "78da"}


@pytest.mark.parametrize("header_bytes", [0x0178, 0x5E78, 0x9C78, 0xDA78, 0x005D])
def test_a_safetensors_header_that_looks_like_zlib_or_lzma_is_raw(tmp_path, header_bytes):
    path = tmp_path / "model.safetensors"
    path.write_bytes(struct.pack("<Q", header_bytes) + b'{"w":{"dtype":"F32"}}'.ljust(header_bytes) + RAW)
    assert artifact.is_raw(path)


def test_an_npz_is_raw_even_where_its_members_are_deflated(tmp_path):
    path = tmp_path / "model.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w.npy", RAW)
    assert artifact.is_raw(path)


@given(st.lists(st.binary(min_size=1, max_size=4000), max_size=4), st.binary(max_size=500))
def test_an_artifact_weighs_the_sum_of_its_files(tmp_path_factory, payloads, code):
    folder = tmp_path_factory.mktemp("artifact")
    script = folder / "train_gpt.py"
    script.write_bytes(code)
    paths = [folder / f"{n}.ptz" for n in range(len(payloads))]
    for path, payload in zip(paths, payloads, strict=True):
        path.write_bytes(payload)
    weight = artifact.weigh(script, paths, limit=4000)
    assert weight.artifact_bytes == len(code) + sum(map(len, payloads))
    assert weight.headroom + weight.artifact_bytes == 4000
    assert weight.fits == (weight.headroom >= 0)
    assert [file.path for file in weight.weights] == paths


def test_the_estimate_is_what_zstd_makes_of_the_file_and_progress_covers_it(tmp_path):
    (tmp_path / "s.py").write_text(CODE)
    path = tmp_path / "model.pt"
    path.write_bytes(RAW * 200)
    told = []
    weight = artifact.weigh(tmp_path / "s.py", [path], 10**6, level=19, on_bytes=told.append)
    packed = weight.weights[0].n_bytes
    assert sum(told) == len(RAW) * 200
    assert abs(packed - len(zstandard.ZstdCompressor(level=19).compress(RAW * 200))) <= 16
    assert weight.weights[0].estimate


def test_the_official_baseline_is_feasible_and_its_real_bytes_are_in_the_range():
    result = feasibility.assess(17_059_912, 8, 47_642, 16_000_000)
    assert result.verdict == "feasible"
    assert result.artifact_bytes_low <= 15_863_489 <= result.artifact_bytes_high
    assert abs(result.artifact_bytes_typical - 15_863_489) < 2000


@pytest.mark.parametrize(
    ("n_params", "bits", "code_bytes", "verdict"),
    [
        (73_700_000, 2, 70_000, "depends"),  # ternary in 2 bits: a record at 15.99 MB
        (26_829_913, 6, 70_000, "feasible"),  # a record at 15.5 MB
        (34_401_372, 6, 20_000, "depends"),  # a record at 15.99 MB with packed code: the most compressible of all
        (100_000_000, 8, 0, "infeasible"),
        (10, 1.58, 0, "feasible"),
    ],
)
def test_real_records_are_never_called_infeasible(n_params, bits, code_bytes, verdict):
    assert feasibility.assess(n_params, bits, code_bytes, 16_000_000).verdict == verdict


@given(st.integers(1, 10**10), st.floats(0.1, 64), st.integers(0, 10**8), st.integers(1, 10**9))
def test_more_parameters_or_a_lower_limit_never_make_a_model_more_feasible(n_params, bits, code_bytes, limit):
    order = ["feasible", "depends", "infeasible"]
    base = feasibility.assess(n_params, bits, code_bytes, limit)
    assert base.artifact_bytes_low <= base.artifact_bytes_typical <= base.artifact_bytes_high
    for harder in (
        feasibility.assess(n_params * 2, bits, code_bytes, limit),
        feasibility.assess(n_params, bits, code_bytes, max(1, limit // 2)),
        feasibility.assess(n_params, bits, code_bytes + 1000, limit),
    ):
        assert order.index(harder.verdict) >= order.index(base.verdict)


def test_feasibility_speaks_through_the_command_and_its_exit_code(golf, tmp_path):
    result = golf("measure", "--params", 17_059_912, "--bits", 8, "--json")
    record = json.loads(result.stdout)
    assert (result.returncode, record["verdict"], record["code_bytes"]) == (Exit.DONE, "feasible", 47_642)
    assert "official baseline" in result.stderr
    assert golf("measure", "--params", 10**8, "--bits", 8).returncode == Exit.NO
    (tmp_path / "train_gpt.py").write_text(CODE)
    assert json.loads(golf("measure", "--params", 100, "--bits", 8, "--json").stdout)["code_bytes"] == 6


def test_a_weights_file_that_disappears_is_an_error_and_not_zero_bytes(tmp_path):
    (tmp_path / "s.py").write_text(CODE)
    with pytest.raises(GolfError, match="not found"):
        artifact.weigh(tmp_path / "s.py", [tmp_path / "gone.ptz"], 100)


def test_detection_reads_the_head_alone(tmp_path):
    assert artifact.is_raw(sparse(tmp_path / "model.bin", 1 << 40))  # a terabyte of nothing
