"""golf data fineweb: the real client against a hub on the loopback interface; complete and right, or not there."""

import json
import os

import loopback_hub
import numpy as np
import pytest

from golfkit.errors import Exit, GolfError
from golfkit.train.data import dataset, fineweb, shards

pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")

NAME = "fineweb10B_byte260"
MANIFEST = {
    "version": "10B",
    "num_docs": 5,
    "num_val_docs": 2,
    "shard_size": 100,
    "append_eos": False,
    "tokenizers": [{"name": "pure_byte_260", "kind": "byte", "vocab_size": 260, "path": "tokenizers/byte.json"}],
    "datasets": [
        {
            "name": NAME,
            "tokenizer_name": "pure_byte_260",
            "tokenizer_kind": "byte",
            "vocab_size": 260,
            "stats": {"files_train": 3, "files_val": 1},
        }
    ],
}


def shard(n_tokens, seed):
    tokens = np.random.default_rng(seed).integers(4, 260, n_tokens, dtype=np.uint16)
    return shards.shard_header(n_tokens) + tokens.tobytes()


def export():
    """The files of a small export, by path in the repository."""
    files = {f"datasets/{NAME}/fineweb_train_{i:06d}.bin": shard(100, i) for i in range(3)}
    files[f"datasets/{NAME}/fineweb_val_000000.bin"] = shard(50, 9)
    files["tokenizers/byte.json"] = b"{}"
    files["docs_selected.jsonl"] = b'{"text": "a"}\n'
    files["docs_selected.source_manifest.json"] = b"{}"
    files["manifest.json"] = json.dumps(MANIFEST).encode()
    return {f"root/{path}": content for path, content in files.items()}


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    with loopback_hub.running(export()) as server:
        yield server


def fetch(hub, out, train_shards=2, with_docs=False, variant="byte260"):
    remote = fineweb.Remote(hub.repository, "root", None, hub.url)
    return fineweb.fetch(remote, fineweb.Wanted(variant, train_shards, with_docs), out)


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


EXPECTED = [
    f"datasets/{NAME}/fineweb_train_000000.bin",
    f"datasets/{NAME}/fineweb_train_000001.bin",
    f"datasets/{NAME}/fineweb_val_000000.bin",
    "manifest.json",
    "tokenizers/byte.json",
]


def test_the_layout_is_the_contests_and_makes_a_dataset(hub, tmp_path):
    fetched = fetch(hub, tmp_path)
    assert names(tmp_path) == EXPECTED
    assert all((tmp_path / name).read_bytes() == hub.contents[f"root/{name}"] for name in EXPECTED)
    assert (fetched.n_fetched, sorted(fetched.files)) == (5, EXPECTED)
    found = dataset.load_dataset(fetched.dataset)
    assert (len(found.train), len(found.val), found.manifest.tokenizer_name) == (2, 1, "pure_byte_260")


def test_what_is_there_is_not_fetched_again(hub, tmp_path):
    fetch(hub, tmp_path)
    hub.fetched.clear()
    assert fetch(hub, tmp_path, train_shards=3, with_docs=True).n_fetched == 3
    assert [name.rsplit("/", 1)[-1] for name in hub.fetched] == [
        "fineweb_train_000002.bin",
        "docs_selected.jsonl",
        "docs_selected.source_manifest.json",
    ]


def test_a_short_shard_of_the_hub_is_refused_and_not_kept(hub, tmp_path):
    path = f"datasets/{NAME}/fineweb_train_000001.bin"
    hub.contents[f"root/{path}"] = hub.contents[f"root/{path}"][:-2]
    with pytest.raises(GolfError, match=r"owner/export: .*byte 1222: the file ends there") as caught:
        fetch(hub, tmp_path)
    assert caught.value.exit_code == Exit.REMOTE
    assert not (tmp_path / path).exists()
    hub.contents.update(export())
    assert fetch(hub, tmp_path).n_fetched == 1


