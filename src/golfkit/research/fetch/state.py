""".research/state.json: what every source gave last, when it may be asked again, and its validators."""

import contextlib
import fcntl
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from golfkit import files, strict
from golfkit.errors import GolfError
from golfkit.research.fetch.etags import KEPT_DAYS, Validator

FOLDER = ".research"
FILE = "state.json"
_FORM = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, kw_only=True)
class State:
    """The whole file.

    succeeded   CONTEST/SOURCE, and CONTEST/tavily/SET: QUERY: when its last whole fetch began
    not_before  a service (or "feeds HOST"): when it may be asked again
    validators  source: by key of etags.key
    """

    succeeded: Mapping[str, str] = field(default_factory=dict)
    not_before: Mapping[str, str] = field(default_factory=dict)
    validators: Mapping[str, Mapping[str, Validator]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Commit:
    """What one fetch of one source adds to the state.

    names   entries of `succeeded` that are now whole up to `began`
    fresh   the source's validators of answers whose items are in the cache
    held    lanes that are to be left alone: until when, Unix seconds
    """

    source: str
    began: datetime
    names: tuple[str, ...] = ()
    fresh: Mapping[str, Validator] = field(default_factory=dict)
    held: Mapping[str, float] = field(default_factory=dict)


def read(folder: Path) -> State:
    """The state of a workspace's folder .research; empty where there is none yet."""
    path = folder / FILE
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return State()
    except UnicodeDecodeError as error:
        raise GolfError(f"{path}: {error}; {_ANEW}") from error
    try:
        state = strict.decode(State, strict.parse(text, str(path)), str(path))
        for moment in (*state.succeeded.values(), *state.not_before.values()):
            parse(moment)
    except (GolfError, ValueError) as error:
        where = "" if isinstance(error, GolfError) else f"{path}: "
        raise GolfError(f"{where}{error}; {_ANEW}") from error
    return state


_ANEW = "correct it, or remove it: then all is asked anew from SINCE_HOURS ago, and nothing gets in twice"


def commit(folder: Path, done: Commit) -> None:
    """Add to the state under its lock. Call it when the items are in the cache, never before."""
    path = folder / FILE
    with files.locked(path):
        state = _after(read(folder), done)
        files.atomic_write(path, json.dumps(asdict(state), indent=1, sort_keys=True) + "\n")


@contextlib.contextmanager
def turn(folder: Path, source: str) -> Iterator[bool]:
    """Whether this process may fetch `source` while the block runs: one at a time may, the others are told no.

    The lock is the kernel's: it ends with the process, however that ends.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / f".{source}.lock", "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def since(state: State, name: str, now: datetime, overlap: timedelta, asked: timedelta | None) -> datetime:
    """From when on `name` is wanted: the last success less the overlap, now less the overlap at first.

    asked  how far back was asked for instead; None for nothing special
    """
    if asked is not None:
        return now - asked
    last = state.succeeded.get(name)
    return (min(parse(last), now) if last else now) - overlap


def continues(state: State, name: str, asked_from: datetime) -> bool:
    """Whether a fetch from `asked_from` on leaves no gap behind the last success."""
    last = state.succeeded.get(name)
    return last is None or asked_from <= parse(last)


def render(moment: datetime) -> str:
    """UTC text of a moment."""
    return moment.astimezone(UTC).strftime(_FORM)


def parse(text: str) -> datetime:
    """The moment that `render` wrote; ValueError for anything else."""
    return datetime.strptime(text, _FORM).replace(tzinfo=UTC)


def _after(state: State, done: Commit) -> State:
    began = render(done.began)
    oldest = render(done.began - timedelta(days=KEPT_DAYS))
    own = {**state.validators.get(done.source, {}), **done.fresh}
    kept = {key: validator for key, validator in own.items() if validator.used >= oldest}
    others = {source: known for source, known in state.validators.items() if source != done.source}
    held = {name: render(datetime.fromtimestamp(until, UTC)) for name, until in done.held.items()}
    waiting = {name: until for name, until in state.not_before.items() if until > began}
    return replace(
        state,
        succeeded={**state.succeeded, **dict.fromkeys(done.names, began)},
        not_before={**waiting, **held},
        validators={**others, **({done.source: kept} if kept else {})},
    )
