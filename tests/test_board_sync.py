"""Mirroring a bucket and a folder both ways."""

import os
import signal
from pathlib import Path

import hub
import pytest
from boards import BUCKET, WHERE, bucket_of, python
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from golfkit.board.homes.local import LocalHome
from golfkit.board.homes.protocol import Unreachable
from golfkit.board.homes.sync import Report, sync


def files_of(board: LocalHome) -> dict[str, bytes]:
    """What a folder holds, golf's own README aside."""
    found = [path for path in board.root.rglob("*") if path.is_file()]
    return {str(path.relative_to(board.root)): path.read_bytes() for path in found if path.name != "README.md"}


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many batches of few files."""
    monkeypatch.setattr("golfkit.board.homes.sync.TOGETHER", 10)


@pytest.fixture
def board(tmp_path: Path) -> LocalHome:
    """An empty folder."""
    return LocalHome(tmp_path / "board")


def test_both_sides_end_with_the_files_of_both(hub_site: hub.Site, board: LocalHome):
    theirs = {f"message_board/{n:03d}.md": b"%d" % n for n in range(25)} | {"artifacts/x_b/big": os.urandom(2_000_000)}
    own = {"results/1.md": b"mine", "artifacts/y_a/deep/er/file": os.urandom(100_000), "shared_resources/empty": b""}
    for path, content in theirs.items():
        hub_site.hub.put(BUCKET, path, content)
    for path, content in own.items():
        board.create(path, content)
    report = sync(board, bucket_of(hub_site))
    assert report == Report(pulled=sorted(theirs), pushed=sorted(own))
    assert files_of(board) == hub_site.hub.contents(BUCKET) == theirs | own
    assert sync(board, bucket_of(hub_site)) == Report()
    assert not hub_site.hub.overwritten


def test_the_servers_times_come_along(hub_site: hub.Site, board: LocalHome):
    hub_site.hub.now = 1_900_000_000.25
    hub_site.hub.put(BUCKET, "message_board/a.md", b"x")
    sync(board, bucket_of(hub_site))
    assert board.entries("message_board")[0].uploaded == 1_900_000_000.25


def test_other_bytes_under_one_name_stay_on_both_sides_and_are_told(hub_site: hub.Site, board: LocalHome):
    for path, here, there in (
        ("agents/a.md", b"old", b"new"),
        ("agents/b.md", b"1", b"22"),
        ("agents/c.md", b"=", b"="),
    ):
        board.create(path, here)
        hub_site.hub.put(BUCKET, path, there)
    before = files_of(board), hub_site.hub.contents(BUCKET)
    assert sync(board, bucket_of(hub_site)) == Report(conflicts=["agents/a.md", "agents/b.md"])
    assert (files_of(board), hub_site.hub.contents(BUCKET)) == before


def test_a_dry_run_says_the_same_and_does_nothing(hub_site: hub.Site, board: LocalHome):
    hub_site.hub.put(BUCKET, "results/a.md", b"x")
    board.create("results/b.md", b"y")
    planned = sync(board, bucket_of(hub_site), dry_run=True)
    assert planned == Report(pulled=["results/a.md"], pushed=["results/b.md"])
    assert hub_site.hub.asked("batch") == 0
    assert "results/a.md" not in files_of(board)
    assert sync(board, bucket_of(hub_site)) == planned


def test_large_files_are_left_out_where_that_is_wanted_and_progress_is_told(hub_site: hub.Site, board: LocalHome):
    hub_site.hub.put(BUCKET, "artifacts/x/big", b"x" * 1001)
    hub_site.hub.put(BUCKET, "artifacts/x/small", b"x" * 1000)
    board.create("artifacts/y/big", b"x" * 2000)
    told: list[tuple[int, str]] = []
    report = sync(board, bucket_of(hub_site), most_bytes=1000, advance=lambda n, path: told.append((n, path)))
    assert report == Report(pulled=["artifacts/x/small"], large=["artifacts/x/big", "artifacts/y/big"])
    assert told == [(1000, "artifacts/x/small")]


def test_golfs_own_readme_is_not_put_on_a_shared_board(hub_site: hub.Site, board: LocalHome):
    board.create("results/a.md", b"x")
    sync(board, bucket_of(hub_site))
    assert "README.md" not in hub_site.hub.contents(BUCKET)
    hub_site.hub.put(BUCKET, "README.md", b"# The rules")
    assert sync(board, bucket_of(hub_site)) == Report()
    assert sync(LocalHome(board.root.parent / "new"), bucket_of(hub_site)).pulled == ["README.md", "results/a.md"]


HOSTILE = (
    *("../../up.md", "/etc/golf.md", "a/../../../up", "message_board/../../../x", "~/x", "a\\..\\b", "C:/x"),
    *("a//b", "esc\x1b[2J.md", "gnp\u202e.md", "new\nline", "-rf", "x" * 401),
)


def test_whatever_names_the_remote_lists_nothing_is_written_outside(hub_site: hub.Site, tmp_path: Path):
    board = LocalHome(tmp_path / "in/here/board")
    for path in (*HOSTILE, ".git/hooks/post-commit", "~/.bashrc", "results/ok.md"):
        hub_site.hub.put(BUCKET, path, b"evil")
    report = sync(board, bucket_of(hub_site))
    assert report.pulled == ["results/ok.md"]
    assert [path for path, _ in report.refused] == sorted(HOSTILE)
    found = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()]
    assert found == ["in/here/board/results/ok.md"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(st.lists(st.text(st.sampled_from("a/.~-\\: \n"), min_size=1, max_size=8), max_size=5, unique=True))
def test_random_names_stay_inside(hub_site: hub.Site, tmp_path: Path, names: list[str]):
    board = LocalHome(tmp_path / "deep" / "er" / os.urandom(4).hex())
    hub_site.hub.buckets[BUCKET].clear()
    for name in names:
        hub_site.hub.put(BUCKET, name, b"x")
    sync(board, bucket_of(hub_site))
    assert [path.name for path in tmp_path.iterdir()] in ([], ["deep"])
    assert {path.parent.name for path in (tmp_path / "deep").glob("*")} <= {"deep"}
    assert not hub_site.hub.overwritten


def test_a_link_in_the_folder_is_neither_followed_nor_published(hub_site: hub.Site, board: LocalHome, tmp_path: Path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_text("secret")
    board.create("results/a.md", b"x")
    (board.root / "artifacts/x_a").symlink_to(tmp_path / "outside")
    (board.root / "results/secret.md").symlink_to(tmp_path / "outside/secret")
    hub_site.hub.put(BUCKET, "artifacts/x_a/theirs", b"theirs")
    hub_site.hub.put(BUCKET, "results/secret.md", b"theirs")
    report = sync(board, bucket_of(hub_site))
    assert report.pushed == ["results/a.md"]
    assert [path for path, _ in report.refused] == ["artifacts/x_a/theirs"]
    assert report.conflicts == ["results/secret.md"]
    assert [path.name for path in (tmp_path / "outside").iterdir()] == ["secret"]
    assert b"secret" not in hub_site.hub.contents(BUCKET).values()


def test_a_file_where_the_other_side_has_a_folder_is_told(hub_site: hub.Site, board: LocalHome):
    board.create("artifacts/x/file", b"x")
    board.create("artifacts/y", b"x")
    for path in ("artifacts/x", "artifacts/y/file", "results/ok.md"):
        hub_site.hub.put(BUCKET, path, b"x")
    report = sync(board, bucket_of(hub_site))
    assert report.pulled == ["results/ok.md"]
    assert (report.conflicts, [path for path, _ in report.refused]) == (["artifacts/x"], ["artifacts/y/file"])


def test_a_file_that_comes_in_between_is_a_conflict(
    hub_site: hub.Site, board: LocalHome, monkeypatch: pytest.MonkeyPatch
):
    for n in range(3):
        board.create(f"results/{n}.md", b"mine")
    true = LocalHome.fetch

    def fetch(*args: object) -> list[str]:
        hub_site.hub.put(BUCKET, "results/1.md", b"his")
        return true(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(LocalHome, "fetch", fetch)
    report = sync(board, bucket_of(hub_site))
    assert report == Report(pushed=["results/0.md", "results/2.md"], conflicts=["results/1.md"])
    assert hub_site.hub.contents(BUCKET)["results/1.md"] == b"his"
    assert not hub_site.hub.overwritten


def test_a_hub_that_goes_down_stops_the_sync_and_the_next_goes_on(hub_site: hub.Site, board: LocalHome):
    for n in range(25):
        hub_site.hub.put(BUCKET, f"message_board/{n:03d}.md", b"%d" % n)
    remote = bucket_of(hub_site)
    with pytest.raises(Unreachable):
        sync(board, remote, advance=lambda n, path: hub_site.down())
    assert len(files_of(board)) == 10
    hub_site.up()
    assert len(sync(board, remote).pulled) == 15
    assert files_of(board) == hub_site.hub.contents(BUCKET)


@pytest.mark.parametrize(
    "point", ["bucket.fetch:after", "os.link:before:3", "os.link:after:3", "bucket._send:before", "bucket._send:after"]
)
def test_a_sync_that_is_killed_leaves_whole_files_and_the_next_goes_on(
    hub_site: hub.Site, board: LocalHome, point: str, monkeypatch: pytest.MonkeyPatch
):
    theirs = {f"results/{n}.md": os.urandom(1000) for n in range(6)}
    own = {f"message_board/{n}.md": os.urandom(1000) for n in range(6)}
    for path, content in theirs.items():
        hub_site.hub.put(BUCKET, path, content)
    for path, content in own.items():
        board.create(path, content)
    monkeypatch.setenv("KILL", point)
    child = python("board_writer", WHERE, "sync", board.root, site=hub_site)
    assert child.wait(60) == -signal.SIGKILL, child.communicate()
    listed = board.read_all([entry.path for entry in board.entries("results")], 9999)
    assert listed.items() <= theirs.items()
    assert hub_site.hub.contents(BUCKET).items() <= (theirs | own).items()
    assert sync(board, bucket_of(hub_site)).conflicts == []
    assert board.read_all([*theirs, *own], 9999) == hub_site.hub.contents(BUCKET) == theirs | own
    assert not hub_site.hub.overwritten


def test_two_folders_are_mirrored_too(tmp_path: Path):
    one, two = LocalHome(tmp_path / "one"), LocalHome(tmp_path / "two")
    one.create("results/a.md", b"a")
    two.create("results/b.md", b"b")
    assert sync(one, two) == Report(pulled=["results/b.md"], pushed=["results/a.md"])
    assert files_of(one) == files_of(two)