def test_a_damaged_shard_that_is_there_is_named_and_left_alone(hub, tmp_path):
    fetch(hub, tmp_path)
    damaged = tmp_path / "datasets" / NAME / "fineweb_val_000000.bin"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    with pytest.raises(GolfError, match=r"fineweb_val_000000\.bin:byte 1123") as caught:
        fetch(hub, tmp_path)
    assert caught.value.exit_code == Exit.BAD_FILE


def test_a_file_that_the_hub_does_not_have_is_named(hub, tmp_path):
    del hub.contents["root/tokenizers/byte.json"]
    with pytest.raises(GolfError, match=r"owner/export/root/tokenizers/byte\.json: ") as caught:
        fetch(hub, tmp_path)
    assert caught.value.exit_code == Exit.REMOTE


def test_a_repository_that_is_not_there_is_named(hub, tmp_path):
    hub.repository = "owner/export"
    remote = fineweb.Remote("owner/other", "root", None, hub.url)
    with pytest.raises(GolfError, match=r"owner/other/root/manifest\.json: ") as caught:
        fineweb.fetch(remote, fineweb.Wanted("byte260", 1, False), tmp_path)
    assert caught.value.exit_code == Exit.REMOTE


@pytest.mark.parametrize("train_shards", [-1, 4])
def test_more_shards_than_there_are_is_a_usage_error(hub, tmp_path, train_shards):
    with pytest.raises(GolfError, match=f"expected 0 to 3, what {NAME} has") as caught:
        fetch(hub, tmp_path, train_shards)
    assert caught.value.exit_code == Exit.USAGE


def test_an_unknown_variant_is_told_what_there_is(hub, tmp_path):
    with pytest.raises(GolfError, match=f"no dataset fineweb10B_sp7, expected one of {NAME}"):
        fetch(hub, tmp_path, variant="sp7")


def test_a_manifest_cannot_write_outside_the_folder(hub, tmp_path):
    evil = json.loads(hub.contents["root/manifest.json"])
    evil["tokenizers"][0]["path"] = "../evil"
    hub.contents["root/manifest.json"] = json.dumps(evil).encode()
    with pytest.raises(GolfError, match="expected paths below its folder"):
        fetch(hub, tmp_path / "in")


def environment(hub_url):
    return {
        "HF_ENDPOINT": hub_url,
        "NO_PROXY": "*",
        "MATCHED_FINEWEB_REPO_ID": "owner/export",
        "MATCHED_FINEWEB_REMOTE_ROOT_PREFIX": "root",
    }


def test_the_command_takes_repository_and_prefix_from_the_environment(golf, hub, tmp_path):
    args = ("data", "fineweb", "--variant", "byte260", "--train-shards", "2", "--out", "data", "--json")
    result = golf(*args, env=environment(hub.url))
    record = json.loads(result.stdout)
    assert (record["dataset"], record["n_fetched"]) == (os.path.join("data", "datasets", NAME), 5)
    assert names(tmp_path / "data") == EXPECTED


def test_a_cut_connection_does_not_leave_half_a_shard(golf, hub, tmp_path):
    path = f"root/datasets/{NAME}/fineweb_train_000000.bin"
    hub.cut.add(path)
    args = ("data", "fineweb", "--variant", "byte260", "--train-shards", "2", "--out", "data")
    result = golf(*args, env=environment(hub.url))
    if result.returncode:  # the client may also have asked again by itself
        assert result.returncode == Exit.REMOTE
        assert result.stderr.count("\n") == 1
        assert f"datasets/{NAME}/fineweb_train_000000.bin" not in names(tmp_path / "data")
        assert golf(*args, env=environment(hub.url)).returncode == Exit.DONE
    assert names(tmp_path / "data") == EXPECTED


def test_without_a_network_the_command_says_so_in_one_line(golf, tmp_path):
    offline = environment("http://127.0.0.1:9")  # port 9: nobody listens
    result = golf("data", "fineweb", "--out", "data", env=offline)
    assert result.returncode == Exit.REMOTE
    assert result.stderr.count("\n") == 1
    assert "owner/export/root/manifest.json: " in result.stderr
    assert names(tmp_path) == []
    offline["HF_HUB_OFFLINE"] = "1"
    assert golf("data", "fineweb", "--out", "data", env=offline).returncode == Exit.REMOTE
