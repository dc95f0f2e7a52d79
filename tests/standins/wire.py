"""Requests and replies of the stand-in, apart from sockets."""

from typing import NamedTuple


class Request(NamedTuple):
    """What came in."""

    method: str
    path: str  # with its query
    body: str
    authorization: str


class Reply(NamedTuple):
    """What goes out."""

    status: int
    headers: dict[str, str]
    body: bytes = b""
