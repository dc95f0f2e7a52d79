"""What to do about a provider's answer, by its HTTP status: one pure decision, and the loop that acts on it.

    answer                      create               read, terminate
    2xx                         done                 done
    400                         next data centre     refused
    401                         refused: the key     refused: the key
    402                         no balance           no balance
    403                         next data centre     refused: the key
    404 of the API itself       refused              gone
    422, every other 3xx, 4xx   refused              refused
    429                         wait as told         wait as told
    408, 5xx                    may exist            wait longer each time
    no answer, request sent     may exist            wait longer each time
    no answer, never sent       wait longer          wait longer each time

A create that may have reached the provider is never sent twice: two machines would bill.
Source: the table of failures in the reference of RunPod's REST v2, "Create a pod"; it would send a create again after
a 5xx, which golf does not.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from enum import Enum
from types import MappingProxyType
from typing import Any, NamedTuple

from golfkit.budget.providers.protocol import CreateUnknown, NoBalance, NoCapacity, Pod, ProviderError, Rejected
from golfkit.files import neutralise

TRIES = 5  # of a call that is not answered, or by 5xx
FIRST_WAIT_S, MOST_WAIT_S = 1.0, 20.0  # the longest wait after the first failure, and after any
LEAST_WAIT_S = 1.0  # after 429, so that "wait 0 s" cannot become a storm
UNTOLD_WAIT_S = 5.0  # after 429 without a time, and up to twice as long
PATIENCE_S = 180.0  # of waits together, in one call
SAID_CHARS = 400  # of a provider's words in a message


class Timing(NamedTuple):
    """Clock, sleep and chance of the waits."""

    now: Callable[[], float]  # Unix seconds
    sleep: Callable[[float], None]  # seconds
    random: Callable[[], float]  # 0 <= x < 1


class Kind(Enum):
    """What is asked, as far as repeating it matters."""

    CREATE = "create"
    READ = "read"
    LIST = "list"  # a read of what is always there: 404 is no answer to it
    TERMINATE = "terminate"


class Answer(NamedTuple):
    """What came back."""

    status: int
    said: str = ""  # its words, for a message; its status where there are none
    headers: Mapping[str, str] = MappingProxyType({})  # names in lower case
    value: Any = None  # what was asked for
    own: bool = True  # whether the API itself said it: the 404 of a proxy tells nothing about a machine


class Lost(NamedTuple):
    """No answer."""

    sent: bool  # whether the request may have reached the provider
    why: str


class Step(NamedTuple):
    """What to do next: `done`, `gone`, `wait`, `fail`."""

    act: str
    wait_s: float = 0.0
    error: ProviderError | None = None  # of `fail`; of `wait`, should patience end
    counts: bool = True  # whether this wait is one of the TRIES


class Refused(Rejected):
    """403: the key may not do this, or not there."""


def ask(send: Callable[[], Answer | Lost], kind: Kind, where: str, timing: Timing) -> Answer | None:
    """What `send` answers, sent again as long as its answers allow that; None when what it is about is gone.

    where  what is asked of whom, as the start of messages
    """
    waited, failures = 0.0, 0
    while True:
        outcome = send()
        step = decide(outcome, kind, where, failures, timing)
        if isinstance(outcome, Answer) and step.act == "done":
            return outcome
        if step.act == "gone":
            return None
        failures += step.counts
        if step.act == "fail" or failures == TRIES or waited + step.wait_s > PATIENCE_S:
            raise step.error or AssertionError(step)
        timing.sleep(step.wait_s)
        waited += step.wait_s


def decide(outcome: Answer | Lost, kind: Kind, where: str, failures: int, timing: Timing) -> Step:
    """The next step after an outcome.

    failures  unanswered tries and 5xx before this one
    """
    if isinstance(outcome, Lost):
        if kind is Kind.CREATE and outcome.sent:
            return Step("fail", error=_unknown(where, outcome.why))
        error = ProviderError(f"{where}: no answer ({outcome.why}), expected one; check the network, try again later")
        return Step("wait", backoff(failures, timing.random()), error)
    status = outcome.status
    if 200 <= status < 300:
        return Step("done")
    if status == 404 and outcome.own and kind in (Kind.READ, Kind.TERMINATE):
        return Step("gone")
    if status == 429:
        asked_s = asked_wait(outcome.headers, timing.now())
        wait_s = UNTOLD_WAIT_S * (1 + timing.random()) if asked_s is None else max(asked_s, LEAST_WAIT_S)
        error = ProviderError(f"{where}: too many requests; try again in {wait_s:.0f} s or later")
        return Step("wait", wait_s, error, counts=False)
    if status == 408 or status >= 500:
        if kind is Kind.CREATE:
            return Step("fail", error=_unknown(where, said(outcome)))
        error = ProviderError(f"{where}: {said(outcome)}; try again later")
        return Step("wait", backoff(failures, timing.random()), error)
    return Step("fail", error=_refusal(outcome, kind, where))


def backoff(failures: int, chance: float) -> float:
    """Seconds to wait before try number `failures` + 2: full jitter below a bound that doubles up to MOST_WAIT_S."""
    return chance * min(MOST_WAIT_S, FIRST_WAIT_S * 2**failures)


def asked_wait(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that the provider asks to wait: Retry-After (seconds or a date), else the used-up window of RateLimit.

    None where neither says so. Source: RFC 9110, 10.2.3; draft-ietf-httpapi-ratelimit-headers: `"minute";r=0;t=12`.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    if text:
        try:
            return max(0.0, parsedate_to_datetime(text).timestamp() - now)
        except ValueError:
            pass  # neither form of the header: as if it were not there
    waits = [float(t) for r, t in _WINDOW.findall(headers.get("ratelimit", "")) if int(r) == 0]
    return max(waits) if waits else None


_WINDOW = re.compile(r";\s*r=(\d{1,9});\s*t=(\d{1,9})")


def first_place(places: Sequence[str], create_at: Callable[[str | None], Pod]) -> Pod:
    """The machine of the first place where `create_at` finds one; no places: wherever the provider likes.

    NoCapacity and Refused (403) lead to the next place. With the last one used up, the error of a place without
    capacity is raised, else that of the last place.
    """
    errors: list[NoCapacity | Refused] = []
    for place in places or (None,):
        try:
            return create_at(place)
        except (NoCapacity, Refused) as error:
            errors.append(error)
    raise next((error for error in errors if isinstance(error, NoCapacity)), errors[-1])


def said(answer: Answer) -> str:
    """`answered 400: Bad Request: no machine is free`, on one line."""
    return f"answered {neutralise(answer.said)[:SAID_CHARS] or answer.status}"


def _refusal(answer: Answer, kind: Kind, where: str) -> ProviderError:
    text = f"{where}: {said(answer)}"
    match answer.status:
        case 400 if kind is Kind.CREATE:
            return NoCapacity(
                f"{text}; try again later, or other pod_data_centers; if it stays, correct the pod's settings"
            )
        case 401:
            return Rejected(f"{text}; set RUNPOD_API_KEY to a key that is valid")
        case 402:
            return NoBalance(f"{text}; add money to the RunPod account")
        case 403:
            return Refused(f"{text}; RUNPOD_API_KEY lacks the right to do this, use a key that has it")
        case status if status < 400:
            return ProviderError(f"{text}, expected no redirection; check RUNPOD_API_BASE_URL")
        case 404 if not answer.own:
            return ProviderError(f"{text}, expected an answer of RunPod; check RUNPOD_API_BASE_URL")
        case _:
            return Rejected(f"{text}; correct the pod's settings in golf.toml")


def _unknown(where: str, why: str) -> CreateUnknown:
    return CreateUnknown(f"{where}: {why}; whether a machine was made is not known")
