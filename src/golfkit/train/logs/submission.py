"""A contest record's submission.json: does it give the log's seed the score that the log gives? Pure."""

import json
from typing import Any

from golfkit.train.logs.parser import TrainingLog

FILE = "submission.json"
SAME_BPB = 1e-4  # submissions round to four decimals or more


def contradiction(text: str, log: TrainingLog) -> str | None:
    """What a submission.json says about the log's seed that the log does not; None where they can agree.

    A record is sometimes scored by a second evaluation whose log is another one.
    """
    try:
        table = json.loads(text)
    except json.JSONDecodeError as error:
        return f"{FILE}:{error.lineno} is not JSON ({error.msg}), so that the score cannot be compared with it"
    told = _score(table, log.seed)
    if told is None or log.val_bpb is None or abs(told - log.val_bpb) <= SAME_BPB:
        return None
    return f"{FILE} beside the log gives seed {log.seed} val_bpb {told}, not {log.val_bpb}"


def _score(table: Any, seed: int | None) -> float | None:
    results = table.get("seed_results") if isinstance(table, dict) else None
    result = results.get(str(seed)) if isinstance(results, dict) else None
    told = result.get("val_bpb") if isinstance(result, dict) else None
    return told if isinstance(told, float) else None
