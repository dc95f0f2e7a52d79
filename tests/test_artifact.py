"""The artifact folder is there whole or not at all, and nothing of the user's is lost."""

import os
from pathlib import Path

import pytest

from golfkit.compress.artifact import folders
from golfkit.errors import Exit, GolfError


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def old_folder(path: Path) -> Path:
    path.mkdir(parents=True)
    (path / "results.json").write_text("{}")
    (path / "archive.bin").write_text("old")
    return path


def write(stage: Path) -> None:
    (stage / "results.json").write_text("{}")
    (stage / "archive.bin").write_text("new")


def test_new_folder_appears_whole(here: Path):
    with folders.staged(Path("a/b")) as stage:
        write(stage)
        assert not Path("a/b").exists()
    assert sorted(os.listdir("a/b")) == ["archive.bin", "results.json"]
    assert os.listdir("a") == ["b"]
    assert Path("a/b").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), SystemExit(143)])
def test_failure_leaves_the_old_folder_and_nothing_else(here: Path, error: BaseException):
    def fail() -> None:
        with folders.staged(Path("a")) as stage:
            write(stage)
            raise error

    old_folder(here / "a")
    with pytest.raises(type(error)):
        fail()
    assert os.listdir(here) == ["a"]
    assert Path("a/archive.bin").read_text() == "old"


def test_failing_swap_puts_the_old_folder_back(here: Path, monkeypatch: pytest.MonkeyPatch):
    old_folder(here / "a")
    rename, calls = os.rename, []

    def failing(source: Path, target: Path) -> None:
        calls.append(target)
        if len(calls) == 2:
            raise OSError(5, "Input/output error")
        rename(source, target)

    monkeypatch.setattr(os, "rename", failing)
    with pytest.raises(OSError, match="Input/output error"), folders.staged(Path("a")) as stage:
        write(stage)
    assert os.listdir(here) == ["a"]
    assert Path("a/archive.bin").read_text() == "old"


def test_replacing_keeps_files_that_compress_did_not_write(here: Path):
    old_folder(here / "a")
    Path("a/enwik8").write_text("mine")
    Path("a/train_log.txt").write_text("of the old run")
    with folders.staged(Path("a")) as stage:
        write(stage)
    assert Path("a/archive.bin").read_text() == "new"
    assert Path("a/enwik8").read_text() == "mine"
    assert not Path("a/train_log.txt").exists()
    assert os.listdir(here) == ["a"]


def test_link_to_a_folder_is_followed(here: Path):
    old_folder(here / "real")
    Path("link").symlink_to("real")
    with folders.staged(Path("link")) as stage:
        write(stage)
    assert Path("link").is_symlink()
    assert Path("real/archive.bin").read_text() == "new"


def test_folder_that_is_no_artifact_is_not_replaced(here: Path):
    Path("src").mkdir()
    Path("src/main.c").write_text("mine")
    with pytest.raises(GolfError, match=r"src: folder without results.json") as caught, folders.staged(Path("src")):
        pass
    assert caught.value.exit_code == Exit.BAD_FILE
    assert os.listdir("src") == ["main.c"]


def test_file_and_current_folder_are_not_replaced(here: Path):
    Path("f").write_text("mine")
    with pytest.raises(GolfError, match="f: is a file"), folders.staged(Path("f")):
        pass
    Path("dangling").symlink_to("nowhere")
    with pytest.raises(GolfError, match="dangling: is a file"), folders.staged(Path("dangling")):
        pass
    with pytest.raises(GolfError, match="is the current folder"), folders.staged(Path(".")):
        pass


def test_empty_folder_is_taken(here: Path):
    Path("a").mkdir()
    with folders.staged(Path("a")) as stage:
        write(stage)
    assert Path("a/archive.bin").read_text() == "new"


def test_latest_points_to_the_last_folder_wherever_it_is(here: Path):
    for folder in (Path("artifacts/x_gzip"), Path("elsewhere/deep"), Path("../" + here.name + "/third")):
        old_folder(folder)
        folders.point_latest(folder)
        assert not os.readlink("artifacts/latest").startswith("/")
        assert Path("artifacts/latest").resolve() == folder.resolve()
    assert sorted(os.listdir("artifacts")) == ["latest", "x_gzip"]


def test_latest_that_is_a_real_folder_is_left_alone(here: Path):
    Path("artifacts/latest").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        folders.point_latest(old_folder(here / "a"))
    assert os.listdir("artifacts") == ["latest"]
