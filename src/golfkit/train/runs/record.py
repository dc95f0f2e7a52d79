"""runs/ID/run.json: everything needed to judge a run and to repeat it. Schema golfkit.run.v1.

Only schema, run, tier and source are required: the record of an imported log holds little more. What is not known is
null, never 0. Top-level keys that golfkit does not know are kept and written back; inside the objects they are refused.
"""

import dataclasses
import datetime
import json
import re
import statistics
import unicodedata
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from golfkit import files, ledger, strict
from golfkit.errors import GolfError

SCHEMA = "golfkit.run.v1"
FILE = "run.json"
SOURCES = ("train-local", "script", "import", "promote")
SLUG_CHARACTERS = 32
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_DIVIDE = ("val_bpb", "val_loss", "pre_quant_val_bpb", "sliding_val_bpb", "ttt_val_bpb")  # a 0 would stand for unknown


@dataclass(frozen=True, kw_only=True)
class Model:
    """What was trained."""

    file: str | None = None  # model.py, or the script
    sha256: str | None = None  # of that file
    spec: Mapping[str, Any] | None = None
    n_params: int | None = None
    base: str | None = None  # the spec that was changed: LOCAL, FULL
    changes: Mapping[str, Any] | None = None  # the fields of it that were


@dataclass(frozen=True, kw_only=True)
class Data:
    """What it was trained and scored on."""

    train: str | None = None
    val: str | None = None
    tokenizer: str | None = None  # name: bytes, sp1024, ...
    tokenizer_sha256: str | None = None  # null for bytes, which have no file
    val_sha256: str | None = None
    train_sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class SeedResult:
    """The scores of one seed, in bits per byte (val_loss: nats per token) of the artifact re-read from disk."""

    seed: int
    val_bpb: float | None = None
    val_loss: float | None = None
    pre_quant_val_bpb: float | None = None
    sliding_val_bpb: float | None = None
    ttt_val_bpb: float | None = None
    artifact_bytes: int | None = None
    payload_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """What is counted."""

    code_bytes: int | None = None
    payload_bytes: int | None = None
    artifact_bytes: int | None = None
    limit: int | None = None
    payload: str | None = None  # file name beside run.json

    @property
    def over_limit(self) -> bool:
        """Whether it is known not to fit."""
        return self.artifact_bytes is not None and self.limit is not None and self.artifact_bytes > self.limit


@dataclass(frozen=True, kw_only=True)
class BaselineRef:
    """The running local baseline that the run was judged against."""

    run: str
    val_bpb: float


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """One run.json; fields in the order in which they are written, null where nothing is known."""

    schema: str = SCHEMA
    run: str  # its id, and its folder's name
    tier: str
    source: str
    description: str | None = None
    started: str | None = None  # UTC, 2026-05-01T14:30:00Z
    status: str | None = None
    reason: str | None = None  # why that status
    pair: str | None = None  # the run of the other tier
    model: Model = field(default_factory=Model)
    backend: str | None = None
    device: str | None = None
    dtype: str | None = None
    data: Data = field(default_factory=Data)
    iterations: int | None = None  # planned
    limit_seconds: float | None = None  # the training time allowed; null when tokens alone ended the run
    steps: int | None = None  # done
    batch_tokens: int | None = None
    seq_len: int | None = None
    tokens_seen: int | None = None  # by one seed
    train_seconds: float | None = None  # one seed's, the mean
    wall_seconds: float | None = None  # all of it
    tokens_per_second: float | None = None
    seeds: tuple[SeedResult, ...] = ()
    val_bpb: float | None = None  # mean of the seeds
    noise_bpb: float | None = None  # sample standard deviation over the seeds; null for a single one
    val_tokens: int | None = None
    val_bytes: int | None = None
    artifact: Artifact = field(default_factory=Artifact)
    peak_memory_gb: float | None = None
    baseline: BaselineRef | None = None
    versions: Mapping[str, str] | None = None  # python, torch or mlx, numpy, golfkit
    git_commit: str | None = None
    command: tuple[str, ...] | None = None
    force: str | None = None  # why it was promoted though the gain gate said no
    pod: str | None = None  # name of the machine rented for it
    cost_usd: str | None = None  # dollars, in whole cents
    log_sha256: str | None = None  # of an imported log
    parsed: Mapping[str, Any] | None = None  # what an imported log said
    extra: Mapping[str, Any] = field(default_factory=dict)  # keys that golfkit does not know

    @property
    def time_limited(self) -> bool:
        """Whether the clock ended the training, and not its planned iterations."""
        if self.limit_seconds is None:
            return False
        return self.iterations is None or self.steps is None or self.steps < self.iterations

    @property
    def started_at(self) -> datetime.datetime | None:
        """When it started, in UTC."""
        return None if self.started is None else datetime.datetime.fromisoformat(self.started)

    def check(self, where: str) -> None:
        """Refuse another schema, other words, and a 0 that stands for unknown."""
        if self.schema != SCHEMA:
            raise GolfError(f"{where}: key 'schema' is {self.schema!r}, expected {SCHEMA!r}; written by another golf")
        if not _ID.fullmatch(self.run):
            raise GolfError(f"{where}: key 'run' is {self.run!r}, expected letters, digits, '.', '_' and '-'")
        words = {"tier": ledger.TIERS, "source": SOURCES, "status": (None, *ledger.STATUSES)}
        for name, allowed in words.items():
            if getattr(self, name) not in allowed:
                expected = ", ".join(str(word) for word in allowed if word)
                raise GolfError(f"{where}: key {name!r} is {getattr(self, name)!r}, expected one of {expected}")
        _check_utc(self.started, f"{where}: key 'started'")
        scores = [("", self), *((f"seeds[{i}].", seed) for i, seed in enumerate(self.seeds))]
        for prefix, holder in scores:
            for name in _DIVIDE:
                if getattr(holder, name, None) == 0:
                    raise GolfError(f"{where}: key '{prefix}{name}' is 0, expected more, or null for unknown")


