"""The runs that are to become one record: read from the workspace, and refused where they are not one experiment."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from golfkit.budget.record import logs
from golfkit.budget.record.folder import SCRIPT
from golfkit.budget.record.logs import RecordLog
from golfkit.budget.record.verdict import listed
from golfkit.errors import Exit, GolfError
from golfkit.train.logs import decode
from golfkit.train.logs.submission import SAME_BPB
from golfkit.train.runs import record
from golfkit.train.runs.record import RunRecord, SeedResult

RUNS = "runs"
LOG = re.compile(r"train(?:[._](?:seed)?\d+)?\.log")  # train.log; train.42.log and train_seed42.log of more seeds


@dataclass(frozen=True, kw_only=True)
class SeedRun:
    """One seed: what its log says, which is what a reader of the record will see."""

    seed: int
    run: str  # its run's id
    log_text: bytes
    said: RecordLog
    payload_bytes: int

    @property
    def val_bpb(self) -> float:
        """Its score."""
        assert self.said.log.val_bpb is not None  # else it was refused
        return self.said.log.val_bpb


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Seeds of one code, one configuration, one set of data."""

    first: RunRecord  # what all runs have in common
    script: bytes
    seeds: tuple[SeedRun, ...]

    @property
    def artifact_bytes(self) -> int:
        """Bytes shipped: the script and the largest payload."""
        return len(self.script) + max(seed.payload_bytes for seed in self.seeds)


def read(home: Path, ids: Sequence[str], *, any_tier: bool) -> Experiment:
    """The experiment that runs of a workspace make; GolfError where they are not one.

    any_tier  whether runs of the local tier may be among them
    """
    known = record.read_all(home / RUNS, ids)
    for run in ids:
        if run not in known:
            raise GolfError(f"{home / RUNS / run}: no run with a {record.FILE}; golf results show lists the runs")
    found = list(known.values())
    for made in found:
        where = f"{home / RUNS / made.run / record.FILE}"
        if made.status == "crash":
            raise GolfError(f"{where}: status is crash, expected a run that ended well", Exit.NO)
        if made.tier == "local" and not any_tier:
            raise GolfError(f"{where}: tier is local, expected runpod or ssh; --non-record takes it", Exit.NO)
    _same_experiment(home, found)
    scripts = {made.run: _script(home / RUNS / made.run) for made in found}
    for run, script in scripts.items():
        if script != scripts[found[0].run]:
            raise GolfError(
                f"{home / RUNS / run / SCRIPT}: not the code of {found[0].run}; seeds need one code", Exit.NO
            )
    seeds = [_seed(home / RUNS / made.run, made, result) for made in found for result in made.seeds]
    _check_seeds(seeds, home)
    return Experiment(first=found[0], script=scripts[found[0].run], seeds=tuple(seeds))


def _same_experiment(home: Path, found: Sequence[RunRecord]) -> None:
    """Refuse runs of different configurations or data: records were disqualified for that."""
    first = found[0]
    for made in found[1:]:
        for name, own, other in zip(_NAMES, _traits(first), _traits(made), strict=True):
            if own != other:
                where = home / RUNS / made.run / record.FILE
                raise GolfError(f"{where}: {name} is {other}, that of {first.run} {own}; seeds need one", Exit.NO)


_NAMES = (
    "the model",
    "the spec",
    "iterations",
    "limit_seconds",
    "batch_tokens",
    "seq_len",
    "the data",
    "the tokenizer",
)


def _traits(made: RunRecord) -> tuple[object, ...]:
    data = made.data
    return (
        made.model.sha256,
        made.model.spec,
        made.iterations,
        made.limit_seconds,
        made.batch_tokens,
        made.seq_len,
        (data.train_sha256, data.val_sha256),
        (data.tokenizer, data.tokenizer_sha256),
    )


def _script(folder: Path) -> bytes:
    path = folder / SCRIPT
    if not path.is_file():
        raise GolfError(f"{path}: not found, expected the run's counted script")
    return path.read_bytes()


def _seed(folder: Path, made: RunRecord, result: SeedResult) -> SeedRun:
    """One seed of a run: its log is found by the seed that it names, and has to say what run.json says."""
    where = f"{folder / record.FILE}: seed {result.seed}"
    found = [(path, path.read_bytes()) for path in sorted(folder.glob("train*.log")) if LOG.fullmatch(path.name)]
    read_ = [(text, logs.read(path.name, decode(text))) for path, text in found]
    own = [(text, said) for text, said in read_ if said.log.seed == result.seed]
    if len(own) != 1:
        raise GolfError(f"{where}: {len(own)} logs of it in {folder}, expected one that names it")
    text, said = own[0]
    if said.log.val_bpb is None:
        raise GolfError(f"{folder / said.name}: no score: {said.log.why}", Exit.NO)
    scores = [s for s in (result.val_bpb, result.sliding_val_bpb, result.ttt_val_bpb) if s is not None]
    if not any(abs(said.log.val_bpb - score) <= SAME_BPB for score in scores):
        raise GolfError(f"{where} has {listed(scores) or 'no score'}, its log says {said.log.val_bpb}", Exit.NO)
    payload = result.payload_bytes or said.payload_bytes
    if payload is None:
        raise GolfError(f"{where}: payload_bytes is unknown, expected the size of what is shipped")
    if said.payload_bytes not in (None, payload):
        raise GolfError(f"{where}: payload_bytes is {payload:,}, its log says {said.payload_bytes:,}", Exit.NO)
    return SeedRun(seed=result.seed, run=made.run, log_text=text, said=said, payload_bytes=payload)


def _check_seeds(seeds: Sequence[SeedRun], home: Path) -> None:
    if not seeds:
        raise GolfError(f"{home / RUNS}: the runs have no seeds, expected scores in their {record.FILE}")
    for i, seed in enumerate(seeds):
        for other in seeds[:i]:
            if other.seed == seed.seed:
                both = f"{other.run} and {seed.run}"
                raise GolfError(f"{home / RUNS}: {both} both have seed {seed.seed}, expected each once", Exit.NO)
    if found := logs.differences([seed.said for seed in seeds]):
        raise GolfError(f"{home / RUNS}: by their logs the seeds differ in {found[0]}; seeds need one setting", Exit.NO)
