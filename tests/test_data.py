"""golf data: complete and right, or not there; against a server on the loopback interface."""

import hashlib
import http.server
import io
import random
import threading
import zipfile

import httpx
import pytest

from golfkit.errors import Exit, GolfError
from golfkit.train import command_data
from golfkit.train.data import download

CONTENT = random.Random(8).randbytes(300_000)


def zipped(content=CONTENT, name="enwik8"):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return packed.getvalue()


class Server(http.server.BaseHTTPRequestHandler):
    """Serves `body`; `cut_after` bytes the connection drops; `ranges` tells whether it can resume."""

    body, cut_after, ranges, asked = b"", None, True, []

    def do_GET(self):
        wanted = self.headers.get("Range")
        self.asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.ranges else 0
        if start >= len(self.body):
            self.send_error(416)
            return
        self.send_response(206 if wanted and self.ranges else 200)
        self.send_header("Content-Length", str(len(self.body) - start))
        self.end_headers()
        self.wfile.write(self.body[start:][: self.cut_after])

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    handler = type("Handler", (Server,), {"body": zipped(), "asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        handler.url = f"http://127.0.0.1:{running.server_port}/enwik8.zip"
        yield handler
        running.shutdown()
        thread.join()


def install(server, folder, content=CONTENT, on_bytes=lambda n: None):
    dataset = download.Dataset("enwik8", server.url, len(content), hashlib.md5(content).hexdigest())
    with httpx.Client(trust_env=False, timeout=10) as client:
        return download.install(dataset, folder, client, on_bytes)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_file_is_fetched_unpacked_and_checked_and_nothing_else_is_left(server, tmp_path):
    told = []
    installed = install(server, tmp_path / "new", on_bytes=told.append)
    assert installed == (tmp_path / "new" / "enwik8", True)
    assert installed.path.read_bytes() == CONTENT
    assert names(tmp_path / "new") == ["enwik8"]
    assert sum(told) == len(server.body)


def test_a_file_that_is_there_and_right_is_not_fetched_again(server, tmp_path):
    (tmp_path / "enwik8").write_bytes(CONTENT)
    assert install(server, tmp_path) == (tmp_path / "enwik8", False)
    assert server.asked == []


@pytest.mark.parametrize("content", [CONTENT[:-1], b"\x00" + CONTENT[1:]])
def test_a_file_that_is_there_and_wrong_is_left_alone_and_reported(server, tmp_path, content):
    (tmp_path / "enwik8").write_bytes(content)
    with pytest.raises(GolfError, match="expected 300000 bytes") as caught:
        install(server, tmp_path)
    assert caught.value.exit_code == Exit.BAD_FILE
    assert (tmp_path / "enwik8").read_bytes() == content


def test_a_zip_put_there_by_hand_is_unpacked_without_a_network(server, tmp_path):
    (tmp_path / "enwik8.zip").write_bytes(server.body)
    assert install(server, tmp_path).path.read_bytes() == CONTENT
    assert server.asked == []
    assert names(tmp_path) == ["enwik8", "enwik8.zip"]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_cut_download_goes_on_where_it_stopped_or_starts_anew(server, tmp_path, ranges):
    server.cut_after, server.ranges = 100_000, ranges
    with pytest.raises(GolfError, match="100000 bytes are kept, run it again to go on") as caught:
        install(server, tmp_path)
    assert caught.value.exit_code == Exit.REMOTE
    assert names(tmp_path) == ["enwik8.zip.part"]
    server.cut_after = None
    told = []
    assert install(server, tmp_path, on_bytes=told.append).path.read_bytes() == CONTENT
    assert server.asked == [None, "bytes=100000-"]
    assert sum(told) == len(server.body)
    assert names(tmp_path) == ["enwik8"]


def test_a_part_that_is_complete_already_is_used(server, tmp_path):
    (tmp_path / "enwik8.zip.part").write_bytes(server.body)
    assert install(server, tmp_path).path.read_bytes() == CONTENT


DAMAGED = bytearray(zipped())
DAMAGED[1000] ^= 1


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<html>not a zip</html>", "not a zip file"),
        (bytes(DAMAGED), "fetch it again"),
        (zipped()[:-30], "fetch it again"),
        (zipped(name="enwik9"), "no item named 'enwik8'"),
        (zipped(CONTENT[:-1] + b"x"), "holds 300000 bytes, md5"),
        (zipped(CONTENT + b"x" * 10_000_000), "holds 300001 bytes"),  # unpacking stops one byte after the right size
    ],
)
def test_a_wrong_download_is_refused_and_leaves_nothing(server, tmp_path, body, says):
    server.body = body
    with pytest.raises(GolfError) as caught:
        install(server, tmp_path)
    assert says in str(caught.value)
    assert caught.value.exit_code == Exit.REMOTE
    assert names(tmp_path) == []


def test_a_part_of_another_file_ends_in_an_error_and_the_next_run_starts_anew(server, tmp_path):
    (tmp_path / "enwik8.zip.part").write_bytes(b"x" * 1000)
    with pytest.raises(GolfError):
        install(server, tmp_path)
    assert install(server, tmp_path).path.read_bytes() == CONTENT


def test_a_wrong_zip_put_there_by_hand_is_a_bad_file_and_stays(server, tmp_path):
    (tmp_path / "enwik8.zip").write_bytes(b"hello")
    with pytest.raises(GolfError, match="remove it and run this again") as caught:
        install(server, tmp_path)
    assert caught.value.exit_code == Exit.BAD_FILE
    assert names(tmp_path) == ["enwik8.zip"]


def test_two_downloads_into_one_folder_do_not_mix(server, tmp_path):
    import fcntl

    with (tmp_path / "enwik8.zip.part").open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(GolfError, match="another download is writing it"):
            install(server, tmp_path)


def test_an_answer_that_is_an_error_is_named_and_leaves_nothing(server, tmp_path):
    server.do_GET = lambda self: self.send_error(503)
    with pytest.raises(GolfError, match="503 Service Unavailable") as caught:
        install(server, tmp_path)
    assert caught.value.exit_code == Exit.REMOTE
    assert names(tmp_path) == []


def test_without_a_network_the_command_says_where_to_put_the_file(golf, tmp_path):
    (tmp_path / "golf.toml").write_text("enwik8_url = 'http://127.0.0.1:9/enwik8.zip'\n")  # port 9: nobody listens
    result = golf("data", "enwik8", "--out", "here", env={"NO_PROXY": "*"})
    assert result.returncode == Exit.REMOTE
    assert result.stderr.count("\n") == 1
    assert f"put enwik8 or enwik8.zip into {tmp_path / 'here'} and run it again" in result.stderr


def test_the_real_enwik8_is_what_the_contests_fix():
    dataset = download.enwik8("u")
    assert (dataset.n_bytes, dataset.md5) == (100_000_000, "a1fa5ffddb56f4953e226637dabbb36a")
    assert dataset.n_bytes > command_data.ZIP_BYTES