def scored(record: RunRecord, seeds: Sequence[SeedResult]) -> RunRecord:
    """`record` with the results of its seeds: their mean val_bpb, and the sample standard deviation of two or more."""
    scores = [seed.val_bpb for seed in seeds if seed.val_bpb is not None]
    whole = len(scores) == len(seeds) > 0  # the mean of the seeds that survived would flatter
    return dataclasses.replace(
        record,
        seeds=tuple(seeds),
        val_bpb=statistics.fmean(scores) if whole else None,
        noise_bpb=statistics.stdev(scores) if whole and len(scores) > 1 else None,
    )


def render(record: RunRecord) -> str:
    """The text of run.json; NaN and infinity are refused, as the reader would."""
    table = dataclasses.asdict(record)
    extra = table.pop("extra")
    text = json.dumps(table | extra, indent=2, allow_nan=False) + "\n"
    parse(text, f"{record.run}/{FILE}")
    return text


def write(path: Path, record: RunRecord) -> None:
    """Replace `path` by `record` in one step."""
    files.atomic_write(path, render(record))


def read(path: Path) -> RunRecord:
    """The record at `path`; anything of the wrong type, and another schema, is an error."""
    try:
        return parse(path.read_bytes().decode("utf-8"), str(path))
    except OSError as error:
        raise GolfError(f"{path}: cannot be read ({error.strerror}), expected a run's record") from error
    except UnicodeDecodeError as error:
        raise GolfError(f"{path}: byte {error.start} is not UTF-8, expected a JSON object") from error


def parse(text: str, where: str) -> RunRecord:
    """`read` of a text; `where` names it in errors."""
    table = strict.parse(text, where)
    if "schema" not in table:
        raise GolfError(f"{where}: key 'schema' is missing, expected {SCHEMA!r}; this is no run's record")
    if table["schema"] == SCHEMA:  # what another schema holds, its own golf knows
        record = strict.decode(RunRecord, table, where, extra="extra")
        record.check(where)
        return record
    raise GolfError(f"{where}: key 'schema' is {table['schema']!r:.60}, expected {SCHEMA!r}; written by another golf")


def read_all(runs: Path, ids: Iterable[str]) -> dict[str, RunRecord]:
    """The records of those of `ids` that have one below `runs`, by id; one that names another run is an error."""
    records = {}
    for run in ids:
        path = runs / run / FILE
        if run in records or not _ID.fullmatch(run) or not path.is_file():
            continue
        record = read(path)
        if record.run != run:
            raise GolfError(f"{path}: key 'run' is {record.run!r}, expected its folder's name {run!r}")
        records[run] = record
    return records


def slug(description: str) -> str:
    """A description as part of a folder's name: lower-case ascii words joined by '-', 32 characters or fewer."""
    plain = unicodedata.normalize("NFKD", description).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:SLUG_CHARACTERS].rstrip("-") or "run"


def new_run_id(tier: str, description: str, existing: Container[str]) -> str:
    """TIER_SLUG_N that is not in `existing`, with the lowest N from 1."""
    stem, n = f"{tier}_{slug(description)}", 1
    while f"{stem}_{n}" in existing:
        n += 1
    return f"{stem}_{n}"


def reserve(runs: Path, tier: str, description: str, taken: Iterable[str] = ()) -> Path:
    """Make a new run's folder below `runs`, and return it; runs that start together never share one.

    taken  ids that may not come back though their folder is gone (those of the ledger)
    """
    runs.mkdir(parents=True, exist_ok=True)
    existing = {*taken, *(path.name for path in runs.iterdir())}
    while True:
        folder = runs / new_run_id(tier, description, existing)
        try:
            folder.mkdir()
        except FileExistsError:  # another run took it since
            existing.add(folder.name)
        else:
            return folder


def _check_utc(started: str | None, where: str) -> None:
    try:
        zone = None if started is None else datetime.datetime.fromisoformat(started).utcoffset()
    except ValueError:
        zone = None
    if started is not None and zone != datetime.timedelta(0):
        raise GolfError(f"{where} is {started!r:.60}, expected UTC like 2026-05-01T14:30:00Z")
