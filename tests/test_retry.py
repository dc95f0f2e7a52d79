"""What is asked again, when, and what is never asked again."""

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfkit.budget.providers import retry
from golfkit.budget.providers.protocol import CreateUnknown, NoBalance, NoCapacity, Pod, ProviderError, Rejected
from golfkit.budget.providers.retry import PATIENCE_S, TRIES, Answer, Kind, Lost, Timing
from golfkit.errors import Exit

NOW = 1_780_000_000.0
EVERY_KIND = [*Kind]
NOT_CREATE = [kind for kind in Kind if kind is not Kind.CREATE]


class Waits:
    """A clock that only sleeping moves."""

    def __init__(self, chance=1.0):
        self.slept = []
        self.timing = Timing(lambda: NOW + sum(self.slept), self.slept.append, lambda: chance)


def ask(waits, kind, *outcomes):
    """The result of asking somebody who answers with these outcomes in turn, the last one for ever; and the calls."""
    calls = []

    def send():
        calls.append(None)
        return outcomes[min(len(calls), len(outcomes)) - 1]

    try:
        return retry.ask(send, kind, "RunPod: GET /v2/pods", waits.timing), len(calls)
    except ProviderError as error:
        return error, len(calls)


@pytest.mark.parametrize("kind", EVERY_KIND)
@pytest.mark.parametrize(
    ("status", "error", "exit_code", "word"),
    [
        (401, Rejected, Exit.BAD_FILE, "RUNPOD_API_KEY"),
        (402, NoBalance, Exit.REMOTE, "money"),
        (403, Rejected, Exit.BAD_FILE, "RUNPOD_API_KEY"),
        (409, Rejected, Exit.BAD_FILE, "settings"),
        (422, Rejected, Exit.BAD_FILE, "settings"),
        (308, ProviderError, Exit.REMOTE, "RUNPOD_API_BASE_URL"),
    ],
)
def test_a_refusal_is_asked_once_and_carries_the_words_of_the_problem(kind, status, error, exit_code, word):
    raised, calls = ask(Waits(), kind, Answer(status, "Title:\tthe detail: $.gpu: wrong"))
    assert isinstance(raised, error)
    assert (raised.exit_code, calls) == (exit_code, 1)
    assert "answered Title: the detail: $.gpu: wrong" in str(raised)
    assert word in str(raised)


def test_400_is_no_capacity_for_a_create_and_a_refusal_for_the_rest():
    assert isinstance(ask(Waits(), Kind.CREATE, Answer(400, "no machine"))[0], NoCapacity)
    assert all(isinstance(ask(Waits(), kind, Answer(400))[0], Rejected) for kind in NOT_CREATE)


def test_404_is_gone_where_one_machine_is_meant_and_an_error_elsewhere():
    for kind in EVERY_KIND:
        result, calls = ask(Waits(), kind, Answer(404, "Not Found"))
        assert calls == 1
        assert result is None if kind in (Kind.READ, Kind.TERMINATE) else isinstance(result, Rejected)


def test_404_of_a_proxy_says_nothing_about_a_machine():
    for kind in (Kind.READ, Kind.TERMINATE):
        error, calls = ask(Waits(), kind, Answer(404, "404: <html>", own=False))
        assert (type(error), calls) == (ProviderError, 1)
        assert "RUNPOD_API_BASE_URL" in str(error)


@pytest.mark.parametrize("chance", [0.0, 0.99])
def test_429_without_a_time_is_no_storm(chance):
    waits = Waits(chance)
    _, calls = ask(waits, Kind.LIST, Answer(429))
    assert min(waits.slept) >= 5
    assert calls <= 37


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_429_waits_as_long_as_asked_and_goes_on(kind):
    waits = Waits()
    busy = Answer(429, headers={"retry-after": "7"})
    done = Answer(200)
    assert ask(waits, kind, busy, busy, done) == (done, 3)
    assert waits.slept == [7, 7]


def test_429_storms_end_when_patience_does():
    waits = Waits()
    error, calls = ask(waits, Kind.CREATE, Answer(429, headers={"retry-after": "0"}))
    assert (type(error), error.exit_code) == (ProviderError, Exit.REMOTE)
    assert sum(waits.slept) == PATIENCE_S
    assert calls == PATIENCE_S / retry.LEAST_WAIT_S + 1


