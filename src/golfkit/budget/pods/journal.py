"""pods.jsonl: the write-ahead journal of rented pods, one event a line, fsynced before the step that it announces.

    intent       a pod of this name is about to be created; its reservation, price and deadline
    created      the provider gave it an id
    absent       there is none of this name, and none will come
    terminating  it was there, and the provider is asked to end it
    gone         the provider knows it no more
    settled      its cost is booked, and nothing is left open

What a crash leaves is read from here: an intent without `settled` is open, and `golf pods reap` finishes it.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from golfkit import files
from golfkit.errors import GolfError

FILE = "pods.jsonl"
EVENTS = ("intent", "created", "absent", "terminating", "gone", "settled")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What the journal says of one pod name. Times are Unix seconds, UTC, by this machine's clock."""

    name: str  # unique; also what its reservation is for
    run: str  # id of the run that it was rented for
    provider: str  # rest2, sdk
    account: str  # digest of its key: by another account's key, a living pod looks as if it were gone
    reservation: str
    worst_cents: int
    usd_per_hour: Decimal  # of the whole machine: estimated, and the provider's own once it is created
    intended: float  # just before the create call
    deadline: float
    grace: float  # seconds after the intent in which a create without an answer may still bring a pod
    ids: tuple[str, ...] = ()  # the provider's; more than one when a create was doubled
    absent: bool = False
    seen: float | None = None  # when it was last found alive and asked to end
    gone: tuple[str, ...] = ()
    ended: float | None = None  # when the last of them was seen to be gone
    settled_cents: int | None = None

    @property
    def open(self) -> bool:
        """Whether something is left to do."""
        return self.settled_cents is None

    @property
    def living(self) -> tuple[str, ...]:
        """Ids that were not seen to be gone."""
        return tuple(pod for pod in self.ids if pod not in self.gone)


class Journal:
    """The journal of a workspace."""

    def __init__(self, home: Path, now: Callable[[], float], say: Callable[[str], None]) -> None:
        """Of the workspace `home`; `say` is told of lines that a crash tore."""
        self.path, self.now, self.say = home / FILE, now, say

    def write(self, event: str, name: str, **facts: Any) -> None:
        """Append an event; on disk when this returns."""
        if event not in EVENTS:
            raise ValueError(f"no event is named {event}")
        line = {"time": round(self.now(), 3), "event": event, "name": name, **facts}
        files.append_line(self.path, json.dumps(line, default=str))

    def intend(self, entry: Entry) -> None:
        """Announce a pod before its create call."""
        self.write(
            "intent",
            entry.name,
            run=entry.run,
            provider=entry.provider,
            account=entry.account,
            reservation=entry.reservation,
            worst_cents=entry.worst_cents,
            usd_per_hour=str(entry.usd_per_hour),
            intended=entry.intended,
            deadline=entry.deadline,
            grace=entry.grace,
        )

    def entries(self) -> dict[str, Entry]:
        """Every pod name of the journal, oldest first."""
        try:
            text = self.path.read_text("utf-8", errors="replace")
        except FileNotFoundError:
            return {}
        return replay(self._lines(text), str(self.path))

    def entry(self, name: str) -> Entry:
        """One entry; it must be there."""
        found = self.entries().get(name)
        if found is None:
            raise GolfError(f"{self.path}: no pod is named {name}; see golf pods list")
        return found

    def _lines(self, text: str) -> Iterable[tuple[int, Mapping[str, Any]]]:
        for n, line in enumerate(text.split("\n"), start=1):
            if not line.strip():
                continue
            try:
                event = json.loads(line)
            except ValueError:
                # A line that a power cut tore announced a step that was never taken: the next event, or the
                # provider's list, says what holds. One such line must not keep pods from being ended.
                self.say(f"{self.path}:{n}: torn line passed over: {files.neutralise(line)[:60]!r}")
                continue
            if not isinstance(event, dict):
                raise GolfError(f"{self.path}:{n}: {line[:60]!r}, expected a JSON object; remove the line")
            yield n, event


def replay(lines: Iterable[tuple[int, Mapping[str, Any]]], where: str) -> dict[str, Entry]:
    """The entries that a journal's events add up to. Pure."""
    entries: dict[str, Entry] = {}
    for n, event in lines:
        try:
            _apply(entries, event)
        except (KeyError, TypeError, ValueError, InvalidOperation) as error:
            raise GolfError(f"{where}:{n}: {error!r}, expected an event of golf pods; correct or remove it") from error
    return entries


def _apply(entries: dict[str, Entry], event: Mapping[str, Any]) -> None:
    kind, name, time = event["event"], event["name"], float(event["time"])
    if kind == "intent":
        entries[name] = Entry(
            name=name,
            run=str(event["run"]),
            provider=str(event["provider"]),
            account=str(event["account"]),
            reservation=str(event["reservation"]),
            worst_cents=int(event["worst_cents"]),
            usd_per_hour=Decimal(event["usd_per_hour"]),
            intended=float(event["intended"]),
            deadline=float(event["deadline"]),
            grace=float(event["grace"]),
        )
        return
    entry = entries[name]
    if kind == "created":
        price = entry.usd_per_hour if event["usd_per_hour"] is None else Decimal(event["usd_per_hour"])
        ids = entry.ids if event["id"] in entry.ids else (*entry.ids, str(event["id"]))
        entries[name] = replace(entry, ids=ids, usd_per_hour=price)
    elif kind == "absent":
        entries[name] = replace(entry, absent=True)
    elif kind == "terminating":
        entries[name] = replace(entry, seen=time)
    elif kind == "gone":
        entries[name] = replace(entry, gone=(*entry.gone, str(event["id"])), ended=time)
    elif kind == "settled":
        entries[name] = replace(entry, settled_cents=int(event["cents"]))
    else:
        raise ValueError(f"event {kind!r}")
