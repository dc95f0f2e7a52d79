"""Both homes of a board for tests: a folder, and a bucket of the stand-in Hub. Nothing reaches beyond 127.0.0.1."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hub
import pytest

from golfkit.board.homes.bucket import BucketHome
from golfkit.board.homes.local import LocalHome
from golfkit.board.homes.protocol import Home

BUCKET = "org/board"
WHERE = f"hf://buckets/{BUCKET}"
QUIET = {  # of the Hub's client: nothing of this machine's user, nothing sent elsewhere, short waits
    "HF_HOME": tempfile.mkdtemp(prefix="hf-home-"),
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_XET_TELEMETRY_ENABLED": "false",
    "HF_XET_CLIENT_RETRY_MAX_ATTEMPTS": "1",
    "HF_XET_CLIENT_RETRY_BASE_DELAY": "20ms",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
}
os.environ.update(QUIET)  # before huggingface_hub is imported


@pytest.fixture
def hub_site(monkeypatch: pytest.MonkeyPatch) -> Iterator[hub.Site]:
    """A Hub with one empty bucket; the client's waits are short."""
    monkeypatch.setattr("golfkit.board.homes.hub.WAITS_S", (0.01, 0.02))
    with hub.running(BUCKET) as running:
        yield running


def bucket_of(site: hub.Site, token: str | None = hub.TOKEN) -> BucketHome:
    """The bucket as a home."""
    return BucketHome(WHERE, token, site.url)


@pytest.fixture(params=["folder", "bucket"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Home:
    """Each of the homes, empty."""
    if request.param == "folder":
        return LocalHome(tmp_path / "board")
    return bucket_of(request.getfixturevalue("hub_site"))


def python(script: str, *args: object, site: hub.Site | None = None) -> "subprocess.Popen[str]":
    """A process that runs `script` (a file of tests/) as a client of this Hub."""
    environ = os.environ | QUIET | {"HF_TOKEN": hub.TOKEN, "PYTHONPATH": str(Path(__file__).parent)}
    environ |= {"HF_ENDPOINT": site.url if site else "http://127.0.0.1:9"}
    command = [sys.executable, "-m", script, *map(str, args)]
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
