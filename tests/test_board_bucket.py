"""A bucket as a board's home: the real huggingface_hub, hf_xet and hf against the stand-in Hub, and what goes wrong."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import boards
import hub
import pytest
from boards import BUCKET, WHERE, bucket_of, python
from hub.state import Fault

from golfkit.board.homes.bucket import BucketHome
from golfkit.board.homes.outbox import Outbox
from golfkit.board.homes.protocol import Refused, Rejected, Taken, Unreachable
from golfkit.board.records import record
from golfkit.errors import Exit, GolfError

A, B = "message_board/20260501-143000-000aaaaaaaaa_a.md", "message_board/20260501-143001-000bbbbbbbbb_b.md"
WRITES = ("paths-info", "xet-write-token", "xorb", "shard", "batch")  # what a post asks, in order


def hf(site: hub.Site, *args: str, text: bool = True) -> str:
    """The real `hf` of the environment."""
    environ = os.environ | boards.QUIET | {"HF_ENDPOINT": site.url, "HF_TOKEN": hub.TOKEN, "NO_COLOR": "1"}
    command = [str(Path(sys.executable).with_name("hf")), *args]
    return subprocess.run(command, env=environ, capture_output=True, text=text, check=True, timeout=60).stdout


# --- the real clients


def test_hf_reads_what_golf_wrote_and_golf_what_hf_wrote(hub_site: hub.Site, tmp_path: Path):
    board = bucket_of(hub_site)
    board.create(A, b"from golf\n")
    (tmp_path / "m.md").write_text("---\nagent: b\n---\n\nfrom hf\n")
    hf(hub_site, "buckets", "cp", str(tmp_path / "m.md"), f"{WHERE}/{B}")
    assert hf(hub_site, "buckets", "cp", f"{WHERE}/{A}", "-") == "from golf\n"
    listed = json.loads(hf(hub_site, "buckets", "list", BUCKET, "-R", "--json"))
    assert [entry["path"] for entry in listed] == [A, B]
    assert record.read_message("m.md", board.read(B, 1000)).body == "from hf"


def test_nothing_is_printed_and_nobodys_setting_is_changed(hub_site: hub.Site):
    script = (
        "import os; os.environ['HF_XET_CLIENT_CONNECT_TIMEOUT'] = '7s'\n"
        "from golfkit.board.homes.bucket import BucketHome\n"
        f"home = BucketHome({WHERE!r})\n"
        f"home.create({A!r}, b'x' * 100_000); home.read_all([{A!r}, {B!r}], 1 << 20); home.read({A!r}, 9)\n"
        "assert os.environ['HF_XET_CLIENT_CONNECT_TIMEOUT'] == '7s'\n"
    )
    environ = os.environ | boards.QUIET | {"HF_ENDPOINT": hub_site.url, "HF_TOKEN": hub.TOKEN}
    command = [sys.executable, "-W", "always", "-c", script]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_who_is_logged_in_is_asked_once(hub_site: hub.Site):
    board = bucket_of(hub_site)
    assert (board.whoami(), board.whoami()) == ("alice", "alice")
    assert hub_site.hub.asked("whoami") == 1
    assert BucketHome(WHERE, None, hub_site.url).whoami() is None


def test_a_long_file_is_not_transferred_for_its_beginning(hub_site: hub.Site):
    hub_site.hub.put(BUCKET, A, os.urandom(3_000_000))
    board = bucket_of(hub_site)
    assert board.read(A, 1000) == hub_site.hub.contents(BUCKET)[A][:1000]
    assert hub_site.hub.asked("reconstruction") == 0


def test_what_others_wrote_is_read_in_few_requests(hub_site: hub.Site):
    for n in range(250):
        hub_site.hub.put(BUCKET, f"message_board/{n}.md", b"%d" % n)
    board = bucket_of(hub_site)
    paths = [entry.path for entry in board.entries("message_board")]
    assert board.read_all(paths, 1000) == {f"message_board/{n}.md": b"%d" % n for n in range(250)}
    assert hub_site.hub.asked("paths-info") <= 3


def test_the_time_is_the_servers(hub_site: hub.Site):
    hub_site.hub.now = 1_900_000_000.5
    board = bucket_of(hub_site)
    board.create(A, b"x")
    assert board.entries("")[0].uploaded == 1_900_000_000.5


def test_names_that_no_board_has_are_listed_apart(hub_site: hub.Site):
    for path in ("../up.md", "a//b", "/etc/x", "x\n.md", ".gitattributes", "a/.b", "results/ok.md"):
        hub_site.hub.put(BUCKET, path, b"x")
    listing = bucket_of(hub_site).listing("")
    assert [entry.path for entry in listing.entries] == ["results/ok.md"]
    assert list(listing.strange) == sorted(["../up.md", "a//b", "/etc/x", "x\n.md"])


def test_a_lost_race_for_a_name_is_noticed(hub_site: hub.Site, monkeypatch: pytest.MonkeyPatch):
    board = bucket_of(hub_site)
    board.whoami()
    true = board._api.batch_bucket_files

    def and_another(*args: object, **kwargs: object) -> None:
        true(*args, **kwargs)
        hub_site.hub.put(BUCKET, "agents/a.md", b"other")

    monkeypatch.setattr(board._api, "batch_bucket_files", and_another)
    with pytest.raises(Taken):
        board.create("agents/a.md", b"mine")
    assert hub_site.hub.contents(BUCKET) == {"agents/a.md": b"other"}


# --- what goes wrong, at each request


@pytest.mark.parametrize("route", WRITES)
@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 500}, {"status": 429}, {"drop": True}])
def test_a_hub_that_fails_for_long_is_unreachable(hub_site: hub.Site, route: str, fault: dict):
    hub_site.hub.fault(route, times=50, **fault)
    with pytest.raises(Unreachable, match=f"^{WHERE}: .*; try again later$") as error:
        bucket_of(hub_site).create(A, os.urandom(100))
    assert error.value.exit_code == Exit.REMOTE
    assert "\n" not in str(error.value)
    assert hub_site.hub.contents(BUCKET) == {}


@pytest.mark.parametrize("route", WRITES)
@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 429, "headers": {"Retry-After": "0"}}, {"drop": True}])
def test_one_failure_is_got_over(hub_site: hub.Site, route: str, fault: dict):
    hub_site.hub.fault(route, **fault)
    bucket_of(hub_site).create(A, content := os.urandom(100))
    assert hub_site.hub.contents(BUCKET) == {A: content}


@pytest.mark.parametrize("route", WRITES)
@pytest.mark.parametrize(("status", "remedy"), [(401, "hf auth login"), (403, "fine-grained")])
def test_a_refusal_says_what_to_do(hub_site: hub.Site, route: str, status: int, remedy: str):
    hub_site.hub.fault(route, status, times=50)
    with pytest.raises(Refused, match=rf"^{WHERE}: .*\({status}\); .*{remedy}"):
        bucket_of(hub_site).create(A, os.urandom(100))
    assert hub_site.hub.contents(BUCKET) == {}


@pytest.mark.parametrize(
    ("where", "token", "status"),
    [(WHERE, "hf_wrong", 401), (WHERE, "hf_reader", 403), ("hf://buckets/org/other", hub.TOKEN, 404)],
)
def test_a_wrong_token_a_reader_and_no_bucket_are_told_apart(hub_site: hub.Site, where: str, token: str, status: int):
    with pytest.raises(Refused, match=rf"^{where}: .*\({status}\)") as error:
        BucketHome(where, token, hub_site.url).create(A, os.urandom(100))
    assert "hf_" not in str(error.value)


def test_a_bucket_that_is_not_there_is_no_empty_board(hub_site: hub.Site):
    board = BucketHome("hf://buckets/org/other", hub.TOKEN, hub_site.url)
    for call in (lambda: board.entries(""), lambda: board.read(A, 1), lambda: board.read_all([A], 1)):
        with pytest.raises(Refused, match="no such bucket"):
            call()


@pytest.mark.parametrize("route", ["tree", "paths-info", "resolve", "xet-read-token", "reconstruction", "fetch"])
def test_reading_from_a_hub_that_fails_is_unreachable(hub_site: hub.Site, route: str):
    hub_site.hub.put(BUCKET, A, b"one")
    hub_site.hub.fault(route, 503, times=50)
    board = bucket_of(hub_site)
    with pytest.raises(Unreachable):
        board.read(board.entries("")[0].path, 100)
    hub_site.hub.mend()
    assert board.read(A, 100) == b"one"


def test_a_long_wait_is_not_waited_for(hub_site: hub.Site):
    hub_site.hub.fault("tree", 429, headers={"Retry-After": "600"})
    with pytest.raises(Unreachable, match="429 Too Many Requests, and asks to wait 600 s"):
        bucket_of(hub_site).entries("")
    assert hub_site.hub.asked("tree") == 1


def test_a_hub_that_is_down_is_told_at_once(hub_site: hub.Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()  # the true waits
    board = bucket_of(hub_site)
    board.create(A, b"one")
    hub_site.down()
    begun = time.monotonic()
    with pytest.raises(Unreachable, match="does not answer"):
        board.create(B, b"x")
    assert time.monotonic() - begun < 4
    hub_site.up()
    assert board.read(A, 9) == b"one"


def test_an_answer_that_never_comes_is_not_waited_for(hub_site: hub.Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("golfkit.board.homes.hub.TIMEOUT_S", 0.05)
    hub_site.hub.fault("tree", slow_s=0.3, times=3)
    with pytest.raises(Unreachable, match="does not answer"):
        bucket_of(hub_site).entries("")


def test_a_batch_by_halves_names_what_failed(hub_site: hub.Site, tmp_path: Path):
    for n in range(4):
        (tmp_path / str(n)).write_text(f"file {n}")
    hub_site.hub.fault("batch", half=True)
    board = bucket_of(hub_site)
    with pytest.raises(Rejected, match="artifacts/x/1: Internal error, and 1 more"):
        board.upload(tmp_path, "artifacts/x")
    assert board.upload(tmp_path, "artifacts/x") == [f"artifacts/x/{n}" for n in range(4)]
    assert len(hub_site.hub.contents(BUCKET)) == 4
    assert not hub_site.hub.overwritten


def test_other_users_of_the_client_are_left_alone(hub_site: hub.Site):
    from huggingface_hub import HfApi

    bucket_of(hub_site).entries("")
    hub_site.hub.fault("info", 503)
    with pytest.raises(OSError, match="503"):
        HfApi(endpoint=hub_site.url, token=hub.TOKEN).bucket_info(BUCKET)


# --- the outbox


def test_a_post_goes_out_at_once(hub_site: hub.Site, tmp_path: Path):
    box = Outbox(tmp_path / "box")
    assert box.post(bucket_of(hub_site), A, b"one", 0.0) == (A, "")
    assert box.waiting() == []
    assert hub_site.hub.contents(BUCKET) == {A: b"one"}


def test_posts_wait_while_the_hub_is_down_and_go_out_in_order_once(hub_site: hub.Site, tmp_path: Path):
    box, board = Outbox(tmp_path / "box"), bucket_of(hub_site)
    hub_site.down()
    paths = [f"message_board/2026050{9 - n}-143000-000aaaaaaaaa_a.md" for n in range(4)]  # later ones sort first
    for n, path in enumerate(paths):
        posted = box.post(board, path, b"%d" % n, float(n))
        assert posted.path == path
        assert "does not answer" in posted.waiting
    assert [(one.path, one.content, one.queued) for one in box.waiting()] == [
        (path, b"%d" % n, float(n)) for n, path in enumerate(paths)
    ]
    assert box.flush(board).left == 4
    hub_site.up()
    assert box.post(board, B, b"last", 9.0) == (B, "")
    assert [stored.path for stored in hub_site.hub.buckets[BUCKET].values()] == [*paths, B]  # in order of arrival
    assert box.flush(board) == ((), (), "", "", 0)
    assert hub_site.hub.asked("batch") == 5


@pytest.mark.parametrize("how", [{"status": 503, "times": 9}, {"drop": True, "after": True, "times": 9}])
def test_half_an_upload_is_finished_later_and_once(hub_site: hub.Site, tmp_path: Path, how: dict):
    box, board = Outbox(tmp_path / "box"), bucket_of(hub_site)
    hub_site.hub.fault("batch", **how)
    assert "try again later" in box.post(board, A, b"one", 0.0).waiting
    assert len(hub_site.hub.xorbs) == 1
    hub_site.hub.mend()
    assert box.flush(board).sent == (A,)
    assert hub_site.hub.contents(BUCKET) == {A: b"one"}
    assert not hub_site.hub.overwritten


def test_anothers_file_of_the_name_is_kept_and_the_post_gets_another_suffix(hub_site: hub.Site, tmp_path: Path):
    box, board = Outbox(tmp_path / "box"), bucket_of(hub_site)
    hub_site.hub.put(BUCKET, A, b"his")
    posted = box.post(board, A, b"mine", 0.0)
    assert posted.path != A
    assert posted.path.startswith("message_board/20260501-143000-000")
    assert hub_site.hub.contents(BUCKET) == {A: b"his", posted.path: b"mine"}
    assert box.post(board, A, b"mine", 0.0) == posted  # as a crash before the removal would have it
    assert len(hub_site.hub.contents(BUCKET)) == 2


def test_a_name_without_suffixes_that_is_taken_is_refused(hub_site: hub.Site, tmp_path: Path):
    box, board = Outbox(tmp_path / "box"), bucket_of(hub_site)
    hub_site.hub.put(BUCKET, "agents/a.md", b"his")
    with pytest.raises(Rejected, match=r"agents/a\.md: other files have this name"):
        box.post(board, "agents/a.md", b"mine", 0.0)
    assert box.waiting() == []


def test_a_refused_post_is_an_error_and_does_not_stay(hub_site: hub.Site, tmp_path: Path):
    box = Outbox(tmp_path / "box")
    with pytest.raises(Refused, match="401"):
        box.post(bucket_of(hub_site, "hf_wrong"), A, b"one", 0.0)
    assert box.waiting() == []


def test_a_poisoned_post_stays_and_is_named_and_the_others_go_on(hub_site: hub.Site, tmp_path: Path):
    box, board = Outbox(tmp_path / "box"), bucket_of(hub_site)
    hub_site.down()
    for n in range(5):
        box.post(board, f"results/{n}.md", b"%d" % n, 0.0)
    hub_site.up()
    files = sorted(box.folder.glob("*.post"))
    files[1].write_bytes(b"garbage")
    content = files[3].read_bytes()
    files[3].write_bytes(content.replace(b"results/3.md", b"../../up.md"))
    flushed = box.flush(board)
    assert flushed.sent == ("results/0.md", "results/2.md", "results/4.md")
    assert [file for file, _ in flushed.refused] == [files[1], files[3]]
    assert all(str(file) in why for file, why in flushed.refused)
    assert (flushed.later, flushed.refusal, flushed.left) == ("", "", 2)
    with pytest.raises(GolfError, match=str(files[1])):
        box.waiting()
    assert box.post(board, A, b"new", 0.0) == (A, "")


def test_posts_that_wait_stay_where_the_hub_refuses_them_all(hub_site: hub.Site, tmp_path: Path):
    box = Outbox(tmp_path / "box")
    hub_site.down()
    for n in range(3):
        box.post(bucket_of(hub_site), f"results/{n}.md", b"x", 0.0)
    hub_site.up()
    reader = bucket_of(hub_site, "hf_reader")
    flushed = box.flush(reader)
    assert (flushed.sent, flushed.refused, flushed.later, flushed.left) == ((), (), "", 3)
    assert "403" in flushed.refusal
    assert hub_site.hub.asked("xet-write-token") == 1
    with pytest.raises(Refused, match="403"):  # a new one does not join them
        box.post(reader, A, b"new", 0.0)
    assert len(box.waiting()) == 3
    assert box.flush(bucket_of(hub_site)).sent == ("results/0.md", "results/1.md", "results/2.md")


def test_several_flushes_at_once_send_each_post_once(hub_site: hub.Site, tmp_path: Path):
    box = Outbox(tmp_path / "box")
    hub_site.down()
    board = bucket_of(hub_site)
    for n in range(12):
        box.post(board, f"message_board/{n:02d}.md", b"%d" % n, 0.0)
    hub_site.up()
    writers = [python("board_writer", WHERE, box.folder, 1, site=hub_site) for _ in range(3)]
    assert [writer.wait(60) for writer in writers] == [0] * 3
    assert box.waiting() == []
    found = hub_site.hub.contents(BUCKET)
    assert len(found) == 15
    assert hub_site.hub.asked("batch") == 15
    arrived = [path for path in hub_site.hub.buckets[BUCKET] if len(path) < 22]
    assert arrived == [f"message_board/{n:02d}.md" for n in range(12)]


@pytest.mark.parametrize("seed", range(3))
def test_a_hub_that_fails_at_random_gets_every_post_once(hub_site: hub.Site, tmp_path: Path, seed: int):
    rng = random.Random(seed)
    faults = [Fault(503), Fault(503, after=True), Fault(drop=True), Fault(drop=True, after=True)]
    hub_site.hub.due = lambda route: rng.choice(faults) if rng.random() < 0.4 else None  # type: ignore[method-assign]
    box, board = Outbox(tmp_path / "box"), bucket_of(hub_site)
    for n in range(12):
        box.post(board, f"results/{n}.md", b"%d" % n, 0.0)
    del hub_site.hub.due
    assert box.flush(board).left == 0
    found = hub_site.hub.contents(BUCKET)
    assert len(found) == len(set(found.values())) == 12
    assert not hub_site.hub.overwritten


POINTS = (
    *("os.link:before", "os.link:after", "folders.write:after"),  # into the outbox
    *("bucket._info:after", "bucket._send:before", "bucket._info:after:2", "outbox._send:after", "Path.unlink:after"),
)


@pytest.mark.parametrize("point", POINTS)
def test_a_post_killed_at_any_point_is_sent_once_or_was_never_begun(
    hub_site: hub.Site, tmp_path: Path, point: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("KILL", point)
    writer = python("board_writer", WHERE, tmp_path / "box", 1, site=hub_site)
    assert writer.wait(60) == -signal.SIGKILL, writer.communicate()
    box, board = Outbox(tmp_path / "box"), bucket_of(hub_site)
    box.flush(board)
    begun = point != "os.link:before"
    assert len(hub_site.hub.contents(BUCKET)) == begun
    assert box.waiting() == []
    box.flush(board)
    assert len(hub_site.hub.contents(BUCKET)) == begun
    assert not hub_site.hub.overwritten
