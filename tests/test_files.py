"""Files that survive crashes and neighbours."""

import hashlib
import multiprocessing
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfkit import files


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "results.json"
    files.atomic_write(path, "é\n")
    assert path.read_bytes() == "é\n".encode()

    def break_off():
        with files.atomic_path(path) as part:
            part.write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert path.read_bytes() == "é\n".encode()
    assert os.listdir(path.parent) == ["results.json"]


def test_a_replaced_file_has_the_usual_rights_and_keeps_an_executable_bit(tmp_path):
    old = os.umask(0o027)
    try:
        files.atomic_write(tmp_path / "plain", b"x")
        with files.atomic_path(tmp_path / "program") as part:
            part.write_bytes(b"x")
            part.chmod(0o755)
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "plain").stat().st_mode) == 0o640
    assert (tmp_path / "program").stat().st_mode & stat.S_IXUSR


def test_a_file_that_is_replaced_keeps_its_mode(tmp_path):
    path = tmp_path / "private"
    path.write_text("old")
    path.chmod(0o600)
    files.atomic_write(path, "new")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o600)


def test_lines_are_appended_and_the_header_comes_first_and_once(tmp_path):
    path = tmp_path / "log" / "rows.tsv"
    for line in ("a", "b", "é"):
        files.append_line(path, line, header="head")
    assert path.read_text() == "head\na\nb\né\n"


def test_a_torn_last_line_is_not_joined_with_the_next(tmp_path):
    path = tmp_path / "rows"
    path.write_bytes(b"torn")
    files.append_line(path, "whole")
    assert path.read_text() == "torn\nwhole\n"


def test_a_line_with_a_newline_is_refused(tmp_path):
    with pytest.raises(ValueError, match="newline"):
        files.append_line(tmp_path / "rows", "a\nb")
    assert os.listdir(tmp_path) == []


def _count(path):
    for _ in range(200):
        with files.locked(path):
            path.write_text(str(int(path.read_text()) + 1))


def test_a_lock_makes_read_change_write_safe_between_processes(tmp_path):
    path = tmp_path / "counter"
    path.write_text("0")
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_count, args=(path,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert path.read_text() == "600"


@pytest.mark.parametrize("n_bytes", [0, 1, files.CHUNK, files.CHUNK + 1])
def test_a_digest_read_in_pieces_is_that_of_the_whole(tmp_path, n_bytes):
    path = tmp_path / "data"
    path.write_bytes(b"x" * n_bytes)
    assert files.digest(path) == hashlib.sha256(b"x" * n_bytes).hexdigest()
    assert files.digest(path, "md5") == hashlib.md5(b"x" * n_bytes).hexdigest()


@given(st.text(st.characters()))
def test_neutral_text_is_printable_on_one_line_and_stays_as_it_is(text):
    once = files.neutralise(text)
    assert once.isprintable()
    assert files.neutralise(once) == once
    assert [word for word in once.split(" ") if not word] in ([], [""])
