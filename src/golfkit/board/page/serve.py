"""The page on this machine's loopback interface: made again when the board has changed, and shown to nobody else.

Only GET and HEAD, only the page and files of artifacts/, only under the names 127.0.0.1 and localhost (a stranger's
page that points its own name here gets nothing). A stranger's file is sent so that no browser runs it.
"""

import http.server
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from golfkit.board.homes.protocol import Home, is_path
from golfkit.board.page import data, pictures, template
from golfkit.board.page.data import State
from golfkit.board.records import names
from golfkit.errors import Exit, GolfError

ADDRESS = "127.0.0.1"
STALE_S = 600.0  # seconds after which "3 hours ago" is counted again
MOST_FILE = 200_000_000  # bytes of an artifact's file that is sent
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
INERT = "default-src 'none'; sandbox"  # policy of a stranger's file


class Answer(NamedTuple):
    """What is sent."""

    status: HTTPStatus
    kind: str
    policy: str
    body: bytes
    attachment: bool = False


class Site:
    """A board's page, as of the last look.

    make       the page of a state of the board
    recheck_s  seconds between two looks: a remote board is not listed at every click
    """

    def __init__(self, home: Home, make: Callable[[State], bytes], *, recheck_s: float, files: bool) -> None:
        self._home, self._make, self._recheck_s, self._files = home, make, recheck_s, files
        self._lock = threading.Lock()
        self._state: State | None = None
        self._page = b""
        self._looked = self._made = float("-inf")

    def answer(self, path: str) -> Answer:
        """The answer to a path."""
        if path in ("/", "/index.html"):
            return Answer(HTTPStatus.OK, "text/html; charset=utf-8", template.served_policy(), self.page())
        wanted = unquote(path).removeprefix("/")
        if self._files and is_path(wanted) and wanted.startswith(f"{names.ARTIFACTS}/"):
            try:
                return _file(self._home.read(wanted, MOST_FILE + 1))
            except FileNotFoundError:
                pass
        return _words(HTTPStatus.NOT_FOUND, "not here")

    def page(self) -> bytes:
        """The page; made again where the board has changed."""
        with self._lock:
            now = time.monotonic()
            if now - self._looked >= self._recheck_s:
                found = data.state(self._home)
                self._looked = now
                if found != self._state or now - self._made > STALE_S:
                    self._page = self._make(found)
                    self._state, self._made = found, now
            return self._page


def server(site: Site, port: int) -> http.server.ThreadingHTTPServer:
    """A server on the loopback interface; port 0 is any free one."""
    try:
        return _Server((ADDRESS, port), type("Handler", (_Handler,), {"site": site}))
    except OSError as error:
        raise GolfError(f"--port {port}: {error.strerror}; choose another, or leave it out", Exit.USAGE) from error


def _file(content: bytes) -> Answer:
    if len(content) > MOST_FILE:
        return _words(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too large for this server")
    media = pictures.kind(content)
    if media is None and b"\0" not in content[:8192]:
        media = "text/plain; charset=utf-8"
    return Answer(HTTPStatus.OK, media or "application/octet-stream", INERT, content, attachment=media is None)


def _words(status: HTTPStatus, text: str) -> Answer:
    return Answer(status, "text/plain; charset=utf-8", INERT, f"{text}\n".encode())


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a browser keeps its connection open


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "golf", ""
    timeout = 30  # seconds of silence
    site: Site

    def do_GET(self) -> None:
        """Answer."""
        if not self._for_us():
            self._send(_words(HTTPStatus.FORBIDDEN, "this server answers to 127.0.0.1 and localhost"))
            return
        try:
            found = self.site.answer(urlsplit(self.path).path)
        except (GolfError, ValueError) as error:
            found = _words(HTTPStatus.BAD_GATEWAY, str(error))
        self._send(found)

    do_HEAD = do_GET

    def _for_us(self) -> bool:
        name = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        return name in (ADDRESS, "localhost")

    def _send(self, found: Answer) -> None:
        self.send_response(found.status)
        headers = {"Content-Type": found.kind, "Content-Length": str(len(found.body))}
        headers |= {"Content-Security-Policy": found.policy, **ALWAYS}
        if found.attachment:
            headers["Content-Disposition"] = "attachment"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(found.body)

    def log_message(self, *args: Any) -> None:
        """Quiet: a page is no news."""
