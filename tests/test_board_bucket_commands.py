"""`golf board` on a bucket: the same commands through the real huggingface_hub, and a bucket that comes and goes."""

import json
import re

import boards
import hub
import pytest
from boards import BUCKET


@pytest.fixture
def board(golf, hub_site, tmp_path):
    """A runner of `golf board ...` on the stand-in's bucket, with agent-01 registered; stderr where it fails."""
    environ = boards.QUIET | {
        "HF_ENDPOINT": hub_site.url,
        "HF_TOKEN": hub.TOKEN,
        "BUCKET": BUCKET,
        "AGENT_ID": "agent-01",
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }

    def run(*args, code=0, **more):
        ended = golf("board", *args, env=environ | more)
        assert ended.returncode == code, ended.stdout + ended.stderr
        return ended.stdout if code == 0 or "--json" in args else ended.stderr

    run("agent", "register", "-m", "m", "-H", "h")
    return run


def test_messages_results_and_agents_of_a_bucket_read_as_those_of_a_folder(board, hub_site):
    posted = json.loads(board("post", "hello", "--json"))
    assert re.fullmatch(r"message_board/\d{8}-\d{6}-\d{3}[0-9a-f]{9}_agent-01\.md", posted["path"])
    assert (posted["waiting"], posted["path"] in hub_site.hub.contents(BUCKET)) == (False, True)
    result = json.loads(board("result", "post", 19783461, "zpaq-m5", "-r", posted["posted"], "--json"))
    assert board("list").split() == [posted["posted"]]
    assert "| hello" in board("read")
    assert len(json.loads(board("thread", result["posted"], "--json"))["thread"]) == 2
    assert json.loads(board("agent", "read", "--json"))["agents"][0]["hf_user"] == "alice"
    board("claim", "tables")
    assert json.loads(board("claims", "--json"))["claims"][0]["agent"] == "agent-01"
    assert json.loads(board("doctor", "--json", code=1))["findings"][0]["problem"].startswith("no artifacts")


def test_posts_to_a_bucket_that_is_down_wait_and_go_out_with_the_next(board, hub_site):
    hub_site.down()
    first = json.loads(board("post", "one", "--json"))
    assert first["waiting"]
    assert "claim" not in board("claim", "x", code=4)
    assert board("read", code=4)
    hub_site.up()
    second = json.loads(board("post", "two", "--json"))
    assert not second["waiting"]
    assert board("list").split() == [first["posted"], second["posted"]]


def test_sync_sends_what_waits_and_mirrors_both_ways(board, hub_site, tmp_path):
    kept = json.loads(board("post", "remote", "--json"))["posted"]
    hub_site.down()
    waiting = json.loads(board("post", "waiting", "--json"))["posted"]
    assert board("sync", code=4)
    hub_site.up()
    (tmp_path / "board/message_board").mkdir(parents=True)
    local = "20260501-143000_agent-01.md"
    (tmp_path / "board/message_board" / local).write_text("---\nagent: agent-01\n---\n\nlocal\n")
    done = json.loads(board("sync", "--json"))
    assert (done["sent"], done["pushed"], done["waiting"], done["conflicts"]) == (1, 1, 0, [])
    assert board("list", "--board", "board").split() == board("list").split() == [local, kept, waiting]
    again = json.loads(board("sync", "--json"))
    assert (again["pulled"], again["pushed"], again["sent"]) == (0, 0, 0)
    (tmp_path / "board/message_board" / local).write_text("changed")
    assert json.loads(board("sync", "--json", code=1))["conflicts"] == [f"message_board/{local}"]


def test_who_may_not_write_is_told_how_to_get_there(board):
    said = board("post", "x", code=4, HF_TOKEN="hf_wrong")
    assert "token" in said
    assert "hf_wrong" not in said
