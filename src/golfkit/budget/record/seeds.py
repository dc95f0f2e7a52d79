"""The checks of what a record's seeds say together: how many, of one configuration, with which scores. Pure."""

import math
import statistics
from collections.abc import Sequence

from golfkit.budget.record import accounting, logs
from golfkit.budget.record.folder import SCRIPT, Record
from golfkit.budget.record.logs import RecordLog
from golfkit.budget.record.verdict import NO, OK, UNKNOWN, count, listed, worst
from golfkit.train.logs import submission as submissions
from golfkit.train.logs.submission import SAME_BPB, SeedScore

SEEDS = 3  # what the contest's records show
SHOWN = 4  # settings that are named
OVERLAP_SHARDS = 1499  # of a data preparation whose training set holds 40,000 of the 50,000 validation documents


def number(record: Record) -> tuple[str, str]:
    """Whether there are as many seeds as a record needs, each with its log."""
    logged = sorted({log.log.seed for log in record.logs if log.log.seed is not None})
    if not record.for_record:
        return OK, f"the non-record track asks for no number of seeds; logs of {listed(logged) or 'none'}"
    if not record.logs:
        return UNKNOWN, f"no log; {submissions.FILE} names {listed(sorted(_told(record))) or 'none'}"
    said = f"logs of {count(len(logged), 'seed')}: {listed(logged) or 'none names its seed'}"
    answers = [(OK, said) if len(logged) >= SEEDS else (NO, f"{said}, expected {SEEDS} or more")]
    if missing := sorted(_told(record) - set(logged)):
        answers.append((NO, f"{submissions.FILE} names {listed(missing)}, of which there is no log"))
    return worst(answers)


def config(record: Record) -> tuple[str, str]:
    """Whether the seeds ran one configuration and one code; logs of one folder are compared."""
    stages: dict[str, list[RecordLog]] = {}
    for log in record.logs:
        stages.setdefault(log.name.rpartition("/")[0], []).append(log)
    groups = [group for group in stages.values() if len(group) > 1]
    answers = []
    for group in groups:
        if found := logs.differences(group):
            more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
            answers.append((NO, f"the runs differ in {'; '.join(found[:SHOWN])}{more}"))
        sizes = sorted({log.log.code_bytes for log in group if log.log.code_bytes})
        sources = {log.source for log in group if log.source}
        if len(sizes) > 1:
            answers.append((NO, f"the runs had different code, of {listed(sizes)} bytes"))
        elif len(sources) > 1:
            answers.append((NO, f"the runs had {len(sources)} different sources"))
    if not record.for_record and answers:
        return OK, "the non-record track may show several configurations"
    if record.script is not None and (sources := {log.source for log in record.logs if log.source}):
        same = sources == {record.script.strip()}
        answers.append((OK, f"the logs begin with {SCRIPT} as shipped") if same else _other_source(sources))
    if answers:
        return worst(answers)
    return (OK, "one, by the logs") if record.logs else (UNKNOWN, "no log")


def _other_source(sources: set[str]) -> tuple[str, str]:
    return UNKNOWN, f"the source in the logs ({count(len(sources), 'form')}) is not {SCRIPT} as shipped; is it packed?"


def scores(record: Record) -> tuple[str, str]:
    """Whether submission.json says what the logs say."""
    found = record.submission
    scored = [log for log in record.logs if log.log.val_bpb is not None]
    if found is None or found.val_bpb is None:
        return UNKNOWN, f"{submissions.FILE} gives no val_bpb"
    if not scored:
        return UNKNOWN, record.logs[0].log.why if record.logs else "no log"
    answers = []
    for told in found.seeds:
        logged = [log for log in record.logs if log.log.seed == told.seed]
        answers += _score(told, logged) + _sizes(told, logged)
    answers.append(_whole(found.val_bpb, [log.log.val_bpb for log in scored if log.log.val_bpb is not None], record))
    return worst(answers)


