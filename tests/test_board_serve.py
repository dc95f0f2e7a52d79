"""golf board render and golf board serve as a user runs them, and what the server refuses."""

import http.client
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from demo_board import demo
from paper_boards import NOW, Paper, message, png

from golfkit.board.page import serve, template
from golfkit.errors import GolfError

POLICY = "Content-Security-Policy"


@contextmanager
def serving(site: serve.Site) -> Iterator[int]:
    with serve.server(site, 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def ask(port: int, path: str, method: str = "GET", host: str | None = None) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest(method, path, skip_host=True)
    connection.putheader("Host", host or f"127.0.0.1:{port}")
    connection.endheaders()
    answer = connection.getresponse()
    answer.content = answer.read()
    connection.close()
    return answer


def site_of(board: Paper, made: list[int] | None = None, **more) -> serve.Site:
    counts = made if made is not None else []

    def make(state) -> bytes:
        counts.append(len(state.files))
        return f"page {len(state.files)}".encode()

    return serve.Site(board, make, **({"recheck_s": 0.0, "files": True} | more))


def test_render_writes_one_page_and_says_what_is_in_it(golf, tmp_path):
    demo().save(tmp_path / "board")
    done = golf("board", "render", "-o", "out", "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts | {"bytes": 0} == {
        **{"page": "out/index.html", "bytes": 0, "chart": True, "messages": 11, "results": 16},
        **{"agents": 4, "artifacts": 2, "broken": 0},
    }
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["index.html"]
    text = (tmp_path / "out/index.html").read_text()
    assert 'href="../board/artifacts/cm14_heron-01"' in text
    assert "tampered" in text  # the stubs on disk are not what results.json says


def test_render_names_a_board_that_is_not_there(golf):
    done = golf("board", "render", "--board", "nowhere")
    assert (done.returncode, done.stdout) == (3, "")
    assert "no such folder" in done.stderr


def test_render_links_to_the_bucket_that_the_folder_is_a_copy_of(golf, tmp_path):
    demo().save(tmp_path / "board")
    assert golf("board", "render", "--board", "board", "--bucket", "org/name").returncode == 0
    text = (tmp_path / "site/index.html").read_text()
    assert "https://huggingface.co/buckets/org/name/tree/artifacts/cm14_heron-01" in text
    assert golf("board", "render", "--board", "board", "--bucket", "x").returncode == 2


def test_serve_prints_its_address_shows_new_posts_and_ends_at_an_interrupt(tmp_path):
    board = demo()
    board.save(tmp_path / "board")
    command = [Path(sys.executable).with_name("golf"), "board", "serve", "--json", "-o", "kept"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        port = int(json.loads(server.stdout.readline())["url"].rsplit(":", 1)[1].strip("/"))
        assert b"11</b> messages" in ask(port, "/").content
        board.put(message(NOW, "late", "one more"))
        board.save(tmp_path / "board")
        assert b"12</b> messages" in ask(port, "/").content
        assert (tmp_path / "kept/index.html").read_bytes() == ask(port, "/index.html").content
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=20) == 130


def test_the_page_is_made_again_only_when_the_board_has_changed():
    board, made = Paper(), []
    site = site_of(board, made)
    assert (site.page(), site.page(), made) == (b"page 0", b"page 0", [0])
    board.put(message(NOW, "a", "x"))
    assert (site.page(), made) == (b"page 1", [0, 1])


def test_a_remote_board_is_not_listed_at_every_click():
    board, made = Paper(), []
    site = site_of(board, made, recheck_s=60.0)
    site.page()
    board.put(message(NOW, "a", "x"))
    assert (site.page(), made) == (b"page 0", [0])


def test_the_page_has_its_policy_as_a_header_and_is_never_sniffed():
    with serving(site_of(Paper())) as port:
        page, head = ask(port, "/"), ask(port, "/", "HEAD")
    assert page.getheader(POLICY) == f"{template.policy()}; frame-ancestors 'none'"
    assert page.getheader("X-Content-Type-Options") == "nosniff"
    assert page.getheader("Content-Type") == "text/html; charset=utf-8"
    assert (head.status, head.content, head.getheader("Content-Length")) == (200, b"", "6")


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("page.html", b"<script>1</script>", "text/plain; charset=utf-8"),
        ("p.svg", b"<svg onload=1>", "text/plain; charset=utf-8"),
        ("p.png", png(), "image/png"),
        ("archive.bin", b"\0\1\2", "application/octet-stream"),
    ],
)
def test_a_strangers_file_is_sent_so_that_nothing_runs(name, content, kind):
    with serving(site_of(Paper({f"artifacts/x_a/{name}": content}))) as port:
        answer = ask(port, f"/artifacts/x_a/{name}")
    assert (answer.status, answer.content, answer.getheader("Content-Type")) == (200, content, kind)
    assert answer.getheader(POLICY) == "default-src 'none'; sandbox"
    assert answer.getheader("X-Content-Type-Options") == "nosniff"
    assert (answer.getheader("Content-Disposition") == "attachment") == (kind == "application/octet-stream")


@pytest.mark.parametrize(
    "path",
    [
        "/artifacts/../secret",
        "/artifacts/%2e%2e/secret",
        "/artifacts/x_a/..%2f..%2fsecret",
        "/artifacts//etc/passwd",
        "/%2fetc/passwd",
        "/secret",
        "/agents/a.md",
        "/artifacts/x_a/.hidden",
        "/artifacts/x_a/%00",
        "/artifacts/x_a\\..\\secret",
        "/artifacts/x_a/",
        "/artifacts/",
        "/index.html/../secret",
    ],
)
def test_nothing_outside_of_artifacts_is_sent(path):
    files = ("secret", "agents/a.md", "artifacts/x_a/.hidden", "artifacts/x_a/f", "artifacts/../secret")
    with serving(site_of(Paper(dict.fromkeys(files, b"SECRET")))) as port:
        answer = ask(port, path)
    assert (answer.status, answer.content) == (404, b"not here\n")


@pytest.mark.parametrize(("host", "status"), [("localhost:1", 200), ("127.0.0.1", 200), ("evil.example:80", 403)])
def test_only_loopback_names_are_answered(host, status):
    with serving(site_of(Paper())) as port:
        assert ask(port, "/", host=host).status == status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_written(method):
    with serving(site_of(Paper())) as port:
        assert ask(port, "/", method).status == 501


def test_a_board_that_fails_is_told_on_the_page():
    def broken(state) -> bytes:
        raise GolfError("the hub is down")

    with serving(serve.Site(Paper(), broken, recheck_s=0.0, files=True)) as port:
        answer = ask(port, "/")
    assert (answer.status, answer.content) == (502, b"the hub is down\n")


def test_a_port_that_is_taken_is_a_usage_error():
    site = site_of(Paper())
    with serving(site) as port, pytest.raises(GolfError, match="choose another"):
        serve.server(site, port)
