"""The homes of a board: one contract for a folder and a bucket; what only a folder has; which home is meant."""

import os
import socket
import stat
import time
from pathlib import Path

import boards
import hub
import pytest
from boards import python
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from golfkit.board.homes import choose
from golfkit.board.homes.bucket import BucketHome
from golfkit.board.homes.local import FOLDERS, LocalHome
from golfkit.board.homes.protocol import Entry, Home, Rejected, Taken, is_path
from golfkit.board.records import names, record
from golfkit.errors import Exit, GolfError
from golfkit.settings import Settings

A, B = "message_board/20260501-143000_a.md", "message_board/20260501-143001_b.md"
HOSTILE = ["../up.md", "/etc/passwd", "a/../../up", "a//b", "-rf", "~/x", "a\nb", "a\x1b[31m", "\u202egnp", "c:\\x", ""]


# --- both


def test_what_is_created_is_listed_and_read_back(home: Home):
    for path, content in ((B, b"two"), (A, b"one"), ("results/x.md", b"\0\xff" * 5000), ("agents/empty.md", b"")):
        home.create(path, content)
    assert [entry[:2] for entry in home.entries("message_board")] == [(A, 3), (B, 3)]
    assert home.read("results/x.md", 1_000_000) == b"\0\xff" * 5000
    assert home.read("agents/empty.md", 10) == b""
    paths = [entry.path for entry in home.entries("") if entry.path != "README.md"]
    assert paths == ["agents/empty.md", A, B, "results/x.md"]


def test_the_time_of_a_file_is_that_of_the_home(home: Home):
    home.create(A, b"one")
    assert abs(home.entries("message_board")[0].uploaded - time.time()) < 30


def test_no_more_is_read_than_was_asked_for(home: Home):
    home.create(A, bytes(range(256)) * 40)
    assert home.read(A, 10) == bytes(range(10))
    assert home.read_all([A], 300) == {A: (bytes(range(256)) * 2)[:300]}


def test_a_taken_name_stays_as_it_is(home: Home):
    home.create(A, b"one")
    with pytest.raises(Taken):
        home.create(A, b"two")
    with pytest.raises(Taken):
        home.create(A, b"one")
    assert home.read(A, 100) == b"one"


def test_a_registration_is_replaced(home: Home):
    home.create("agents/a.md", b"one")
    home.replace("agents/a.md", b"longer than before")
    home.replace("agents/b.md", b"new")
    assert home.read_all(["agents/a.md", "agents/b.md"], 99) == {
        "agents/a.md": b"longer than before",
        "agents/b.md": b"new",
    }


def test_missing_files_are_no_error_but_for_one_that_is_read(home: Home):
    assert home.entries("results") == []
    assert home.read_all([A, B], 10) == {}
    assert home.read_all([], 10) == {}
    with pytest.raises(FileNotFoundError):
        home.read(A, 10)
    home.create(A, b"one")
    assert home.read_all([B, A], 10) == {A: b"one"}


def test_a_listing_keeps_to_its_folder(home: Home):
    for path in ("results/a.md", "results2/b.md", "results.md", "artifacts/x_a/results/c.md"):
        home.create(path, b"x")
    assert [entry.path for entry in home.entries("results")] == ["results/a.md"]
    assert [entry.path for entry in home.entries("artifacts")] == ["artifacts/x_a/results/c.md"]


def test_a_listing_sorts_by_path_over_many_pages(home: Home, request: pytest.FixtureRequest):
    if isinstance(home, BucketHome):
        request.getfixturevalue("hub_site").hub.page = 7
    paths = [f"results/2026050{n % 10}-{n:06d}_a.md" for n in range(60)]
    for path in paths if isinstance(home, LocalHome) else paths[:20]:
        home.create(path, b"x")
    listed = [entry.path for entry in home.entries("results")]
    assert listed == sorted(paths if isinstance(home, LocalHome) else paths[:20])


