"""The stand-in Hub answers the real clients as the Hub's documentation says."""

import os
import random
import struct
import subprocess
import sys
from pathlib import Path

import hub
import pytest
from boards import BUCKET, QUIET

FILES = {
    "text.md": b"the same words again and again, " * 9000,  # LZ4
    "floats.bin": b"".join(struct.pack("<f", 1 + n / 1e6) for n in range(100_000)),  # grouped LZ4
    "random.bin": random.Random(0).randbytes(300_000),  # as it is
    "empty": b"",
    "logs/a": b"a",
    "logs.json": b"{}",
}


@pytest.fixture
def api(hub_site: hub.Site):
    """huggingface_hub as it comes."""
    from huggingface_hub import HfApi, utils

    utils.disable_progress_bars()
    return HfApi(endpoint=hub_site.url, token=hub.TOKEN)


def test_what_the_client_uploads_is_there_byte_for_byte(hub_site: hub.Site, api):
    api.batch_bucket_files(BUCKET, add=[(content, path) for path, content in FILES.items()])
    assert hub_site.hub.contents(BUCKET) == dict(sorted(FILES.items()))


@pytest.mark.parametrize("how", ["uploaded", "put"])
def test_what_is_there_is_downloaded_byte_for_byte(hub_site: hub.Site, api, tmp_path: Path, how: str):
    if how == "uploaded":
        api.batch_bucket_files(BUCKET, add=[(content, path) for path, content in FILES.items()])
    else:
        for path, content in FILES.items():
            hub_site.hub.put(BUCKET, path, content)
    api.download_bucket_files(BUCKET, [(path, tmp_path / str(n)) for n, path in enumerate(FILES)])
    assert [(tmp_path / str(n)).read_bytes() for n in range(len(FILES))] == list(FILES.values())


def test_the_file_system_reads_whole_files_and_ranges(hub_site: hub.Site):
    from huggingface_hub import HfFileSystem

    for path, content in FILES.items():
        hub_site.hub.put(BUCKET, path, content)
    system = HfFileSystem(endpoint=hub_site.url, token=hub.TOKEN, skip_instance_cache=True)
    root = f"buckets/{BUCKET}"
    assert system.cat_file(f"{root}/text.md", start=1000, end=1100) == FILES["text.md"][1000:1100]
    assert system.cat_file(f"{root}/random.bin") == FILES["random.bin"]
    assert sorted(system.ls(root, detail=False)) == sorted(f"{root}/{path.split('/')[0]}" for path in FILES)


def test_a_listing_has_a_lexical_prefix_folders_and_pages(hub_site: hub.Site, api):
    for path, content in FILES.items():
        hub_site.hub.put(BUCKET, path, content)
    hub_site.hub.page = 2
    assert [entry.path for entry in api.list_bucket_tree(BUCKET, recursive=True)] == sorted(FILES)
    assert [entry.path for entry in api.list_bucket_tree(BUCKET, "logs", recursive=True)] == ["logs.json", "logs/a"]
    folders = [entry.path for entry in api.list_bucket_tree(BUCKET) if entry.type == "directory"]
    assert folders == ["logs"]


def test_buckets_are_made_listed_and_changed(hub_site: hub.Site, api):
    api.create_bucket("org/new")
    api.create_bucket("org/new", exist_ok=True)
    assert [bucket.id for bucket in api.list_buckets("org")] == [BUCKET, "org/new"]
    api.batch_bucket_files("org/new", add=[(b"x", "a"), (b"y", "b")])
    (stored,) = api.get_bucket_paths_info("org/new", ["a", "missing"])
    api.batch_bucket_files("org/new", copy=[("bucket", "org/new", stored.xet_hash, "c")], delete=["b"])
    assert hub_site.hub.contents("org/new") == {"a": b"x", "c": b"x"}
    info = api.bucket_info("org/new")
    assert (info.size, info.total_files) == (2, 2)


def test_it_runs_as_a_process(tmp_path: Path):
    from huggingface_hub import HfApi

    environ = os.environ | QUIET | {"PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-m", "hub", "org/a"]
    with subprocess.Popen(command, env=environ, stdin=-1, stdout=-1, text=True) as child:
        assert child.stdout is not None
        url = child.stdout.readline().strip()
        assert HfApi(endpoint=url, token=hub.TOKEN).bucket_info("org/a").total_files == 0
        child.communicate("", timeout=20)
    assert child.returncode == 0
