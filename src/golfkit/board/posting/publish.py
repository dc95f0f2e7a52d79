"""New files on a board: under the own id, never over another file, and kept for later where the home is down."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from golfkit.board.homes.outbox import Outbox
from golfkit.board.homes.protocol import Home, Taken, Unreachable
from golfkit.board.records import names
from golfkit.errors import Exit, GolfError

TRIES = (
    1000  # suffixes; each is one of 2^36, so that a second try is rare and a thousandth means a broken random source
)


class Author(NamedTuple):
    """Who posts, when, and where to."""

    home: Home
    agent: str  # checked
    now: datetime
    random_hex: Callable[[], str]  # nine hex digits
    outbox: Outbox | None  # takes posts for a bucket that is down; None: that is an error


class Published(NamedTuple):
    """A new file."""

    file: str
    path: str
    waiting: str  # why it is in the outbox still; empty: it is on the board


def publish(author: Author, folder: str, text: str) -> Published:
    """Write a new message or result.

    A home with atomic creation gets the plain name where it is free. A bucket cannot say whether it is, so there the
    name always has a suffix that nobody else makes.
    """
    content = text.encode("utf-8", "replace")
    suffix = "" if author.home.atomic else names.unique(author.now, author.random_hex())
    if author.outbox is not None:
        path = f"{folder}/{names.file_name(author.now, author.agent, suffix)}"
        posted = author.outbox.post(author.home, path, content, author.now.timestamp())
        return Published(posted.path.rpartition("/")[2], posted.path, posted.waiting)
    for _ in range(TRIES):
        file = names.file_name(author.now, author.agent, suffix)
        try:
            author.home.create(f"{folder}/{file}", content)
        except Taken:
            suffix = names.unique(author.now, author.random_hex())
        else:
            return Published(file, f"{folder}/{file}", "")
    raise GolfError(f"{author.home.where}/{folder}: {TRIES} names were taken; try again", Exit.REMOTE)


def require_registration(home: Home, agent: str) -> None:
    """Refuse an id that is not registered; a home that is down cannot be asked, so then the outbox's turn decides."""
    try:
        home.read(f"{names.AGENTS}/{agent}.md", 1)
    except Unreachable:
        return
    except FileNotFoundError as error:
        raise GolfError(
            f"{home.where}: {agent} is not registered; run golf board agent register --model M --harness H", Exit.NO
        ) from error
