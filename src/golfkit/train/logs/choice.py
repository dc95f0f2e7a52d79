"""Which of a log's results is the score. Later stages count when they improved, and a doubtful score is none.

The order of the pipeline: the artifact as re-read (roundtrip, quantised), then sliding windows, then test-time
training; a summary at the end repeats one of them. A stage that made it worse failed, and leaves the score as it was.
"""

import statistics
from collections.abc import Sequence
from typing import NamedTuple

from golfkit.train.logs.results import LEAST_BPB, MOST_BPB, Result, Stage

SAME_TEXT = 0.01  # relative; evaluations that drop a document's start or end differ by 0.0001 in bytes per token
OFFICIAL_BYTES = 151.08e6  # of the contest's validation split, whatever the tokenizer
OFFICIAL_TOKENS = (62_021_632, 45_508_608, 40_540_160, 47_851_520)  # that split under sp1024, sp4096, sp8192, CaseOps


class Choice(NamedTuple):
    """The score, or None, and one sentence that says why."""

    result: Result | None
    why: str


class Trust(NamedTuple):
    """What the rest of the log says about the text that was scored."""

    ratios: Sequence[float]  # bytes per token of other lines that give both values
    tokens: int | None  # of the validation split


def choose(results: Sequence[Result], trust: Trust) -> Choice:
    """The score among the results of one run, in the order in which they were printed."""
    staged = [result for result in results if result.stage is not None]
    if not staged:
        return Choice(None, _nothing(results))
    sane = [result for result in staged if result.plausible]
    if not sane:
        odd = staged[-1]
        between = f"expected between {LEAST_BPB} and {MOST_BPB}"
        return Choice(None, f"line {odd.line} ({odd.label}) says val_bpb {odd.val_bpb:g}, {between}")
    labelled = [result for result in sane if result.stage != Stage.SUMMARY]
    if not labelled:
        return _checked(sane[-1], f"the last {sane[-1].label} line, the only kind of result in the log", trust)
    best, failed = _fold(labelled)
    summary = next((r for r in reversed(sane) if r.stage == Stage.SUMMARY and r.line > labelled[-1].line), None)
    if summary is not None and not summary.same(best):
        named = [result for result in labelled if result.same(summary)]
        if not named:
            other = f"none of the stages before gave that ({best.label}: {best.val_bpb})"
            return Choice(None, f"the summary on line {summary.line} says val_bpb {summary.val_bpb}, and {other}")
        best = max(named, key=lambda result: result.decimals)
        return _checked(best, f"the summary on line {summary.line} names the value of {best.label}", trust)
    why = f"{best.label}: the best evaluation of the finished artifact"
    if failed is not None:
        why += f"; {failed.label} on line {failed.line} made it worse ({failed.val_bpb:g}) and does not count"
    return _checked(best, why, trust)


def _fold(labelled: Sequence[Result]) -> tuple[Result, Result | None]:
    """The best result, and the last one that was worse though its stage comes later in the pipeline."""
    best, failed = labelled[0], None
    for result in labelled[1:]:
        if result.same(best):
            best = max(best, result, key=lambda r: (r.decimals, r.stage))
        elif result.label == best.label or result.val_bpb < best.val_bpb:  # said again: the last one counts
            best = result
        elif result.stage > best.stage:
            failed = result
    return best, failed


def _checked(best: Result, why: str, trust: Trust) -> Choice:
    """The choice, unless the log's other lines contradict it."""
    ratio = best.bytes_per_token
    if ratio is None:
        return Choice(best, why)
    where = f"line {best.line} ({best.label})"
    if trust.ratios:
        usual = statistics.median(trust.ratios)
        if abs(ratio / usual - 1) > SAME_TEXT + best.rounding:
            return Choice(
                None, f"{where} implies {ratio:.4f} bytes per token, the log's other lines {usual:.4f}: not one text"
            )
    if trust.tokens in OFFICIAL_TOKENS and abs(ratio * trust.tokens / OFFICIAL_BYTES - 1) > SAME_TEXT + best.rounding:
        found = f"{where} implies {ratio * trust.tokens / 1e6:.1f} MB of text"
        return Choice(None, f"{found}, the contest's split has {OFFICIAL_BYTES / 1e6:.1f}: its bytes are miscounted")
    return Choice(best, why)


def _nothing(results: Sequence[Result]) -> str:
    if not results:
        return "no line states a val_bpb"
    last = results[-1]
    kinds = "periodic, before quantisation, a diagnostic, or under a label that golfkit does not know"
    return f"no line states a final result; the last val_bpb, line {last.line} ({last.label}), is {kinds}"
