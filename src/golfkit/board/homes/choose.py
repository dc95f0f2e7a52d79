"""Which home a command means: --board DIR, --board hf://buckets/ORG/NAME, BUCKET=ORG/NAME, or ./board."""

import re
from collections.abc import Mapping
from pathlib import Path

from golfkit.board.homes.bucket import SCHEME, BucketHome
from golfkit.board.homes.local import LocalHome
from golfkit.board.homes.outbox import Outbox
from golfkit.board.homes.protocol import Home
from golfkit.errors import Exit, GolfError
from golfkit.settings import Settings

FOLDER = "board"  # of the current folder
_BUCKET = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def home(board: str | None, values: Settings) -> Home:
    """The board's home.

    board  what --board says; None where it was not given
    """
    if board is None and values.bucket:
        return BucketHome(SCHEME + _bucket(values.bucket, "BUCKET"), values.hf_token)
    if board is None:
        return LocalHome(Path(FOLDER), values.hf_token)
    if board.startswith(SCHEME):
        return BucketHome(SCHEME + _bucket(board.removeprefix(SCHEME).rstrip("/"), "--board"), values.hf_token)
    if not board or _SCHEME.match(board):
        raise GolfError(f"--board is {board!r:.100}, expected a folder or {SCHEME}ORG/NAME", Exit.USAGE)
    path = Path(board).expanduser()
    if path.exists() and not path.is_dir():
        raise GolfError(f"--board is {board!r:.100}, a file; expected a folder or {SCHEME}ORG/NAME", Exit.USAGE)
    return LocalHome(path, values.hf_token)


def outbox(chosen: Home, environ: Mapping[str, str]) -> Outbox | None:
    """Where posts wait for a bucket: $XDG_STATE_HOME/golfkit/outbox/ORG/NAME, else below ~/.local/state.

    Posts must survive a cleaned cache and a moved workspace, so that it is the user's state folder. None for a folder.
    """
    if not isinstance(chosen, BucketHome):
        return None
    base = environ.get("XDG_STATE_HOME")
    state = Path(base) if base else Path.home() / ".local" / "state"
    return Outbox(state / "golfkit" / "outbox" / chosen.where.removeprefix(SCHEME))


def _bucket(text: str, named_by: str) -> str:
    if not _BUCKET.fullmatch(text) or ".." in text:
        raise GolfError(f"{named_by} is {text!r:.100}, expected ORG/NAME of a Hugging Face bucket", Exit.USAGE)
    return text
