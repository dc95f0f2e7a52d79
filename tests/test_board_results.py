"""A result from an artifact folder: evidence is checked before it is posted, and again by others."""

import dataclasses
import json
import shutil

import pytest
import yaml
from samples import text
from test_verify_artifact import SOUND, folder

from golfkit.board.posting import evidence
from golfkit.errors import GolfError

ENWIK8 = dataclasses.replace(SOUND, dataset="enwik8", original_bytes=100_000_000, bpc=8 * SOUND.total_bytes / 1e8)


def gathered(tmp_path, results=ENWIK8, status="agent-run", unverified=False):
    return evidence.gather(folder(tmp_path, results), status=status, unverified=unverified)


def test_a_certified_enwik8_artifact_is_evidence(tmp_path):
    found = gathered(tmp_path)
    assert (found.n_bytes, found.method, found.status) == (ENWIK8.total_bytes, ENWIK8.method, "agent-run")
    assert dict(found.extra)["verified"] == "yes"


@pytest.mark.parametrize("unverified", [False, True])
@pytest.mark.parametrize(
    "change", [{"archive_bytes": 1}, {"total_bytes": 1}, {"archive_sha256": "0" * 64}, {"bpc": 0.5}]
)
def test_an_altered_artifact_is_refused_whatever_is_asked(tmp_path, change, unverified):
    with pytest.raises(GolfError, match="tampered or stale") as raised:
        gathered(tmp_path, dataclasses.replace(ENWIK8, **change), "negative", unverified)
    assert raised.value.exit_code == 1


def test_an_uncertified_artifact_is_refused_unless_that_is_said(tmp_path):
    bare = dataclasses.replace(ENWIK8, verified=False, verified_at=None)
    with pytest.raises(GolfError, match=r"not verified: .*golf roundtrip"):
        gathered(tmp_path, bare)
    assert dict(gathered(tmp_path, bare, unverified=True).extra)["verified"] == "no"


def test_a_leaderboard_entry_is_of_the_whole_enwik8(tmp_path):
    with pytest.raises(GolfError, match="not enwik8"):
        gathered(tmp_path, SOUND)
    found = gathered(tmp_path, SOUND, "negative")
    assert found.bpc is None  # bits a character are of enwik8's characters
    assert "bytes, sha256" in dict(found.extra)["dataset"]


def test_a_result_goes_from_compress_to_another_agents_verdict(golf, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))

    def run(*args, agent="author", code=0):
        ended = golf(*args, env={"AGENT_ID": agent})
        assert ended.returncode == code, ended.stdout + ended.stderr
        return ended.stdout if code == 0 else ended.stderr

    (tmp_path / "input.txt").write_bytes(text(20_000))
    run("compress", "input.txt", "--codec", "xz", "-o", "artifacts/tried")
    for agent in ("author", "judge"):
        run("board", "agent", "register", "-m", "m", "-H", "h", agent=agent)
    post = ("board", "result", "post", "--from", "artifacts/tried")
    assert "not enwik8" in run(*post, "--unverified", code=1)
    assert "not verified" in run(*post, "--negative", code=1)
    run("roundtrip", "artifacts/tried")
    posted = json.loads(run(*post, "--negative", "--announce", "--json"))
    head = yaml.safe_load((tmp_path / "board" / posted["path"]).read_text().split("---\n")[1])
    assert (head["status"], head["artifacts"], head["verified"]) == ("negative", "artifacts/tried_author/", "yes")
    assert "bpc" not in head
    assert posted["uploaded"] >= 5
    (message,) = json.loads(run("board", "read", posted["announced"], "--json"))["messages"]
    assert message["refs"] == [posted["path"]]
    assert run(*post, "--negative", "--json")  # the same files again are no error
    verdict = ("board", "result", "verdict", posted["posted"], "--from", "again")
    assert "is your own" in run(*verdict, code=1)
    run("board", "artifact", "get", "tried_author", "-o", "again", agent="judge")
    assert "not restored here yet" in run(*verdict, agent="judge", code=1)
    run("roundtrip", "again", "--original", "input.txt", agent="judge")
    assert "verdict: holds" in run(*verdict, agent="judge")
    (tmp_path / "artifacts/tried/archive.bin").write_bytes(b"other bytes")
    assert "tampered" in run(*post, "--negative", code=1)
    shutil.rmtree(tmp_path / "board/artifacts/tried_author")
    assert "files are never overwritten" not in run("board", "artifact", "upload", "artifacts/tried")
    (tmp_path / "artifacts/tried/archive.bin").write_bytes(b"others again")
    assert "files are never overwritten" in run("board", "artifact", "upload", "artifacts/tried", code=1)