def test_a_folder_is_uploaded_and_what_was_cut_goes_on(home: Home, tmp_path: Path):
    source = tmp_path / "zpaq"
    (source / "src").mkdir(parents=True)
    (source / "archive.bin").write_bytes(os.urandom(300_000))
    (source / "src/a.c").write_text("int x;")
    (source / ".secret").write_text("no")
    (source / "link").symlink_to("/etc/passwd")
    (source / "folder").symlink_to("/etc")
    home.create("artifacts/zpaq_a/src/a.c", b"int x;")
    expected = ["artifacts/zpaq_a/archive.bin", "artifacts/zpaq_a/src/a.c"]
    assert home.upload(source, "artifacts/zpaq_a") == expected
    assert [entry.path for entry in home.entries("artifacts")] == expected
    assert home.read(expected[0], 1 << 20) == (source / "archive.bin").read_bytes()


def test_an_upload_over_another_file_writes_nothing(home: Home, tmp_path: Path):
    source = tmp_path / "zpaq"
    source.mkdir()
    (source / "a").write_text("mine")
    (source / "b").write_text("mine")
    home.create("artifacts/z/b", b"his")
    with pytest.raises(Taken):
        home.upload(source, "artifacts/z")
    assert [entry.path for entry in home.entries("artifacts")] == ["artifacts/z/b"]
    with pytest.raises(GolfError, match="no folder, expected one to upload"):
        home.upload(tmp_path / "nothing", "artifacts/n")


def test_files_are_fetched_and_compared(home: Home, tmp_path: Path):
    big = os.urandom(200_000)
    home.create(A, b"one")
    home.create("artifacts/x/big", big)
    one, two = tmp_path / "1", tmp_path / "2"
    assert home.fetch([(A, one), (B, tmp_path / "3"), ("artifacts/x/big", two)]) == [A, "artifacts/x/big"]
    assert (one.read_bytes(), two.read_bytes()) == (b"one", big)
    assert one.stat().st_mtime == pytest.approx(home.entries("message_board")[0].uploaded, abs=0.002)
    assert home.unlike([(one, A), (one, B), (one, "artifacts/x/big"), (two, "artifacts/x/big")]) == ["artifacts/x/big"]


@pytest.mark.parametrize("path", [*HOSTILE, ".git/config", "a/.hidden", "results/", "x" * 500])
def test_a_path_that_is_none_is_refused_before_anything_is_done(home: Home, path: str, tmp_path: Path):
    for call in (
        lambda: home.create(path, b""),
        lambda: home.replace(path, b""),
        lambda: home.read(path, 1),
        lambda: home.fetch([(path, tmp_path / "x")]),
    ):
        with pytest.raises(GolfError) as error:
            call()
        assert error.value.exit_code == Exit.USAGE
    assert home.entries("") == []


def test_both_homes_are_homes():
    for kind in (LocalHome, BucketHome):
        public = {name for name in Home.__dict__ if not name.startswith("_")}
        assert public <= set(dir(kind)) | {"where"}


