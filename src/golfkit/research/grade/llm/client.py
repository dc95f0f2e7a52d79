"""Asking a model over HTTP: retries, waits that servers ask for, and the purse before every try."""

import contextlib
import itertools
import random
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from golfkit.errors import Exit, GolfError
from golfkit.files import neutralise
from golfkit.research.fetch import retries
from golfkit.research.fetch.retries import Patience
from golfkit.research.grade.llm import wire
from golfkit.research.grade.llm.purse import Purse, Usage
from golfkit.research.grade.llm.wire import Endpoint, Manner, NoReply, Question, Reply

if TYPE_CHECKING:
    import httpx

MOST_BYTES = 4 << 20  # of an answer; 10 gradings are 4 kB
RETRIED = (408, 409, 425, 429)  # and every 5xx, Anthropic's 529 among them


class Rejected(Exception):
    """The server will not take this request (400, 413, 422): another one it may take."""


class Timing(NamedTuple):
    """The clock and the dice; tests bring their own.

    answer_s        the longest that one answer may take
    longest_wait_s  the longest wait that a server may ask for
    rng             for the pauses alone
    """

    answer_s: float
    longest_wait_s: float
    rng: random.Random
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time


class Client:
    """One endpoint for one run; what it takes is remembered."""

    def __init__(self, endpoint: Endpoint, http: "httpx.Client", purse: Purse, timing: Timing) -> None:
        self.purse = purse
        self._endpoint, self._http, self._timing = endpoint, http, timing
        self._manner = Manner()

    def ask(self, question: Question) -> Reply:
        """The model's reply; what it used is booked.

        CapReached   before a try that could pass a cap
        Rejected     the server will not take this request
        GolfError    exit 4: the key, the model or the address is wrong, or nobody answers
        """
        for tries in itertools.count(1):
            answer, most = self._send_as_taken(question)
            outcome = self._judged(answer) if isinstance(answer, Answer) else answer
            if isinstance(outcome, Reply):
                self.purse.book(outcome.usage or most)
                return outcome
            if outcome.billed:
                self.purse.book(most)
            self._wait(tries, outcome)
        raise AssertionError("the last pause raises")

    def _send_as_taken(self, question: Question) -> "tuple[Answer | Failed, Usage]":
        """Send a question, again without a parameter that the server refuses; (what came, the most it used)."""
        while True:
            sent = wire.body(self._endpoint, question, self._manner)
            most = wire.most(sent, question)
            self.purse.check(most)
            answer = self._send(sent)
            if isinstance(answer, Failed) or answer.status not in (400, 422):
                return answer, most
            manner = self._manner.without(self._endpoint.wire, answer.content[:4000].decode("utf-8", "replace"))
            if manner is None:
                return answer, most
            self._manner = manner

    def _send(self, sent: bytes) -> "Answer | Failed":
        import httpx

        headers = {"content-type": "application/json"} | self._endpoint.headers
        ends = self._timing.now() + self._timing.answer_s
        try:
            with self._http.stream("POST", self._endpoint.url, content=sent, headers=headers) as response:
                content = b""
                for part in response.iter_bytes():
                    content += part
                    if len(content) > MOST_BYTES or self._timing.now() > ends:
                        return Failed(f"the answer has not ended after {len(content)} bytes", billed=True)
                return Answer(response.status_code, response.headers, content)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return Failed(f"{type(error).__name__}: {error}")
        except (httpx.TransportError, httpx.DecodingError) as error:
            return Failed(f"{type(error).__name__}: {error}", billed=True)

    def _judged(self, answer: "Answer") -> "Reply | Failed":
        """The reply, or why there is none where another try may bring it; what no try will change is raised."""
        status, said = answer.status, wire.said(answer.content)
        if status == 200:
            try:
                return wire.parse(self._endpoint.wire, answer.content)
            except NoReply as error:
                if error.status is None:
                    return Failed(str(error), billed=True)
                status, said = error.status, str(error)
        why = f"answered {status}: {self._shown(said)}"
        if status in RETRIED or status >= 500:
            wait_s = retries.asked_wait(status, answer.headers, self._timing.now())
            return Failed(why, wait_s=wait_s, limited=status == 429)
        if status in (400, 413, 422):
            raise Rejected(why)
        fix = {
            401: "check the key",
            403: "check the key's rights",
            404: "check llm_base_url and llm_model",
            402: "the account has no credit",
        }.get(status, "check llm_base_url, llm_wire and llm_model")
        raise GolfError(f"{self._endpoint.shown}: {why}; {fix}", Exit.REMOTE)

    def _wait(self, tries: int, failed: "Failed") -> None:
        """Pause before the next try; GolfError where there is none in this run."""
        where = f"{self._endpoint.shown}: {self._shown(failed.why)}"
        patience = Patience(self._timing.longest_wait_s)
        if failed.wait_s is not None and failed.wait_s > patience.longest_wait_s:
            raise GolfError(f"{where}; it asks to wait {failed.wait_s:.0f} s, try again then", Exit.REMOTE)
        if tries == patience.tries:
            raise GolfError(f"{where}, {tries} times; try again later", Exit.REMOTE)
        pause_s = retries.pause(patience, tries, refused=failed.limited, rng=self._timing.rng)
        self._timing.sleep(pause_s if failed.wait_s is None else failed.wait_s)

    def _shown(self, text: str) -> str:
        """Text of the server's for a line: without the key, which some servers repeat."""
        key = self._endpoint.key
        return neutralise(text.replace(key, "***") if key else text)


class Answer(NamedTuple):
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Failed(NamedTuple):
    """A try that brought nothing, where another one may.

    billed   the request may have been worked on, so that its worst case counts as used
    wait_s   what the server asked to wait; None where it did not
    limited  it said that there are too many requests
    """

    why: str
    billed: bool = False
    wait_s: float | None = None
    limited: bool = False


@contextlib.contextmanager
def opened(endpoint: Endpoint, purse: Purse, *, timeout_s: float, longest_wait_s: float) -> Iterator[Client]:
    """A client on the network, while the block runs. Redirects are not followed: the key stays with its address."""
    import httpx

    timeout = httpx.Timeout(timeout_s, connect=min(timeout_s, 10.0))
    with httpx.Client(timeout=timeout, headers={"user-agent": "golfkit"}) as http:
        yield Client(endpoint, http, purse, Timing(timeout_s, longest_wait_s, random.Random()))
