"""The book of the budget: what events add up to, what may start, and one journal that keeps every cent."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golfkit.budget.book import events, state
from golfkit.budget.book.events import BadEvent, Charge, Release, Reserve, Set, Settle
from golfkit.budget.book.journal import Book
from golfkit.budget.book.state import Limit, Limits, Tally, may_start, next_start
from golfkit.errors import Exit, GolfError

NOW = 1_790_000_000.0  # 2026-09-21T14:13:20Z
HOUR = 3600
RATE = Decimal("21.52")
LIMITS = Limits(Limit(50_000, "default", False), Limit(5_000, "default", False))


def reserved(name: str = "r1", worst_cents: int = 1000, at: float = NOW) -> Reserve:
    return Reserve(at=at, id=name, run="run", worst_cents=worst_cents, usd_per_hour=RATE, deadline=at + HOUR)


def settled(name: str = "r1", cents: int = 700, at: float = NOW + 60) -> Settle:
    return Settle(at=at, id=name, cents=cents, note="")


def released(name: str = "r1", at: float = NOW + 60) -> Release:
    return Release(at=at, id=name, note="")


def charged(cents: int, at: float = NOW) -> Charge:
    return Charge(at=at, run="run", cents=cents, note="")


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path, LIMITS)


def start(book: Book, worst_cents: int = 1000, now: float = NOW, per_hour: int = 99) -> str:
    return book.reserve("run", worst_cents, RATE, now, per_hour, now + HOUR)


def test_the_figures_of_a_state_add_up():
    found = state.fold([charged(100), reserved(), reserved("r2", 300), settled()], LIMITS, NOW)
    assert (found.seq, found.spent_cents, found.open_cents) == (4, 800, 300)
    assert (found.remaining_cents, found.available_cents) == (49_200, 49_200 - 300 - 5_000)
    assert [(charge.cents, charge.reservation) for charge in found.charges] == [(100, None), (700, "r1")]
    assert found.figures() == "total $500.00, spent $8.00, open $3.00 in 1, reserve $50.00"


def test_a_total_that_was_set_wins_over_golf_toml_and_a_variable_wins_over_it():
    happened = [Set(at=NOW, total_cents=100, reserve_cents=None), Set(at=NOW, total_cents=None, reserve_cents=7)]
    found = state.fold(happened, LIMITS, NOW)
    assert (found.total_cents, found.total_source, found.reserve_cents) == (100, "budget set", 7)
    variable = LIMITS._replace(total=Limit(90, "environment", True))
    found = state.fold(happened, variable, NOW)
    assert (found.total_cents, found.total_source, found.set_total_cents) == (90, "environment", 100)


@pytest.mark.parametrize(("spent", "warns"), [(40_000, False), (40_001, True)])
def test_less_than_twice_the_reserve_is_warned_about(spent, warns):
    found = state.fold([charged(spent)], LIMITS, NOW)
    assert (found.warning is not None) == warns
    assert may_start(found, 1, NOW, 1) == (True, may_start(found, 1, NOW, 1).reason, found.warning)


@pytest.mark.parametrize(
    ("happened", "worst", "allowed"),
    [
        ([], 45_000, True),
        ([], 45_001, False),
        ([charged(44_000)], 1_000, True),
        ([charged(44_000)], 1_001, False),
        ([reserved(worst_cents=44_000)], 1_001, False),
        ([reserved(worst_cents=44_000), released()], 45_000, True),
        ([charged(60_000)], 0, False),
    ],
)
def test_a_run_may_start_when_the_reserve_survives_its_worst_case(happened, worst, allowed):
    verdict = may_start(state.fold(happened, LIMITS, NOW), worst, NOW, per_hour=9)
    assert verdict.allowed == allowed
    assert allowed or "is more than the" in verdict.reason


@pytest.mark.parametrize(
    ("starts", "now", "per_hour", "at"),
    [
        ([], NOW, 1, None),
        ([NOW], NOW, 1, NOW + HOUR),
        ([NOW], NOW + HOUR - 0.001, 1, NOW + HOUR),
        ([NOW], NOW + HOUR, 1, None),
        ([NOW, NOW + 10], NOW + 20, 2, NOW + HOUR),
        ([NOW, NOW + 10, NOW + 15], NOW + 20, 2, NOW + 10 + HOUR),
        ([NOW, NOW + 10], NOW + 20, 3, None),
        ([NOW + 500], NOW, 1, NOW + 500 + HOUR),  # the clock went back
    ],
)
def test_an_hour_is_counted_from_a_runs_start(starts, now, per_hour, at):
    found = state.fold([reserved(f"r{n}", 1, at) for n, at in enumerate(starts)], LIMITS, now)
    assert next_start(found, now, per_hour) == at
    assert may_start(found, 1, now, per_hour).allowed == (at is None)


def test_a_refusal_by_the_hour_says_when_the_next_may_start():
    found = state.fold([reserved()], LIMITS, NOW)
    assert may_start(found, 1, NOW + 60, 1).reason == (
        "1 run started within the last hour, and promotions_per_hour is 1; "
        "the next may start at 2026-09-21T15:13:20.000Z, in 59 minutes"
    )
    early = may_start(state.fold([reserved()], LIMITS, NOW - 60), 1, NOW - 60, 1).reason
    assert early.endswith(
        "in 61 minutes (the last start, 2026-09-21T14:13:20.000Z, is ahead of this clock; is the clock right?)"
    )


def test_a_run_did_not_start_after_it_ended_and_a_released_one_never_did():
    back = NOW - 1000  # the clock was set back while the run went on
    assert state.fold([reserved(), settled(at=back)], LIMITS, back).starts == (back,)
    assert state.fold([reserved(), released()], LIMITS, NOW).starts == ()
    assert state.fold([reserved(), released(), settled()], LIMITS, NOW).starts == (NOW,)


@pytest.mark.parametrize(
    "happened",
    [
        [settled()],
        [released()],
        [reserved(), reserved()],
        [reserved(), settled(), settled()],
        [reserved(), settled(), released()],
        [reserved(), released(), released()],
        [reserved(), released(), reserved()],
    ],
)
def test_an_event_that_cannot_follow_is_refused_and_changes_nothing(happened):
    tally = Tally()
    for event in happened[:-1]:
        tally.add(event)
    before = tally.state(LIMITS, NOW)
    with pytest.raises(BadEvent, match="reservation r1"):
        tally.add(happened[-1])
    assert tally.state(LIMITS, NOW) == before


CENTS = st.integers(0, 30_000)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), CENTS),
        st.tuples(st.just("settle"), st.integers(0, 9), CENTS),
        st.tuples(st.just("release"), st.integers(0, 9)),
        st.tuples(st.just("charge"), CENTS),
        st.tuples(st.just("set"), st.none() | CENTS, st.none() | CENTS),
    ),
    max_size=25,
)


@settings(max_examples=40)
@given(steps=STEPS, hops=st.lists(st.integers(-4000, 4000), min_size=25, max_size=25), per_hour=st.integers(1, 3))
def test_whatever_happens_no_cent_is_lost_and_no_start_touches_the_reserve(tmp_path_factory, steps, hops, per_hour):
    book = Book(tmp_path_factory.mktemp("book"), LIMITS)
    ids: list[str] = []
    bill: dict[str, int] = {}  # what each reservation was settled with first
    by_hand, now = 0, NOW
    for step, hop in zip(steps, hops, strict=False):
        now += hop
        before = book.state(now)
        match step:
            case ("reserve", worst):
                fits = worst <= before.available_cents and len(before.starts) < per_hour
                if fits:
                    ids.append(start(book, worst, now, per_hour))
                    assert book.state(now).available_cents == before.available_cents - worst >= 0
                else:
                    with pytest.raises(GolfError, match="may not start"):
                        start(book, worst, now, per_hour)
                    assert book.state(now) == before
            case ("settle", n, cents) if ids:
                name = ids[n % len(ids)]
                assert book.settle(name, cents, now).cents == bill.setdefault(name, cents)
            case ("release", n) if ids:
                name = ids[n % len(ids)]
                assert book.release(name, now, "x") == bill.get(name, 0)
            case ("charge", cents):
                book.charge("run", cents, now)
                by_hand += cents
            case ("set", total, reserve):
                book.set(now, total, reserve)
        found = book.state(now)
        assert found.spent_cents == by_hand + sum(bill.values()) == sum(charge.cents for charge in found.charges)
        assert found.open_cents >= 0
        assert {reservation.id for reservation in found.open} | set(found.closed) == set(ids)
        if found.seq:
            kept = json.loads(book.snapshot.read_text())
            assert (kept["seq"], kept["spent_cents"], kept["open_cents"]) == (
                found.seq,
                found.spent_cents,
                found.open_cents,
            )


def test_a_refused_reservation_names_file_run_and_reason_and_writes_nothing(book):
    with pytest.raises(GolfError, match=r"budget\.jsonl: run may not start: its worst case of \$450\.01") as caught:
        start(book, 45_001)
    assert caught.value.exit_code == Exit.NO
    assert not book.journal.exists()
    start(book)
    with pytest.raises(GolfError, match=r"run may not start: 1 run started within the last hour"):
        start(book, per_hour=1)
    assert book.state(NOW).seq == 1


def test_a_settlement_closes_and_charges_in_one_line_and_a_second_one_changes_nothing(book):
    name = start(book)
    assert book.settle(name, 700, NOW + 60, "10 min") == (700, None)
    content = book.journal.read_bytes()
    assert content.count(b"\n") == 2
    assert book.settle(name, 999, NOW + 90) == (700, None)
    assert book.release(name, NOW + 90, "late") == 700
    assert book.journal.read_bytes() == content


def test_a_cost_above_the_worst_case_is_booked_whole_and_warned_about(book):
    found = book.settle(start(book, 1000), 1500, NOW)
    assert found.cents == 1500
    assert "cost $15.00, above its worst case of $10.00" in found.warning
    assert book.state(NOW).spent_cents == 1500


def test_a_bill_that_comes_after_a_release_is_booked_all_the_same(book):
    name = start(book)
    assert book.release(name, NOW, "no machine free") == 0
    assert book.release(name, NOW, "again") == 0
    found = book.settle(name, 700, NOW)
    assert (found.cents, "was released before" in found.warning) == (700, True)
    assert book.settle(name, 900, NOW) == (700, None)
    assert book.state(NOW).spent_cents == 700


def test_an_unknown_reservation_is_refused_with_those_that_are_open(book):
    name = start(book)
    for call in (lambda: book.settle("r9", 1, NOW), lambda: book.release("r9", NOW, "")):
        with pytest.raises(
            GolfError, match=rf"budget\.jsonl: no reservation r9, expected one of those open \({name}\)"
        ):
            call()


@pytest.mark.parametrize("cents", [-1, 1.0, True, None])
def test_amounts_that_are_no_cents_are_refused_before_anything_is_written(book, cents):
    with pytest.raises(ValueError, match="whole number of cents"):
        book.charge("run", cents, NOW)
    assert not book.journal.exists()


def test_a_reader_of_an_empty_book_writes_no_file_of_it(book, tmp_path):
    assert book.state(NOW).available_cents == 45_000
    assert not book.journal.exists()
    assert not book.snapshot.exists()


@pytest.mark.parametrize("stale", ["missing", "older"])
def test_a_snapshot_that_is_missing_or_stale_is_rebuilt_from_the_journal(book, stale):
    book.charge("a", 100, NOW)
    older = book.snapshot.read_bytes()
    book.charge("b", 200, NOW)
    newest = book.snapshot.read_bytes()
    book.snapshot.unlink()
    if stale == "older":
        book.snapshot.write_bytes(older)
    assert book.state(NOW).spent_cents == 300
    assert book.snapshot.read_bytes() == newest


def test_reservations_of_the_same_number_in_two_books_have_other_names(tmp_path):
    names = {start(Book(tmp_path / str(n), LIMITS), now=NOW + n) for n in range(5)}
    assert len(names) == 5
    assert {name.split("-")[0] for name in names} == {"r1"}


TEXT = st.text(max_size=20)
TIMES = st.integers(0, 4 * 10**12).map(lambda ms: ms / 1000)
EVENTS = st.one_of(
    st.builds(Set, at=TIMES, total_cents=st.none() | CENTS, reserve_cents=st.none() | CENTS),
    st.builds(
        Reserve,
        at=TIMES,
        id=TEXT,
        run=TEXT,
        worst_cents=CENTS,
        usd_per_hour=st.decimals(0, 100, places=2),
        deadline=TIMES,
    ),
    st.builds(Settle, at=TIMES, id=TEXT, cents=CENTS, note=TEXT),
    st.builds(Charge, at=TIMES, run=TEXT, cents=CENTS, note=TEXT),
    st.builds(Release, at=TIMES, id=TEXT, note=TEXT),
    st.builds(events.Recover, at=TIMES, kept=CENTS, note=TEXT, starts=st.lists(TIMES, max_size=3).map(tuple)),
)


@given(EVENTS, st.integers(1, 10**6))
def test_every_event_is_one_line_that_reads_back_as_itself(event, seq):
    line = events.encode(event, seq, "before")
    assert line.isascii()
    assert "\n" not in line
    assert events.decode(line, seq, "before").event == event


def test_the_form_of_a_line_is_golden():
    line = events.encode(reserved(), 1, events.SCHEMA)
    assert line == (
        '{"seq": 1, "kind": "reserve", "at": "2026-09-21T14:13:20.000Z", "id": "r1", "run": "run", '
        '"worst_cents": 1000, "usd_per_hour": "21.52", "deadline": "2026-09-21T15:13:20.000Z", '
        '"digest": "420434829e6e8b7e"}'
    )