@pytest.mark.parametrize("kind", ["folder", "bucket"])
def test_eight_processes_of_one_agent_within_one_second_lose_nothing(kind: str, hub_site: hub.Site, tmp_path: Path):
    where = tmp_path / "board" if kind == "folder" else boards.WHERE
    writers = [python("board_writer", where, tmp_path / "outbox", 25, site=hub_site) for _ in range(8)]
    answers = [writer.communicate(timeout=120) for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * 8, answers
    said = [line.split() for out, _ in answers for line in out.splitlines()]
    assert {len(words) for words in said} == {1}  # none waits
    found = LocalHome(where) if kind == "folder" else boards.bucket_of(hub_site)
    paths = [entry.path for entry in found.entries("message_board")]
    assert len(paths) == 200
    assert sorted(path for (path,) in said) == paths
    messages = [record.read_message(path.split("/")[1], text) for path, text in found.read_all(paths, 1 << 20).items()]
    assert len({message.body for message in messages}) == 200
    assert not [message.problems for message in messages if message.problems]
    assert {names.take_apart(message.file).when for message in messages} == {messages[0].when}
    assert not hub_site.hub.overwritten


# --- a folder


def test_the_first_post_makes_the_board(tmp_path: Path):
    board = LocalHome(tmp_path / "deep/board")
    assert board.entries("") == []
    assert not board.root.exists()
    board.create(A, b"one")
    assert sorted(path.name for path in board.root.iterdir()) == sorted([*FOLDERS, "README.md"])
    assert "golf board" in (board.root / "README.md").read_text()
    (board.root / "README.md").write_text("mine")
    LocalHome(board.root).create(B, b"two")
    assert (board.root / "README.md").read_text() == "mine"


def test_a_file_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    board = LocalHome(tmp_path / "board")
    board.create(A, b"one")
    monkeypatch.setattr("os.link", lambda *args, **kwargs: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(OSError, match="No space"):
        board.create(B, b"two")
    assert [path.name for path in (board.root / "message_board").iterdir()] == [A.split("/")[1]]


def test_nothing_is_read_through_a_link(tmp_path: Path):
    board = LocalHome(tmp_path / "board")
    board.create(A, b"one")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.md").write_text("secret")
    (board.root / "message_board/link.md").symlink_to(outside / "secret.md")
    (board.root / "results/folder").symlink_to(outside)
    (board.root / "linked").symlink_to(outside)
    assert [entry.path for entry in board.entries("") if entry.path != "README.md"] == [A]
    assert board.entries("linked") == board.entries("results/folder") == []
    for path in ("message_board/link.md", "results/folder/secret.md", "linked/secret.md"):
        with pytest.raises(FileNotFoundError):
            board.read(path, 100)
        assert board.read_all([path], 100) == {}
        assert board.fetch([(path, tmp_path / "copy")]) == []


def test_nothing_is_written_through_a_link(tmp_path: Path):
    board = LocalHome(tmp_path / "board")
    board.create(A, b"one")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "theirs.md").write_text("theirs")
    (board.root / "linked").symlink_to(outside)
    (board.root / "agents/theirs.md").symlink_to(outside / "theirs.md")
    with pytest.raises(Rejected, match=r"linked/x\.md: a link or a file, expected a folder"):
        board.create("linked/x.md", b"x")
    with pytest.raises(Taken):
        board.create("agents/theirs.md", b"x")
    board.replace("agents/theirs.md", b"mine")
    assert (board.root / "agents/theirs.md").read_text() == "mine"  # the link was replaced, not followed
    assert [(path.name, path.read_text()) for path in outside.iterdir()] == [("theirs.md", "theirs")]


def test_the_boards_own_folder_may_be_a_link(tmp_path: Path):
    (tmp_path / "real").mkdir()
    (tmp_path / "board").symlink_to("real")
    LocalHome(tmp_path / "board").create(A, b"one")
    assert LocalHome(tmp_path / "real").read(A, 9) == b"one"


def test_a_listing_leaves_out_what_is_no_file(tmp_path: Path):
    board = LocalHome(tmp_path / "board")
    board.create(A, b"one")
    folder = board.root / "message_board"
    os.mkfifo(folder / "fifo.md")
    (folder / ".hidden.md").write_text("x")
    (folder / "folder.md").mkdir()
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(folder / "s.md"))
        assert [entry.path for entry in board.entries("message_board")] == [A]
        for name in ("fifo.md", "folder.md", "s.md"):
            with pytest.raises(FileNotFoundError):
                board.read(f"message_board/{name}", 10)


def test_strange_names_are_told_apart(tmp_path: Path):
    board = LocalHome(tmp_path / "board")
    board.create(A, b"one")
    for name in (b"esc\x1b[31m.md", b"bad\xff.md", "gnp\u202e.md".encode(), b"-rf"):
        (Path(os.fsdecode(bytes(board.root / "results") + b"/" + name))).write_text("x")
    listing = board.listing("")
    assert [entry.path for entry in listing.entries] == ["README.md", A]
    assert len(listing.strange) == 4


