"""The stand-in's HTTP server: /v2 is REST, /graphql GraphQL, /admin the test's own door."""

import contextlib
import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from standins import graphql, rest2
from standins.cloud import Cloud, Seen
from standins.wire import Reply, Request


def respond(cloud: Cloud, request: Request) -> tuple[Reply | None, float]:
    """The answer to a request, None for a connection that is cut; and the seconds to wait before it."""
    dialect = graphql if request.path == "/graphql" else rest2
    with cloud.lock:
        what = dialect.kind(request)
        cloud.requests.append(Seen(what, request.method, request.path, request.body, cloud.time()))
        cloud.creates += what == "create"
        if request.authorization != f"Bearer {cloud.key}":
            return (rest2.problem(cloud, 401) if dialect is rest2 else Reply(401, {}, b"{}")), 0.0
        ordered = cloud.due(what)
        if ordered is None:
            return dialect.answer(cloud, request), 0.0
        true = not ordered.drop and ordered.status is None and ordered.body is None and not ordered.detail
        reply = dialect.answer(cloud, request) if true or ordered.after else None
        if ordered.drop:
            return None, ordered.delay_s
        return (reply if true else dialect.fault(cloud, ordered, request)), ordered.delay_s


def admin(cloud: Cloud, request: Request) -> Reply:
    """GET: the cloud as JSON. POST: {"fault": {...}} orders one, {"set": {...}} assigns fields."""
    with cloud.lock:
        if request.method == "POST":
            given: dict[str, Any] = json.loads(request.body)
            if "fault" in given:
                cloud.fault(**given["fault"])
            for name, value in given.get("set", {}).items():
                setattr(cloud, name, tuple(value) if name == "address" else value)
        return Reply(200, {"Content-Type": "application/json"}, json.dumps(cloud.as_record()).encode())


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # bytes: head and body in one packet, or the client's delayed ACK costs 40 ms a call
    cloud: Cloud
    changed: Callable[[], None]

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        request = Request(self.command, self.path, body, self.headers.get("Authorization", ""))
        if self.path == "/admin":
            reply: Reply | None = admin(self.cloud, request)
            type(self).changed()
        else:
            reply, delay_s = respond(self.cloud, request)
            type(self).changed()
            time.sleep(delay_s)
        if reply is None:
            self.close_connection = True
            return
        with contextlib.suppress(ConnectionError):  # who asked has gone
            self._reply(reply)

    def _reply(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in (reply.headers | {"Content-Length": str(len(reply.body))}).items():
            if not (reply.status == 204 and name == "Content-Length"):
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)
        self.wfile.flush()

    do_GET = do_POST = do_DELETE = do_PATCH = _handle

    def log_message(self, *args: object) -> None:
        """Quiet."""


def listening(
    cloud: Cloud, port: int = 0, changed: Callable[[], None] = lambda: None
) -> http.server.ThreadingHTTPServer:
    """A server of this cloud on 127.0.0.1; `changed` is called after every request, before its answer."""
    handler = type("CloudHandler", (Handler,), {"cloud": cloud, "changed": staticmethod(changed)})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    return server


@contextmanager
def running(cloud: Cloud) -> Iterator[str]:
    """The base URL of this cloud, while the block runs."""
    with listening(cloud) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        server.block_on_close = False
        thread.join()