def _whole(told: float, logged: Sequence[float], record: Record) -> tuple[str, str]:
    """The verdict on a record's own score: the mean of its seeds, or one of them."""
    by_seed = [seed.val_bpb for seed in per_seed(record) if seed.val_bpb is not None]
    means = [statistics.fmean(values) for values in (by_seed, logged) if values]
    if any(_same(told, mean) for mean in means):
        return OK, f"val_bpb {told} agrees with the logs"
    if any(_same(told, bpb) for bpb in logged):
        return OK, f"val_bpb {told} is that of one log; the mean of the seeds is {means[0]:.5f}"
    return NO, f"val_bpb {told}, the logs say {listed(logged)}"


def _score(told: SeedScore, own: Sequence[RecordLog]) -> list[tuple[str, str]]:
    """What is wrong with the score that a submission gives for a seed."""
    scores = [log.log.val_bpb for log in own if log.log.val_bpb is not None]
    if told.val_bpb is None or not own or any(_same(told.val_bpb, bpb) for bpb in scores):
        return []
    if not scores:
        return [(UNKNOWN, f"seed {told.seed}: {told.val_bpb}, but {own[0].name}: {own[0].log.why}")]
    return [(NO, f"seed {told.seed}: {told.val_bpb}, its log says {listed(scores)}")]


def _sizes(told: SeedScore, own: Sequence[RecordLog]) -> list[tuple[str, str]]:
    """What is wrong with the size that a submission gives for a seed; no record has been refused for that."""
    known = [log for log in own if log.log.artifact_bytes]
    if told.artifact_bytes is None or not known or any(told.artifact_bytes == log.log.artifact_bytes for log in known):
        return []
    if any(told.artifact_bytes == log.payload_bytes for log in known):
        return [(UNKNOWN, f"seed {told.seed}: artifact_bytes {told.artifact_bytes:,.0f} is the payload without code")]
    logged = listed([log.log.artifact_bytes for log in known])
    return [(UNKNOWN, f"seed {told.seed}: artifact_bytes {told.artifact_bytes:,.0f}, its log says {logged}")]


def per_seed(record: Record) -> list[SeedScore]:
    """The score of each seed by its log, else by submission.json; of several logs by the one that agrees with it."""
    told = {seed.seed: seed for seed in (record.submission.seeds if record.submission else ())}
    found = []
    for seed in dict.fromkeys([*(log.log.seed for log in record.logs if log.log.seed is not None), *told]):
        claim = told.get(seed, SeedScore(seed))
        own = [log.log for log in record.logs if log.log.seed == seed and log.log.val_bpb is not None]
        agreeing = [log for log in own if claim.val_bpb is not None and _same(claim.val_bpb, log.val_bpb)]
        best = (agreeing or own or [None])[-1]
        found.append(claim if best is None else SeedScore(seed, best.val_bpb, best.val_loss))
    return found


def overlap(record: Record) -> tuple[str, str]:
    """Whether the training data is that of the known mistake, which held validation documents."""
    shards = {log.log.train_shards for log in record.logs if log.log.train_shards}
    if OVERLAP_SHARDS in shards:
        made = "made with 10,000 validation documents, so that 40,000 of the 50,000 scored ones were trained on"
        return NO, f"train_shards:{OVERLAP_SHARDS} in a log is the mark of shards {made}"
    if shards:
        return OK, f"train_shards {listed(sorted(shards))}: not the mark of the known overlap"
    return UNKNOWN, "no log says how many training shards there were"


def losses(record: Record) -> list[float]:
    """The validation loss of each seed, nats a token; seeds without one are left out."""
    return [seed.val_loss for seed in per_seed(record) if seed.val_loss is not None]


def bytes_per_token(record: Record) -> float | None:
    """Of the record's tokenizer; the median of its logs, else by its submission."""
    known = [log.bytes_per_token for log in record.logs if log.bytes_per_token is not None]
    if known:
        return statistics.median(known)
    found = record.submission
    return accounting.of_score(found.val_loss, found.val_bpb) if found and found.val_loss and found.val_bpb else None


def _told(record: Record) -> set[int]:
    return {seed.seed for seed in record.submission.seeds} if record.submission else set()


def _same(a: float, b: float | None) -> bool:
    return b is not None and math.isclose(a, b, rel_tol=0, abs_tol=SAME_BPB)
