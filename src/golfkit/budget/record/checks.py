"""The checks of a record folder, each with its reason. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from golfkit.budget.record import accounting, seeds
from golfkit.budget.record.folder import README, SCRIPT, Record
from golfkit.budget.record.verdict import NO, OK, UNKNOWN, Check, count, listed, worst
from golfkit.train.logs import submission as submissions

GPUS, GPU = 8, "H100"  # the contest's machine
EVALUATION_SECONDS = 600  # allowed besides the training
GRACE_S = 0.5  # the step that crosses the limit is finished; accepted records say up to 600.10 s


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What to check against."""

    limit: int  # bytes
    training_seconds: float
    with_script: bool = True


def every(record: Record, rules: Rules) -> list[Check]:
    """All checks but that of significance, in the order of the rules."""
    return [
        Check("files", *_files(record, rules)),
        Check("submission", *_submission(record)),
        Check("size", *_size(record, rules)),
        Check("accounting", *_accounting(record)),
        Check("training", *_training(record, rules)),
        Check("evaluation", *_evaluation(record)),
        Check("hardware", *_hardware(record)),
        Check("seeds", *seeds.number(record)),
        Check("config", *seeds.config(record)),
        Check("scores", *seeds.scores(record)),
        Check("overlap", *seeds.overlap(record)),
    ]


def _files(record: Record, rules: Rules) -> tuple[str, str]:
    wanted = [README, submissions.FILE, *([SCRIPT] if rules.with_script else [])]
    missing = [name for name in wanted if name not in record.names]
    said = f"{', '.join(missing)} missing" if missing else ""
    if submissions.FILE in missing and record.submission_file:
        said += f" ({record.submission_file} is read in its place)"
    if not record.logs:
        said += ("; " if said else "") + "no training log"
    if said:
        return NO, said
    note = "" if rules.with_script else f"; {SCRIPT} was not looked at"
    return OK, f"{', '.join(wanted)}, {count(len(record.logs), 'training log')}{note}"


def _submission(record: Record) -> tuple[str, str]:
    if record.submission is None:
        return NO, record.broken or "there is none"
    remarks = record.submission.remarks
    answers = [(NO if remark.wrong else OK, remark.text) for remark in remarks]
    verdict, reason = worst(answers) if answers else (OK, "name, GitHub id and score are there")
    harmless = [remark.text for remark in remarks if not remark.wrong and verdict == NO]
    return verdict, "; ".join([reason, *harmless])


def _size(record: Record, rules: Rules) -> tuple[str, str]:
    limit = f"{rules.limit:,}"
    if not record.logs:
        told = record.submission.bytes_total if record.submission else None
        said = f"; submission.json says {told:,.0f} bytes" if told else ""
        return UNKNOWN, f"no log tells the payload's size{said}"
    payloads = [log.payload_bytes for log in record.logs]
    largest = max((payload for payload in payloads if payload), default=None)
    if largest is not None and largest > rules.limit:
        return NO, f"the payload alone has {largest:,} bytes, the limit is {limit}"
    if record.code and largest is not None:
        total = record.n_code_bytes + largest
        names = " + ".join(f"{name} {n_bytes:,}" for name, n_bytes in record.code)
        logged = sorted({log.log.code_bytes for log in record.logs if log.log.code_bytes})
        packed = f"; the logs counted {listed(logged)} of code" if logged and logged != [record.n_code_bytes] else ""
        verdict = OK if total <= rules.limit else NO
        return verdict, f"{total:,} bytes shipped ({names}, payload {largest:,}), the limit is {limit}{packed}"
    total = max((log.log.artifact_bytes or 0 for log in record.logs), default=0)
    if not total:
        told = record.submission.bytes_total if record.submission else None
        return UNKNOWN, "no log says what it weighs" + (f"; submission.json says {told:,.0f} bytes" if told else "")
    if total <= rules.limit:
        return OK, f"{total:,} bytes by the logs, the limit is {limit}; shipped code was not weighed"
    room = f": it fits if the shipped code has {rules.limit - largest:,} or fewer" if largest is not None else ""
    return UNKNOWN, f"{total:,} bytes by the logs, over {limit} with the code as logged; code is often packed{room}"


def _accounting(record: Record) -> tuple[str, str]:
    tokens = {log.log.tokens for log in record.logs if log.log.tokens}
    answers = []
    for log in record.logs:
        if log.bytes_per_token is not None:
            verdict, reason = accounting.judge(log.bytes_per_token, log.log.tokens)
            answers.append((verdict, reason if verdict == OK else f"{log.name}: {reason}"))
    found = record.submission
    if found is not None and found.val_loss and found.val_bpb:
        ratio = accounting.of_score(found.val_loss, found.val_bpb)
        verdict, reason = accounting.judge(ratio, tokens.pop() if len(tokens) == 1 else None)
        answers.append((verdict, reason if verdict == OK else f"submission.json: {reason}"))
    verdict, reason = worst(answers) if answers else (UNKNOWN, "nothing gives val_loss and val_bpb of one evaluation")
    return verdict, reason.split("; ")[0] if verdict == OK else reason


def _training(record: Record, rules: Rules) -> tuple[str, str]:
    told = record.submission.train_seconds if record.submission else None
    return _time([(log.name, log.log.train_seconds) for log in record.logs], told, rules.training_seconds, record)


def _evaluation(record: Record) -> tuple[str, str]:
    found = record.submission
    seconds = [found.eval_seconds, *(seed.eval_seconds for seed in found.seeds)] if found else []
    told = max((value for value in seconds if value), default=None)
    return _time([(log.name, log.log.eval_seconds) for log in record.logs], told, EVALUATION_SECONDS, record)


def _time(
    measured: Sequence[tuple[str, float | None]], told: float | None, limit: float, record: Record
) -> tuple[str, str]:
    known = [(seconds, name) for name, seconds in measured if seconds]
    if not record.for_record:
        shown = f"; {max(known)[0]:.1f} s" if known else ""
        return OK, f"the non-record track has no limit of time{shown}"
    over = [f"{name}: {seconds:.1f} s" for seconds, name in known if seconds > limit + GRACE_S]
    if told and told > limit + GRACE_S:
        over.append(f"{submissions.FILE}: {told:.1f} s")
    if over:
        return NO, f"{', '.join(over)}, the limit is {limit:.0f}"
    if known:
        return OK, f"{max(known)[0]:.1f} s, the limit is {limit:.0f}"
    return UNKNOWN, "no log says how long it took" + (f"; {submissions.FILE} says {told:.1f} s" if told else "")


def _hardware(record: Record) -> tuple[str, str]:
    gpus = {
        f"{len(log.gpus)} x {log.gpus[0]}": all(GPU in name for name in log.gpus) for log in record.logs if log.gpus
    }
    worlds = {log.log.world_size for log in record.logs if log.log.world_size}
    shown = ", ".join(gpus) if gpus else f"{listed(sorted(worlds))} processes" if worlds else ""
    if not record.for_record:
        return OK, f"the non-record track may use any{f'; {shown}' if shown else ''}"
    if worlds - {GPUS} or not all(gpus.values()):
        also = f"; processes: {listed(sorted(worlds))}" if worlds - {GPUS} else ""
        return NO, f"{shown}{also}, expected {GPUS} x {GPU}"
    if gpus:
        return OK, shown
    return UNKNOWN, f"no log names the GPUs{f'; {shown}' if shown else ''}"