def test_a_name_that_the_file_system_refuses_is_told(tmp_path: Path):
    board = LocalHome(tmp_path / "board")
    with pytest.raises(Rejected, match="too long"):
        board.create(f"results/{'x' * 300}.md", b"")
    board.create("results/a", b"")
    with pytest.raises(Rejected, match="expected a folder"):
        board.create("results/a/b", b"")
    with pytest.raises(FileNotFoundError):
        board.read("results/a/b", 1)


def test_files_have_the_mode_of_the_users_mask(tmp_path: Path):
    board = LocalHome(tmp_path / "board")
    before = os.umask(0o027)
    try:
        board.create(A, b"one")
    finally:
        os.umask(before)
    assert stat.S_IMODE((board.root / A).stat().st_mode) == 0o640


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.text(st.characters(codec="utf-8", categories=None), max_size=40) | st.sampled_from(HOSTILE))
def test_no_path_leaves_the_board(tmp_path: Path, path: str):
    if is_path(path):
        full = Path(os.path.normpath(tmp_path / path))
        assert full.is_relative_to(tmp_path)
        assert full != tmp_path


# --- who is logged in, and which home is meant


def test_a_folder_knows_the_hub_user_where_there_is_one(hub_site: hub.Site, tmp_path: Path):
    assert LocalHome(tmp_path, hub.TOKEN, hub_site.url).whoami() == "alice"
    assert LocalHome(tmp_path, "hf_wrong", hub_site.url).whoami() is None
    assert LocalHome(tmp_path, None, hub_site.url).whoami() is None
    hub_site.down()
    assert LocalHome(tmp_path, hub.TOKEN, hub_site.url).whoami() is None


def test_the_board_option_beats_the_bucket_and_a_folder_is_the_default(tmp_path: Path):
    assert choose.home(None, Settings()).where == "board"
    assert choose.home(None, Settings(bucket="org/name")).where == "hf://buckets/org/name"
    assert choose.home("x/y", Settings(bucket="org/name")).where == "x/y"
    assert choose.home("hf://buckets/o/n/", Settings()).where == "hf://buckets/o/n"
    assert choose.home(str(tmp_path), Settings()).where == str(tmp_path)
    assert choose.home("~/b", Settings()).where == str(Path.home() / "b")


@pytest.mark.parametrize(
    "board",
    [
        *("", "hf://buckets/org", "hf://buckets/", "hf://org/name", "https://huggingface.co/buckets/o/n", "s3://x/y"),
        *("hf://buckets/o/n/message_board", "hf://buckets/../n", "hf://buckets/o/n?x", "hf://buckets/o/ n"),
    ],
)
def test_a_board_that_is_none_is_a_usage_error(board: str):
    with pytest.raises(GolfError, match=r"--board is .*expected .*ORG/NAME") as error:
        choose.home(board, Settings())
    assert error.value.exit_code == Exit.USAGE


def test_a_file_and_a_wrong_bucket_setting_are_usage_errors(tmp_path: Path):
    (tmp_path / "f").write_text("")
    for board, values in ((str(tmp_path / "f"), Settings()), (None, Settings(bucket="name"))):
        with pytest.raises(GolfError, match="expected") as error:
            choose.home(board, values)
        assert error.value.exit_code == Exit.USAGE


def test_the_outbox_is_the_users_own_for_each_bucket(tmp_path: Path):
    box = choose.outbox(choose.home("hf://buckets/o/n", Settings()), {"XDG_STATE_HOME": str(tmp_path)})
    assert box is not None
    assert box.folder == tmp_path / "golfkit/outbox/o/n"
    assert choose.outbox(choose.home(None, Settings()), {}) is None


def test_an_entry_is_plain():
    assert Entry("a", 1, None)._fields == ("path", "size", "uploaded")