def test_a_wait_beyond_patience_is_not_begun():
    waits = Waits()
    error, calls = ask(waits, Kind.READ, Answer(429, headers={"retry-after": "3600"}))
    assert "try again in 3600 s" in str(error)
    assert (calls, waits.slept) == (1, [])


@pytest.mark.parametrize("kind", NOT_CREATE)
@pytest.mark.parametrize("failed", [Answer(500), Answer(503), Answer(408), Lost(True, "reset"), Lost(False, "refused")])
def test_what_failed_is_asked_again_with_waits_that_grow(kind, failed):
    waits = Waits()
    error, calls = ask(waits, kind, failed)
    assert (type(error), error.exit_code, calls) == (ProviderError, Exit.REMOTE, TRIES)
    assert waits.slept == [1, 2, 4, 8]
    done = Answer(204)
    assert ask(Waits(), kind, failed, done) == (done, 2)


@pytest.mark.parametrize("failed", [Answer(500), Answer(503), Answer(408), Lost(True, "reset after sending")])
def test_a_create_that_may_have_arrived_is_never_sent_again(failed):
    waits = Waits()
    error, calls = ask(waits, Kind.CREATE, failed)
    assert (type(error), calls, waits.slept) == (CreateUnknown, 1, [])


def test_a_create_that_never_left_is_sent_again():
    done = Answer(201)
    assert ask(Waits(), Kind.CREATE, Lost(False, "connection refused"), done) == (done, 2)
    error, calls = ask(Waits(), Kind.CREATE, Lost(False, "connection refused"))
    assert (type(error), calls) == (ProviderError, TRIES)


@given(failures=st.integers(0, 200), chance=st.floats(0, 1, exclude_max=True))
def test_backoff_is_full_jitter_below_a_bound(failures, chance):
    assert 0 <= retry.backoff(failures, chance) <= min(retry.MOST_WAIT_S, 2.0**failures)


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"retry-after": "12"}, 12),
        ({"retry-after": formatdate(NOW + 30, usegmt=True)}, 30),
        ({"retry-after": formatdate(NOW - 30, usegmt=True)}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "soon", "ratelimit": '"minute";r=0;t=9'}, 9),
        ({"ratelimit": '"minute";r=0;t=12, "hour";r=0;t=1812, "day";r=49500;t=45012'}, 1812),
        ({"ratelimit": '"minute";r=3;t=12'}, None),
        ({"retry-after": "5", "ratelimit": '"minute";r=0;t=12'}, 5),
        ({}, None),
    ],
)
def test_the_wait_asked_for_is_read_from_either_header(headers, wait_s):
    assert retry.asked_wait(headers, NOW) == wait_s


@given(st.dictionaries(st.sampled_from(["retry-after", "ratelimit"]), st.text(max_size=60)))
def test_headers_of_any_kind_are_a_wait_or_none(headers):
    wait_s = retry.asked_wait(headers, NOW)
    assert wait_s is None or wait_s >= 0


def places(**errors):
    """What first_place makes of places with these errors (None: a machine is free)."""
    tried = []

    def create_at(place):
        tried.append(place)
        if errors[place] is not None:
            raise errors[place]
        return Pod("pod1", "name", "starting")

    try:
        return retry.first_place([*errors], create_at), tried
    except ProviderError as error:
        return error, tried


def test_the_next_place_is_tried_while_places_refuse():
    full, closed, unknown = NoCapacity("full"), retry.Refused("403"), CreateUnknown("lost")
    pod, tried = places(a=full, b=closed, c=None, d=None)
    assert (pod.id, tried) == ("pod1", ["a", "b", "c"])
    assert places(a=closed, b=full) == (full, ["a", "b"])
    assert places(a=full, b=closed) == (full, ["a", "b"])
    assert places(a=closed) == (closed, ["a"])
    assert places(a=full, b=unknown, c=None) == (unknown, ["a", "b"])


def test_no_places_mean_anywhere():
    assert retry.first_place([], lambda place: Pod("pod1", str(place), "starting")).name == "None"
