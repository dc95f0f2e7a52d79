"""The checks of a record folder, each with its reason. Pure."""

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
    payload = max((log.payload_bytes for log in record.logs if log.payload_bytes), default=None)
    if payload is not None and payload > rules.limit:
        return NO, f"the payload alone has {payload:,} bytes, the limit is {rules.limit:,}"
    if not record.code or payload is None:
        return _logged_size(record, payload, rules.limit)
    total = record.n_code_bytes + payload
    names = " + ".join(f"{name} {n_bytes:,}" for name, n_bytes in record.code)
    said = f"{total:,} bytes shipped ({names}, payload {payload:,}), the limit is {rules.limit:,}"
    logged = sorted({log.log.code_bytes for log in record.logs if log.log.code_bytes})
    if logged and logged != [record.n_code_bytes]:
        said += f"; the logs counted {listed(logged)} of code"
    return OK if total <= rules.limit else NO, said


def _logged_size(record: Record, payload: int | None, limit: int) -> tuple[str, str]:
    """The verdict on what the logs say, where script or payload cannot be weighed."""
    total = max((log.log.artifact_bytes or 0 for log in record.logs), default=0)
    if not total:
        told = record.submission.bytes_total if record.submission else None
        said = f"; submission.json says {told:,.0f} bytes" if told else ""
        return UNKNOWN, f"no log says what code and payload weigh{said}"
    said = f"{total:,} bytes by the logs, the limit is {limit:,}"
    if total <= limit - record.n_code_bytes:
        return OK, f"{said}; shipped code was not weighed"
    if total <= limit:
        return UNKNOWN, f"{said}; the logs do not say how much of it is the payload"
    room = f": it fits if the shipped code has {limit - payload:,} or fewer" if payload is not None else ""
    return UNKNOWN, f"{said}, over it with the code as logged; code is often packed{room}"


def _accounting(record: Record) -> tuple[str, str]:
    tokens = {log.log.tokens for log in record.logs if log.log.tokens}
    found = [(log.name, log.bytes_per_token, log.log.tokens) for log in record.logs if log.bytes_per_token is not None]
    told = record.submission
    if told is not None and told.val_loss and told.val_bpb:
        ratio = accounting.of_score(told.val_loss, told.val_bpb)
        found.append((submissions.FILE, ratio, tokens.pop() if len(tokens) == 1 else None))
    if not found:
        return UNKNOWN, "nothing gives val_loss and val_bpb of one evaluation"
    answers = [(name, *accounting.judge(ratio, n)) for name, ratio, n in found]
    if all(verdict == OK for _, verdict, _ in answers):
        return OK, answers[0][2]
    return worst([(verdict, f"{name}: {reason}") for name, verdict, reason in answers])


def _training(record: Record, rules: Rules) -> tuple[str, str]:
    return _time(record, "train_seconds", rules.training_seconds)


def _evaluation(record: Record) -> tuple[str, str]:
    return _time(record, "eval_seconds", EVALUATION_SECONDS)


def _time(record: Record, name: str, limit: float) -> tuple[str, str]:
    """The verdict on a time that logs, submission and its seeds give under one name."""
    known = [(getattr(log.log, name), log.name) for log in record.logs if getattr(log.log, name)]
    told = [record.submission, *record.submission.seeds] if record.submission else []
    claims = [(getattr(holder, name), submissions.FILE) for holder in told if getattr(holder, name)]
    if not record.for_record:
        shown = f"; {max(known)[0]:.1f} s" if known else ""
        return OK, f"the non-record track has no limit of time{shown}"
    over = [f"{where}: {seconds:.1f} s" for seconds, where in (*known, *claims) if seconds > limit + GRACE_S]
    if over:
        return NO, f"{', '.join(over)}, the limit is {limit:.0f}"
    if known:
        return OK, f"{max(known)[0]:.1f} s, the limit is {limit:.0f}"
    said = f"; {submissions.FILE} says {max(claims)[0]:.1f} s" if claims else ""
    return UNKNOWN, f"no log says how long it took{said}"


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
