"""A stand-in for the Hugging Face hub on the loopback interface: one dataset repository, downloads only.

It answers what huggingface_hub asks for a file (HEAD and GET of /datasets/OWNER/NAME/resolve/REVISION/PATH), with the
headers that make it an answer of a hub: ETag, X-Repo-Commit, X-Error-Code.
"""

import hashlib
import http.server
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(http.server.BaseHTTPRequestHandler):
    """Serves `contents` (path to bytes); a path in `cut` loses its connection in the middle, once."""

    repository = "owner/export"
    protocol_version = "HTTP/1.1"
    contents: dict[str, bytes]
    cut: set[str]
    fetched: list[str]  # paths of GETs
    url: str

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = urllib.parse.unquote(self.path.split("?")[0])
        start = f"/datasets/{self.repository}/resolve/main/"
        content = self.contents.get(path.removeprefix(start))
        if content is None:
            code = "EntryNotFound" if path.startswith(start) else "RepoNotFound"
            self._head(404, 0, {"X-Error-Code": code, "X-Repo-Commit": COMMIT})
            return
        self._head(200, len(content), {"ETag": f'"{hashlib.sha256(content).hexdigest()}"', "X-Repo-Commit": COMMIT})
        if not body:
            return
        name = path.removeprefix(start)
        self.fetched.append(name)
        if name in self.cut:
            self.cut.discard(name)
            self.wfile.write(content[: len(content) // 2])
            self.close_connection = True
            return
        self.wfile.write(content)

    def _head(self, status: int, length: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(length)}).items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Quiet."""


@contextmanager
def running(contents: dict[str, bytes]) -> Iterator[type[Hub]]:
    """A hub with these files, while the block runs."""
    handler = type("Handler", (Hub,), {"contents": contents, "cut": set(), "fetched": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True  # a client keeps its connection open
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        handler.url = f"http://127.0.0.1:{server.server_port}"
        yield handler
        server.shutdown()
        server.block_on_close = False
        thread.join()
