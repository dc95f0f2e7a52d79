"""The stand-in's HTTP server, in a thread."""

import contextlib
import http.server
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hub import routes
from hub.routes import Asked, Reply
from hub.state import Hub


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # bytes: head and body in one packet, or a delayed ACK costs 40 ms a call
    hub: Hub

    def _handle(self) -> None:
        split = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(split.query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in self.headers.items()}
        url = f"http://127.0.0.1:{self.server.server_port}"  # type: ignore[attr-defined]
        asked = Asked(self.command, split.path, query, headers, self._body(), url)
        with self.hub.lock:
            route = routes.route_of(asked)
            self.hub.seen.append((route, urllib.parse.unquote(split.path)))
            fault = self.hub.due(route)
            true = fault is None or not (fault.status or fault.drop)
            answer = routes.answer(self.hub, asked, fault) if true or (fault and fault.after) else None
        if fault is not None:
            time.sleep(fault.slow_s)
            if fault.drop:
                self.close_connection = True
                return
            if fault.status:
                answer = routes.error(fault.status, f"stand-in: {fault.status}")
                answer = answer._replace(headers=answer.headers | fault.headers)
        with contextlib.suppress(ConnectionError):  # who asked has gone
            self._reply(answer or Reply(500))

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _reply(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in ({"Content-Length": str(len(reply.body))} | dict(reply.headers)).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)
        self.wfile.flush()

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _handle

    def log_message(self, *args: object) -> None:
        """Quiet."""


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True  # a client keeps its connection open
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int, handler: type[Handler]) -> None:
        self.connections: set[Any] = set()
        super().__init__(("127.0.0.1", port), handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no news."""


class Site:
    """A server of this state; up until it is down."""

    def __init__(self, hub: Hub, port: int = 0) -> None:
        self.hub = hub
        self._handler = type("HubHandler", (Handler,), {"hub": hub})
        self._port = port
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http://127.0.0.1:{self._port}"

    def up(self) -> None:
        """Open the port, the same as before."""
        self._server = _Server(self._port, self._handler)
        self._port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def down(self) -> None:
        """Close the port and every connection."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.shutdown()
        server.server_close()
        for connection in list(server.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(2)  # both ways
        self._thread.join()


@contextmanager
def running(*buckets: str) -> Iterator[Site]:
    """A server with these empty buckets, while the block runs."""
    site = Site(Hub())
    for bucket in buckets:
        site.hub.make(bucket)
    site.up()
    try:
        yield site
    finally:
        site.down()
