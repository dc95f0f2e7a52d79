"""The credits of searches: no process, killed or beside others, passes the month's cap."""

import multiprocessing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from golfkit.errors import GolfError
from golfkit.research import credits

NOW = datetime(2026, 5, 31, 23, 0, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> credits.Ledger:
    return credits.Ledger(tmp_path / credits.FILE, Decimal("0.04"), Decimal("0.008"))


def test_the_cap_is_the_month_s_dollars_in_whole_credits(ledger):
    assert ledger.cap == 5
    assert credits.Ledger(Path("x"), Decimal("5.0"), Decimal("0.008")).cap == 625


def test_credits_are_taken_until_the_next_would_pass_the_cap(ledger):
    assert ledger.take(4, "a", NOW)
    assert ledger.take(2, "b", NOW) is None
    assert ledger.take(1, "c", NOW)
    assert ledger.take(1, "d", NOW) is None
    assert ledger.spent(NOW) == 5


def test_what_was_not_charged_is_given_back_and_what_is_unknown_is_not(ledger):
    refused, killed = (ledger.take(1, name, NOW) for name in ("refused", "killed"))
    ledger.release(refused, NOW)
    assert killed
    assert ledger.spent(NOW) == 1


def test_a_month_is_one_of_utc_and_begins_with_nothing_spent(ledger):
    ledger.take(5, "may", NOW)
    assert ledger.take(1, "may", NOW) is None
    june = NOW + timedelta(hours=1)
    assert ledger.spent(june.astimezone()) == 0
    assert ledger.take(5, "june", june)
    assert ledger.spent(NOW) == 5


def test_credits_are_given_back_to_the_month_they_came_from(ledger):
    ticket = ledger.take(5, "may", NOW)
    ledger.release(ticket, NOW + timedelta(hours=1))
    assert ledger.spent(NOW) == 0


def test_without_a_price_there_is_no_cap(tmp_path):
    assert credits.Ledger(tmp_path / "c", Decimal(0), Decimal(0)).take(1000, "a", NOW)


def test_without_dollars_nothing_is_taken(tmp_path):
    assert credits.Ledger(tmp_path / "c", Decimal(0), Decimal("0.008")).take(1, "a", NOW) is None


def test_a_damaged_line_is_an_error_with_its_number(ledger):
    ledger.take(1, "a", NOW)
    with ledger.path.open("a") as file:
        file.write('{"ticket": "half')
    with pytest.raises(GolfError, match=r"credits\.jsonl:2: "):
        ledger.take(1, "b", NOW)


def test_five_addresses_are_extracted_for_a_credit():
    assert [credits.extract_credits(n) for n in (0, 1, 5, 6, 20)] == [0, 1, 1, 2, 4]


def _take_all(path: Path) -> int:
    ledger = credits.Ledger(path, Decimal("0.4"), Decimal("0.008"))
    return sum(1 for i in range(30) if ledger.take(1, f"{i}", NOW))


def test_processes_at_once_take_the_cap_together_and_no_credit_more(tmp_path):
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        taken = pool.map(_take_all, [tmp_path / "credits.jsonl"] * 4)
    assert sum(taken) == 50
    assert credits.Ledger(tmp_path / "credits.jsonl", Decimal(1), Decimal("0.008")).spent(NOW) == 50
